"""Values for intervals that no reading tells: methods in order, refusals, rounding.

Where registers stand on both sides of a gap its sum is known and only its shape is not; the
estimate then shares out the exact difference. Every value is marked with its method. The rule and
its cases: ../shared/analysis/vectors/07_estimation.json (I1–I17 named below).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction

# Longer gaps in an interval series are not filled: day and month totals remain known (I16).
LONGEST_GAP = timedelta(days=35)
# What of the heat does not follow the weather: hot water and losses, where nobody measured it.
WEATHER_INDEPENDENT = Fraction(1, 4)
# How far back a like day may lie when the weeks between are not usable.
LIKE_DAY_WEEKS = 4
OLDEST_LIKE_WEEK = 12


class Method(StrEnum):
    """How an estimate was made, best first.

    a1 to e are the rule's; its a2 is two: a profile of neighbours, and one of degree days (dd).
    """

    LIKE_DAY = "a1"
    PROFILE = "a2"
    DEGREE_DAYS = "dd"
    LINE = "a3"
    REFERENCE_DAYS = "b"
    PROXY = "c"
    HOLD = "d"
    EXTRAPOLATION = "e"


# MSCONS codes (substitution method and qualifier) that an export writes for each method.
MARKS: Mapping[Method, tuple[str, ...]] = {
    Method.LIKE_DAY: ("Z92", "ZQ8"),
    Method.PROFILE: ("Z92", "ZQ8"),
    Method.DEGREE_DAYS: ("Z92", "ZQ8"),
    Method.LINE: ("Z92",),
    Method.REFERENCE_DAYS: ("Z95",),
    Method.PROXY: ("Z88", "Z89"),
    Method.HOLD: ("Z93",),
    Method.EXTRAPOLATION: ("201",),
}


class EstimationRefused(ValueError):
    """No honest estimate exists; the message says why."""


class NegativeConsumption(EstimationRefused):
    """The register fell inside the gap (I14)."""


class ExchangeIncomplete(EstimationRefused):
    """The meter was exchanged inside the gap and a register was not read off (I15)."""


class GapTooLong(EstimationRefused):
    """The gap is longer than an interval series is filled over (I16)."""


class MeterDisconnected(EstimationRefused):
    """The meter was disconnected, yet its register moved."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values of consecutive slots in base units (or the unit they were given in), exact.

    temporary: the difference was not known; the first real reading replaces the values.
    """

    values: tuple[Fraction, ...]
    method: Method
    temporary: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """The codes an export writes beside each value."""
        return MARKS[self.method]

    def rounded(self, resolution: Fraction) -> tuple[Fraction, ...]:
        """The values at the register's resolution with the same sum: see `round_to_sum`."""
        return round_to_sum(self.values, resolution)


@dataclass(frozen=True, slots=True)
class Gap:
    """What is known of a gap.

    start, end: the readings on both sides, aware. difference: register difference between them,
    None when it is not known. falls: the register fell inside. exchange_incomplete: a meter
    was exchanged inside without both registers. disconnected: the meter was, all through.
    """

    start: datetime
    end: datetime
    difference: Fraction | None
    falls: bool = False
    exchange_incomplete: bool = False
    disconnected: bool = False


def check(gap: Gap) -> None:
    """Raises the EstimationRefused that applies to a gap in an interval series."""
    if gap.exchange_incomplete:
        raise ExchangeIncomplete("exchange incomplete: a register was not read off")
    if gap.falls or (gap.difference is not None and gap.difference < 0):
        raise NegativeConsumption("negative consumption: the register falls inside the gap")
    if gap.end - gap.start > LONGEST_GAP:
        days = (gap.end - gap.start) / timedelta(days=1)
        raise GapTooLong(
            f"the gap of {days:.1f} days is longer than {LONGEST_GAP.days} days: "
            "only the totals of days and months stay available"
        )
    if gap.disconnected and gap.difference != 0:
        raise MeterDisconnected("the meter is disconnected, yet its register moved or is unknown")


def fill(
    gap: Gap,
    slots: int,
    *,
    like_day: Sequence[Fraction] | None = None,
    profile: Sequence[Fraction] | None = None,
) -> Estimate:
    """Share a known difference out over the gap's slots by the best method there is.

    like_day: the meter's own consumption of like days, a value a slot; profile: degree days or
    neighbours (`degree_day_profile`, `neighbour_profile`); either is None when not to be had.
    Raises EstimationRefused, also where the difference is not known.
    """
    check(gap)
    if gap.difference is None:
        raise EstimationRefused("the register difference over the gap is not known")
    if like_day is not None and sum(like_day) > 0:
        return Estimate(shared(gap.difference, like_day), Method.LIKE_DAY)
    if profile is not None and sum(profile) > 0:
        return Estimate(shared(gap.difference, profile), Method.PROFILE)
    return Estimate(line(gap.difference, slots), Method.LINE)


def line(difference: Fraction, slots: int) -> tuple[Fraction, ...]:
    """The same in every slot (I1). Raises ValueError for no slots."""
    if slots < 1:
        raise ValueError("a gap has at least one slot")
    return (Fraction(difference) / slots,) * slots


def shared(difference: Fraction, profile: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """x_i = p_i · D / Σp; a straight line where the profile is empty of consumption (I2–I4).

    Raises ValueError for no slots or a negative weight.
    """
    if any(weight < 0 for weight in profile):
        raise ValueError("a profile has no negative weights")
    whole = sum(profile, Fraction(0))
    if whole == 0:
        return line(difference, len(profile))
    return tuple(Fraction(weight) * difference / whole for weight in profile)


def degree_day_profile(
    degree_days: Sequence[Fraction],
    weather_independent: Fraction,
    lengths: Sequence[Fraction] | None = None,
) -> tuple[Fraction, ...]:
    """Weights that sum to 1: a part spread evenly over the time, the rest by degree days (I5).

    degree_days: of each slot, in proportion to its length. weather_independent: 0 to 1, the share
    of hot water and losses. lengths: of the slots; None where they are equal. Where there are no
    degree days at all, everything is spread evenly.
    """
    if not 0 <= weather_independent <= 1:
        raise ValueError(f"the weather-independent part is 0 to 1, not {weather_independent}")
    spread = lengths or (Fraction(1),) * len(degree_days)
    evenly = shared(weather_independent, spread)
    by_weather = shared(1 - weather_independent, degree_days if sum(degree_days) else spread)
    return tuple(one + other for one, other in zip(evenly, by_weather, strict=True))


def neighbour_profile(neighbours: Sequence[Sequence[Fraction]]) -> tuple[Fraction, ...]:
    """Weights from a group: its consumption slot by slot (I6)."""
    return tuple(sum(slot, Fraction(0)) for slot in zip(*neighbours, strict=True))


def like_day_profile(
    starts: Sequence[datetime], history: Mapping[datetime, Fraction], zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """The meter's own mean in each slot over the last four usable weeks, same weekday and time.

    starts: the slots' beginnings. history: beginning of a slot in UTC → its measured
    consumption. The same time of day is meant on the wall clock. None when a slot has no like day
    within twelve weeks.
    """
    weights = []
    for start in starts:
        local = start.astimezone(zone)
        found: list[Fraction] = []
        for weeks in range(1, OLDEST_LIKE_WEEK + 1):
            like = (local - timedelta(weeks=weeks)).astimezone(UTC)
            if like in history:
                found.append(history[like])
            if len(found) == LIKE_DAY_WEEKS:
                break
        if not found:
            return None
        weights.append(sum(found, Fraction(0)) / len(found))
    return tuple(weights)


def reference_days(
    references: Sequence[Fraction], days: int, difference: Fraction | None = None
) -> Estimate:
    """Each day as the mean of the reference days (I7), scaled once the sum is known (I8)."""
    if difference is not None:
        return Estimate(line(difference, days), Method.REFERENCE_DAYS)
    return Estimate((_mean(references),) * days, Method.REFERENCE_DAYS, temporary=True)


def proxy(consumption: Sequence[Fraction], ratio: Fraction) -> Estimate:
    """Another meter's consumption times the usual ratio of the two (I9)."""
    return Estimate(tuple(Fraction(value) * ratio for value in consumption), Method.PROXY)


def extrapolate(last_days: Sequence[Fraction], days: int) -> Estimate:
    """Onwards at the mean of the last days, until a reading comes (I10)."""
    return Estimate((_mean(last_days),) * days, Method.EXTRAPOLATION, temporary=True)


def hold(last: Fraction, slots: int, *, cumulative: bool) -> Estimate:
    """A measurement kept at its last value, for display only: never in weighted means (I17).

    Raises EstimationRefused for a register that counts up: holding it would say "nothing used".
    """
    if cumulative:
        raise EstimationRefused("a register that counts up is never held at its last value")
    return Estimate((Fraction(last),) * slots, Method.HOLD)


def round_to_sum(values: Sequence[Fraction], resolution: Fraction) -> tuple[Fraction, ...]:
    """Round down to the resolution, then hand the remainder out by largest fraction.

    The sum stays exactly the same; of equal fractions the earlier slot is served first. A sum
    that is itself no multiple of the resolution leaves its odd part in the next slot served.
    Raises ValueError unless the resolution is positive.
    """
    if resolution <= 0:
        raise ValueError(f"a resolution is positive, not {resolution}")
    whole = [value // resolution * resolution for value in values]
    left = sum(values, Fraction(0)) - sum(whole, Fraction(0))
    order = sorted(range(len(values)), key=lambda index: (whole[index] - values[index], index))
    for index in order:
        share = min(left, Fraction(resolution))
        whole[index] += share
        left -= share
    return tuple(whole)


def _mean(values: Sequence[Fraction]) -> Fraction:
    if not values:
        raise EstimationRefused("there are no reference days")
    return sum(values, Fraction(0)) / len(values)
