"""The newest of each meter: locked once, written once a batch.

Whoever stores readings of a meter first locks its state row, in the order of the ids. So two
workers never decide about the same meter at once, and never wait for each other in a circle.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from psycopg.types.json import Jsonb

from meters.registers import BY_COLUMN, COLUMNS
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage


@dataclass(slots=True)
class Heard:
    """What a batch learned of one meter.

    values: in the order of `COLUMNS`, of the newest reading in the batch; None where it told no
    reading. trouble: an outcome code where the newest telegram could not be read.
    """

    meter_id: int
    heard_at: datetime | None = None
    collector_id: int | None = None
    rssi_dbm: int | None = None
    trouble: int | None = None
    read_at: datetime | None = None
    values: Sequence[int | None] | None = None
    conditions: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a meter before the batch."""

    read_at: datetime | None
    conditions: list[str] = field(default_factory=list)


REGISTER_TYPES = {column: "int8" if BY_COLUMN[column].wide else "int4" for column in COLUMNS}
_STAGE = Stage(
    "stage_state",
    {
        "meter_id": "int4",
        "heard_at": "timestamptz",
        "collector_id": "int4",
        "rssi_dbm": "int2",
        "trouble": "int2",
        "read_at": "timestamptz",
        "conditions": "jsonb",
        **REGISTER_TYPES,
    },
)
# A newer telegram wins; what it does not tell stays as it was.
_newer_heard = "s.heard_at >= coalesce(m.heard_at, '-infinity')"
_newer_read = "s.read_at >= coalesce(m.read_at, '-infinity')"
_UPDATE = f"""
    UPDATE meters_meterstate m SET
        heard_at = greatest(m.heard_at, s.heard_at),
        collector_id = CASE WHEN {_newer_heard} THEN s.collector_id ELSE m.collector_id END,
        rssi_dbm = CASE WHEN {_newer_heard} THEN s.rssi_dbm ELSE m.rssi_dbm END,
        trouble = CASE WHEN {_newer_heard} THEN s.trouble ELSE m.trouble END,
        read_at = greatest(m.read_at, s.read_at),
        conditions = CASE WHEN {_newer_read} AND s.conditions IS NOT NULL
                          THEN s.conditions ELSE m.conditions END,
        {
    ", ".join(
        f"{column} = CASE WHEN {_newer_read} THEN coalesce(s.{column}, m.{column}) "
        f"ELSE m.{column} END"
        for column in COLUMNS
    )
}
    FROM stage_state s WHERE m.tenant_id = %s AND m.meter_id = s.meter_id"""


def lock(meter_ids: Iterable[int]) -> dict[int, Known]:
    """Lock the meters' state rows until the transaction ends; what was known of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id, read_at, conditions FROM meters_meterstate
               WHERE tenant_id = %s AND meter_id = ANY(%s) ORDER BY meter_id FOR UPDATE""",
            [current_tenant_id(), sorted(set(meter_ids))],
        )
        return {
            meter_id: Known(read_at, _loaded(conditions))
            for meter_id, read_at, conditions in cursor.fetchall()
        }


def _loaded(conditions: str | list[str]) -> list[str]:
    # Django has psycopg hand jsonb over as text.
    loaded: list[str] = json.loads(conditions) if isinstance(conditions, str) else conditions
    return loaded


def update(heard: Iterable[Heard]) -> None:
    """Write what was heard; one statement a batch."""
    nothing = (None,) * len(COLUMNS)
    with connection.cursor() as cursor:
        _STAGE.load(
            cursor,
            (
                (
                    one.meter_id,
                    one.heard_at,
                    one.collector_id,
                    one.rssi_dbm,
                    one.trouble,
                    one.read_at,
                    None if one.conditions is None else Jsonb(one.conditions),
                    *(one.values or nothing),
                )
                for one in heard
            ),
        )
        cursor.execute(_UPDATE, [current_tenant_id()])
