"""How a gap's consumption may have run: weights for its slots, by the methods of `estimation`.

Slots lie between the edges of a gap: the meter's hours, the first and last perhaps in part. All
but a straight line and degree days know hours only, so they are for meters that are read by the
hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meters.models import Medium, Meter
from meters.registers import Register
from readings import estimation, outdoors, queries
from readings.daily import start_of
from readings.estimation import Method
from readings.rules.buckets import BucketSize
from readings.rules.curve import Flag
from readings.rules.points import MICROSECOND, instant, micros
from readings.rules.values import Bucket, Quality

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_WEEKS = timedelta(weeks=estimation.OLDEST_LIKE_WEEK)
# Fewer neighbours are no group, more cost more than they tell.
_FEWEST_NEIGHBOURS, _MOST_NEIGHBOURS = 3, 10
# Reference days: the newest complete ones before the gap.
REFERENCE_DAYS = 7
_FEWEST_DAYS = 3
_BACK = timedelta(days=28)
_YEAR = timedelta(days=365)
# What follows the weather: the heat that a house takes, and the water that carries it.
HEATED = (Medium.HEAT, Medium.HEAT_COOLING)
WARMTH = ("e1", "e2", "v1", "v2", "e8", "e9")


@dataclass(frozen=True, slots=True)
class Slots:
    """A gap's slots: the hour that each is (a part of), and how much of that hour."""

    hours: tuple[datetime, ...]
    parts: tuple[Fraction, ...]

    def scaled(self, weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """A slot that is part of an hour has so much of that hour's weight."""
        return tuple(one * part for one, part in zip(weights, self.parts, strict=True))


def slots_of(edges: Sequence[datetime]) -> Slots:
    """The slots between these instants, of which all but the first and last are full hours."""
    hour = HOUR // MICROSECOND
    start = instant(micros(edges[0]) // hour * hour)
    return Slots(
        (start, *edges[1:-1]),
        tuple(Fraction((until - since) // MICROSECOND, hour) for since, until in pairwise(edges)),
    )


def weights(
    method: Method,
    meter: Meter,
    register: Register,
    edges: Sequence[datetime],
    zone: tzinfo,
    proxy: Meter | None = None,
) -> tuple[Fraction, ...] | None:
    """A weight for each slot by a method of known difference; None where it has nothing to go by.

    proxy: the comparison meter of Method.PROXY.
    """
    if method is Method.LINE:
        # The first and last slot are shorter.
        return tuple(Fraction((until - since) // MICROSECOND) for since, until in pairwise(edges))
    if method is Method.DEGREE_DAYS:
        return by_degree_days(meter, register, edges, zone)
    if meter.interval_s != HOUR.total_seconds():
        return None
    slots = slots_of(edges)
    found: Sequence[Fraction] | None = None
    if method is Method.LIKE_DAY:
        start = slots.hours[0]
        history = measured(meter, register, start - _WEEKS, start, zone)
        found = estimation.like_day_profile(slots.hours, history, zone)
    elif method is Method.PROFILE:
        found = _neighbours(meter, register, slots, zone)
    elif method is Method.REFERENCE_DAYS:
        found = by_hour_of_day(meter, register, slots, zone)
    elif method is Method.PROXY and proxy is not None:
        found = hours_of(proxy, register, slots, zone)
    return None if found is None else slots.scaled(found)


def measured(
    meter: Meter, register: Register, start: datetime, end: datetime, zone: tzinfo
) -> Mapping[datetime, Fraction]:
    """A meter's measured consumption by the beginning of each hour, UTC."""
    used = queries.consumption(meter.pk, register, start, end, BucketSize.HOUR, zone)
    return {one.start.astimezone(UTC): one.value for one in used if _is_measured(one)}  # type: ignore[misc]


def _is_measured(bucket: Bucket) -> bool:
    return (
        bucket.value is not None
        and bucket.quality in (Quality.MEASURED, Quality.INTERPOLATED)
        and Flag.ESTIMATED not in bucket.flags
    )


def hours_of(
    meter: Meter, register: Register, slots: Slots, zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """What another meter used in these hours; None where it does not tell them all."""
    there = measured(meter, register, slots.hours[0], slots.hours[-1] + HOUR, zone)
    if any(hour not in there for hour in slots.hours):
        return None
    return tuple(there[hour] for hour in slots.hours)


def _neighbours(
    meter: Meter, register: Register, slots: Slots, zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """What meters of the same medium in the same postal code used."""
    here = (
        meter.installations.filter(ends_at=None)
        .values_list("supply_point__postal_code", flat=True)
        .first()
    )
    if not here:
        return None
    others = Meter.objects.filter(
        medium=meter.medium,
        interval_s=meter.interval_s,
        installations__ends_at=None,
        installations__supply_point__postal_code=here,
    ).exclude(pk=meter.pk)
    told = [
        hours_of(one, register, slots, zone) for one in others.order_by("pk")[:_MOST_NEIGHBOURS]
    ]
    found = [one for one in told if one is not None]
    return estimation.neighbour_profile(found) if len(found) >= _FEWEST_NEIGHBOURS else None


def by_degree_days(
    meter: Meter, register: Register, edges: Sequence[datetime], zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """A quarter spread evenly, the rest by the degree days of the utility's outdoor temperature.

    An hour of a day weighs as much as any other of it, and as an equally cold one of a day of 23
    or 25 hours. None where the meter heats nothing, the temperature of a day that the gap touches
    is not known, or no day of it was cold.
    """
    if meter.medium not in HEATED or register.column not in WARMTH:
        return None
    first = edges[0].astimezone(zone).date()
    last = (edges[-1] - MICROSECOND).astimezone(zone).date()
    known = outdoors.degree_days(first, last, zone)
    if len(known) <= (last - first).days or not any(known.values()):
        return None
    midnights = {day: start_of(day + DAY, zone) for day in known}

    def degrees(since: datetime, until: datetime) -> Fraction:
        day, whole = since.astimezone(zone).date(), Fraction(0)
        while since < until:
            end = min(until, midnights[day])
            whole += known[day] * ((end - since) // MICROSECOND)
            since, day = end, day + DAY
        return whole

    return estimation.degree_day_profile(
        [degrees(since, until) for since, until in pairwise(edges)],
        estimation.WEATHER_INDEPENDENT,
        [Fraction((until - since) // MICROSECOND) for since, until in pairwise(edges)],
    )


def by_hour_of_day(
    meter: Meter, register: Register, slots: Slots, zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """The mean of the reference days for each slot's hour of the day."""
    start = slots.hours[0]
    history = measured(meter, register, start - _BACK, start, zone)
    days: dict[object, dict[int, Fraction]] = {}
    for at in sorted(history, reverse=True):
        local = at.astimezone(zone)
        days.setdefault(local.date(), {})[local.hour] = history[at]
    whole = [day for day in days.values() if len(day) == 24][:REFERENCE_DAYS]
    if len(whole) < _FEWEST_DAYS:
        return None
    return tuple(
        sum((day[hour.astimezone(zone).hour] for day in whole), Fraction(0)) / len(whole)
        for hour in slots.hours
    )


def onwards(
    method: Method,
    meter: Meter,
    register: Register,
    edges: Sequence[datetime],
    zone: tzinfo,
    proxy: Meter | None = None,
) -> estimation.Estimate | None:
    """Values after the last reading, until there is one; None where the method has nothing to go
    by. Methods: reference days, a comparison meter times the usual ratio, the mean of 7 days."""
    slots = slots_of(edges)
    if method is Method.EXTRAPOLATION:
        days = last_days(meter, register, edges[0], zone)
        if len(days) < _FEWEST_DAYS:
            return None
        made = estimation.extrapolate(days, len(slots.hours))
        hours = [one / 24 for one in made.values]
    elif meter.interval_s != HOUR.total_seconds():
        return None
    elif method is Method.REFERENCE_DAYS:
        found = by_hour_of_day(meter, register, slots, zone)
        if found is None:
            return None
        hours = list(found)
    elif method is Method.PROXY and proxy is not None:
        told = hours_of(proxy, register, slots, zone)
        ratio = usual_ratio(meter, proxy, register, edges[0], zone)
        if told is None or ratio is None:
            return None
        hours = list(estimation.proxy(told, ratio).values)
    else:
        return None
    return estimation.Estimate(slots.scaled(hours), method, temporary=True)


def last_days(
    meter: Meter, register: Register, before: datetime, zone: tzinfo
) -> tuple[Fraction, ...]:
    """What was used on the last measured days before an instant, 7 at most, the newest last."""
    used = queries.consumption(meter.pk, register, before - _BACK, before, BucketSize.DAY, zone)
    whole = [one for one in used if _is_measured(one) and one.end <= before]
    return tuple(one.value for one in whole[-REFERENCE_DAYS:] if one.value is not None)


def usual_ratio(
    meter: Meter, proxy: Meter, register: Register, before: datetime, zone: tzinfo
) -> Fraction | None:
    """A meter's consumption over another's on the days of the last 12 months that both told."""
    mine, theirs = (
        {
            bucket.start: bucket.value
            for bucket in queries.consumption(
                one.pk, register, before - _YEAR, before, BucketSize.DAY, zone
            )
            if _is_measured(bucket)
        }
        for one in (meter, proxy)
    )
    both = mine.keys() & theirs.keys()
    whole = sum((theirs[day] or Fraction(0) for day in both), Fraction(0))
    if len(both) < _FEWEST_DAYS or whole <= 0:
        return None
    return sum((mine[day] or Fraction(0) for day in both), Fraction(0)) / whole


def nothing_to_go_by(method: Method) -> ValidationError:
    """What to say where a method that was asked for has nothing to go by."""
    words = {
        Method.LIKE_DAY: _("No like days of the last 12 weeks tell all these hours."),
        Method.PROFILE: _(
            "Fewer than three meters of this medium in the same postal code tell all these hours."
        ),
        Method.DEGREE_DAYS: _(
            "Degree days share out heat between two readings, where the outdoor temperature of all "
            "the days is known and some day was below 17 °C."
        ),
        Method.REFERENCE_DAYS: _("Fewer than three whole days of the last four weeks are known."),
        Method.PROXY: _("The comparison meter does not tell all these hours."),
        Method.EXTRAPOLATION: _("Fewer than three whole days of the last four weeks are known."),
    }
    text = words.get(method, _("This method is not for this gap."))
    return ValidationError(text, code="nothing")
