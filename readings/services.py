"""Storing readings: the only door (only `collectors.pipeline` opens it).

One transaction, one utility, many meters. The rules, whatever the order of arrival:
- Of several current readings in one interval of the meter (`interval_s`, counted in UTC) the
  earliest by reading time stays; the others are condensed.
- All tellings of one instant are one reading: each fills what the others left open, and what they
  say about it counts for the least (earliest arrival, lowest trust). Registers told for a target
  date or by a log stay when the current reading of the same instant is condensed.
- A second value for what is stored already is a conflict: the first stays, the caller hears.
The meters' state rows must be locked by the caller (`meters.state.lock`, `lock_times`). What a
meter's state knows decides most at once: an interval that begins after its newest reading is empty.
The rest is looked up. `readings.writing` does the writing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from readings import writing
from readings.giving_way import give_way, give_way_onwards
from readings.models import Kind, Status
from readings.writing import NewReading, Stored
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import instant_of, stamp

__all__ = ["NewReading", "Stored", "Superseded", "store"]

_SECOND = 1_000_000
# How far 1970, from where intervals are counted, lies before 2000, from where stamps are.
_SINCE_1970 = 946_684_800 * _SECOND
# An interval of a meter: the meter and where the interval begins (`staging.stamp`).
_Slot = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Superseded:
    """A stored reading that gave way to an earlier one of its interval."""

    meter_id: int
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _There:
    """A current reading that is stored already. fixed: see `readings.models.Reading`."""

    stamp: int
    received_at: datetime
    status: int
    fixed: int | None


def store(readings: Sequence[NewReading], newest: Mapping[int, int]) -> list[Superseded]:
    """Store, merge or condense; sets each reading's `outcome`. Returns what gave way.

    newest: when each of these meters was last read, as their state rows said when they were locked
    (`meters.state.read_times`): no current reading later than that is there yet. Raises KeyError,
    before anything is written, for a meter that is not in it.
    """
    if not readings:
        return []
    # One pass: this is done for every reading there is, and nearly all are simply new.
    current = Kind.NOW
    stamped = [(reading, stamp(reading.at)) for reading in readings]
    slots: list[_Slot | None] = []
    earliest: dict[_Slot, int] = {}
    # Where something may be stored already: intervals that begin no later than what is known.
    looked: dict[_Slot, int] = {}
    late: list[tuple[int, datetime]] = []
    for reading, at in stamped:
        meter_id = reading.meter_id
        was = newest[meter_id]
        if at < was:
            late.append((meter_id, reading.at))
        slot = None
        if reading.kind == current:
            interval = reading.interval_s * _SECOND
            start = at - (at + _SINCE_1970) % interval
            slot = meter_id, start
            if at < earliest.setdefault(slot, at):
                earliest[slot] = at
            if start <= was:
                looked[slot] = start + interval
        slots.append(slot)
    # Estimated gaps give way to what comes; they lie before a meter's newest reading, but for what
    # was carried on after it.
    give_way(late)
    give_way_onwards((reading.meter_id, reading.at) for reading in readings)
    if not looked and len(earliest) == len(readings):
        writing.insert(stamped)  # each has an interval of its own, in which nothing is stored
        return []
    gone = []
    for slot, stored in _look(looked).items():
        measured = [one.stamp for one in stored if one.status != Status.ESTIMATED]
        earliest[slot] = min(earliest[slot], *measured) if measured else earliest[slot]
        gone += [(slot[0], one) for one in stored if one.stamp > earliest[slot]]
    new: dict[_Slot, writing.Stamped] = {}
    others: list[writing.Stamped] = []
    for (reading, at), slot in zip(stamped, slots, strict=True):
        if slot is not None and earliest[slot] < at:
            reading.outcome = Stored.CONDENSED
        # Of an interval the earliest alone is left, so a second one is of the same instant.
        elif slot is not None and at > newest[reading.meter_id] and slot not in new:
            new[slot] = reading, at
        else:
            others.append((reading, at))
    superseded = _give_way(gone)
    writing.insert(list(new.values()))
    writing.merge(others)
    return superseded


def _look(slots: Mapping[_Slot, int]) -> dict[_Slot, list[_There]]:
    """The current readings stored in these intervals (to the end of each): one probe each."""
    if not slots:
        return {}
    starts = [instant_of(start) for _, start in slots]
    ends = [instant_of(end) for end in slots.values()]
    found: dict[_Slot, list[_There]] = {}
    with connection.cursor() as cursor:
        # The outer bounds are constants, so that no other months are planned for. OFFSET keeps it a
        # probe an interval: as a join it may turn into a scan of months.
        cursor.execute(
            """SELECT s.meter_id, s.lo, r.ts, r.received_at, r.status, r.fixed
               FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS s(meter_id, lo, hi)
               CROSS JOIN LATERAL (
                   SELECT ts, received_at, status, fixed FROM readings_reading
                   WHERE tenant_id = %s AND meter_id = s.meter_id AND ts >= s.lo AND ts < s.hi
                     AND ts >= %s AND ts < %s AND kind = %s AND status < %s
                   OFFSET 0
               ) AS r""",
            [
                [meter_id for meter_id, _ in slots],
                starts,
                ends,
                current_tenant_id(),
                min(starts),
                max(ends),
                Kind.NOW,
                Status.EDITED,  # what a person decided never gives way
            ],
        )
        for meter_id, start, at, *rest in cursor.fetchall():
            stored = found.setdefault((meter_id, stamp(start)), [])
            stored.append(_There(stamp(at), *rest))
    return found


def _give_way(gone: Sequence[tuple[int, _There]]) -> list[Superseded]:
    """Take away current readings that are condensed after all, but for what a target date or a
    log told for the same instant."""
    writing.reduce([(meter, instant_of(one.stamp)) for meter, one in gone if one.fixed is not None])
    superseded = [
        Superseded(meter, instant_of(one.stamp), one.received_at)
        for meter, one in gone
        if one.fixed is None
    ]
    writing.delete([(one.meter_id, one.at) for one in superseded])
    return superseded
