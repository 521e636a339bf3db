"""What an interval's consumption is: an exact amount, or the reason why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from readings.rules.curve import Flag


class Quality(StrEnum):
    """How a value came about, best first.

    M measured at both boundaries; I interpolated between near neighbours; E estimated: the sum
    over a long gap is known, its shape is not; X no value.
    """

    MEASURED = "M"
    INTERPOLATED = "I"
    ESTIMATED = "E"
    NONE = "X"


QUALITIES = tuple(Quality)


class Bucket(NamedTuple):
    """One bucket: [start, end) in UTC and the consumption in it, base units.

    A named tuple because a chart has thousands: a frozen dataclass takes five times as long.

    The exact value is numerator/denominator in lowest terms; a chart may divide them itself.
    known: what is known of a bucket that has no value because data begin or end inside it.
    """

    start: datetime
    end: datetime
    numerator: int | None
    denominator: int
    quality: Quality
    flags: tuple[Flag, ...] = ()
    known: Fraction | None = None

    @property
    def value(self) -> Fraction | None:
        """Base units, exact; None where the quality is X."""
        return None if self.numerator is None else Fraction(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of the buckets that have a value, base units; how many have none; the worst
    quality of those that have one (X when none has)."""

    value: Fraction
    missing: int
    quality: Quality


def add(series: Sequence[Sequence[Bucket]]) -> tuple[Bucket, ...]:
    """Bucket by bucket the sum of parallel meters over the same window.

    A sum is as good as its worst part, and has no value where one part has none; what is known
    of it is then the sum of what is known. Raises ValueError unless the buckets are the same.
    """
    return tuple(add_parts(parts) for parts in zip(*series, strict=True))


def add_parts(parts: Sequence[Bucket]) -> Bucket:
    """One bucket's sum over parallel meters; see `add`."""
    first = parts[0]
    if any((part.start, part.end) != (first.start, first.end) for part in parts):
        raise ValueError(f"the buckets at {first.start} differ between the meters")
    flags = {flag for part in parts for flag in part.flags}
    values = [part.value for part in parts]
    exact = [value for value in values if value is not None]
    if len(exact) == len(parts):
        whole = sum(exact, Fraction(0))
        quality = max((part.quality for part in parts), key=QUALITIES.index)
        return Bucket(
            first.start,
            first.end,
            whole.numerator,
            whole.denominator,
            quality,
            tuple(sorted(flags)),
        )
    known = [part.known if part.value is None else part.value for part in parts]
    some = [value for value in known if value is not None]
    if some and Flag.NEGATIVE_STEP not in flags:
        flags.add(Flag.PARTIAL)
        partly: Fraction | None = sum(some, Fraction(0))
    else:
        partly = None
    return Bucket(first.start, first.end, None, 1, Quality.NONE, tuple(sorted(flags)), partly)


def total(buckets: Iterable[Bucket]) -> Total:
    """The sum over buckets, exact; buckets without a value are counted, never taken for zero."""
    # Sums by denominator first: most are whole, and adding fractions one by one is slow.
    sums: dict[int, int] = {}
    missing, worst = 0, -1
    for bucket in buckets:
        if bucket.numerator is None:
            missing += 1
            continue
        worst = max(worst, QUALITIES.index(bucket.quality))
        below = bucket.denominator
        sums[below] = sums.get(below, 0) + bucket.numerator
    value = sum((Fraction(over, below) for below, over in sums.items()), Fraction(0))
    return Total(value, missing, Quality.NONE if worst < 0 else QUALITIES[worst])
