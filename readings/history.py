"""Readings of the past in bulk: several times faster than `readings.services.store`, and humbler.

For what is known to be readings and nothing else (another system's export, a logger, the demo): it
fills intervals that hold no current reading yet, and never changes or replaces one. So it needs no
merging, no comparing, and nobody's telegram has to be told. Only `collectors.pipeline` calls it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from django.db import connection

from meters.registers import COLUMNS
from meters.state import REGISTER_TYPES
from readings.giving_way import give_way_within
from readings.marks import marking
from readings.models import Estimation, Kind, Status
from readings.rules.points import instant, micros
from readings.writing import FIXED_SQL
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage

# (meter_id, instant, arrival, one value for each of COLUMNS, origin, trust, kind); instants are
# microseconds since 1970-01-01 UTC, which are much cheaper to hand over than datetimes.
HistoryRow = Sequence[int | None]
MICROSECONDS = 1_000_000

_STAGE = Stage(
    "stage_history",
    {
        "meter_id": "int4",
        "ts": "int8",
        "received_at": "int8",
        **REGISTER_TYPES,
        "origin": "int2",
        "trust": "int2",
        "kind": "int2",
    },
)
_LOADED = ("meter_id", "ts", "received_at", *COLUMNS, "origin", "trust", "kind")
_COLUMNS = ", ".join(COLUMNS)
_INSTANT = "timestamptz 'epoch' + {} * interval '1 microsecond'"
_FILL = f"""
    INSERT INTO readings_reading
        (tenant_id, meter_id, ts, received_at, {_COLUMNS}, origin, trust, kind, fixed)
    SELECT %s, meter_id, {_INSTANT.format("ts")}, {_INSTANT.format("received_at")},
           {_COLUMNS}, origin, trust, kind, {FIXED_SQL}
    FROM stage_history
    ON CONFLICT (tenant_id, meter_id, ts) DO NOTHING RETURNING meter_id, ts"""  # noqa: S608
_INSERT = f"{marking(_FILL)} SELECT count(*) FROM changed"  # noqa: S608  our own column names


def fill(rows: Iterable[HistoryRow], *, intervals: Mapping[int, int], start: int, end: int) -> int:
    """Store rows whose interval is still empty; how many were stored.

    rows: instants lie in [start, end) (microseconds), at most one a meter and interval.
    intervals: how often a reading of each meter is kept, in seconds, for all meters in `rows`.
    Runs in the caller's transaction; the meters' state rows must be locked (`meters.state.lock`).
    """
    taken = _taken(intervals, start, end)
    if taken:
        rows = (row for row in rows if row[-1] != Kind.NOW or _slot(row, intervals) not in taken)
    _STAGE.load(_LOADED, rows)
    give_way_within(list(intervals), instant(start), instant(end), _tells)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [current_tenant_id()])
        return int(cursor.fetchone()[0])


def _tells(estimate: Estimation) -> bool:
    """Whether a staged row says something about an estimated gap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (
                   SELECT 1 FROM stage_history WHERE meter_id = %s AND ts > %s AND ts < %s)""",
            [estimate.meter_id, micros(estimate.starts_at), micros(estimate.gives_way_until)],
        )
        return bool(cursor.fetchone()[0])


def _slot(row: HistoryRow, intervals: Mapping[int, int]) -> tuple[int, int]:
    meter_id, instant = row[0], row[1]
    if meter_id is None or instant is None:
        raise ValueError("a reading needs a meter and an instant")
    return meter_id, instant // (intervals[meter_id] * MICROSECONDS)


def _taken(intervals: Mapping[int, int], start: int, end: int) -> set[tuple[int, int]]:
    """The intervals that have a current reading: (meter, number of the interval since 1970).

    An estimate takes none: it gives way to the row.
    """
    longest = max(chain(intervals.values(), (1,))) * MICROSECONDS
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT meter_id, (extract(epoch FROM ts) * {MICROSECONDS})::int8
                FROM readings_reading
                WHERE tenant_id = %s AND meter_id = ANY(%s) AND kind = %s AND status <> %s
                  AND ts >= {_INSTANT.format("%s")} AND ts < {_INSTANT.format("%s")}""",  # noqa: S608
            [
                current_tenant_id(),
                list(intervals),
                Kind.NOW,
                Status.ESTIMATED,
                start // longest * longest,
                -(-end // longest) * longest,
            ],
        )
        return {
            (meter_id, instant // (intervals[meter_id] * MICROSECONDS))
            for meter_id, instant in cursor.fetchall()
        }
