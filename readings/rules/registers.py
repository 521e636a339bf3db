"""A register's own value at an instant, for bills and exports; and a mean a day."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from readings.rules.points import MICROSECOND, Series, instant, micros
from readings.rules.values import Quality


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """A register at an instant: base units, None and X where it may not be stated.

    read_at, reading: the last actual reading at or before the instant within the tolerance,
    which a bill shows with its own time when interpolation is off.
    """

    value: Fraction | None
    quality: Quality
    read_at: datetime | None
    reading: int | None


def register_value(
    series: Series,
    at: datetime,
    *,
    interpolate: bool,
    max_gap: timedelta,
    look_back: timedelta,
) -> RegisterValue:
    """What a register stood at (07_estimation, I18).
    interpolate: whether the straight line between neighbours at most max_gap apart may stand in
    for a reading; a longer gap gives E.
    """
    times, values = series.times, series.values
    bound = micros(at)
    after = bisect_right(times, bound)
    before = after - 1
    read_at: datetime | None = None
    reading: int | None = None
    if before >= 0 and bound - times[before] <= look_back // MICROSECOND:
        read_at, reading = instant(times[before]), values[before]
    if before >= 0 and times[before] == bound:
        return RegisterValue(Fraction(values[before]), Quality.MEASURED, read_at, reading)
    if not interpolate or before < 0 or after == len(times) or values[after] < values[before]:
        return RegisterValue(None, Quality.NONE, read_at, reading)
    gap = times[after] - times[before]
    value = values[before] + Fraction(
        (values[after] - values[before]) * (bound - times[before]), gap
    )
    near = gap <= max_gap // MICROSECOND
    return RegisterValue(
        value, Quality.INTERPOLATED if near else Quality.ESTIMATED, read_at, reading
    )


def per_day(value: Fraction, start: datetime, end: datetime) -> Fraction:
    """Base units a day of 24 hours over [start, end). Raises ValueError for an empty window."""
    if start >= end:
        raise ValueError(f"the window ends ({end}) before it begins ({start})")
    return value * (timedelta(days=1) // MICROSECOND) / ((end - start) // MICROSECOND)
