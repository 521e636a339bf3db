"""Writing a month of readings anew, thinned where due, while readings go on coming in.

The month is copied into a new table in the order of its key, which then takes the old one's place
in one short lock. What changes meanwhile is known by the marks on its days: they are taken away
only by us, so at the end the marked days are copied once more, and under the lock the last few.
Killed anywhere before the swap, the old table is as it was and the new one is thrown away by the
next start; the swap is one transaction.

What has been done is written on the table itself, as its comment in the catalogue. Thinning keeps
of each local day what its midnight needs (`readings.thinning`), mostly its first reading; what was
billed (`KeptReading`) stays whatever the policy.
"""

import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from readings import billing, daily, thinning
from readings.daily import MeterDay
from readings.models import Upkeep
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.tenancy.operations import OWNER_ROLE

log = logging.getLogger(__name__)

TABLE = "readings_reading"
_DAILY = "readings_dailyreading"
_DAY = timedelta(days=1)
# Marked days that may wait for the swap's lock: some hundredths of a second's work.
_FEW = 500
_ROUNDS = 6
_LOCK_TIMEOUT_MS = 400
_TRIES = 40
_PAUSE_S = 0.5


class Level(IntEnum):
    """What is left of a utility's readings in a month."""

    FULL = 0
    THIN = 1
    GONE = 2


@dataclass(frozen=True, slots=True)
class Month:
    """A partition of the readings: [start, end), UTC."""

    partition: str
    start: date
    end: date

    @property
    def low(self) -> datetime:
        """Its first instant."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    @property
    def high(self) -> datetime:
        """The first instant after it."""
        return datetime(self.end.year, self.end.month, self.end.day, tzinfo=UTC)

    @property
    def draft(self) -> str:
        """The name of the table that is to take its place."""
        return f"{self.partition}_new"


def months() -> list[Month]:
    """The months there are, oldest first, from the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = %s::regclass ORDER BY c.relname""",
            [TABLE],
        )
        names = [name for (name,) in cursor.fetchall()]
    found = []
    for name in names:
        year, month = int(name[-6:-2]), int(name[-2:])
        start = date(year, month, 1)
        found.append(Month(name, start, (start + 31 * _DAY).replace(day=1)))
    return found


def states() -> dict[str, dict[int, Level]]:
    """What was done to each month that was ever written anew, by partition and utility."""
    return _states("")


def state_of(month: Month) -> dict[int, Level] | None:
    """What was done to a month, by utility; None when it was never written anew."""
    return _states(month.partition).get(month.partition)


def _states(only: str) -> dict[str, dict[int, Level]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, obj_description(c.oid, 'pg_class')
               FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = %s::regclass AND obj_description(c.oid, 'pg_class') IS NOT NULL
                 AND %s::text IN ('', c.relname::text)
            """,
            [TABLE, only],
        )
        comments: list[tuple[str, str]] = cursor.fetchall()
    found = {}
    for name, comment in comments:
        try:
            found[name] = _levels(comment)
        except (ValueError, LookupError, TypeError, AttributeError):
            # Anybody with the owner's rights may write one. What was done is done again, once,
            # which changes nothing more; no other month waits for that.
            log.warning("%s: its comment is none of ours, so it counts as never rewritten", name)
    return found


def _levels(comment: str) -> dict[int, Level]:
    levels: dict[str, list[int]] = json.loads(comment)["levels"]
    return {tenant: Level[name] for name, tenants in levels.items() for tenant in tenants}


def _comment(levels: Mapping[int, Level], now: datetime) -> str:
    by_level = {
        level.name: sorted(tenant for tenant, one in levels.items() if one is level)
        for level in (Level.THIN, Level.GONE)
    }
    return json.dumps({"rewritten": f"{now:%Y-%m-%d}", "levels": by_level})


def tenants_in(month: Month) -> list[int]:
    """The utilities that have readings in a month: a skip through its key."""
    name = month.partition
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE t AS (
                    (SELECT tenant_id FROM {name} ORDER BY tenant_id LIMIT 1)
                    UNION ALL
                    SELECT (SELECT n.tenant_id FROM {name} n WHERE n.tenant_id > t.tenant_id
                            ORDER BY n.tenant_id LIMIT 1) FROM t WHERE t.tenant_id IS NOT NULL
                ) SELECT tenant_id FROM t WHERE tenant_id IS NOT NULL"""  # noqa: S608
        )
        return [tenant for (tenant,) in cursor.fetchall()]


def refresh(
    tenant_id: int, now: datetime, first: date | None = None, last: date | None = None
) -> set[MeterDay]:
    """Make a utility's marked days anew, some at a time, so that no telegram waits long.

    Which days those were; one that changed meanwhile was made more than once.
    """
    made: set[MeterDay] = set()
    while True:
        with tenant_context(tenant_id):
            some = daily.refresh(now, first=first, last=last)
        made.update(some)
        # Days may be marked again as fast as they are made; those are for the next look.
        if len(some) < daily.DAYS_AT_ONCE:
            return made


# ── The rewrite ─────────────────────────────────────────────────────────────────────────────────


def rewrite(month: Month, levels: Mapping[int, Level], now: datetime) -> None:
    """Write a month anew; levels: what is to be left of each utility that has readings in it.

    The caller is the only maintainer (`maintenance.only_one`). Raises OperationalError when the
    lock for the swap is not to be had; nothing has happened then.
    """
    zones = _zones()
    first, last = month.start - _DAY, month.end
    for tenant, level in levels.items():
        # Before a reading goes, its day's row must know it.
        refresh(tenant, now, first, last)
        _promise(tenant, level, _day_after(month, zones[tenant]))
    with connection.cursor() as cursor:
        # What is made belongs to the owner of the table that it becomes a part of.
        cursor.execute(f"SET ROLE {OWNER_ROLE}")
        try:
            _create(cursor, month)
            columns = _columns(cursor, month)
            for tenant, level in levels.items():
                _copy(cursor, month, columns, tenant, level, zones[tenant])
            # Full pages: hardly anything comes into a closed month any more.
            cursor.execute(
                f"ALTER TABLE {month.draft} ADD CONSTRAINT {month.draft}_pkey "
                "PRIMARY KEY (tenant_id, meter_id, ts) WITH (fillfactor = 100)"
            )
            for tenant, level in levels.items():
                _end_days(month, tenant, level, zones[tenant])
            for _ in range(_ROUNDS):
                changed, zones = 0, _zones()
                for tenant in tenants_in(month):
                    made = refresh(tenant, now, first, last)
                    changed += len(made)
                    _copy_again(cursor, month, columns, tenant, made, zones[tenant])
                if changed < _FEW:
                    break
            cursor.execute(f"VACUUM (ANALYZE) {month.draft}")
            _swap(cursor, month, columns, levels, now)
        finally:
            cursor.execute("RESET ROLE")


def _zones() -> dict[int, ZoneInfo]:
    return {tenant.pk: ZoneInfo(tenant.zone) for tenant in Tenant.objects.all()}


def _day_after(month: Month, zone: ZoneInfo) -> date:
    """The first local day that does not end within the month; where it begins in the month, its
    readings there are thinned together with the next month."""
    return month.high.astimezone(zone).date()


def _promise(tenant_id: int, level: Level, before: date) -> None:
    """Note, before anything goes, from which day on a day's readings no longer tell it whole."""
    with tenant_context(tenant_id):
        kept = daily.upkeep()
        if level >= Level.THIN and (kept.thinned_before or date.min) < before:
            Upkeep.objects.filter(pk=kept.pk).update(thinned_before=before)
        if level is Level.GONE and (kept.gone_before or date.min) < before:
            Upkeep.objects.filter(pk=kept.pk).update(gone_before=before)


def _create(cursor: CursorWrapper, month: Month) -> None:
    # What a killed attempt left behind was never part of anything.
    cursor.execute(f"DROP TABLE IF EXISTS {month.draft}")
    # Tidying up what is about to be dropped would only stand in the way of the swap.
    cursor.execute(f"ALTER TABLE {month.partition} SET (autovacuum_enabled = false)")
    cursor.execute(
        f"""CREATE TABLE {month.draft} (
                LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE,
                CONSTRAINT {month.draft}_bounds
                    CHECK (ts >= '{month.low:%Y-%m-%d %H:%M:%S}+00'
                           AND ts < '{month.high:%Y-%m-%d %H:%M:%S}+00')
            )"""
    )


def _columns(cursor: CursorWrapper, month: Month) -> str:
    cursor.execute(
        """SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped""",
        [month.draft],
    )
    return str(cursor.fetchone()[0])


_KEPT = """EXISTS (SELECT 1 FROM readings_keptreading k WHERE k.tenant_id = o.tenant_id
                   AND k.meter_id = o.meter_id AND k.ts = o.ts)"""


def _copy(
    cursor: CursorWrapper,
    month: Month,
    columns: str,
    tenant_id: int,
    level: Level,
    zone: ZoneInfo,
) -> None:
    """One utility's readings, in key order, as far as they stay."""
    own = f"SELECT {columns} FROM {month.partition} o WHERE o.tenant_id = %(tenant)s"  # noqa: S608
    first_day = month.low.astimezone(zone).date()
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "zone": str(zone),
        "low": month.low,
        "first_midnight": daily.start_of(first_day, zone),
        "first_day": first_day,
        "day_after": _day_after(month, zone),
    }
    if level is Level.FULL:
        rows = own
    elif level is Level.GONE:
        rows = f"{own} AND {_KEPT}"
    else:
        # A day that began in the month before is judged with what it told there; the day that
        # goes on into the next month is thinned with that.
        judged = thinning.judged(
            f"""SELECT o.*, day, {thinning.told("o")} AS told, h.told AS earlier
                FROM {month.partition} o
                CROSS JOIN LATERAL (SELECT (o.ts AT TIME ZONE %(zone)s)::date AS day) d
                LEFT JOIN (
                    SELECT e.meter_id, bit_or({thinning.told("e")}) AS told FROM {TABLE} e
                    WHERE e.tenant_id = %(tenant)s AND e.ts >= %(first_midnight)s
                      AND e.ts < %(low)s GROUP BY e.meter_id
                ) h ON h.meter_id = o.meter_id AND day = %(first_day)s
                WHERE o.tenant_id = %(tenant)s"""  # noqa: S608
        )
        rows = f"""SELECT {columns} FROM ({judged}) o
            WHERE stays OR day >= %(day_after)s OR {_KEPT}"""  # noqa: S608
    with tenant_context(tenant_id):
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(
            f"INSERT INTO {month.draft} ({columns}) {rows} ORDER BY o.meter_id, o.ts", parameters
        )


def _copy_again(
    cursor: CursorWrapper,
    month: Month,
    columns: str,
    tenant_id: int,
    days: Collection[MeterDay],
    zone: ZoneInfo,
) -> None:
    """Days that changed since they were copied, as they stand now."""
    if not days:
        return
    spans = daily.spans_of(days, zone)
    parameters: list[Any] = [
        tenant_id,
        spans.meters,
        [max(low, month.low) for low in spans.lows],
        [min(high, month.high) for high in spans.highs],
    ]
    spanned = (
        """unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS d(meter_id, low, high)"""
    )
    where = "o.meter_id = d.meter_id AND o.ts >= d.low AND o.ts < d.high"
    with transaction.atomic():
        cursor.execute(
            f"""WITH t AS (SELECT %s::int AS tenant_id)
                DELETE FROM {month.draft} o USING {spanned}, t
                WHERE o.tenant_id = t.tenant_id AND {where}""",  # noqa: S608
            parameters,
        )
        cursor.execute(
            f"""WITH t AS (SELECT %s::int AS tenant_id)
                INSERT INTO {month.draft} ({columns})
                SELECT {", ".join(f"o.{column}" for column in columns.split(", "))}
                FROM {spanned}, t, {month.partition} o
                WHERE o.tenant_id = t.tenant_id AND {where}""",  # noqa: S608
            parameters,
        )


def _end_days(month: Month, tenant_id: int, level: Level, zone: ZoneInfo) -> None:
    """What goes besides the month itself: daily rows past keeping, and the head of the day that
    the month before left whole because it ends in this one."""
    if level is Level.FULL:
        return
    first_day = month.low.astimezone(zone).date()
    with tenant_context(tenant_id), connection.cursor() as cursor:
        billing.take_turn()
        parameters: dict[str, Any] = {
            "tenant": tenant_id,
            "low": daily.start_of(first_day, zone),
            "high": month.low,
            "end": daily.start_of(first_day + _DAY, zone),
            "first": first_day,
            "after": _day_after(month, zone),
        }
        head = f"""DELETE FROM {TABLE} o WHERE o.tenant_id = %(tenant)s
                   AND o.ts >= %(low)s AND o.ts < %(high)s AND NOT {_KEPT}"""  # noqa: S608
        if level is Level.THIN:
            judged = thinning.judged(
                f"""SELECT e.meter_id, e.ts, 0 AS day, {thinning.told("e")} AS told,
                           NULL::int AS earlier
                    FROM {TABLE} e
                    WHERE e.tenant_id = %(tenant)s AND e.ts >= %(low)s AND e.ts < %(end)s"""  # noqa: S608
            )
            head = f"""WITH judged AS ({judged}) {head}
                   AND EXISTS (SELECT 1 FROM judged g WHERE g.meter_id = o.meter_id
                               AND g.ts = o.ts AND NOT g.stays)"""  # noqa: S608
        cursor.execute(head, parameters)
        if level is Level.GONE:
            cursor.execute(
                f"""DELETE FROM {_DAILY} WHERE tenant_id = %(tenant)s
                    AND day >= %(first)s AND day < %(after)s""",  # noqa: S608
                parameters,
            )


def _swap(
    cursor: CursorWrapper,
    month: Month,
    columns: str,
    levels: Mapping[int, Level],
    now: datetime,
) -> None:
    """Put the new table in the old one's place."""
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                began = time.monotonic()
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_MS}ms'")
                # Nobody can begin to read or write the table from here on, and nobody is at it.
                cursor.execute(f"LOCK TABLE ONLY {TABLE}, ONLY {month.partition}")
                zones = _zones()
                for tenant in tenants_in(month):
                    marked = _marked(month, tenant)
                    _copy_again(cursor, month, columns, tenant, marked, zones[tenant])
                cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {month.partition}")
                cursor.execute(f"DROP TABLE {month.partition}")
                cursor.execute(f"ALTER TABLE {month.draft} RENAME TO {month.partition}")
                cursor.execute(f"ALTER INDEX {month.draft}_pkey RENAME TO {month.partition}_pkey")
                cursor.execute(
                    f"""ALTER TABLE {TABLE} ATTACH PARTITION {month.partition}
                        FOR VALUES FROM ('{month.low:%Y-%m-%d %H:%M:%S}+00')
                        TO ('{month.high:%Y-%m-%d %H:%M:%S}+00')"""
                )
                cursor.execute(
                    f"ALTER TABLE {month.partition} DROP CONSTRAINT {month.draft}_bounds"
                )
                cursor.execute(f"COMMENT ON TABLE {month.partition} IS '{_comment(levels, now)}'")
            log.info(
                "%s: swapped at attempt %d, %.0f ms from asking for the lock",
                month.partition,
                attempt + 1,
                (time.monotonic() - began) * 1000,
            )
            return
        except OperationalError as error:
            if attempt == _TRIES - 1:
                raise
            log.info("%s: put off: %s", month.partition, error)
            time.sleep(_PAUSE_S)


def _marked(month: Month, tenant_id: int) -> list[MeterDay]:
    with tenant_context(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id, day FROM readings_dirtyday
               WHERE tenant_id = %s AND day >= %s AND day <= %s""",
            [tenant_id, month.start - _DAY, month.end],
        )
        days: Sequence[MeterDay] = cursor.fetchall()
    return list(days)


def drop_if_empty(month: Month) -> None:
    """Drop an empty month, and its daily rows' partition with it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {OWNER_ROLE}")
        try:
            with transaction.atomic():
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_MS}ms'")
                cursor.execute(f"LOCK TABLE ONLY {TABLE}, ONLY {month.partition}")
                cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {month.partition})")  # noqa: S608
                if not cursor.fetchone()[0]:
                    cursor.execute(f"DROP TABLE {month.partition}")
                    cursor.execute(f"DROP TABLE IF EXISTS {_DAILY}_p{month.start:%Y%m}")
        finally:
            cursor.execute("RESET ROLE")
