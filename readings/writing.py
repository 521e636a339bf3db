"""Readings into the table: one COPY and one statement a batch.

The statement does all of it: inserts, fills what is open in a reading of the same instant, marks
the days (`readings.marks`), and answers only about the readings that were not simply new.
`readings.services` decides what comes here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from operator import attrgetter

import orjson
from django.db import connection, transaction
from psycopg.errors import UniqueViolation

from meters.registers import BY_COLUMN, COLUMNS
from meters.state import REGISTER_TYPES
from readings import standing
from readings.marks import marking
from readings.models import Kind, Origin, Status, Trust
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage, document, driver_cursor, stamp


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

    own_time: the instant is the meter's own, not its receiver's. contradicts: after a conflict,
    the stored values that stay.
    """

    meter_id: int
    at: datetime
    received_at: datetime
    values: Sequence[int | None]
    origin: Origin
    trust: Trust
    interval_s: int
    kind: Kind = Kind.NOW
    own_time: bool = False
    extra: dict[str, list[object]] | None = None
    status: Status = Status.MEASURED
    outcome: Stored = Stored.STORED
    contradicts: Sequence[int | None] | None = field(default=None, repr=False)


_STAGE = Stage(
    "stage_reading",
    {
        "place": "int4",
        "meter_id": "int4",
        "ts": "timestamptz",
        "received_at": "timestamptz",
        **REGISTER_TYPES,
        "origin": "int2",
        "trust": "int2",
        "kind": "int2",
        "status": "int2",
        "fixed": "int4",
        "extra": "jsonb",
    },
)
# What is said about a reading, and how.
_META = {
    "received_at": "timestamptz",
    "origin": "int2",
    "trust": "int2",
    "kind": "int2",
    "status": "int2",
}
# A reading and its `staging.stamp`.
Stamped = tuple[NewReading, int]
# So many readings are turned into columns at a time, so that they stay near the processor (all at
# once, 10,000 take three times as long); and PostgreSQL takes the rows of one piece in meanwhile.
_PIECE = 500


def insert(rows: Sequence[Stamped]) -> None:
    """Insert readings that nothing of their meters is expected to meet, one an instant.

    Where something is there after all (a target date ahead of the newest reading), they are
    merged instead.
    """
    if not rows:
        return
    told, alike = _load(rows)
    statement = _insert(told, tuple(alike))
    meters = [reading.meter_id for reading, _ in rows]
    stamps = [at for _, at in rows]
    trust = standing.trust(meters, stamps)
    try:
        with transaction.atomic():
            cursor = driver_cursor()
            cursor.execute(
                statement, [current_tenant_id(), *alike.values(), *(trust or standing.NO_TRUST)]
            )
            standing.note(cursor.fetchone(), trust, meters, stamps)
    except UniqueViolation:
        merge(rows)


def merge(rows: Sequence[Stamped]) -> None:
    """Insert readings or merge them into what is there; sets each one's outcome.

    Several tellings of one instant are written one after the other.
    """
    waiting = rows
    while waiting:
        now: dict[tuple[int, int], Stamped] = {}
        later: list[Stamped] = []
        for one in waiting:
            reading, at = one
            first = now.setdefault((reading.meter_id, at), one)[0]
            if first is not reading:
                if _told(first) == _told(reading):
                    reading.outcome = Stored.DUPLICATE
                else:
                    later.append(one)
        _merge_once(list(now.values()))
        waiting = later


_told = attrgetter("values", "extra", "kind", "trust", "received_at", "origin")


def _merge_once(rows: Sequence[Stamped]) -> None:
    readings = [reading for reading, _ in rows]
    cursor = driver_cursor()
    told, alike = _load(rows)
    cursor.execute(_merge(told, tuple(alike)), [current_tenant_id(), *alike.values()])
    unwritten = []
    for place, filled in cursor.fetchall():
        if filled is None:
            unwritten.append(place)
        readings[place].outcome = Stored.MERGED if filled else Stored.DUPLICATE
    estimated = _compare(readings, unwritten)
    if estimated:
        delete([(readings[place].meter_id, readings[place].at) for place in estimated])
        for place in estimated:
            readings[place].outcome = Stored.STORED
        _merge_once([rows[place] for place in estimated])


def _load(rows: Sequence[Stamped]) -> tuple[tuple[str, ...], dict[str, object]]:
    """Stage readings, by columns; which of the registers, `fixed` and `extra` any of them tells,
    and what is said of all of them alike: that goes into the statement instead."""
    readings = [reading for reading, _ in rows]
    alike = _alike(readings)
    said = ["meter_id", *(column for column in _META if column not in alike)]
    beyond = []
    if alike.get("kind") != Kind.NOW:
        beyond.append("fixed")
    if any(reading.extra is not None for reading in readings):
        beyond.append("extra")
    by_register = [
        _by_register(readings[start : start + _PIECE]) for start in range(0, len(readings), _PIECE)
    ]
    registers = [
        place for place in range(len(COLUMNS)) if any(_tells(piece[place]) for piece in by_register)
    ]
    told = (*(COLUMNS[place] for place in registers), *beyond)
    _STAGE.load(
        ("place", "ts", *told, *said),
        _by_columns(rows, by_register, registers, (*beyond, *said)),
    )
    return told, alike


def _by_register(readings: Sequence[NewReading]) -> list[tuple[int | None, ...]]:
    """The values of each register. Raises ValueError unless each tells one of each."""
    values = list(zip(*[one.values for one in readings], strict=True))
    if len(values) != len(COLUMNS):
        raise ValueError(f"{len(values)} values of {len(COLUMNS)} registers")
    return values


def _alike(readings: Sequence[NewReading]) -> dict[str, object]:
    """What is said of all readings alike, by column."""
    alike: dict[str, object] = {}
    for column in _META:
        said = list(map(attrgetter(column), readings))
        if said[0] == said[-1] and said.count(said[0]) == len(said):
            alike[column] = said[0] if column == "received_at" else int(said[0])
    return alike


def _tells(values: Sequence[int | None]) -> bool:
    return values[0] is not None or values.count(None) < len(values)


def _by_columns(
    rows: Sequence[Stamped],
    by_register: Sequence[Sequence[Sequence[int | None]]],
    registers: Sequence[int],
    others: Sequence[str],
) -> Iterator[tuple[object, ...]]:
    """The rows of the stage: place, instant, the registers of these places, these other columns.

    by_register: the values of each register, a piece of the rows after the other. A piece's rows
    are made when they are asked for: PostgreSQL takes those before them in meanwhile.
    """
    for number, values in enumerate(by_register):
        start = number * _PIECE
        piece = rows[start : start + _PIECE]
        readings = [reading for reading, _ in piece]
        yield from zip(
            range(start, start + len(piece)),
            [at for _, at in piece],
            *[values[place] for place in registers],
            *[map(_TELL[column], readings) for column in others],
            strict=True,
        )


def _inserting(told: tuple[str, ...], alike: tuple[str, ...]) -> str:
    """Of readings that tell these columns, and of which these are said alike (as parameters)."""
    columns = ("meter_id", "ts", *_META, *told)
    given = [f"%s::{_META[column]}" for column in alike]
    staged = [column for column in columns if column not in alike]
    return f"""
        INSERT INTO readings_reading AS r (tenant_id, {", ".join((*alike, *staged))})
        SELECT %s, {", ".join((*given, *staged))} FROM stage_reading"""


@lru_cache(maxsize=256)
def _insert(told: tuple[str, ...], alike: tuple[str, ...]) -> str:
    """The statement for readings that are all new; answers with what `standing.note` wants."""
    change = _inserting(told, alike)
    return f"""{marking(change, told_by="stage_reading", trusting=True)}
        SELECT zone, taken, newest FROM terms"""


@lru_cache(maxsize=256)
def _merge(told: tuple[str, ...], alike: tuple[str, ...]) -> str:
    """The statement for readings that may meet others; answers (place, filled) for what was not
    simply new: filled is None for what was not written at all, else whether it added anything."""
    registers = tuple(column for column in told if column in BY_COLUMN)
    least = [column for column in _META if column != "status"]
    sets = [f"{c} = coalesce(r.{c}, excluded.{c})" for c in registers]
    sets += [f"{c} = least(r.{c}, excluded.{c})" for c in least]
    sets.append("status = greatest(r.status, excluded.status)")
    news = [f"r.{c} IS NULL AND excluded.{c} IS NOT NULL" for c in registers]
    news += [f"excluded.{c} < r.{c}" for c in least]
    news.append("excluded.status > r.status")
    fills = [f"o.{c} IS NULL AND n.{c} IS NOT NULL" for c in registers] or ["false"]
    if "fixed" in told:
        sets.append("fixed = coalesce(r.fixed | excluded.fixed, r.fixed, excluded.fixed)")
        news.append("excluded.fixed & ~coalesce(r.fixed, 0) <> 0")
    if "extra" in told:
        sets.append("extra = coalesce(excluded.extra || r.extra, r.extra, excluded.extra)")
        news.append("NOT coalesce(r.extra, '{}') @> coalesce(excluded.extra, '{}')")
        fills.append("o.extra IS DISTINCT FROM n.extra")
    change = f"""{_inserting(told, alike)}
        ON CONFLICT (tenant_id, meter_id, ts) DO UPDATE SET {", ".join(sets)}
        WHERE ({" OR ".join(news)}) AND r.status <= {int(Status.SUSPECT)}
          AND {_agrees(registers, "excluded")}
        RETURNING WITH (OLD AS o, NEW AS n) n.meter_id, n.ts, o.meter_id IS NULL AS new,
                  {" OR ".join(fills)} AS filled"""
    return f"""
        {marking(change)}
        SELECT s.place, c.filled FROM stage_reading s
        LEFT JOIN changed c ON c.meter_id = s.meter_id AND c.ts = s.ts
        WHERE c.new IS NOT TRUE"""


def _agrees(registers: tuple[str, ...], other: str) -> str:
    if not registers:
        return "true"
    return "NOT coalesce(" + " OR ".join(f"r.{c} <> {other}.{c}" for c in registers) + ", false)"


# `fixed` beyond the registers: what kinds told it, and whether they told `extra`.
_TARGET, _LOG, _EXTRA = (1 << len(COLUMNS) + place for place in range(3))


# The same of a row, for rows that come without it.
FIXED_SQL = (
    f"CASE WHEN kind <> {int(Kind.NOW)} THEN "
    f"CASE WHEN kind = {int(Kind.TARGET)} THEN {_TARGET} ELSE {_LOG} END"
    + "".join(
        f" | CASE WHEN {column} IS NULL THEN 0 ELSE {1 << place} END"
        for place, column in enumerate(COLUMNS)
    )
    + " END"
)


def _fixed(reading: NewReading) -> int | None:
    """What a target date or a log told, as bits: the registers by place, then `_TARGET` …"""
    if reading.kind == Kind.NOW:
        return None
    bits = _TARGET if reading.kind == Kind.TARGET else _LOG
    if reading.extra is not None:
        bits |= _EXTRA
    for place, value in enumerate(reading.values):
        if value is not None:
            bits |= 1 << place
    return bits


def _extra(reading: NewReading) -> bytes | None:
    return None if reading.extra is None else document(orjson.dumps(reading.extra))


# What a reading tells for a column of the stage, as it goes over.
_TELL: dict[str, Callable[[NewReading], object]] = {
    "meter_id": attrgetter("meter_id"),
    "received_at": lambda reading: stamp(reading.received_at),
    **{column: attrgetter(column) for column in ("origin", "trust", "kind", "status")},
    "fixed": _fixed,
    "extra": _extra,
}


def _compare(readings: Sequence[NewReading], places: Sequence[int]) -> list[int]:
    """Tell conflicts from repetitions among readings that were not written.

    Answers which of them met an estimate: that gives way to what the meter tells.
    """
    if not places:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT s.place, r.status, {", ".join(f"r.{c}" for c in COLUMNS)}
                FROM stage_reading s
                CROSS JOIN LATERAL (
                    SELECT * FROM readings_reading
                    WHERE tenant_id = %s AND meter_id = s.meter_id AND ts = s.ts
                      AND ts >= %s AND ts <= %s
                    OFFSET 0  -- the key is probed once a row, whatever the statistics say
                ) r
                WHERE s.place = ANY(%s)
                  AND (r.status = {int(Status.ESTIMATED)} OR NOT {_agrees(COLUMNS, "s")})""",
            [
                current_tenant_id(),
                min(readings[place].at for place in places),
                max(readings[place].at for place in places),
                list(places),
            ],
        )
        met = cursor.fetchall()
    for place, status, *stored in met:
        # What a person decided is known to differ from what the meter tells: nothing new.
        if status <= Status.SUSPECT:
            readings[place].outcome = Stored.CONFLICT
            readings[place].contradicts = stored
    return [place for place, status, *_ in met if status == Status.ESTIMATED]


_GIVEN = "WHERE r.tenant_id = %s AND r.meter_id = %s AND r.ts = %s RETURNING r.meter_id, r.ts"
_DELETE = f"DELETE FROM readings_reading r {_GIVEN}"
_kept = ", ".join(
    f"{c} = CASE WHEN r.fixed >> {place} & 1 = 1 THEN r.{c} END" for place, c in enumerate(COLUMNS)
)
_REDUCE = f"""
    UPDATE readings_reading r SET {_kept},
        kind = CASE WHEN r.fixed & {_TARGET} <> 0 THEN {int(Kind.TARGET)} ELSE {int(Kind.LOG)} END,
        extra = CASE WHEN r.fixed & {_EXTRA} <> 0 THEN r.extra END
    {_GIVEN}"""


def delete(keys: Sequence[tuple[int, datetime]]) -> None:
    """Take these readings (meter, instant) away."""
    _change(_DELETE, keys)


def reduce(keys: Sequence[tuple[int, datetime]]) -> None:
    """Leave of these readings what a target date or a log told."""
    _change(_REDUCE, keys)


def _change(change: str, keys: Sequence[tuple[int, datetime]]) -> None:
    """A statement a key, sent in one go: they are few, and a join could read whole partitions."""
    if keys:
        tenant_id = current_tenant_id()
        driver_cursor().executemany(
            f"{marking(change)} SELECT 1 FROM changed", [(tenant_id, *key) for key in keys]
        )
