"""The fast loader: closed months straight in the order they end up in, their daily rows set-based.

Every meter is read once an hour; its registers follow from its number and the hour, and rise. A
month is written into a table of its own, gets its key, and takes the empty partition's place, as
`readings.rewriting` leaves a closed month. So nothing is written twice. The owner of the tables
does it, past the wall that the parent has.
"""

from datetime import date, datetime, timedelta

from django.db import connection

from benchmarks.bench_readings.database import ZONE, Utility, become
from readings import daily, maintenance, standing
from readings.rewriting import Month
from ready.tenancy.context import tenant_context

_READING = (
    "meter_id, tenant_id, ts, received_at, e1, v1, info, e8, e9, flow1, power1, t1, t2, hours"
)
# A MULTICAL's registers from the meter's id `m` and the hour `h` since 1970, as `registers` has
# them: water at 62 and 33 °C, as the rules of validation expect it.
_VALUES = """m, {tenant}, to_timestamp(h * 3600 + m * 7 % 3600),
    to_timestamp(h * 3600 + m * 7 % 3600 + 9), h * (m % 9 + 1) * 3600000,
    h * (m % 9 + 1) * 30000, 0, h * (m % 9 + 1) * 1876 / 1000, h * (m % 9 + 1),
    (m % 9 + 1) * 30000, (m % 9 + 1) * 1000, 62500, 33300 + h % 99 * 10, h"""
_COUNTING = ("e1", "v1", "e8", "e9")
_MEASURED = ("flow1", "power1", "t1", "t2")
_FIRSTS = ", ".join(f"first_{c}, last_{c}" for c in _COUNTING)
_MEASURES = ", ".join(f"{c}_min, {c}_max, {c}_sum, {c}_count" for c in _MEASURED)


def registers(meter: int, hour: int) -> dict[str, int]:
    """What a meter shows in an hour since 1970, in base units."""
    each = meter % 9 + 1
    return {
        "e1": hour * each * 3_600_000,
        "v1": hour * each * 30_000,
        "info": 0,
        "e8": hour * each * 1876 // 1000,
        "e9": hour * each,
        "flow1": each * 30_000,
        "power1": each * 1000,
        "t1": 62_500,
        "t2": 33_300 + hour % 99 * 10,
        "hours": hour,
    }


def load_months(utility: Utility, present: date, first: int, last: int) -> None:
    """Whole months, from `first` to `last` months before the present one."""
    become("ready_owner")
    for back in range(last, first - 1, -1):
        month = _month(present, back)
        _write(month, utility.tenant.pk, _hours(month), full=True)
        _daily_rows(month, utility.tenant.pk)
    _note_upkeep(utility, None)
    become("ready_app")


def load_thinned(utility: Utility, present: date, first: int, last: int) -> None:
    """Months of which one reading a meter and local day is left, and its daily row."""
    become("ready_owner")
    for back in range(last, first - 1, -1):
        month = _month(present, back)
        days = [month.start + timedelta(days=n) for n in range((month.end - month.start).days)]
        starts = [_hour(daily.start_of(day, ZONE)) for day in days]
        low, high = _hour(month.low), _hour(month.high)
        within = [hour for hour in starts if low <= hour < high]
        _write(month, utility.tenant.pk, f"unnest(ARRAY{within}::bigint[])", full=False)
        _daily_rows_of_thinned(month, utility.tenant.pk, days, starts)
    _note_upkeep(utility, maintenance.months_before(present, first - 1))
    become("ready_app")


def _note_upkeep(utility: Utility, thinned_before: date | None) -> None:
    """What maintenance notes when it has made daily rows: without their zone nobody trusts them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET app.tenant = '{utility.tenant.pk}'")
        cursor.execute(
            """INSERT INTO readings_upkeep
                   (tenant_id, full_months, keep_months, zone, thinned_before)
               VALUES (%s, 13, 60, %s, %s)
               ON CONFLICT (tenant_id) DO UPDATE SET thinned_before = excluded.thinned_before""",
            [utility.tenant.pk, str(ZONE), thinned_before],
        )
    with tenant_context(utility.tenant.pk):
        standing.begin()


def _month(present: date, back: int) -> Month:
    start = maintenance.months_before(present, back)
    return Month(
        f"readings_reading_p{start:%Y%m}", start, maintenance.months_before(present, back - 1)
    )


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _hours(month: Month) -> str:
    return f"generate_series({_hour(month.low)}::bigint, {_hour(month.high) - 1})"


def _write(month: Month, tenant: int, hours: str, *, full: bool) -> None:
    level = "{}" if full else f'{{"THIN": [{tenant}]}}'
    with connection.cursor() as cursor:
        cursor.execute(f"SET app.tenant = '{tenant}'")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("BEGIN")
        cursor.execute(
            f"CREATE TABLE {month.draft} (LIKE readings_reading INCLUDING DEFAULTS"
            " INCLUDING CONSTRAINTS INCLUDING STORAGE)"
        )
        # Meter by meter, hour by hour: the order of the key without a sort.
        cursor.execute(
            f"""INSERT INTO {month.draft} ({_READING}, origin, trust, kind, status)
                SELECT {_VALUES.format(tenant=tenant)}, 1, 1, 0, 0
                FROM (SELECT id AS m FROM meters_meter WHERE tenant_id = {tenant}
                      ORDER BY id) meters
                CROSS JOIN LATERAL {hours} AS h"""
        )
        cursor.execute(
            f"ALTER TABLE {month.draft} ADD CONSTRAINT {month.draft}_pkey "
            "PRIMARY KEY (tenant_id, meter_id, ts) WITH (fillfactor = 100)"
        )
        cursor.execute(f"DROP TABLE {month.partition}")
        cursor.execute(f"ALTER TABLE {month.draft} RENAME TO {month.partition}")
        cursor.execute(f"ALTER INDEX {month.draft}_pkey RENAME TO {month.partition}_pkey")
        cursor.execute(
            f"""ALTER TABLE readings_reading ATTACH PARTITION {month.partition}
                FOR VALUES FROM ('{month.low:%Y-%m-%d} 00:00+00')
                TO ('{month.high:%Y-%m-%d} 00:00+00')"""
        )
        cursor.execute(
            f"COMMENT ON TABLE {month.partition} IS "
            f"""'{{"rewritten": "{month.end}", "levels": {level}}}'"""
        )
        cursor.execute("COMMIT")
        cursor.execute(f"VACUUM (ANALYZE) {month.partition}")


def _daily_rows(month: Month, tenant: int) -> None:
    """What `readings.daily` makes of these months: registers rise, so the first is the least."""
    low, high = daily.start_of(month.start, ZONE), daily.start_of(month.end, ZONE)
    firsts = ", ".join(f"min({c}), max({c})" for c in _COUNTING)
    measures = ", ".join(f"min({c}), max({c}), sum({c}), count({c})" for c in _MEASURED)
    _insert_daily(
        month,
        tenant,
        f"""SELECT {tenant}, meter_id, day, min(ts), max(ts), count(*), true, true,
                   {firsts}, {measures}
            FROM (SELECT r.*, (ts AT TIME ZONE '{ZONE}')::date AS day FROM readings_reading r
                  WHERE tenant_id = {tenant} AND ts >= '{low:%Y-%m-%d %H}:00+00'
                    AND ts < '{high:%Y-%m-%d %H}:00+00') r
            GROUP BY meter_id, day ORDER BY meter_id, day""",
    )


def _daily_rows_of_thinned(month: Month, tenant: int, days: list[date], starts: list[int]) -> None:
    """The day's first hour and its last but one, as they were before the rest went."""
    factors = ("3600000", "30000", "1876 / 1000", "1")
    counted = [
        f"h * (m % 9 + 1) * {factor}, (h + 22) * (m % 9 + 1) * {factor}" for factor in factors
    ]
    measures = ", ".join(f"{low}, {low}, {low} * 23, 23" for low in (30000, 1000, 62500, 33300))
    listed = ", ".join(f"'{day}'" for day in days)
    _insert_daily(
        month,
        tenant,
        f"""SELECT {tenant}, m, day, to_timestamp(h * 3600 + m * 7 % 3600),
                   to_timestamp((h + 22) * 3600 + m * 7 % 3600), 23, true, true,
                   {", ".join(counted)}, {measures}
            FROM (SELECT id AS m FROM meters_meter WHERE tenant_id = {tenant} ORDER BY id) meters
            CROSS JOIN LATERAL unnest(ARRAY[{listed}]::date[], ARRAY{starts}::bigint[])
                AS d(day, h)""",
    )


def _insert_daily(month: Month, tenant: int, select: str) -> None:
    name = f"readings_dailyreading_p{month.start:%Y%m}"
    with connection.cursor() as cursor:
        cursor.execute(f"SET app.tenant = '{tenant}'")
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(
            f"""INSERT INTO {name} (tenant_id, meter_id, day, first_at, last_at, readings, plain,
                    follows, {_FIRSTS}, {_MEASURES}) {select}"""
        )
        cursor.execute(f"VACUUM (ANALYZE) {name}")


def load_as_it_arrives(utility: Utility, present: date, back: int, until: date) -> None:
    """From `back` months before the present one until a local day begins, hour by hour through the
    parent table, as readings come in; then the daily rows, and the meters' newest values."""
    months = [_month(present, one) for one in range(back, -1, -1)]
    end = daily.start_of(until, ZONE)
    tenant = utility.tenant.pk
    become("ready_owner")
    with connection.cursor() as cursor:
        cursor.execute(f"SET app.tenant = '{tenant}'")
        for hour in range(_hour(months[0].low), _hour(end)):
            cursor.execute(
                f"""INSERT INTO readings_reading ({_READING}, origin, trust, kind, status)
                    SELECT {_VALUES.format(tenant=tenant)}, 1, 1, 0, 0
                    FROM (SELECT id AS m, {hour}::bigint AS h FROM meters_meter
                          WHERE tenant_id = {tenant} ORDER BY id) meters"""
            )
        for month in months:
            cursor.execute(f"VACUUM (ANALYZE) {month.partition}")
        columns = ("e1", "v1", "info", "e8", "e9", "flow1", "power1", "t1", "t2", "hours")
        sets = ", ".join(f"{column} = r.{column}" for column in columns)
        cursor.execute(
            f"""UPDATE meters_meterstate s SET read_at = r.ts, heard_at = r.received_at, {sets}
                FROM readings_reading r WHERE s.tenant_id = {tenant} AND r.tenant_id = {tenant}
                 AND r.meter_id = s.meter_id AND r.ts >= %s AND r.ts < %s""",
            [end - timedelta(hours=1), end],
        )
    for month in months:
        _daily_rows(month, tenant)
    become("ready_app")
