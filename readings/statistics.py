"""What can't be had later: readings expected and received, and who heard a meter how well.

Slots, what counts as expected, received and timely: ../shared/analysis/vectors/
03_reading_performance.json. Kept a meter and local day, whatever becomes of readings and
telegrams.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection

from readings.models import Kind, Origin, ReadingPlan
from readings.rules.buckets import midnight
from readings.rules.points import MICROSECOND, instant, micros
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage, day_number

# Statements about days of meters begin so; their parameters: meters, days, lows, highs.
DAYS = """WITH days AS (
        SELECT * FROM unnest(%(meters)s::int[], %(days)s::date[], %(lows)s::timestamptz[],
                             %(highs)s::timestamptz[]) AS u(meter_id, day, low, high)
    )"""
DAILY_S = 86_400
_RADIO = ", ".join(
    str(int(origin)) for origin in (Origin.FIXED_NETWORK, Origin.DRIVE_BY, Origin.POINT_TO_POINT)
)
# How long after its slot a reading is still in time, by the meter's interval in seconds.
_LIMIT = f"""CASE WHEN i.interval_s >= {DAILY_S} THEN interval '24 hours'
                  WHEN i.interval_s > 300 THEN interval '2 hours'
                  ELSE interval '10 minutes' END"""
_RECEIVED = f"""
    {DAYS}
    INSERT INTO readings_performanceday
        (tenant_id, meter_id, day, interval_s, received, received_network, timely, method)
    SELECT %(tenant)s, d.meter_id, d.day, i.interval_s,
           count(s.number), count(*) FILTER (WHERE s.radio),
           count(*) FILTER (WHERE s.arrived <= s.ended + {_LIMIT}),
           mode() WITHIN GROUP (ORDER BY s.origin)
    FROM days d
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT p.interval_s FROM readings_performanceday p WHERE p.tenant_id = %(tenant)s
                AND p.meter_id = d.meter_id AND p.day = d.day),
            (SELECT m.interval_s FROM meters_meter m
             WHERE m.tenant_id = %(tenant)s AND m.id = d.meter_id)) AS interval_s
        OFFSET 0  -- looked up once a day, not once a reading
    ) i
    LEFT JOIN LATERAL (
        SELECT number, bool_or(q.kind = {int(Kind.NOW)} AND q.origin IN ({_RADIO})) AS radio,
               min(q.received_at) AS arrived, min(q.origin) AS origin,
               CASE WHEN i.interval_s >= {DAILY_S} THEN d.high
                    ELSE to_timestamp((number + 1) * i.interval_s) END AS ended
        FROM (
            SELECT r.kind, r.origin, r.received_at,
                   CASE WHEN i.interval_s >= {DAILY_S} THEN 0
                        ELSE floor(extract(epoch FROM r.ts) / i.interval_s) END::int8 AS number
            FROM readings_reading r
            WHERE r.tenant_id = %(tenant)s AND r.meter_id = d.meter_id
              AND r.ts >= d.low AND r.ts < d.high AND r.ts >= %(low)s AND r.ts < %(high)s
        ) q GROUP BY number
    ) s ON true
    WHERE i.interval_s IS NOT NULL
    GROUP BY d.meter_id, d.day, i.interval_s
    ON CONFLICT (tenant_id, meter_id, day) DO UPDATE SET
        received = excluded.received, received_network = excluded.received_network,
        timely = excluded.timely, method = excluded.method"""  # noqa: S608


def note_received(parameters: Mapping[str, Any]) -> None:
    """Count what was received on these days (`daily.DaySpans.parameters`) from the readings.

    The interval is the one the day was closed with, else the meter's at present.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, parameters)


# Slots that begin while the meter was mounted. A daily slot counts on the day of mounting when
# that was before noon, and not on the day of removal.
_EXPECTED = f"""
    INSERT INTO readings_performanceday (tenant_id, meter_id, day, interval_s, expected)
    SELECT %(tenant)s, m.id, %(day)s, i.interval_s,
           CASE WHEN i.interval_s >= {DAILY_S} THEN
               max(CASE WHEN s.low <= %(noon)s AND s.removed_at IS DISTINCT FROM s.high
                        THEN 1 ELSE 0 END)
           ELSE sum(ceil(extract(epoch FROM s.high) / i.interval_s)
                    - ceil(extract(epoch FROM s.low) / i.interval_s)) END
    FROM meters_meter m
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT p.interval_s FROM readings_performanceday p WHERE p.tenant_id = %(tenant)s
                AND p.meter_id = m.id AND p.day = %(day)s), m.interval_s) AS interval_s
    ) i
    JOIN LATERAL (
        SELECT greatest(x.starts_at, %(low)s) AS low,
               least(coalesce(x.ends_at, %(high)s), %(high)s) AS high,
               CASE WHEN x.ends_at < %(high)s THEN x.ends_at END AS removed_at
        FROM meters_installation x
        WHERE x.tenant_id = %(tenant)s AND x.meter_id = m.id AND x.starts_at < %(high)s
          AND coalesce(x.ends_at, %(high)s) > %(low)s
    ) s ON true
    WHERE m.tenant_id = %(tenant)s AND (%(meters)s::int[] IS NULL OR m.id = ANY(%(meters)s))
    GROUP BY m.id, i.interval_s
    ON CONFLICT (tenant_id, meter_id, day) DO UPDATE SET expected = excluded.expected"""  # noqa: S608
_CAUGHT_UP = 31


def close_day(day: date, zone: tzinfo, meter_ids: Sequence[int] | None = None) -> None:
    """Note how many readings were expected of every mounted meter (or of these) on a local day.

    Keeps the interval in force; may be repeated when an installation was entered late.
    """
    low, high = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    with connection.cursor() as cursor:
        cursor.execute(
            _EXPECTED,
            {
                "tenant": current_tenant_id(),
                "meters": None if meter_ids is None else list(meter_ids),
                "day": day,
                "low": instant(low),
                "high": instant(high),
                # "Before noon" as an inclusive bound.
                "noon": instant(micros(noon)) - MICROSECOND,
            },
        )


# How a meter is read is noted where it changed: a row holds until the next one.
_PLANS = """
    INSERT INTO readings_readingplan (tenant_id, meter_id, first_day, interval_s, method)
    SELECT p.tenant_id, p.meter_id, p.day, p.interval_s, coalesce(p.method, n.method)
    FROM readings_performanceday p
    LEFT JOIN LATERAL (
        SELECT x.interval_s, x.method FROM readings_readingplan x
        WHERE x.tenant_id = p.tenant_id AND x.meter_id = p.meter_id AND x.first_day <= p.day
        ORDER BY x.first_day DESC LIMIT 1
    ) n ON true
    WHERE p.tenant_id = %s AND p.day = %s
      AND (n.interval_s IS DISTINCT FROM p.interval_s
           OR coalesce(p.method, n.method) IS DISTINCT FROM n.method)
    ON CONFLICT (tenant_id, meter_id, first_day) DO UPDATE SET
        interval_s = excluded.interval_s, method = excluded.method"""


def note_plans(day: date) -> None:
    """Note how and how often meters were read from a closed local day on, where that is news."""
    with connection.cursor() as cursor:
        cursor.execute(_PLANS, [current_tenant_id(), day])


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """How a meter was read: [first_day, last_day], None: still; method None: not read yet."""

    first_day: date
    last_day: date | None
    interval_s: int
    method: Origin | None


def plans_of(meter_id: int) -> list[PlanPeriod]:
    """The reading method and interval of a meter over time, the oldest first."""
    rows = list(ReadingPlan.objects.filter(meter_id=meter_id).order_by("first_day"))
    ends: list[date | None] = [one.first_day - timedelta(days=1) for one in rows[1:]]
    return [
        PlanPeriod(
            one.first_day,
            last_day,
            one.interval_s,
            None if one.method is None else Origin(one.method),
        )
        for one, last_day in zip(rows, [*ends, None], strict=True)
    ]


def close_again(meter_ids: Sequence[int], since: datetime, now: datetime, zone: tzinfo) -> None:
    """Count anew what was expected of a few meters on the closed days of the last month since an
    instant: who was mounted when has changed."""
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    day = max(since.astimezone(zone).date(), yesterday - timedelta(days=_CAUGHT_UP - 1))
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE readings_performanceday SET expected = 0
               WHERE tenant_id = %s AND meter_id = ANY(%s) AND day >= %s
                 AND expected IS NOT NULL""",
            [current_tenant_id(), list(meter_ids), day],
        )
    while day <= yesterday:
        close_day(day, zone, meter_ids)
        day += timedelta(days=1)


def days_to_close(now: datetime, zone: tzinfo) -> list[date]:
    """Local days of the last month that are over at `now` and not closed yet."""
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    first = yesterday - timedelta(days=_CAUGHT_UP - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT day FROM readings_performanceday
               WHERE tenant_id = %s AND day >= %s AND expected IS NOT NULL""",
            [current_tenant_id(), first],
        )
        closed = {day for (day,) in cursor.fetchall()}
    days = [first + timedelta(days=count) for count in range(_CAUGHT_UP)]
    return [day for day in days if day not in closed]


# A telegram of a meter: the meter, the local day of its reception, the collector, RSSI in dBm.
HeardTelegram = tuple[int, date, int, int | None]


_STAGE = Stage(
    "stage_heard",
    {
        "meter_id": "int4",
        "day": "date",
        "collector_id": "int4",
        "telegrams": "int4",
        "best_rssi_dbm": "int2",
    },
)


def note_heard(telegrams: Iterable[HeardTelegram]) -> None:
    """Count telegrams in the transaction of their batch: one upsert, a row a meter and day.

    The meters' state rows must be locked (`meters.state.lock`).
    """
    counted: dict[tuple[int, date, int], tuple[int, int | None]] = {}
    for meter_id, day, collector_id, rssi_dbm in telegrams:
        key = (meter_id, day, collector_id)
        count, best = counted.get(key, (0, None))
        if rssi_dbm is not None and (best is None or rssi_dbm > best):
            best = rssi_dbm
        counted[key] = (count + 1, best)
    if not counted:
        return
    _STAGE.load(
        _STAGE.columns,
        (
            (meter_id, day_number(day), collector_id, *told)
            for (meter_id, day, collector_id), told in counted.items()
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO readings_heardday AS h
                   (tenant_id, meter_id, day, collector_id, telegrams, best_rssi_dbm)
               SELECT %s, meter_id, day, collector_id, telegrams, best_rssi_dbm
               FROM stage_heard ORDER BY meter_id, day, collector_id
               ON CONFLICT (tenant_id, meter_id, day, collector_id) DO UPDATE SET
                   telegrams = h.telegrams + excluded.telegrams,
                   best_rssi_dbm = greatest(h.best_rssi_dbm, excluded.best_rssi_dbm)""",
            [current_tenant_id()],
        )
