"""Readings out of the database in columns: the quick way for thousands at a time.

PostgreSQL hands a whole column over as one string of 8-byte integers (timestamptz_send, int8send):
exact, and several times faster than a row at a time. Every statement names the tenant, the meters
and bounds in time, so that it touches the key's index and the partitions of those bounds alone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from django.db import connection

from meters.registers import DEFAULT_DIGITS, Register
from readings.daily import start_of
from readings.models import Status
from readings.rules.points import MICROSECOND, Series, instant, micros
from readings.rules.steps import RegisterLimits, observed_limits
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import array, integers

# PostgreSQL counts microseconds from 2000-01-01.
_POSTGRES_EPOCH = micros(datetime(2000, 1, 1, tzinfo=UTC))
# Readings beyond the window that a question needs: one to draw the line to the boundary, the
# others to tell an outlier there.
_NEIGHBOURS = 4
_FEWEST_NEIGHBOURS = 2
# Where neighbours are looked for: nearly always there, else as far as readings are kept.
NEAR = timedelta(days=3)
FAR = timedelta(days=5 * 366)
# The past from which a register's resolution and greatest rate are told.
_HABITS = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Stay:
    """A meter for as long as it is asked about; None: without end on that side (aware)."""

    meter_id: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def instants(packed: bytes | None) -> list[int]:
    """A column of timestamptz_send values, as microseconds since 1970 UTC."""
    return [time + _POSTGRES_EPOCH for time in integers(packed)]


def load(stay: Stay, register: Register, start: datetime, end: datetime, now: datetime) -> Series:
    """The stay's readings of a register in [start, end], and the few beyond that it takes to
    answer for the window's ends.

    now: nothing is looked for beyond it. One statement; one more for each end that has no
    readings nearby.
    """
    first, last = clamp(start, stay), clamp(end, stay)
    found = _read(stay, register, first, last)
    before = bisect_left(found.times, micros(first))
    after = bisect_right(found.times, micros(last))
    times, values = list(found.times), list(found.values)
    estimated, edited = {*found.estimated}, {*found.edited}
    if len(times) - after < _FEWEST_NEIGHBOURS and clamp(last + NEAR, stay) == last + NEAR < now:
        later = _beyond(stay, register, last, earlier=False)
        times[after:], values[after:] = later.times, later.values
        estimated |= {*later.estimated}
        edited |= {*later.edited}
    if before < _FEWEST_NEIGHBOURS and clamp(first - NEAR, stay) == first - NEAR:
        earlier = _beyond(stay, register, first, earlier=True)
        times[:before], values[:before] = earlier.times, earlier.values
        estimated |= {*earlier.estimated}
        edited |= {*earlier.edited}
    return Series(times, values, estimated=sorted(estimated), edited=sorted(edited))


def clamp(at: datetime, stay: Stay) -> datetime:
    """The instant of the stay that is nearest to `at`."""
    if stay.starts_at is not None and at < stay.starts_at:
        return stay.starts_at
    return stay.ends_at if stay.ends_at is not None and at > stay.ends_at else at


def _read(stay: Stay, register: Register, first: datetime, last: datetime) -> Series:
    """The window, and what lies near to it on both sides."""
    readings, whose = _readings(stay, register)
    return _packed(
        f"""({readings} AND ts >= %s AND ts < %s ORDER BY ts DESC LIMIT {_NEIGHBOURS})
            UNION ALL ({readings} AND ts >= %s AND ts <= %s)
            UNION ALL ({readings} AND ts > %s AND ts <= %s ORDER BY ts LIMIT {_NEIGHBOURS})""",  # noqa: S608
        [
            *(*whose, clamp(first - NEAR, stay), first),
            *(*whose, first, last),
            *(*whose, last, clamp(last + NEAR, stay)),
        ],
    )


def _beyond(stay: Stay, register: Register, at: datetime, *, earlier: bool) -> Series:
    """The few readings before or after an instant, however far away."""
    readings, whose = _readings(stay, register)
    if earlier:
        bounds, order = (clamp(at - FAR, stay), at), "ts >= %s AND ts < %s ORDER BY ts DESC"
    else:
        bounds, order = (at, clamp(at + FAR, stay)), "ts > %s AND ts <= %s ORDER BY ts"
    return _packed(f"{readings} AND {order} LIMIT {_NEIGHBOURS}", [*whose, *bounds])


def _readings(stay: Stay, register: Register) -> tuple[str, list[int | datetime]]:
    """A meter's readings of a register as (ts, value, status), and the parameters of that."""
    column = register.column
    return (
        f"""SELECT ts, {column}::int8 AS value, status FROM readings_reading
            WHERE tenant_id = %s AND meter_id = %s AND {column} IS NOT NULL""",  # noqa: S608
        [current_tenant_id(), stay.meter_id],
    )


def _packed(readings: str, parameters: Sequence[int | datetime]) -> Series:
    """The series that a query of (ts, value, status) gives."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT string_agg(timestamptz_send(ts), ''::bytea ORDER BY ts),
                       string_agg(int8send(value), ''::bytea ORDER BY ts),
                       string_agg(timestamptz_send(ts), ''::bytea ORDER BY ts)
                           FILTER (WHERE status = {int(Status.ESTIMATED)}),
                       string_agg(timestamptz_send(ts), ''::bytea ORDER BY ts)
                           FILTER (WHERE status = {int(Status.EDITED)})
                FROM ({readings}) AS r""",  # noqa: S608  our own words, parameters apart
            parameters,
        )
        packed_times, packed_values, estimated, edited = cursor.fetchone()
    return Series(
        instants(packed_times),
        integers(packed_values),
        estimated=instants(estimated),
        edited=instants(edited),
    )


def limits_before(falls: Sequence[tuple[int, int]], register: Register) -> list[RegisterLimits]:
    """What each register could do in the two months before a fall (meter, microseconds since 1970
    UTC): whether it was a rollover is told by that. One statement."""
    column = register.column
    untils = [instant(fall) for _meter, fall in falls]
    sinces = [until - _HABITS for until in untils]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT f.number, string_agg(timestamptz_send(r.ts), ''::bytea ORDER BY r.ts),
                       string_agg(int8send(r.value), ''::bytea ORDER BY r.ts)
                FROM unnest(%(meters)s::int[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
                     WITH ORDINALITY AS f(meter, since, until, number)
                CROSS JOIN LATERAL (
                    SELECT ts, {column}::int8 AS value FROM readings_reading
                    WHERE tenant_id = %(tenant)s AND meter_id = f.meter
                      AND ts >= f.since AND ts < f.until
                      AND ts >= %(first)s AND ts < %(last)s AND {column} IS NOT NULL
                    OFFSET 0  -- a probe a fall: as a join it may turn into a scan of months
                ) AS r
                GROUP BY f.number""",  # noqa: S608
            {
                "tenant": current_tenant_id(),
                "meters": [meter for meter, _fall in falls],
                "sinces": sinces,
                "untils": untils,
                "first": min(sinces),
                "last": max(untils),
            },
        )
        told = {number: packed for number, *packed in cursor.fetchall()}
    limits = []
    for number in range(1, len(falls) + 1):
        times, values = told.get(number, (None, None))
        limits.append(observed_limits(instants(times), integers(values), DEFAULT_DIGITS))
    return limits


class Sides(NamedTuple):
    """A meter's readings next to an instant, (microseconds since 1970 UTC, value) each: the last
    at or before it, the first after it. rises: no reading near the instant is a fall, none was
    estimated or edited."""

    before: tuple[int, int] | None
    after: tuple[int, int] | None
    rises: bool


NOTHING = Sides(None, None, True)


def around(
    meter_ids: Sequence[int] | None, register: Register, at: datetime, reach: timedelta
) -> dict[int, Sides]:
    """The readings next to an instant, within `reach` of it, of the meters that have any there;
    None: of all meters of the utility.

    One range over the key, which PostgreSQL 18 skips through meter by meter.
    """
    column = register.column
    chosen = "" if meter_ids is None else "AND meter_id = ANY(%s::int[])"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT string_agg(int8send(meter_id::int8), ''::bytea ORDER BY meter_id, ts),
                       string_agg(timestamptz_send(ts), ''::bytea ORDER BY meter_id, ts),
                       string_agg(int8send({column}::int8), ''::bytea ORDER BY meter_id, ts),
                       array_agg(DISTINCT meter_id) FILTER (
                           WHERE status >= {int(Status.ESTIMATED)})
                FROM readings_reading
                WHERE tenant_id = %s {chosen} AND ts >= %s AND ts <= %s
                  AND {column} IS NOT NULL""",  # noqa: S608
            [
                current_tenant_id(),
                *([] if meter_ids is None else [array(meter_ids)]),
                at - reach,
                at + reach,
            ],
        )
        packed_meters, packed_times, packed_values, changed = cursor.fetchone()
    rows = zip(
        integers(packed_meters), instants(packed_times), integers(packed_values), strict=True
    )
    found = _sides(rows, micros(at))
    # Where a value is not the meter's own words, the quality needs a look at the line.
    return found | {meter: found[meter]._replace(rises=False) for meter in changed or ()}


def _sides(rows: Iterable[tuple[int, int, int]], bound: int) -> dict[int, Sides]:
    """One pass over (meter, time, value), ordered; a month's totals go through here."""
    found: dict[int, Sides] = {}
    current = newest = -1
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None
    rises = True
    for meter_id, time, value in rows:
        if meter_id != current:
            if current >= 0:
                found[current] = Sides(before, after, rises)
            current, before, after, rises = meter_id, None, None, True
        elif value < newest:
            rises = False
        newest = value
        if time <= bound:
            before = (time, value)
        elif after is None:
            after = (time, value)
    if current >= 0:
        found[current] = Sides(before, after, rises)
    return found


def beside_midnight(
    meter_ids: Sequence[int], register: Register, day: date, zone: tzinfo
) -> dict[int, Sides]:
    """The readings next to the midnight that begins a local day, out of the daily rows of that
    day and its eve; meters where those do not tell are not in the answer."""
    column = register.column
    parts = ("m.id::int8", f"b.last_{column}::int8", f"a.first_{column}::int8")
    # Without ORDER BY: one pass feeds all five, so their orders agree.
    values = ", ".join(f"string_agg(int8send({part}), ''::bytea)" for part in parts)
    times = ", ".join(
        f"string_agg(timestamptz_send({part}), ''::bytea)" for part in ("b.last_at", "a.first_at")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {values}, {times}
                FROM unnest(%(meters)s::int[]) AS m(id)
                -- With OFFSET two probes of the key a meter; as a join it is a scan of the month.
                CROSS JOIN LATERAL (
                    SELECT last_at, last_{column} FROM readings_dailyreading
                    WHERE tenant_id = %(tenant)s AND meter_id = m.id AND day = %(eve)s
                      AND plain AND last_{column} IS NOT NULL
                    OFFSET 0
                ) AS b
                CROSS JOIN LATERAL (
                    SELECT first_at, first_{column} FROM readings_dailyreading
                    WHERE tenant_id = %(tenant)s AND meter_id = m.id AND day = %(day)s
                      AND plain AND follows AND first_{column} IS NOT NULL
                    OFFSET 0
                ) AS a
                WHERE EXISTS (SELECT 1 FROM readings_upkeep
                              WHERE tenant_id = %(tenant)s AND zone = %(zone)s)
                  AND NOT EXISTS (SELECT 1 FROM readings_dirtyday
                              WHERE tenant_id = %(tenant)s AND meter_id = m.id
                                AND day IN (%(eve)s, %(day)s)
                              OFFSET 0)""",  # noqa: S608
            {
                "tenant": current_tenant_id(),
                "meters": array(meter_ids),
                "eve": day - timedelta(days=1),
                "day": day,
                "zone": str(zone),
            },
        )
        meters, last_values, first_values, last_times, first_times = cursor.fetchone()
    bound = micros(start_of(day, zone))
    found: dict[int, Sides] = {}
    for meter_id, last, first, last_at, first_at in zip(
        integers(meters),
        integers(last_values),
        integers(first_values),
        instants(last_times),
        instants(first_times),
        strict=True,
    ):
        after = (first_at, first)
        found[meter_id] = Sides(after if first_at == bound else (last_at, last), after, True)
    return found


def nearest(
    meter_ids: Sequence[int], register: Register, at: datetime, reach: timedelta, *, before: bool
) -> dict[int, tuple[int, int]]:
    """Each meter's last reading at or before an instant, or its first after it, not farther than
    `reach`: (microseconds since 1970 UTC, value). Meters without one are not in the answer."""
    if not meter_ids:
        return {}
    column = register.column
    low, high = (at - reach, at) if before else (at + MICROSECOND, at + reach)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT m.id, timestamptz_send(r.ts), r.value
                FROM unnest(%s::int[]) AS m(id)
                CROSS JOIN LATERAL (
                    SELECT ts, {column}::int8 AS value FROM readings_reading
                    WHERE tenant_id = %s AND meter_id = m.id AND ts >= %s AND ts <= %s
                      AND {column} IS NOT NULL
                    ORDER BY ts {"DESC" if before else "ASC"} LIMIT 1
                ) AS r""",  # noqa: S608
            [array(meter_ids), current_tenant_id(), low, high],
        )
        rows = cursor.fetchall()
    times = instants(b"".join(time for _, time, _ in rows))
    return {meter_id: (time, value) for (meter_id, _, value), time in zip(rows, times, strict=True)}


def ends_of_thinned(
    befores: Mapping[int, tuple[int, int] | None], register: Register, day: date
) -> dict[int, tuple[int, int]]:
    """The last reading before a local day that only a thinned day's row tells, of each meter that
    has one: (microseconds since 1970 UTC, value).

    befores: the last readings before it that are known otherwise; who was read after the thinned
    days is not looked for.
    """
    column = register.column
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT thinned_before FROM readings_upkeep WHERE tenant_id = %s",
            [current_tenant_id()],
        )
        thinned_before = (cursor.fetchone() or (None,))[0]
        if thinned_before is None:
            return {}
        # Two days more: whatever zone the days are of.
        until = micros(start_of(thinned_before + timedelta(days=2), UTC))
        asked = [one for one, before in befores.items() if before is None or before[0] < until]
        if not asked:
            return {}
        cursor.execute(
            f"""SELECT m.id, timestamptz_send(r.last_at), r.value
                FROM unnest(%(meters)s::int[]) AS m(id)
                CROSS JOIN LATERAL (
                    SELECT day, last_at, last_{column}::int8 AS value FROM readings_dailyreading
                    WHERE tenant_id = %(tenant)s AND meter_id = m.id AND day < %(day)s
                      AND last_{column} IS NOT NULL
                    ORDER BY day DESC LIMIT 1
                ) AS r
                WHERE r.day < %(thinned_before)s""",  # noqa: S608
            {
                "tenant": current_tenant_id(),
                "meters": array(asked),
                "day": day,
                "thinned_before": thinned_before,
            },
        )
        rows = cursor.fetchall()
    times = instants(b"".join(time for _, time, _ in rows))
    return {meter_id: (time, value) for (meter_id, _, value), time in zip(rows, times, strict=True)}
