"""The registers of all meters of a place, joined into one line that only rises.

Consumption belongs to the place: C(t0, t1) is the sum over its installations of what each meter
counted in its time there, plus a stated bridge for the time without a meter (reason Z78). Joined
end to end the registers make one line, and every question is a difference on it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import lcm

from readings.rules.points import Note, NoteCode, Series, instant, micros
from readings.rules.steps import RegisterLimits, Track, settle

Span = tuple[int, int]


class Flag(StrEnum):
    """What a reader of a bucket must know besides its quality."""

    BRIDGE = "bridge"
    EDITED = "edited"
    ESTIMATED = "estimated"
    EXCHANGE = "exchange"
    NEGATIVE_STEP = "negative_step"
    PARTIAL = "partial"
    ROLLOVER = "rollover"


@dataclass(frozen=True, slots=True)
class Installation:
    """One meter's time at a place, for one register.

    series: the meter's readings; those outside [starts_at, ends_at] do not count.
    starts_at, ends_at: None is without end on that side.
    start_register, end_register: base units as read off at the visit; None if nobody did. They
    are readings like any other, and stand before the meter's own of the same instant.
    factor: what one base unit of the register stands for at this place (transformer ratio, a
    wrong pulse value put right).
    bridge: base units the place is taken to have used between the former meter's end and this
    one's start.
    """

    series: Series
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    start_register: int | None = None
    end_register: int | None = None
    limits: RegisterLimits = RegisterLimits()
    factor: Fraction = Fraction(1)
    bridge: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the line without a break: strictly rising times (microseconds since 1970
    UTC), values in base units times the curve's scale. Only differences mean anything."""

    times: Sequence[int]
    values: Sequence[int]

    def at(self, time: int) -> tuple[int, int]:
        """The value as (numerator, denominator) at a time inside the segment."""
        after = bisect_right(self.times, time)
        before = after - 1
        start = self.times[before]
        if start == time:
            return self.values[before], 1
        elapsed = self.times[after] - start
        rise = self.values[after] - self.values[before]
        return self.values[before] * elapsed + rise * (time - start), elapsed


@dataclass(frozen=True, slots=True)
class Curve:
    """A place's line for one register.

    segments: in order of time, never touching. scale: what the values must be divided by.
    bridges: spans without a meter. exchanges: (end of one meter, start of the next).
    rollovers, falls: steps at which a register began again, or fell without a reason.
    estimates, edits: from the reading before values that were estimated, or edited, to the one
    after them.
    """

    segments: tuple[Segment, ...]
    scale: int = 1
    bridges: tuple[Span, ...] = ()
    exchanges: tuple[Span, ...] = ()
    rollovers: tuple[Span, ...] = ()
    falls: tuple[Span, ...] = ()
    notes: tuple[Note, ...] = ()
    estimates: tuple[Span, ...] = ()
    edits: tuple[Span, ...] = ()

    def difference(self, start: datetime, end: datetime) -> Fraction | None:
        """Base units from start to end; None unless the line is known and unbroken between."""
        first, last = micros(start), micros(end)
        for segment in self.segments:
            if segment.times[0] <= first and last <= segment.times[-1]:
                return self._rise(segment, first, last)
        return None

    def known_between(self, first: int, last: int) -> Fraction | None:
        """What of a span is known, base units; None where nothing is."""
        known = None
        for segment in self.segments:
            low, high = max(first, segment.times[0]), min(last, segment.times[-1])
            if low < high:
                known = (known or Fraction(0)) + self._rise(segment, low, high)
        return known

    def _rise(self, segment: Segment, first: int, last: int) -> Fraction:
        rise = Fraction(*segment.at(last)) - Fraction(*segment.at(first))
        return rise / self.scale


def join(installations: Sequence[Installation]) -> Curve:
    """The line of a place from its installations, in any order.

    Raises ValueError when two installations overlap: parallel meters are curves of their own.
    """
    ordered = sorted(installations, key=_began)
    for former, latter in pairwise(ordered):
        if former.ends_at is None or latter.starts_at is None or former.ends_at > latter.starts_at:
            raise ValueError(f"installations overlap at {latter.starts_at or former.ends_at}")
    scale = lcm(*(number.denominator for one in ordered for number in (one.factor, one.bridge)))
    joiner = _Joiner(scale)
    for installation in ordered:
        joiner.add(installation)
    return joiner.curve()


def _began(installation: Installation) -> tuple[bool, int]:
    at = installation.starts_at
    return (at is not None, 0 if at is None else micros(at))


def _segments(track: Track) -> list[Segment]:
    if not track.times:
        return []
    cuts = (0, *track.breaks, len(track.times))
    return [
        Segment(track.times[first:last], track.values[first:last]) for first, last in pairwise(cuts)
    ]


def _own_series(installation: Installation) -> Series:
    """The readings of the meter's time at the place, with the registers of both visits."""
    series = installation.series
    first, last = 0, len(series.times)
    if installation.starts_at is not None:
        first = bisect_left(series.times, micros(installation.starts_at))
    if installation.ends_at is not None:
        last = bisect_right(series.times, micros(installation.ends_at))
    if (
        first == 0
        and last == len(series.times)
        and installation.start_register is None
        and installation.end_register is None
    ):
        return series
    times = list(series.times[first:last])
    values = list(series.values[first:last])
    resolutions = list(series.resolutions or [1] * len(series.times))[first:last]
    notes = list(series.notes)
    for at, register, at_front in (
        (installation.starts_at, installation.start_register, True),
        (installation.ends_at, installation.end_register, False),
    ):
        if at is None or register is None:
            continue
        time = micros(at)
        position = 0 if at_front else len(times)
        neighbour = position if at_front else position - 1
        if times and times[neighbour] == time:
            if values[neighbour] != register:
                notes.append(Note(at, NoteCode.REPLACED_BY_PRECEDENCE))
            values[neighbour], resolutions[neighbour] = register, 1
        else:
            times.insert(position, time)
            values.insert(position, register)
            resolutions.insert(position, 1)
    return Series(times, values, resolutions, tuple(notes), series.estimated, series.edited)


def _reaches(times: Sequence[int], marked: Sequence[int]) -> list[Span]:
    """From the reading before each marked one to the one after; neighbours make one span."""
    found: list[Span] = []
    for time in marked:
        here = bisect_left(times, time)
        if here == len(times) or times[here] != time:
            continue  # outside the meter's time at the place
        low, high = times[max(here - 1, 0)], times[min(here + 1, len(times) - 1)]
        if found and low <= found[-1][1]:
            low = found.pop()[0]
        found.append((low, high))
    return found


class _Joiner:
    def __init__(self, scale: int) -> None:
        self.scale = scale
        self.segments: list[Segment] = []
        self.bridges: list[Span] = []
        self.exchanges: list[Span] = []
        self.rollovers: list[Span] = []
        self.falls: list[Span] = []
        self.notes: list[Note] = []
        self.estimates: list[Span] = []
        self.edits: list[Span] = []
        self.left_at: int | None = None

    def add(self, installation: Installation) -> None:
        series = _own_series(installation)
        track = settle(series.times, series.values, series.resolutions, installation.limits)
        self.notes += [*series.notes, *track.notes]
        self.rollovers += track.rollovers
        self.falls += track.falls
        self.estimates += _reaches(series.times, series.estimated)
        self.edits += _reaches(series.times, series.edited)
        weight = int(installation.factor * self.scale)
        segments = _segments(track)
        if weight != 1:
            segments = [
                Segment(segment.times, [value * weight for value in segment.values])
                for segment in segments
            ]
        if self.left_at is not None and installation.starts_at is not None:
            bridge = int(installation.bridge * self.scale)
            self._exchange(self.left_at, micros(installation.starts_at), segments, bridge)
        self.segments += segments
        self.left_at = None if installation.ends_at is None else micros(installation.ends_at)

    def _exchange(self, left_at: int, first: int, segments: list[Segment], bridge: int) -> None:
        """Tie the new meter's first segment to the old one's last, where both ends are known."""
        self.exchanges.append((left_at, first))
        if left_at < first:
            self.bridges.append((left_at, first))
        before = self.segments[-1] if self.segments else None
        if (
            before is None
            or not segments
            or before.times[-1] != left_at
            or segments[0].times[0] != first
        ):
            self.notes.append(Note(instant(first), NoteCode.EXCHANGE_INCOMPLETE))
            return
        self.segments.pop()
        # Nothing is used in no time, whatever was stated.
        used = bridge if left_at < first else 0
        shift = before.values[-1] + used - segments[0].values[0]
        # At an exchange without a gap both registers stand at one instant: it is one knot.
        skip = 1 if left_at == first else 0
        segments[0] = Segment(
            [*before.times, *segments[0].times[skip:]],
            [*before.values, *(value + shift for value in segments[0].values[skip:])],
        )

    def curve(self) -> Curve:
        return Curve(
            tuple(self.segments),
            self.scale,
            tuple(self.bridges),
            tuple(self.exchanges),
            tuple(self.rollovers),
            tuple(self.falls),
            tuple(sorted(self.notes)),
            tuple(self.estimates),
            tuple(self.edits),
        )
