"""Storing readings: the only door (only `collectors.pipeline` opens it).

One transaction, one utility, many meters. The rules, whatever the order of arrival:
- Of several current readings in one interval of the meter (`interval_s`, counted in UTC) the
  earliest by reading time stays; the others are condensed.
- Two tellings of one instant are one reading: the second fills what the first left open. Only
  where the instant is the meter's own may a *different* telegram do so.
- A second value for what is stored already is a conflict: the first stays, the caller hears.
The meters' state rows must be locked by the caller (`meters.state.lock`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.db import connection
from psycopg.types.json import Jsonb

from meters.registers import COLUMNS
from meters.state import REGISTER_TYPES
from readings.models import Kind, Origin, Trust
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class Stored(Enum):
    """What became of one reading."""

    STORED = "stored"
    MERGED = "merged"
    DUPLICATE = "duplicate"
    CONDENSED = "condensed"
    CONFLICT = "conflict"


@dataclass(slots=True)
class NewReading:
    """One instant of one meter. values: base units, in the order of `meters.registers.COLUMNS`.

    own_time: the instant is the meter's own, so that parts of one reading may meet on it.
    """

    meter_id: int
    at: datetime
    received_at: datetime
    values: list[int | None]
    origin: Origin
    trust: Trust
    interval_s: int
    kind: Kind = Kind.NOW
    own_time: bool = False
    extra: dict[str, list[object]] | None = None
    outcome: Stored = Stored.STORED


@dataclass(frozen=True, slots=True)
class Superseded:
    """A stored reading that gave way to an earlier one of its interval."""

    meter_id: int
    at: datetime
    received_at: datetime


@dataclass(slots=True)
class _Slot:
    """An interval of a meter: what is stored there and what comes."""

    meter_id: int
    start: datetime
    end: datetime
    there: list[tuple[datetime, int, datetime]] = field(default_factory=list)  # ts, kind, received
    coming: list[NewReading] = field(default_factory=list)


def store(readings: Sequence[NewReading]) -> list[Superseded]:
    """Store, merge or condense; sets each reading's `outcome`. Returns what gave way."""
    if not readings:
        return []
    slots: dict[tuple[int, datetime], _Slot] = {}
    for reading in readings:
        start, end = interval_of(reading.at, reading.interval_s)
        slot = slots.get((reading.meter_id, start))
        if slot is None:
            slot = slots[reading.meter_id, start] = _Slot(reading.meter_id, start, end)
        slot.coming.append(reading)
    _look(list(slots.values()))
    writes: list[NewReading] = []
    gone: list[Superseded] = []
    for slot in slots.values():
        _settle(slot, writes, gone)
    _delete(gone)
    told_again = [one for one in writes if one.outcome is Stored.MERGED and not one.own_time]
    _write([one for one in writes if one.own_time or one.outcome is not Stored.MERGED])
    _compare(told_again)
    return gone


def interval_of(at: datetime, interval_s: int) -> tuple[datetime, datetime]:
    """The interval [start, end) of a meter that an instant falls into, counted from 1970 UTC."""
    seconds = int((at - _EPOCH).total_seconds()) // interval_s * interval_s
    start = _EPOCH + timedelta(seconds=seconds)
    return start, start + timedelta(seconds=interval_s)


def _look(slots: list[_Slot]) -> None:
    """Read what is stored in the slots: key and kind only, one index probe a slot."""
    by_key = {(slot.meter_id, slot.start): slot for slot in slots}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT s.meter_id, s.lo, r.ts, r.kind, r.received_at
               FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS s(meter_id, lo, hi)
               CROSS JOIN LATERAL (
                   SELECT ts, kind, received_at FROM readings_reading
                   WHERE tenant_id = %s AND meter_id = s.meter_id AND ts >= s.lo AND ts < s.hi
                     AND ts >= %s AND ts < %s
               ) AS r""",
            [
                [slot.meter_id for slot in slots],
                [slot.start for slot in slots],
                [slot.end for slot in slots],
                current_tenant_id(),
                min(slot.start for slot in slots),
                max(slot.end for slot in slots),
            ],
        )
        for meter_id, start, at, kind, received_at in cursor.fetchall():
            by_key[meter_id, start].there.append((at, kind, received_at))


def _settle(slot: _Slot, writes: list[NewReading], gone: list[Superseded]) -> None:
    """Decide about everything that comes into one interval."""
    slot.coming.sort(key=lambda reading: reading.at)
    instants = {at for at, _, _ in slot.there}
    current = sorted((at, received) for at, kind, received in slot.there if kind == Kind.NOW)
    winner: NewReading | None = None
    merging: dict[datetime, NewReading] = {}
    for reading in slot.coming:
        if reading.kind != Kind.NOW:
            _join(reading, merging, instants, writes)
        elif current and current[0][0] < reading.at or winner and winner.at < reading.at:
            # Equal instants fall through: they are one reading told twice.
            reading.outcome = Stored.CONDENSED
        else:
            if winner is None:
                winner = reading
                for at, received in current:
                    if at > reading.at:
                        gone.append(Superseded(slot.meter_id, at, received))
            _join(reading, merging, instants, writes)


def _join(
    reading: NewReading,
    merging: dict[datetime, NewReading],
    instants: set[datetime],
    writes: list[NewReading],
) -> None:
    """Add a reading to what is written, or into the one of the same instant in this batch."""
    first = merging.get(reading.at)
    if first is None:
        merging[reading.at] = reading
        reading.outcome = Stored.MERGED if reading.at in instants else Stored.STORED
        writes.append(reading)
        return
    new = False
    for index, value in enumerate(reading.values):
        if value is None or first.values[index] == value:
            continue
        if first.values[index] is not None or not reading.own_time:
            reading.outcome = Stored.CONFLICT
            return
        new = True
    if not new:
        reading.outcome = Stored.DUPLICATE
        return
    first.values = [
        mine if mine is not None else other
        for mine, other in zip(first.values, reading.values, strict=True)
    ]
    reading.outcome = Stored.MERGED


def _delete(gone: list[Superseded]) -> None:
    if not gone:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM readings_reading r
               USING unnest(%s::int[], %s::timestamptz[]) AS g(meter_id, ts)
               WHERE r.tenant_id = %s AND r.meter_id = g.meter_id AND r.ts = g.ts
                 AND r.ts >= %s AND r.ts <= %s""",
            [
                [one.meter_id for one in gone],
                [one.at for one in gone],
                current_tenant_id(),
                min(one.at for one in gone),
                max(one.at for one in gone),
            ],
        )


_STAGE = Stage(
    "stage_reading",
    {
        "meter_id": "int4",
        "ts": "timestamptz",
        "received_at": "timestamptz",
        **REGISTER_TYPES,
        "origin": "int2",
        "trust": "int2",
        "kind": "int2",
        "extra": "jsonb",
    },
)
_COLUMNS = ", ".join(COLUMNS)
_fills = " OR ".join(f"(r.{c} IS NULL AND excluded.{c} IS NOT NULL)" for c in COLUMNS)
_conflicts = " OR ".join(f"r.{c} <> excluded.{c}" for c in COLUMNS)
# Filling open columns is
# all a second telling may do; `conflict` tells of a value that differs from the stored one.
_INSERT = f"""
    INSERT INTO readings_reading AS r
        (tenant_id, meter_id, ts, received_at, {_COLUMNS}, origin, trust, kind, extra)
    SELECT %s, meter_id, ts, received_at, {_COLUMNS}, origin, trust, kind, extra
    FROM stage_reading ORDER BY meter_id, ts
    ON CONFLICT (tenant_id, meter_id, ts) DO UPDATE SET
        {", ".join(f"{c} = coalesce(r.{c}, excluded.{c})" for c in COLUMNS)},
        extra = coalesce(excluded.extra || r.extra, r.extra, excluded.extra),
        trust = greatest(r.trust, excluded.trust)
    WHERE ({_fills}) AND NOT coalesce({_conflicts}, false)
    RETURNING r.meter_id, r.ts"""


def _write(writes: list[NewReading]) -> None:
    """Upsert by a staging table; settles MERGED into DUPLICATE or CONFLICT where nothing new."""
    if not writes:
        return
    with connection.cursor() as cursor:
        _STAGE.load(
            cursor,
            (
                (
                    one.meter_id,
                    one.at,
                    one.received_at,
                    *one.values,
                    one.origin,
                    one.trust,
                    one.kind,
                    None if one.extra is None else Jsonb(one.extra),
                )
                for one in writes
            ),
        )
        cursor.execute(_INSERT, [current_tenant_id()])
        changed = set(cursor.fetchall())
    _compare([one for one in writes if (one.meter_id, one.at) not in changed])


def _compare(unchanged: list[NewReading]) -> None:
    """Settle what was not written: a duplicate, a conflict, or another telegram of one instant."""
    if not unchanged:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT r.meter_id, r.ts, {", ".join(f"r.{c}" for c in COLUMNS)}
                FROM unnest(%s::int[], %s::timestamptz[]) AS u(meter_id, ts)
                JOIN readings_reading r ON r.tenant_id = %s AND r.meter_id = u.meter_id
                 AND r.ts = u.ts AND r.ts >= %s AND r.ts < %s""",
            [
                [one.meter_id for one in unchanged],
                [one.at for one in unchanged],
                current_tenant_id(),
                min(one.at for one in unchanged),
                max(one.at for one in unchanged) + _INSTANT,
            ],
        )
        stored = {(row[0], row[1]): row[2:] for row in cursor.fetchall()}
    for one in unchanged:
        there = stored[one.meter_id, one.at]
        told = [pair for pair in zip(one.values, there, strict=True) if pair[0] is not None]
        if all(mine == theirs for mine, theirs in told):
            one.outcome = Stored.DUPLICATE
        elif any(theirs is not None and mine != theirs for mine, theirs in told):
            one.outcome = Stored.CONFLICT
        else:
            one.outcome = Stored.CONDENSED
