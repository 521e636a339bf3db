"""Quarter-hours, hours, days, months and years as people of a time zone count them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from readings.rules.points import instant, micros


class BucketSize(StrEnum):
    """How long a bucket is, on the wall clock."""

    FIVE_MINUTES = "5min"
    QUARTER_HOUR = "15min"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


_SECOND = 1_000_000
_WITHIN_A_DAY = {
    BucketSize.FIVE_MINUTES: 300 * _SECOND,
    BucketSize.QUARTER_HOUR: 900 * _SECOND,
    BucketSize.HOUR: 3600 * _SECOND,
}
# Every offset in use, and every change of one, is a multiple of this.
_OFFSET_GRAIN = 300 * _SECOND


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The same instants twice: microseconds since 1970 UTC, and as datetimes in UTC."""

    times: tuple[int, ...]
    instants: tuple[datetime, ...]


@lru_cache(maxsize=16)
def boundaries(start: datetime, end: datetime, size: BucketSize, zone: tzinfo) -> Boundaries:
    """The start of a window, every boundary of the zone inside it, and its end.

    A window that does not begin or end on a boundary has a shorter first or last bucket, so that
    the buckets always make up the window exactly. Days have 23 to 25 hours. Raises ValueError
    unless start < end (both aware).
    """
    first, last = micros(start), micros(end)
    if first >= last:
        raise ValueError(f"the window ends ({end}) before it begins ({start})")
    if size in _WITHIN_A_DAY:
        inner = _within_days(start, end, _WITHIN_A_DAY[size], zone)
    else:
        inner = _calendar(start, end, size, zone)
    times = (first, *(at for at in inner if first < at < last), last)
    return Boundaries(times, _instants(times))


def _instants(times: tuple[int, ...]) -> tuple[datetime, ...]:
    # Adding one of a few steps is many times cheaper than making each instant anew.
    here = instant(times[0])
    found = [here]
    steps: dict[int, timedelta] = {}
    for earlier, later in pairwise(times):
        step = later - earlier
        if step not in steps:
            steps[step] = timedelta(0, 0, step)
        here += steps[step]
        found.append(here)
    return tuple(found)


def midnight(day: date, zone: tzinfo) -> int:
    """The first instant of a local day, microseconds since 1970 UTC."""
    # fold=0 is the first of two midnights, and the moment of the jump where midnight is skipped.
    return micros(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Days:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date
    zone: tzinfo


def whole_days(start: datetime, end: datetime, zone: tzinfo) -> Days | None:
    """The local days that make up a window (aware); None where it cuts through one."""
    first, after = start.astimezone(zone).date(), end.astimezone(zone).date()
    if first >= after or midnight(first, zone) != micros(start):
        return None
    if midnight(after, zone) != micros(end):
        return None
    return Days(first, after - timedelta(days=1), zone)


def _calendar(start: datetime, end: datetime, size: BucketSize, zone: tzinfo) -> list[int]:
    day = start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    if size is not BucketSize.DAY:
        day = day.replace(day=1)
    if size is BucketSize.YEAR:
        day = day.replace(month=1)
    found = []
    while day <= last:
        found.append(midnight(day, zone))
        if size is BucketSize.DAY:
            day += timedelta(days=1)
        elif size is BucketSize.MONTH:
            day = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
        else:
            day = day.replace(year=day.year + 1)
    return found


def _within_days(start: datetime, end: datetime, step: int, zone: tzinfo) -> list[int]:
    day = start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    found: list[int] = []
    here = midnight(day, zone)
    while day <= last:
        day += timedelta(days=1)
        there = midnight(day, zone)
        if _offset(here, zone) == _offset(there, zone):
            found.extend(range(here, there, step))
        else:
            # The clocks change on this day; somewhere by half an hour.
            found.extend(
                at
                for at in range(here, there, min(step, _OFFSET_GRAIN))
                if (at + _offset(at, zone)) % step == 0
            )
        here = there
    return found


def _offset(at: int, zone: tzinfo) -> int:
    wall_clock = instant(at).astimezone(zone).replace(tzinfo=UTC)
    return micros(wall_clock) - at


def label(at: datetime, zone: tzinfo) -> str:
    """The local time of a boundary as HH:MM, with A or B when the clocks show it twice."""
    local = at.astimezone(zone)
    # A time of day that really was shown is only told apart by fold when it was shown twice.
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M}" + (("A", "B")[local.fold] if twice else "")
