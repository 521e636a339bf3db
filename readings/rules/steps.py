"""From one reading of a register to the next: rollover, spike, negative step.

A register only counts up. Where it falls, one of four things happened, tried in this order:
it ran full and began again; one of the two readings is wrong; or it is unexplained (an exchange
nobody entered, a reset, the wrong meter), and then no consumption is stated across the step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from operator import le

from readings.rules.points import Note, NoteCode, instant

MICROS_PER_HOUR = 3_600_000_000
# A rate may exceed the greatest plausible one by a fifth before it stops being plausible.
RATE_MARGIN = (6, 5)
# Readings from which a register's habits can be told.
_ENOUGH = 24


@dataclass(frozen=True, slots=True)
class RegisterLimits:
    """What a register can do.

    digits: how many it shows; it holds 10^digits units of its last digit.
    capacity: base units at which it begins again, where known better than by its digits.
    max_rate: the greatest plausible consumption, base units an hour. Without a capacity and a
    rate no rollover is believed (spec: rollover).
    """

    digits: int | None = None
    capacity: int | None = None
    max_rate: int | None = None

    def capacity_at(self, resolution: int) -> int | None:
        """Base units at which a register of this resolution begins again; None if unknown."""
        if self.capacity is not None:
            return self.capacity
        return None if self.digits is None else resolution * 10**self.digits

    def plausible(self, difference: int, elapsed: int) -> bool:
        """Whether a difference of base units can come about in so many microseconds."""
        if self.max_rate is None:
            return True
        above, below = RATE_MARGIN
        return difference * below * MICROS_PER_HOUR <= above * self.max_rate * elapsed


def observed_limits(times: Sequence[int], values: Sequence[int], digits: int) -> RegisterLimits:
    """What a register showed it can do, where nobody wrote it down.

    The resolution is what all values are multiples of, the rate the greatest seen. Both err on
    the safe side: too coarse a resolution or too low a rate makes no rollover believed. No limits
    at all come out of fewer than a day of hourly readings, or where the register falls.
    """
    if len(values) < _ENOUGH or not all(map(le, values, values[1:])):
        return RegisterLimits()
    resolution = gcd(*values)
    rate = max(
        (later - earlier) * MICROS_PER_HOUR // (end - start)
        for (start, end), (earlier, later) in zip(pairwise(times), pairwise(values), strict=True)
    )
    if resolution == 0 or rate == 0:
        return RegisterLimits()
    return RegisterLimits(capacity=resolution * 10**digits, max_rate=rate)


@dataclass(frozen=True, slots=True)
class Track:
    """A register's used readings by time (microseconds), values without rollovers.

    breaks: positions in `times` where a new stretch begins, because the step to it is unusable.
    rollovers, falls: the steps (from, to) at which the register began again, or fell.
    """

    times: Sequence[int]
    values: Sequence[int]
    breaks: tuple[int, ...]
    rollovers: tuple[tuple[int, int], ...]
    falls: tuple[tuple[int, int], ...]
    notes: tuple[Note, ...]


def settle(
    times: Sequence[int],
    values: Sequence[int],
    resolutions: Sequence[int] | None,
    limits: RegisterLimits,
) -> Track:
    """Turn raw register values, strictly ordered by time, into a track.

    resolutions: base units, one a value; None when all are 1. Linear in the number of readings.
    """
    # Nearly every register never falls: one pass in C finds that out.
    if all(map(le, values, values[1:])):
        return Track(times, values, (), (), (), ())
    sweep = _Sweep(times, values, resolutions, limits)
    for position in range(len(times)):
        sweep.take(position)
    return sweep.track()


class _Sweep:
    """Goes through the readings once, keeping the positions of those that are used."""

    def __init__(
        self,
        times: Sequence[int],
        values: Sequence[int],
        resolutions: Sequence[int] | None,
        limits: RegisterLimits,
    ) -> None:
        self.times = times
        self.values = values
        self.resolutions = resolutions
        self.limits = limits
        self.kept: list[int] = []
        self.suspects: list[int] = []

    def rollover(self, earlier: int, later: int) -> int | None:
        """The capacity to add to a falling step, if it is a rollover."""
        if self.limits.max_rate is None:
            return None
        resolution = 1
        if self.resolutions is not None:
            # The coarser: a register read off by hand at an exchange may be given finer.
            resolution = max(self.resolutions[earlier], self.resolutions[later])
        capacity = self.limits.capacity_at(resolution)
        if capacity is None:
            return None
        step = self.values[later] - self.values[earlier] + capacity
        elapsed = self.times[later] - self.times[earlier]
        return capacity if step >= 0 and self.limits.plausible(step, elapsed) else None

    def rises(self, earlier: int, later: int) -> bool:
        """Whether a step is possible: up at a plausible rate, or a rollover."""
        step = self.values[later] - self.values[earlier]
        if step < 0:
            return self.rollover(earlier, later) is not None
        return self.limits.plausible(step, self.times[later] - self.times[earlier])

    def take(self, position: int) -> None:
        """Use a reading, or leave out the one that makes the register fall."""
        if self.kept:
            last = self.kept[-1]
            falls = self.values[position] < self.values[last]
            if falls and self.rollover(last, position) is None:
                without_last = len(self.kept) > 1 and self.rises(self.kept[-2], position)
                after = position + 1
                without_this = after < len(self.times) and self.rises(last, after)
                if without_last and not without_this:
                    self.suspects.append(self.kept.pop())
                elif without_this and not without_last:
                    self.suspects.append(position)
                    return
        self.kept.append(position)

    def track(self) -> Track:
        times = [self.times[position] for position in self.kept]
        values = [self.values[self.kept[0]]]
        breaks: list[int] = []
        rollovers: list[tuple[int, int]] = []
        falls: list[tuple[int, int]] = []
        notes = [Note(instant(self.times[at]), NoteCode.SUSPECT_SKIPPED) for at in self.suspects]
        added = 0
        for index, (earlier, later) in enumerate(pairwise(self.kept), start=1):
            if self.values[later] < self.values[earlier]:
                step = (self.times[earlier], self.times[later])
                capacity = self.rollover(earlier, later)
                if capacity is None:
                    breaks.append(index)
                    falls.append(step)
                    notes.append(Note(instant(step[1]), NoteCode.NEGATIVE_STEP))
                else:
                    added += capacity
                    rollovers.append(step)
            values.append(self.values[later] + added)
        return Track(
            times, values, tuple(breaks), tuple(rollovers), tuple(falls), tuple(sorted(notes))
        )
