"""One register's readings: which are used, and which of several for one instant counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import groupby
from operator import attrgetter, eq

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# A meter's clock may run ahead of ours by this much before we stop believing it.
FUTURE_TOLERANCE = timedelta(minutes=10)


class Source(IntEnum):
    """Where a reading comes from; the smaller number wins (spec: source_precedence)."""

    OPERATOR = 0
    METER_LOG = 1
    NETWORK = 2
    DRIVE_BY = 3
    IMPORT = 4
    MANUAL = 5


class NoteCode(StrEnum):
    """Why a reading is not used as it came, or what is wrong at an instant."""

    FUTURE_REJECTED = "future_rejected"
    UNUSABLE = "unusable"
    DUPLICATE_FINER_KEPT = "duplicate_finer_kept"
    REPLACED_BY_PRECEDENCE = "replaced_by_precedence"
    DUPLICATE_CONFLICT = "duplicate_conflict"
    SUSPECT_SKIPPED = "suspect_skipped"
    NEGATIVE_STEP = "negative_step"
    EXCHANGE_INCOMPLETE = "exchange_incomplete"


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A remark for the operator, at the reading's own time."""

    at: datetime
    code: NoteCode


@dataclass(frozen=True, slots=True)
class Point:
    """One register at one instant.

    at, received_at: aware. value, resolution: whole base units (joule, millilitre, …); the
    resolution is one unit of the last digit sent. valid=False: judged unusable, kept, not used.
    """

    at: datetime
    value: int
    resolution: int
    source: Source
    received_at: datetime
    valid: bool = True


def micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC: exact, and quick to compare. Raises for naive times."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(microseconds: int) -> datetime:
    """The inverse of `micros`, in UTC."""
    return EPOCH + timedelta(0, 0, microseconds)


def prefer(candidates: Sequence[Point]) -> tuple[Point, tuple[NoteCode, ...]]:
    """The one of several readings of the same meter, register and instant that counts, and why.

    Best source first, and of one source the first received. Another reading that agrees with
    that one within the coarser resolution of the two and is finer tells the same and more, so
    it is kept instead. Compared as a set, not one after the other: the order of the candidates
    has no influence, except that it breaks the tie of equal sources received at the same time.
    Raises ValueError for no candidates.
    """
    if not candidates:
        raise ValueError("prefer() needs at least one reading")
    leader = min(candidates, key=attrgetter("source", "received_at"))
    finer = [
        other
        for other in candidates
        if other.resolution < leader.resolution
        and abs(other.value - leader.value) <= leader.resolution
    ]
    kept = min(finer, key=attrgetter("resolution", "source", "received_at"), default=leader)
    lost = {_reason(kept, other) for other in candidates if other.value != kept.value}
    return kept, tuple(sorted(lost))


def _reason(kept: Point, other: Point) -> NoteCode:
    coarser = max(kept.resolution, other.resolution)
    if kept.resolution != other.resolution and abs(kept.value - other.value) <= coarser:
        return NoteCode.DUPLICATE_FINER_KEPT
    if kept.source != other.source:
        return NoteCode.REPLACED_BY_PRECEDENCE
    return NoteCode.DUPLICATE_CONFLICT


@dataclass(frozen=True, slots=True)
class Series:
    """One register's used readings in columns, which is how a database gives them quickly.

    times: microseconds since 1970 UTC, strictly rising. values: base units. resolutions: base
    units, one a value, or None when all are 1 or unknown. notes: what was set aside. estimated,
    edited: those of the times whose values are not the meter's own words.
    """

    times: Sequence[int]
    values: Sequence[int]
    resolutions: Sequence[int] | None = None
    notes: tuple[Note, ...] = ()
    estimated: Sequence[int] = ()
    edited: Sequence[int] = ()


def series_of(points: Iterable[Point], as_of: datetime | None = None) -> Series:
    """The readings to calculate with, one an instant, by reading time whatever the arrival.

    as_of: only what had been received by then, to show what was known that day.
    """
    notes: list[Note] = []
    kept: list[Point] = []
    for point in points:
        if as_of is not None and point.received_at > as_of:
            continue
        if point.at > point.received_at + FUTURE_TOLERANCE:
            notes.append(Note(point.at, NoteCode.FUTURE_REJECTED))
        elif not point.valid:
            notes.append(Note(point.at, NoteCode.UNUSABLE))
        else:
            kept.append(point)
    kept.sort(key=attrgetter("at"))
    times = [micros(point.at) for point in kept]
    if any(map(eq, times, times[1:])):
        kept = _one_an_instant(kept, notes)
        times = [micros(point.at) for point in kept]
    return Series(
        times,
        [point.value for point in kept],
        [point.resolution for point in kept],
        tuple(sorted(notes)),
    )


def _one_an_instant(ordered: list[Point], notes: list[Note]) -> list[Point]:
    unique = []
    for at, group in groupby(ordered, key=attrgetter("at")):
        winner, codes = prefer(list(group))
        unique.append(winner)
        notes.extend(Note(at, code) for code in codes)
    return unique
