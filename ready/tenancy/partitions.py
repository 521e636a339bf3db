"""Partitions made ahead of time: compute a plan, show it, apply it.

Ingest must never wait for, or lack, a partition, and the run-time role may not make one. So a
process of its own, under the maintenance role, keeps them ahead. What exists is read from the
catalogue, never assumed; every step is harmless when repeated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from django.apps import apps
from django.db import connection

from ready.tenancy.operations import OWNER_ROLE


@dataclass(frozen=True, slots=True)
class PartitionedTable:
    """A table split by time. `back` and `ahead` count units from now; `keep` counts units until
    a partition is dropped whole (None: something else ends it). fillfactor: how full pages are
    made at first, in percent (None: wholly)."""

    table: str
    unit: Literal["day", "month", "year"]
    back: int
    ahead: int
    keep: int | None = None
    fillfactor: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One change: create or drop a partition covering [start, end)."""

    action: Literal["create", "drop"]
    table: str
    partition: str
    start: date
    end: date
    fillfactor: int | None = None

    def sql(self) -> str:
        if self.action == "drop":
            return f"DROP TABLE {self.partition}"
        return (
            f"CREATE TABLE IF NOT EXISTS {self.partition} PARTITION OF {self.table} "
            f"FOR VALUES FROM ('{_bound(self.table, self.start)}') "
            f"TO ('{_bound(self.table, self.end)}')"
            + (f" WITH (fillfactor = {self.fillfactor})" if self.fillfactor else "")
        )


# How a partition is named after its start: names sort by time.
_STAMPS = {"day": "%Y%m%d", "month": "%Y%m", "year": "%Y"}


def _bound(table: str, day: date) -> str:
    return f"{day.isoformat()}" if _by_date(table) else f"{day.isoformat()} 00:00:00+00"


def _by_date(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT format_type(a.atttypid, NULL) FROM pg_partitioned_table p
               JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
               WHERE p.partrelid = %s::regclass""",
            [table],
        )
        return bool(cursor.fetchone()[0] == "date")


def _floor(unit: str, day: date) -> date:
    if unit == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if unit == "month" else day


def _step(unit: str, day: date, count: int) -> date:
    if unit == "day":
        return day + timedelta(days=count)
    if unit == "year":
        return date(day.year + count, 1, 1)
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _name(spec: PartitionedTable, start: date) -> str:
    return f"{spec.table}_p{start:{_STAMPS[spec.unit]}}"


def declared() -> list[PartitionedTable]:
    """Every app's `partitioned_tables`."""
    return [
        spec
        for config in apps.get_app_configs()
        for spec in getattr(config, "partitioned_tables", ())
    ]


def existing(table: str) -> set[str]:
    """Names of the table's partitions, from the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = %s::regclass""",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def plan(specs: Iterable[PartitionedTable], now: datetime) -> list[Step]:
    """What is missing and what is past its time, at `now` (aware; partitions follow UTC)."""
    today = now.astimezone(UTC).date()
    steps = []
    for spec in specs:
        there = existing(spec.table)
        first = _floor(spec.unit, today)
        for count in range(-spec.back, spec.ahead + 1):
            start = _step(spec.unit, first, count)
            name = _name(spec, start)
            if name not in there:
                end = _step(spec.unit, start, 1)
                steps.append(Step("create", spec.table, name, start, end, spec.fillfactor))
        if spec.keep is not None:
            oldest = _name(spec, _step(spec.unit, first, -spec.keep))
            prefix = f"{spec.table}_p"
            # Only what carries our own naming is ours to drop; the names sort by time.
            for name in sorted(n for n in there if n.startswith(prefix) and n < oldest):
                start = _parse(spec, name)
                steps.append(Step("drop", spec.table, name, start, _step(spec.unit, start, 1)))
    return steps


def _parse(spec: PartitionedTable, name: str) -> date:
    digits = name.removeprefix(f"{spec.table}_p")
    return datetime.strptime(digits, _STAMPS[spec.unit]).replace(tzinfo=UTC).date()


def apply(steps: Iterable[Step]) -> None:
    """Carry the plan out, each step a short transaction of its own."""
    with connection.cursor() as cursor:
        # A long reader must not make every writer queue up behind our lock request.
        cursor.execute("SET lock_timeout = '2s'")
        # What is made belongs to the owner of its parent, whoever makes it.
        cursor.execute(f"SET ROLE {OWNER_ROLE}")
        for step in steps:
            cursor.execute(step.sql())
        cursor.execute("RESET ROLE")
