"""Consumption of many meters at once: a month of a whole utility in a few tenths of a second.

Only the neighbours of the two boundaries are read; the rule is the same as for one meter
(`readings.rules.intervals.at_boundary`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import NamedTuple

from django.db.models import BinaryField, BooleanField, ExpressionWrapper, Func, Q
from django.utils import timezone

from meters.models import Installation, Meter
from meters.registers import Register
from readings import midnights
from readings.lines import add_lines, check_counts, lines_of_places, meter_line, meter_lines
from readings.rules.buckets import BucketSize, Days, whole_days
from readings.rules.curve import Flag
from readings.rules.intervals import (
    DEFAULT_THRESHOLDS,
    AtBoundary,
    Reach,
    at_boundary,
    difference,
    whole_window,
)
from readings.rules.points import micros
from readings.rules.values import QUALITIES, Bucket, Quality
from readings.series import (
    FAR,
    NOTHING,
    Sides,
    around,
    beside_midnight,
    ends_of_thinned,
    instants,
    nearest,
)

# Two readings of nearly every meter lie within this of any instant.
_AROUND = timedelta(hours=2)
_MONTHS = timedelta(days=62)
# Meters that are asked about one by one, at a few milliseconds each.
_MOST_ALONE = 100


class MeterTotal(NamedTuple):
    """A meter and its consumption in a window, as one bucket."""

    meter_id: int
    bucket: Bucket


def totals(
    meter_ids: Sequence[int] | None,
    register: Register,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
) -> tuple[MeterTotal, ...]:
    """What each of many meters counted in [start, end); None: every meter of the utility.

    Reads only the neighbours of both boundaries; a meter whose register falls there or between
    is asked about alone, reading by reading. Between the boundaries a fall is only seen in a
    window of whole days of the zone, and on days that have their daily rows. Of whole days the
    statements do not grow with the meters.
    size: whose thresholds tell interpolated from estimated.
    Raises ValueError for an empty window or a register that does not count up.
    """
    check_counts(register)
    ids = list(Meter.objects.values_list("pk", flat=True)) if meter_ids is None else meter_ids
    question = _Question(
        register,
        start.astimezone(UTC),
        end.astimezone(UTC),
        size,
        whole_days(start, end, zone),
        timezone.now(),
    )
    told = _quick(ids, question, everyone=meter_ids is None)
    alone = [one for one in ids if told[one] is None]
    curves = (
        meter_lines(alone, register, start, end, question.days)
        if question.days
        else [meter_line(one, register, start, end).curve for one in alone]
    )
    for meter_id, curve in zip(alone, curves, strict=True):
        told[meter_id] = whole_window(curve, start, end, size)
    return tuple(MeterTotal(one, bucket) for one in ids if (bucket := told[one]) is not None)


class _Question(NamedTuple):
    register: Register
    start: datetime
    end: datetime
    size: BucketSize
    days: Days | None
    now: datetime


def _quick(
    ids: Sequence[int],
    question: _Question,
    *,
    everyone: bool,
    placed: Mapping[int, "_Placed"] | None = None,
) -> dict[int, Bucket | None]:
    """Each meter's bucket by its neighbours at both boundaries; None where they do not tell."""
    start, end = question.start, question.end
    if start >= end:
        raise ValueError(f"the window ends ({end}) before it begins ({start})")
    first = _sides(ids, everyone, question, start)
    last = _sides(ids, everyone, question, end)
    reach = Reach.of(DEFAULT_THRESHOLDS, question.size)
    ends = _Ends(start, end, micros(start), micros(end), reach)
    odd = _odd(question)
    found: dict[int, Bucket | None] = {}
    for meter_id in ids:
        one, other = first[meter_id], last[meter_id]
        found[meter_id] = None
        if one is None or other is None or meter_id in odd or not _rises(one, other):
            continue
        if placed is None or not placed[meter_id].needed(one.before):
            found[meter_id] = _between(one, other, ends)
    return found


def _odd(question: _Question) -> set[int]:
    """Meters whose registers fell within the window, or may have."""
    if question.days is None:
        return set()
    first, last, zone = question.days.first, question.days.last, question.days.zone
    # Today's readings have no daily row yet.
    last = min(last, question.now.astimezone(zone).date() - timedelta(days=1))
    odd = midnights.odd_meters(question.register.column, first, last, zone)
    # So many only just after midnight or an import, until the days' rows are made.
    return odd if len(odd) <= _MOST_ALONE else set()


class _Placed(NamedTuple):
    """When a meter came to its place, and whether its register was read off then."""

    began: int
    has_register: bool

    def needed(self, before: tuple[int, int] | None) -> bool:
        """Whether the visit tells more of the window's start than the reading before it does."""
        return self.has_register if before is None else before[0] < self.began


def _sides(
    ids: Sequence[int], everyone: bool, question: _Question, at: datetime
) -> dict[int, Sides | None]:
    """The neighbours of one boundary for many meters; None: ask about that meter alone."""
    days, register = question.days, question.register
    if days is not None:
        day = at.astimezone(days.zone).date()
        if day < question.now.astimezone(days.zone).date():
            told = beside_midnight(ids, register, day, days.zone)
            rest = [one for one in ids if one not in told]
            if len(rest) <= _MOST_ALONE:
                return {**told, **dict.fromkeys(rest)}
            sides = _from_readings(rest, False, register, at, question.now)
            befores = {one: beside.before for one, beside in sides.items()}
            for one, end in ends_of_thinned(befores, register, day).items():
                if (before := sides[one].before) is None or before[0] < end[0]:
                    sides[one] = sides[one]._replace(before=end)
            return {**told, **sides}
    return {**_from_readings(ids, everyone, register, at, question.now)}


def _from_readings(
    ids: Sequence[int], everyone: bool, register: Register, at: datetime, now: datetime
) -> dict[int, Sides]:
    """The same out of the readings: those nearby in one range, the few others each by its own
    look-up."""
    near = around(None if everyone else ids, register, at, _AROUND)
    found = {one: near.get(one, NOTHING) for one in ids}
    bound = micros(at)
    for reach in (_MONTHS, FAR):
        lacking = [one for one in ids if found[one].before is None]
        for one, reading in nearest(lacking, register, at, reach, before=True).items():
            found[one] = found[one]._replace(before=reading)
        if at < now:
            lacking = [one for one in ids if _open(found[one], bound)]
            for one, reading in nearest(lacking, register, at, reach, before=False).items():
                found[one] = found[one]._replace(after=reading)
    return found


def _open(sides: Sides, bound: int) -> bool:
    """Whether the reading after the boundary is wanted and not found yet."""
    return sides.after is None and (sides.before is None or sides.before[0] < bound)


def _rises(one: Sides, other: Sides) -> bool:
    """Whether the register only rose, as far as the readings next to both boundaries tell."""
    if not (one.rises and other.rises):
        return False
    highest = 0
    for side in (one.before, one.after, other.before, other.after):
        if side is not None:
            if side[1] < highest:
                return False
            highest = side[1]
    return True


def _line_at(sides: Sides, bound: int, reach: Reach) -> AtBoundary | None:
    before, after = sides.before, sides.after
    if before is None:
        return None
    if before[0] == bound:
        return before[1], 1, 0
    if after is None:
        return None
    return at_boundary((before[0], after[0]), (before[1], after[1]), 1, bound, reach)


class _Ends(NamedTuple):
    """A window's ends as datetimes and in microseconds, and the thresholds that hold for it."""

    start: datetime
    end: datetime
    first: int
    last: int
    reach: Reach


def _between(one: Sides, other: Sides, ends: _Ends) -> Bucket:
    """The window as one bucket, by the readings next to its ends."""
    start, end, first, last, reach = ends
    here, there = _line_at(one, first, reach), _line_at(other, last, reach)
    if here is not None and there is not None:
        over, under, quality = difference(here, there)
        return Bucket(start, end, over, under, QUALITIES[quality])
    # Data begin after the start or end before the end: what is known between.
    low = here or (one.after and (one.after[1], 1, 0))
    high = there or (other.before and (other.before[1], 1, 0))
    begins = first if here else one.after[0] if one.after else last
    stops = last if there else other.before[0] if other.before else first
    if not low or not high or begins >= stops:
        return Bucket(start, end, None, 1, Quality.NONE)
    over, under, _ = difference(low, high)
    return Bucket(start, end, None, 1, Quality.NONE, (Flag.PARTIAL,), Fraction(over, under))


class PlaceTotal(NamedTuple):
    """A place, the meter that is there last in the window, and the place's consumption in it."""

    supply_point_id: int
    meter_id: int
    bucket: Bucket


def totals_of_supply_points(
    medium: str,
    register: Register,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
) -> tuple[PlaceTotal, ...]:
    """What each place used of a medium in [start, end), through meter exchanges.

    Places with one meter all the time are asked about by the readings beside both boundaries, the
    others by their lines; by whole days, either in a number of statements that does not grow.
    Raises ValueError as `totals`.
    """
    check_counts(register)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    days = whole_days(start, end, zone)
    question = _Question(register, start, end, size, days, timezone.now())
    stays = _stays(medium, question)
    alone = {place: one[0] for place, one in stays.items() if len(one) == 1 and one[0].throughout}
    placed = {stay.meter_id: stay.placed for stay in alone.values()}
    # Where readings are looked for in one range, naming thousands of meters costs more than reading
    # a few too many.
    everyone = 2 * len(placed) >= len(stays)
    quick = _quick(sorted(placed), question, everyone=everyone, placed=placed)
    told = {place: quick[stay.meter_id] for place, stay in alone.items()}
    rest = [place for place in stays if told.get(place) is None]
    for place, lines in lines_of_places(rest, medium, register, start, end, days).items():
        windows = [[whole_window(line.curve, start, end, size)] for line in lines]
        (told[place],) = add_lines(lines, windows)
    return tuple(
        PlaceTotal(place, meters[-1].meter_id, bucket)
        for place, meters in stays.items()
        if (bucket := told[place]) is not None
    )


class _PlaceStay(NamedTuple):
    meter_id: int
    placed: _Placed
    throughout: bool


def _stays(medium: str, question: _Question) -> dict[int, list[_PlaceStay]]:
    """Who was where in the window, by place and time."""
    began = Func("starts_at", function="timestamptz_send", output_field=BinaryField())
    # A factor is applied to a line, not to the readings beside two boundaries.
    there = Q(starts_at__lt=question.start, ends_at=None, factor=1)
    read_off = Q(start_registers__has_key=question.register.column)
    rows = list(
        Installation.objects.filter(meter__medium=medium, starts_at__lt=question.end)
        .exclude(ends_at__lte=question.start)
        .order_by("starts_at", "pk")
        .annotate(
            # Ten thousand datetimes take longer to read than all the rest.
            began=began,
            throughout=ExpressionWrapper(there, BooleanField()),
            read_off=ExpressionWrapper(read_off, BooleanField()),
        )
        .values_list("supply_point_id", "meter_id", "began", "throughout", "read_off")
    )
    found: dict[int, list[_PlaceStay]] = {}
    times = instants(b"".join(row[2] for row in rows))
    for (place, meter_id, _, throughout, known), time in zip(rows, times, strict=True):
        stay = _PlaceStay(meter_id, _Placed(time, known), throughout)
        found.setdefault(place, []).append(stay)
    return found
