"""Lines of meters and places, made of what the database holds.

A line (`readings.rules.curve.Curve`) is what every question about consumption is read off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import NamedTuple

from django.utils import timezone

from meters.models import Installation, Meter
from meters.registers import Register
from readings import midnights
from readings.rules.buckets import Days
from readings.rules.curve import Curve, join
from readings.rules.curve import Installation as Placed
from readings.rules.points import MICROSECOND, Series
from readings.rules.values import Bucket, add_parts
from readings.series import Stay, clamp, limits_before, load


def check_counts(register: Register) -> None:
    """Raises ValueError for a register that measures and does not count up."""
    if not register.cumulative:
        raise ValueError(f"{register.code} does not count up: it has no consumption")


class MeterLine(NamedTuple):
    """A meter's line and the readings it was made of.

    first, last: those of the meter that was there when the window began and when it ended; the
    same one, unless it was exchanged in between. What a register showed is told by them alone:
    nothing is interpolated from one meter's register to another's. known: the first and the last
    reading of all, microseconds since 1970 UTC; None where there is none.
    """

    curve: Curve
    first: Series
    last: Series
    known: tuple[int, int] | None


def meter_lines(
    meter_ids: Sequence[int], register: Register, start: datetime, end: datetime, days: Days
) -> list[Curve]:
    """The line of each of many meters, as `meter_line` by days, in a fixed number of statements."""
    window = _Window(start.astimezone(UTC), end.astimezone(UTC), timezone.now(), days)
    series = _series_of_many([Stay(one) for one in meter_ids], register, window)
    rows = [[(one, Placed(found))] for one, found in zip(meter_ids, series, strict=True)]
    return _all_joined(rows, register)


def meter_line(
    meter_id: int, register: Register, start: datetime, end: datetime, days: Days | None = None
) -> MeterLine:
    """A meter's line of a register, as far as it answers for [start, end].

    days: the days that the window is made of, where only their midnights are asked about; then
    daily rows are read, and readings only where those do not suffice.
    """
    window = _Window(start.astimezone(UTC), end.astimezone(UTC), timezone.now(), days)
    series = _series(Stay(meter_id), register, window)
    curve = _joined([(meter_id, Placed(series))], register)
    return MeterLine(curve, series, series, _known([series]))


def _known(series: Sequence[Series]) -> tuple[int, int] | None:
    times = [time for one in series if one.times for time in (one.times[0], one.times[-1])]
    return (min(times), max(times)) if times else None


class _Window(NamedTuple):
    start: datetime
    end: datetime
    now: datetime
    days: Days | None


def _series(stay: Stay, register: Register, window: _Window) -> Series:
    return _series_of_many([stay], register, window)[0]


def _series_of_many(stays: Sequence[Stay], register: Register, window: _Window) -> list[Series]:
    """The readings of each stay; by days, in a number of statements that does not grow with them.

    By anything finer each is read by itself: no page asks that of many.
    """
    if window.days is None:
        return [load(one, register, window.start, window.end, window.now) for one in stays]
    zone = window.days.zone
    wanted = [
        midnights.Wanted(
            stay.meter_id,
            clamp(window.start, stay).astimezone(zone).date(),
            (clamp(window.end, stay) - MICROSECOND).astimezone(zone).date(),
            # What lies on the other side of an exchange belongs to another place.
            {at.astimezone(zone).date() for at in (stay.starts_at, stay.ends_at) if at is not None},
        )
        for stay in stays
    ]
    return midnights.series_of_many(wanted, register.column, zone)


Row = Sequence[tuple[int, Placed]]


def _joined(placed: Row, register: Register) -> Curve:
    """The line of successive meters; where a register falls, whether it had run full."""
    return _all_joined([placed], register)[0]


def _all_joined(rows: Sequence[Row], register: Register) -> list[Curve]:
    curves = [join([one for _, one in row]) for row in rows]
    fallen = {
        (at, place): (meter_id, falls[0][0])
        for at, row in enumerate(rows)
        if curves[at].falls
        for place, (meter_id, one) in enumerate(row)
        if (falls := join([one]).falls)
    }
    if not fallen:
        return curves
    told = limits_before(list(fallen.values()), register)
    limits = dict(zip(fallen, told, strict=True))
    for at in {at for at, _place in fallen}:
        again = join(
            [
                replace(one, limits=limits[at, place]) if (at, place) in limits else one
                for place, (_, one) in enumerate(rows[at])
            ]
        )
        if again.rollovers:
            curves[at] = again
    return curves


def line_through_exchanges(
    meter_id: int, register: Register, start: datetime, end: datetime, days: Days | None = None
) -> MeterLine:
    """The line that a mounted meter carries on at its place: through the meters before it.

    Consumption belongs to the place. A meter that is mounted nowhere, or that nothing came before,
    has its own line alone (`meter_line`). days: as for `meter_line`.
    """
    row = _row_of(meter_id)
    if len(row) < 2:
        return meter_line(meter_id, register, start, end, days)
    window = _Window(start.astimezone(UTC), end.astimezone(UTC), timezone.now(), days)
    needed = _needed(row, window.start, window.end)
    series = _series_of_many([_stay(one) for one in needed], register, window)
    placed = [
        (one.meter_id, _placed(one, told, register))
        for one, told in zip(needed, series, strict=True)
    ]
    there = [place for place, one in enumerate(needed) if one.starts_at < window.end]
    left = [place for place, one in enumerate(needed) if (one.ends_at or window.end) > window.start]
    first = series[left[0]] if left else series[-1]
    last = series[there[-1]] if there else series[0]
    return MeterLine(_joined(placed, register), first, last, _known(series))


def _row_of(meter_id: int) -> list[Installation]:
    """The installations at a mounted meter's place that follow each other up to it."""
    here = Installation.objects.filter(meter=meter_id, ends_at=None).values("supply_point")
    medium = Meter.objects.filter(pk=meter_id).values("medium")
    installations = Installation.objects.filter(
        supply_point__in=here, meter__medium__in=medium
    ).order_by("starts_at", "pk")
    rows = _in_rows(installations.only(*_NEEDED))
    return next((row for row in rows if row[-1].meter_id == meter_id), [])


class PlaceLine(NamedTuple):
    """The line of successive meters at a place, and when there was one."""

    curve: Curve
    stays: Sequence[tuple[datetime, datetime | None]]

    def present(self, bucket: Bucket) -> bool:
        """Whether a meter of this line was there at any time of a bucket."""
        return any(
            starts_at < bucket.end and (ends_at is None or ends_at > bucket.start)
            for starts_at, ends_at in self.stays
        )


def place_lines(
    supply_point_id: int,
    medium: str,
    register: Register,
    start: datetime,
    end: datetime,
    days: Days | None = None,
) -> list[PlaceLine]:
    """A place's lines of a medium: one, or one for each of several meters beside each other.

    days: as for `meter_line`.
    """
    return lines_of_places([supply_point_id], medium, register, start, end, days)[supply_point_id]


def lines_of_places(
    supply_points: Sequence[int],
    medium: str,
    register: Register,
    start: datetime,
    end: datetime,
    days: Days | None = None,
) -> dict[int, list[PlaceLine]]:
    """The lines of each of many places (`place_lines`); by days, in a number of statements that
    does not grow with them."""
    window = _Window(start.astimezone(UTC), end.astimezone(UTC), timezone.now(), days)
    there: dict[int, list[Installation]] = {one: [] for one in supply_points}
    for one in (
        Installation.objects.filter(supply_point__in=supply_points, meter__medium=medium)
        .order_by("starts_at", "pk")
        .only(*_NEEDED)
    ):
        there[one.supply_point_id].append(one)
    rows = [
        (place, _needed(row, window.start, window.end))
        for place, installations in there.items()
        for row in _in_rows(installations)
    ]
    stays = [_stay(one) for _place, row in rows for one in row]
    series = iter(_series_of_many(stays, register, window))
    placed = [
        [(one.meter_id, _placed(one, next(series), register)) for one in row]
        for _place, row in rows
    ]
    found: dict[int, list[PlaceLine]] = {one: [] for one in supply_points}
    for (place, row), curve in zip(rows, _all_joined(placed, register), strict=True):
        found[place].append(PlaceLine(curve, [(one.starts_at, one.ends_at) for one in row]))
    return found


def add_lines(lines: Sequence[PlaceLine], series: Sequence[Sequence[Bucket]]) -> tuple[Bucket, ...]:
    """The sum of a place's lines, bucket by bucket: over those that had a meter then.

    series: the buckets of each line. A place without any line has none: raises ValueError.
    """
    if not lines:
        raise ValueError("a sum of no lines")
    found = []
    for parts in zip(*series, strict=True):
        there = [part for line, part in zip(lines, parts, strict=True) if line.present(part)]
        found.append(add_parts(there or parts[:1]))
    return tuple(found)


def _stay(installation: Installation) -> Stay:
    return Stay(installation.meter_id, installation.starts_at, installation.ends_at)


def _placed(installation: Installation, series: Series, register: Register) -> Placed:
    return Placed(
        series,
        installation.starts_at,
        installation.ends_at,
        installation.start_registers.get(register.column),
        installation.end_registers.get(register.column),
        factor=Fraction(installation.factor),
        bridge=Fraction(installation.bridges.get(register.column, 0)),
    )


_NEEDED = (
    "supply_point_id",
    "meter_id",
    "starts_at",
    "ends_at",
    "start_registers",
    "end_registers",
    "factor",
    "bridges",
)


def _in_rows(installations: Iterable[Installation]) -> list[list[Installation]]:
    """Installations in rows that do not overlap: meters that came one after the other."""
    rows: list[list[Installation]] = []
    for one in installations:
        for row in rows:
            ended = row[-1].ends_at
            if ended is not None and ended <= one.starts_at:
                row.append(one)
                break
        else:
            rows.append([one])
    return rows


def _needed(row: list[Installation], start: datetime, end: datetime) -> list[Installation]:
    """Of a row those that the window needs: all that reach into it, and the ones before and after,
    whose registers are the line's ends."""
    before = [one for one in row if one.ends_at is not None and one.ends_at <= start]
    after = [one for one in row if one.starts_at >= end]
    inside = [one for one in row if one not in before and one not in after]
    return [*before[-1:], *inside, *after[:1]]
