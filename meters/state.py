"""The newest of each meter: locked once, written once a batch.

Whoever stores readings of a meter first locks its state row, in the order of the ids. So two
workers never decide about the same meter at once, and never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from meters.registers import BY_COLUMN, COLUMNS
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage, array, document, driver_cursor, integers, stamp


@dataclass(slots=True)
class Heard:
    """What a batch learned of one meter.

    values: in the order of `COLUMNS`, each the newest that the batch told; None where it told no
    reading. read_at: when the newest reading was. trouble: an outcome code where the newest
    telegram could not be read.
    """

    meter_id: int
    heard_at: datetime | None = None
    collector_id: int | None = None
    rssi_dbm: int | None = None
    trouble: int | None = None
    read_at: datetime | None = None
    values: Sequence[int | None] | None = None
    conditions: list[str] | None = None
    counted: "Counted | None" = None


class Counted(NamedTuple):
    """The telegram with a meter's highest counter. mark: what it said, as a number."""

    counter: int
    at: datetime
    mark: int


class Known(NamedTuple):
    """What was known of a meter before the batch.

    No reading of the meter is stored that is both current and newer than `read_at`.
    """

    read_at: datetime | None
    values: Sequence[int | None]
    counted: Counted | None = None


REGISTER_TYPES = {column: "int8" if BY_COLUMN[column].wide else "int4" for column in COLUMNS}
_TYPES = {
    "meter_id": "int4",
    "heard_at": "timestamptz",
    "collector_id": "int4",
    "rssi_dbm": "int2",
    "trouble": "int2",
    "read_at": "timestamptz",
    "conditions": "jsonb",
    "counter": "int8",
    "counter_at": "timestamptz",
    "counter_mark": "int8",
}
_STAGE = Stage("stage_state", {**_TYPES, **REGISTER_TYPES})
# A newer telegram wins; what it does not tell stays as it was.
_newer_heard = "excluded.heard_at >= coalesce(m.heard_at, '-infinity')"
_newer_read = "excluded.read_at >= coalesce(m.read_at, '-infinity')"
_counts = "excluded.counter > coalesce(m.counter, -1)"


@lru_cache(maxsize=256)
def _update(told: tuple[str, ...]) -> str:
    """The statement for a batch that told these registers.

    The rows are there. It is an insert that always runs into them because that probes the key once
    a row; an UPDATE that joins the stage reads the whole table where the statistics are behind.
    `conditions` may not be NULL: a JSON null stands for none told.
    """
    sets = [
        f"{c} = CASE WHEN {_newer_heard} THEN excluded.{c} ELSE m.{c} END"
        for c in ("collector_id", "rssi_dbm", "trouble")
    ]
    sets += [
        f"{c} = CASE WHEN {_newer_read} THEN coalesce(excluded.{c}, m.{c}) ELSE m.{c} END"
        for c in told
    ]
    sets += [
        f"{c} = CASE WHEN {_counts} THEN excluded.{c} ELSE m.{c} END"
        for c in ("counter", "counter_at", "counter_mark")
    ]
    listed = ", ".join((*_TYPES, *told))
    return f"""
        INSERT INTO meters_meterstate AS m (tenant_id, {listed})
        SELECT %s, {listed} FROM stage_state
        ON CONFLICT (tenant_id, meter_id) DO UPDATE SET
            heard_at = greatest(m.heard_at, excluded.heard_at),
            read_at = greatest(m.read_at, excluded.read_at),
            conditions = CASE WHEN {_newer_read} AND excluded.conditions <> 'null'
                              THEN excluded.conditions ELSE m.conditions END,
            {", ".join(sets)}"""


_LOCK = """SELECT {} FROM meters_meterstate
    WHERE tenant_id = %s AND meter_id = ANY(%s) ORDER BY meter_id FOR UPDATE"""
_ALL = _LOCK.format(f"meter_id, read_at, counter, counter_at, counter_mark, {', '.join(COLUMNS)}")
# Two values for all meters: a row each takes longer to read.
_TIMES = f"""SELECT string_agg(int8send(meter_id), ''),
                    string_agg(timestamptz_send(coalesce(read_at, '-infinity')), '')
    FROM ({_LOCK.format("meter_id, read_at")}) AS locked"""
# The stamp of '-infinity': of a meter that was never read.
NEVER = -(2**63)


def lock(meter_ids: Iterable[int]) -> dict[int, Known]:
    """Lock the meters' state rows until the transaction ends; what was known of each."""
    return {
        row[0]: Known(row[1], row[5:], None if row[2] is None else Counted(*row[2:5]))
        for row in _locked(_ALL, meter_ids)
    }


def lock_times(meter_ids: Iterable[int]) -> dict[int, int]:
    """The same for who only has to know when each was read, as `read_times` tells it: without
    values and counters, which take most of the time. Meters without a state row, which is another
    utility's or nobody's, are not in it: they are not locked."""
    ((meters, times),) = _locked(_TIMES, meter_ids)
    return dict(zip(integers(meters), integers(times), strict=True))


def read_times(known: Mapping[int, Known]) -> dict[int, int]:
    """When each meter was last read, as a `staging.stamp`; `NEVER` if it never was."""
    return {
        meter_id: NEVER if was.read_at is None else stamp(was.read_at)
        for meter_id, was in known.items()
    }


def _locked(statement: str, meter_ids: Iterable[int]) -> list[tuple[Any, ...]]:
    cursor = driver_cursor()
    cursor.execute(statement, [current_tenant_id(), array(sorted(set(meter_ids)))], binary=True)
    return cursor.fetchall()


def update(heard: Iterable[Heard]) -> None:
    """Write what was heard; one statement a batch."""
    rows = list(heard)
    if not rows:
        return
    nothing = (None,) * len(COLUMNS)
    by_register = list(zip(*[one.values or nothing for one in rows], strict=True))
    told = {
        column: values
        for column, values in zip(COLUMNS, by_register, strict=True)
        if values[0] is not None or values.count(None) < len(rows)
    }
    columns: dict[str, Sequence[object]] = {
        "meter_id": [one.meter_id for one in rows],
        "heard_at": [_stamp(one.heard_at) for one in rows],
        "collector_id": [one.collector_id for one in rows],
        "rssi_dbm": [one.rssi_dbm for one in rows],
        "trouble": [one.trouble for one in rows],
        "read_at": [_stamp(one.read_at) for one in rows],
        "conditions": [
            _NO_CODES if one.conditions == [] else document(orjson.dumps(one.conditions))
            for one in rows
        ],
        "counter": [one.counted and one.counted.counter for one in rows],
        "counter_at": [None if one.counted is None else stamp(one.counted.at) for one in rows],
        "counter_mark": [one.counted and one.counted.mark for one in rows],
        **told,
    }
    _STAGE.load(tuple(columns), zip(*columns.values(), strict=True))
    driver_cursor().execute(_update(tuple(told)), [current_tenant_id()])


_NO_CODES = document(b"[]")


def _stamp(instant: datetime | None) -> int | None:
    return None if instant is None else stamp(instant)
