"""Daily values, made from readings; `readings.midnights` reads them.

A daily row holds the first and the last reading of a local day. The value at a midnight is a
straight line between the last reading before it and the first after it, so days, months and years
follow from daily rows exactly, and no chart of them reads what lies between. Where a register
fell, where telegrams told different registers, and on days whose readings changed since, the
readings themselves are read instead: the answer is the same either way
(docs/decisions/0010-daily-values.md).

Changed days are marked by what changes them (`readings.marks`). `refresh` takes marks away
(`readings.standing.take`), holding the lock on the meters' state rows that every writer of readings
holds, too: so no change slips in between.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from meters import state
from meters.registers import REGISTERS
from readings import standing, statistics, thinning
from readings.models import Status, Upkeep
from readings.rules.buckets import midnight
from readings.rules.points import instant
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant

COUNTING = tuple(register.column for register in REGISTERS if register.cumulative)
MEASURED = ("flow1", "power1", "t1", "t2", "t_water", "t_ambient", "p1", "p_pos")
# A transaction's worth of days: the meters' telegrams wait so long (some tenths of a second).
DAYS_AT_ONCE = 2000
_DAY = timedelta(days=1)
# How far the reading before a day is looked for: few partitions, so a quick plan. What follows a
# longer silence is not said to follow.
REACH = timedelta(days=40)

MeterDay = tuple[int, date]


@dataclass(frozen=True, slots=True)
class DaySpans:
    """Days of meters with their first and last instant, in columns as SQL takes them."""

    meters: list[int]
    days: list[date]
    lows: list[datetime]
    highs: list[datetime]

    @property
    def parameters(self) -> dict[str, Any]:
        """For a statement that begins with `statistics.DAYS`."""
        return {
            "tenant": current_tenant_id(),
            "meters": self.meters,
            "days": self.days,
            "lows": self.lows,
            "highs": self.highs,
            "low": min(self.lows),
            "high": max(self.highs),
            "reach_back": min(self.lows) - REACH,
            "first_day": min(self.days),
            "last_day": max(self.days) + REACH + 2 * _DAY,
            "reach_on": max(self.highs) + REACH + 3 * _DAY,
        }


def spans_of(days: Iterable[MeterDay], zone: tzinfo) -> DaySpans:
    """The same days, each once, with their instants in the zone."""
    ordered = sorted(set(days))
    return DaySpans(
        [meter for meter, _ in ordered],
        [day for _, day in ordered],
        [start_of(day, zone) for _, day in ordered],
        [start_of(day + _DAY, zone) for _, day in ordered],
    )


@lru_cache(maxsize=4096)
def start_of(day: date, zone: tzinfo) -> datetime:
    """The first instant of a local day, in UTC."""
    return instant(midnight(day, zone))


# ── Making daily rows ───────────────────────────────────────────────────────────────────────────


def upkeep() -> Upkeep:
    """The current utility's row, made when there is none yet."""
    tenant = Tenant.objects.get(pk=current_tenant_id())
    row: Upkeep = Upkeep.objects.get_or_create(tenant=tenant, defaults={"zone": tenant.zone})[0]
    return row


def refresh(
    now: datetime, *, first: date | None = None, last: date | None = None, most: int = DAYS_AT_ONCE
) -> list[MeterDay]:
    """Make the daily rows of marked days anew and take their marks away; which days those were.

    Days that are not over at `now` (aware) keep their mark: their readings are few, and charts
    read them directly. first, last: only days in this span. Runs in the caller's transaction, and
    does at most `most` days: call it until it returns nothing.
    """
    kept = upkeep()
    zone = ZoneInfo(kept.zone)
    newest = now.astimezone(zone).date() - _DAY
    if last is not None:
        newest = min(last, newest)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id, day FROM readings_dirtyday
               WHERE tenant_id = %s AND day >= %s AND day <= %s ORDER BY meter_id, day LIMIT %s""",
            [current_tenant_id(), first or date.min, newest, most],
        )
        days: list[MeterDay] = cursor.fetchall()
    if not days:
        return []
    state.lock_times(meter for meter, _ in days)
    make(days, kept, zone)
    standing.take(days)
    return days


def make(days: Collection[MeterDay], kept: Upkeep, zone: tzinfo) -> None:
    """Make the daily rows of these days; the meters' state rows must be locked.

    Of days that were thinned already less is stored than their rows know: late readings are
    added to the row, then thinned themselves. Of days past keeping nothing remains.
    """
    thinned_before = kept.thinned_before or date.min
    gone_before = kept.gone_before or date.min
    gone = [one for one in days if one[1] < gone_before]
    thinned = [one for one in days if gone_before <= one[1] < thinned_before]
    full = [one for one in days if one[1] >= max(thinned_before, gone_before)]
    if full:
        spans = spans_of(full, zone)
        made = _upsert(_REPLACE, spans)
        _drop([one for one in full if one not in made])
        statistics.note_received(spans.parameters)
        _tell_successors(spans)
    if thinned:
        spans = spans_of(thinned, zone)
        _upsert(_ADD, spans)
        _thin(spans)
    if gone:
        _drop(gone)
        _remove(spans_of(gone, zone))


_READINGS = """readings_reading r WHERE r.tenant_id = %(tenant)s AND r.meter_id = d.meter_id
                AND r.ts >= d.low AND r.ts < d.high
                AND r.ts >= %(low)s AND r.ts < %(high)s"""
_LOWEST = -(2**62)


def _or_lowest(column: str) -> str:
    """A register for comparing: one that is not told stands below all that are."""
    return f"coalesce({column}, {_LOWEST})"


def _never_falls(before: str, after: str) -> str:
    """Whether two readings tell the same counting registers and none fell between them."""
    return " AND ".join(
        f"({before}{c} IS NULL) = ({after}{c} IS NULL) "
        f"AND coalesce({before}{c} <= {after}{c}, true)"
        for c in COUNTING
    )


# `DailyReading.marks` from here on say that something is not the meter's own words.
_CHANGED = 1 << Status.ESTIMATED

_measures = [
    (f"{column}_{name}", f"{function}(q.{column})")
    for column in MEASURED
    for name, function in (("min", "min"), ("max", "max"), ("sum", "sum"), ("count", "count"))
]
_first = [f"first_{column}" for column in COUNTING]
_last = [f"last_{column}" for column in COUNTING]
_COLUMNS = ", ".join(
    ["day", "first_at", "last_at", "readings", "plain", "follows", "marks"]
    + _first
    + _last
    + [name for name, _ in _measures]
)
_counting = ", ".join(f"r.{column}" for column in COUNTING)
_PREVIOUS = f"""LEFT JOIN LATERAL (
        SELECT 1 AS told, {_counting} FROM readings_reading r
        WHERE r.tenant_id = %(tenant)s AND r.meter_id = {{meter}}
          AND r.ts < {{at}} AND r.ts >= {{at}} - interval '{REACH.days} days'
          AND r.ts >= %(reach_back)s AND r.ts < %(reach_on)s
        ORDER BY r.ts DESC LIMIT 1
    ) p ON true"""  # noqa: S608
# One look at a day's readings for what is counted over all of them, one each for both ends, one
# for the reading before. `lag` sees whether a register ever fell: NULLs stand below all values,
# and as first and last tell the same registers, so did all between.
_MAKE = f"""
    {statistics.DAYS}
    INSERT INTO readings_dailyreading AS old (tenant_id, meter_id, {_COLUMNS})
    SELECT %(tenant)s, d.meter_id, d.day, a.first_at, a.last_at, a.readings,
           a.rises AND a.marks < {_CHANGED}
           AND {" AND ".join(f"(f.{c} IS NULL) = (l.{c} IS NULL)" for c in COUNTING)},
           p.told IS NOT NULL AND {_never_falls("p.", "f.")}, a.marks,
           {", ".join(f"f.{c}" for c in COUNTING)}, {", ".join(f"l.{c}" for c in COUNTING)},
           {", ".join(f"a.{name}" for name, _ in _measures)}
    FROM days d
    CROSS JOIN LATERAL (
        SELECT min(q.ts) AS first_at, max(q.ts) AS last_at, count(*) AS readings,
               bool_and(q.rises) AS rises, bit_or(q.mark) AS marks,
               {", ".join(f"{expression} AS {name}" for name, expression in _measures)}
        FROM (
            SELECT r.ts, (1 << r.status) & ~1 AS mark,
                   {", ".join(f"r.{column}" for column in MEASURED)},
                   {
    " AND ".join(
        f"{_or_lowest(f'r.{c}')} >= lag({_or_lowest(f'r.{c}')}, 1, {_LOWEST}) OVER w"
        for c in COUNTING
    )
} AS rises
            FROM {_READINGS} WINDOW w AS (ORDER BY r.ts)
        ) q
        HAVING count(*) > 0
    ) a
    CROSS JOIN LATERAL (
        SELECT {_counting} FROM {_READINGS} ORDER BY r.ts LIMIT 1) f
    CROSS JOIN LATERAL (
        SELECT {_counting} FROM {_READINGS} ORDER BY r.ts DESC LIMIT 1) l
    {_PREVIOUS.format(meter="d.meter_id", at="a.first_at")}
    ORDER BY d.meter_id, d.day
    ON CONFLICT (tenant_id, meter_id, day) DO UPDATE SET """  # noqa: S608
_REPLACE = (
    _MAKE
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])
    + " RETURNING meter_id, day"
)


def _the_one(end: str, condition: str) -> str:
    columns = ["at", *COUNTING]
    return ", ".join(
        f"{end}_{c} = CASE WHEN {condition} THEN excluded.{end}_{c} ELSE old.{end}_{c} END"
        for c in columns
    )


# A reading that comes earlier than a thinned day's first: that is among the readings still. Its
# last is in the row alone, so only a reading that tells as much takes its place; one that tells
# less stays beside it (`readings.thinning`).
_EARLIER = "excluded.first_at < old.first_at"
_LATER = "excluded.last_at > old.last_at AND " + " AND ".join(
    f"(old.last_{c} IS NULL OR excluded.last_{c} IS NOT NULL)" for c in COUNTING
)
_ADD = (
    _MAKE
    + f"""{_the_one("first", _EARLIER)}, {_the_one("last", _LATER)},
          readings = greatest(old.readings, excluded.readings),
          marks = old.marks | excluded.marks,
          plain = old.plain AND excluded.plain RETURNING meter_id, day"""
)


def _upsert(statement: str, spans: DaySpans) -> set[MeterDay]:
    with connection.cursor() as cursor:
        cursor.execute(statement, spans.parameters)
        return set(cursor.fetchall())


def _drop(days: Collection[MeterDay]) -> None:
    """Days without readings have no rows."""
    if not days:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM readings_dailyreading r
               USING unnest(%s::int[], %s::date[]) AS u(meter_id, day)
               WHERE r.tenant_id = %s AND r.meter_id = u.meter_id AND r.day = u.day
                 AND r.day >= %s AND r.day <= %s""",
            [
                [meter for meter, _ in days],
                [day for _, day in days],
                current_tenant_id(),
                min(day for _, day in days),
                max(day for _, day in days),
            ],
        )


_SUCCESSORS = f"""
    {statistics.DAYS}
    SELECT n.meter_id, n.day, NOT n.follows FROM days d
    CROSS JOIN LATERAL (
        SELECT s.* FROM readings_dailyreading s
        WHERE s.tenant_id = %(tenant)s AND s.meter_id = d.meter_id AND s.day > d.day
          AND s.day > %(first_day)s AND s.day <= %(last_day)s
        ORDER BY s.day LIMIT 1
    ) n
    {_PREVIOUS.format(meter="n.meter_id", at="n.first_at")}
    WHERE n.follows <> (p.told IS NOT NULL AND {_never_falls("p.", "n.first_")})"""  # noqa: S608


def _tell_successors(spans: DaySpans) -> None:
    """Whether the next day follows depends on this one; hardly ever does it change."""
    with connection.cursor() as cursor:
        cursor.execute(_SUCCESSORS, spans.parameters)
        changed = cursor.fetchall()
        for meter, day, follows in changed:
            cursor.execute(
                """UPDATE readings_dailyreading SET follows = %s
                   WHERE tenant_id = %s AND meter_id = %s AND day = %s""",
                [follows, current_tenant_id(), meter, day],
            )


_KEPT = """EXISTS (SELECT 1 FROM readings_keptreading k
                   WHERE k.tenant_id = r.tenant_id AND k.meter_id = r.meter_id AND k.ts = r.ts)"""


_JUDGED = thinning.judged(
    f"""SELECT r.meter_id, r.ts, d.day, {thinning.told("r")} AS told, NULL::int AS earlier
        FROM days d CROSS JOIN LATERAL (SELECT r.* FROM {_READINGS}) r"""  # noqa: S608
)


def _thin(spans: DaySpans) -> None:
    """Of each day only what its midnights need stays (`readings.thinning`), and what was billed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{statistics.DAYS}, judged AS ({_JUDGED})
                DELETE FROM readings_reading r USING judged g
                WHERE r.tenant_id = %(tenant)s AND r.meter_id = g.meter_id AND r.ts = g.ts
                  AND r.ts >= %(low)s AND r.ts < %(high)s
                  AND NOT g.stays AND NOT {_KEPT}""",  # noqa: S608
            spans.parameters,
        )


def _remove(spans: DaySpans) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{statistics.DAYS}
                DELETE FROM readings_reading r USING days d
                WHERE r.tenant_id = %(tenant)s AND r.meter_id = d.meter_id
                  AND r.ts >= d.low AND r.ts < d.high AND r.ts >= %(low)s AND r.ts < %(high)s
                  AND NOT {_KEPT}""",  # noqa: S608
            spans.parameters,
        )


def follow_zone() -> bool:
    """Let the daily rows be of the utility's time zone; whether it had changed.

    Every day that readings are left of is marked, and its neighbours, whose readings it may now
    hold. Until the last mark is set charts read the readings. Days that were thinned stay days of
    the zone they were thinned in: their points are right in any zone.
    """
    kept = upkeep()
    zone = Tenant.objects.get(pk=current_tenant_id()).zone
    if kept.zone == zone:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO readings_dirtyday (tenant_id, meter_id, day)
               SELECT DISTINCT tenant_id, meter_id, day + neighbour
               FROM readings_dailyreading, generate_series(-1, 1) AS neighbour
               WHERE tenant_id = %s AND day >= %s AND day + neighbour >= %s
               ORDER BY 2, 3 ON CONFLICT DO NOTHING""",
            [
                current_tenant_id(),
                kept.thinned_before or date(1970, 1, 1),
                kept.thinned_before or date(1970, 1, 1),
            ],
        )
    Upkeep.objects.filter(pk=kept.pk).update(zone=zone)
    return True
