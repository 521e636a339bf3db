"""The line read off at the boundaries of buckets: R(end) − R(start), with a quality.

R(t) is the reading at t where there is one, else the straight line between its two neighbours.
Taking the last reading before t instead would depend on when readings came and would move
consumption into the wrong bucket; the straight line conserves every total.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from math import gcd
from typing import NamedTuple

from readings.rules.buckets import BucketSize, boundaries
from readings.rules.curve import Curve, Flag, Installation, Span, join
from readings.rules.points import MICROSECOND, instant, micros
from readings.rules.values import QUALITIES, Bucket, Quality

_MEASURED, _INTERPOLATED, _ESTIMATED = range(3)


def _spans(*seconds: int) -> Mapping[BucketSize, timedelta]:
    return {size: timedelta(seconds=one) for size, one in zip(BucketSize, seconds, strict=True)}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per bucket size: the longest gap that is still interpolated, and how near to a boundary a
    reading stands for it. The values are the spec's; five minutes follow the same proportions."""

    max_gap: Mapping[BucketSize, timedelta] = field(
        default_factory=lambda: _spans(600, 1800, 7200, 129_600, 259_200, 604_800)
    )
    label_tolerance: Mapping[BucketSize, timedelta] = field(
        default_factory=lambda: _spans(5, 15, 60, 900, 10_800, 86_400)
    )


DEFAULT_THRESHOLDS = Thresholds()
# The line at a boundary: numerator, denominator, and its quality as a position in QUALITIES.
AtBoundary = tuple[int, int, int]


class Reach(NamedTuple):
    """One bucket size's thresholds, microseconds."""

    max_gap: int
    tolerance: int

    @classmethod
    def of(cls, thresholds: Thresholds, size: BucketSize) -> "Reach":
        return cls(
            thresholds.max_gap[size] // MICROSECOND, thresholds.label_tolerance[size] // MICROSECOND
        )


def consumption(
    installations: Sequence[Installation],
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> tuple[Bucket, ...]:
    """Consumption of a place in the window [start, end), bucket by bucket, in base units.

    The order of installations has no influence, nor that of readings (`points.series_of`).
    Raises ValueError for an empty window or overlapping installations.
    """
    return buckets_of(join(installations), start, end, size, zone, thresholds)


def buckets_of(
    curve: Curve,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> tuple[Bucket, ...]:
    """The same from a curve that is already joined."""
    window = boundaries(start, end, size, zone)
    return _buckets(curve, window.times, window.instants, Reach.of(thresholds, size))


def whole_window(
    curve: Curve,
    start: datetime,
    end: datetime,
    size: BucketSize,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Bucket:
    """The window as one bucket, judged by the thresholds of `size`.

    Raises ValueError for an empty window.
    """
    bounds = (micros(start), micros(end))
    if bounds[0] >= bounds[1]:
        raise ValueError(f"the window ends ({end}) before it begins ({start})")
    return _buckets(curve, bounds, [instant(one) for one in bounds], Reach.of(thresholds, size))[0]


def _buckets(
    curve: Curve, bounds: Sequence[int], instants: Sequence[datetime], reach: Reach
) -> tuple[Bucket, ...]:
    marks = _Marks(curve, bounds)
    readings = _read_off(curve, bounds, reach)
    found: list[Bucket] = []
    append = found.append
    number, here = readings[0]
    for index in range(len(bounds) - 1):
        next_number, there = readings[index + 1]
        if here is None or there is None or number != next_number or index in marks.fallen:
            append(marks.without_value(index, instants[index], instants[index + 1]))
        else:
            numerator, denominator, quality = difference(here, there, curve.scale)
            if index in marks.estimated:
                quality = max(quality, _ESTIMATED)
            append(
                Bucket(
                    instants[index],
                    instants[index + 1],
                    numerator,
                    denominator,
                    QUALITIES[quality],
                    marks.flags.get(index, ()),
                )
            )
        number, here = next_number, there
    return tuple(found)


def at_boundary(
    times: Sequence[int], values: Sequence[int], after: int, bound: int, reach: Reach
) -> AtBoundary:
    """The line at a boundary that lies on or after reading `after - 1` and before `after`."""
    value, gone = values[after - 1], bound - times[after - 1]
    if gone == 0:
        return value, 1, _MEASURED
    left = times[after] - bound
    gap = gone + left
    if gone <= reach.tolerance or left <= reach.tolerance:
        quality = _MEASURED
    else:
        quality = _INTERPOLATED if gap <= reach.max_gap else _ESTIMATED
    rise = (values[after] - value) * gone
    common = gcd(rise, gap)
    gap //= common
    return value * gap + rise // common, gap, quality


def difference(here: AtBoundary, there: AtBoundary, scale: int = 1) -> AtBoundary:
    """From one boundary to the other, in lowest terms; as good as the worse of the two."""
    numerator, denominator, quality = here
    next_numerator, next_denominator, next_quality = there
    worst = quality if quality > next_quality else next_quality
    if denominator == next_denominator == scale == 1:
        return next_numerator - numerator, 1, worst
    over = next_numerator * denominator - numerator * next_denominator
    under = denominator * next_denominator * scale
    common = gcd(over, under)
    return over // common, under // common, worst


def _read_off(
    curve: Curve, bounds: Sequence[int], reach: Reach
) -> list[tuple[int, AtBoundary | None]]:
    """At each boundary the segment's number and the line there; None outside the line."""
    found: list[tuple[int, AtBoundary | None]] = [(-1, None)] * len(bounds)
    for number, segment in enumerate(curve.segments):
        times, values = segment.times, segment.values
        first = bisect_left(bounds, times[0])
        last = bisect_right(bounds, times[-1])
        after = 0
        for index in range(first, last):
            bound = bounds[index]
            after = bisect_right(times, bound, after)
            found[index] = number, at_boundary(times, values, after, bound, reach)
    return found


class _Marks:
    """Which buckets an event of the curve touches: nearly always none."""

    def __init__(self, curve: Curve, bounds: Sequence[int]) -> None:
        self.curve = curve
        self.bounds = bounds
        marked: dict[int, set[Flag]] = {}
        self.fallen = self._mark(marked, curve.falls, Flag.NEGATIVE_STEP)
        # A time without a meter is E. A gap that was estimated is, too, where the bucket cuts
        # through it; a bucket that holds all of it has its exact sum.
        self.estimated = self._mark(marked, curve.bridges, Flag.BRIDGE)
        touched = self._mark(marked, curve.estimates, Flag.ESTIMATED)
        self.estimated |= {index for index in touched if self._cuts(index, curve.estimates)}
        self._mark(marked, curve.edits, Flag.EDITED)
        self._mark(marked, curve.exchanges, Flag.EXCHANGE)
        self._mark(marked, curve.rollovers, Flag.ROLLOVER)
        self.flags = {index: tuple(sorted(flags)) for index, flags in marked.items()}

    def _mark(
        self, marked: dict[int, set[Flag]], spans: Iterable[Span], flag: Flag
    ) -> frozenset[int]:
        touched = set()
        last = len(self.bounds) - 1
        for first_time, last_time in spans:
            first = bisect_right(self.bounds, first_time) - 1
            # An instant belongs to the bucket that it begins, a span to all it reaches into.
            stop = first + 1 if first_time == last_time else bisect_left(self.bounds, last_time)
            for index in range(max(first, 0), min(stop, last)):
                marked.setdefault(index, set()).add(flag)
                touched.add(index)
        return frozenset(touched)

    def _cuts(self, index: int, spans: Iterable[Span]) -> bool:
        """Whether either boundary of a bucket lies inside one of the spans."""
        ends = self.bounds[index], self.bounds[index + 1]
        return any(first < end < last for first, last in spans for end in ends)

    def without_value(self, index: int, start: datetime, end: datetime) -> Bucket:
        """An X: with the known part, except over a fall, where either side may be the wrong one."""
        known = None
        flags = set(self.flags.get(index, ()))
        if index not in self.fallen:
            known = self.curve.known_between(self.bounds[index], self.bounds[index + 1])
            if known is not None:
                flags.add(Flag.PARTIAL)
        return Bucket(start, end, None, 1, Quality.NONE, tuple(sorted(flags)), known)
