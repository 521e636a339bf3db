"""What decides a register at local midnights: from daily rows where they suffice, else readings.

Points, not sums: `rules.consumption` over these points gives days, months and years equal to the
last digit to what it gives over all readings.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.db import connection

from readings.daily import COUNTING, REACH, start_of
from readings.models import Status
from readings.rules.points import Series, micros
from ready.tenancy.context import current_tenant_id

_DAY = timedelta(days=1)
# Days are read in at most so many stretches, then with what lies between.
_SPANS = 8
Point = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class _Row:
    day: date
    points: tuple[Point, ...]
    suffices: bool
    thinned: bool


def series(
    meter_id: int,
    column: str,
    first: date,
    last: date,
    zone: tzinfo,
    *,
    exact_days: Collection[date] = (),
) -> Series:
    """A counting register's points that decide every local midnight from the start of `first` to
    the end of `last`, with the reading before and the one after.

    exact_days: days of which every reading is wanted, such as those of an exchange. Values in
    base units. Raises ValueError for a register that does not count up.
    """
    if column not in COUNTING:
        raise ValueError(f"{column} does not count up: it has no consumption")
    reader = _Reader(meter_id, column, zone)
    low, high = start_of(first, zone), start_of(last + _DAY, zone)
    rows = reader.rows("day >= %s AND day <= %s", [first - _DAY, last + _DAY])
    exact = {day for day in reader.marked | set(exact_days) if first - _DAY <= day <= last + _DAY}
    exact |= _around_what_fell(rows)
    points = [point for row in rows if row.day not in exact for point in row.points]
    points += reader.readings_of_days(exact)
    if not any(at <= low for at, _ in points):
        points += reader.before(low, first - _DAY)
    if not any(at >= high for at, _ in points):
        points += reader.after(high, last + _DAY)
    return _series(points, reader)


def _around_what_fell(rows: Sequence[_Row]) -> set[date]:
    """Days that daily rows do not suffice for, and their neighbours: which reading is the wrong
    one where a register falls is judged by those on either side of it."""
    found = set()
    for place, row in enumerate(rows):
        if not row.suffices:
            found |= {one.day for one in rows[max(place - 1, 0) : place + 2] if not one.thinned}
    return found


def _series(points: Iterable[Point], reader: "_Reader") -> Series:
    unique = dict(sorted(points))
    return Series(
        [micros(at) for at in unique],
        list(unique.values()),
        estimated=sorted(micros(at) for at in reader.estimated),
        edited=sorted(micros(at) for at in reader.edited),
    )


class _Reader:
    """Reads one register of one meter."""

    def __init__(self, meter_id: int, column: str, zone: tzinfo) -> None:
        self.meter_id = meter_id
        self.column = column
        self.zone = zone
        # Instants of what was read that are not the meter's own words.
        self.estimated: set[datetime] = set()
        self.edited: set[datetime] = set()
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT (SELECT zone FROM readings_upkeep WHERE tenant_id = %(tenant)s),
                          (SELECT thinned_before FROM readings_upkeep WHERE tenant_id = %(tenant)s),
                          ARRAY(SELECT day FROM readings_dirtyday
                                WHERE tenant_id = %(tenant)s AND meter_id = %(meter)s)""",
                {"tenant": current_tenant_id(), "meter": meter_id},
            )
            made_in, thinned_before, marked = cursor.fetchone()
        self.thinned_before: date = thinned_before or date.min
        self.marked: set[date] = {day for day in marked if day >= self.thinned_before}
        self.other_zone = made_in != str(zone)

    def rows(self, condition: str, parameters: Sequence[date], order: str = "") -> list[_Row]:
        """Daily rows that tell the register, or may have readings that do."""
        column = self.column
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT day, first_at, first_{column}, last_at, last_{column}, plain AND follows,
                           marks
                    FROM readings_dailyreading
                    WHERE tenant_id = %s AND meter_id = %s AND {condition}
                      AND (NOT plain OR first_{column} IS NOT NULL) ORDER BY day {order}""",  # noqa: S608
                [current_tenant_id(), self.meter_id, *parameters],
            )
            return [self._row(*row) for row in cursor.fetchall()]

    def _row(
        self,
        day: date,
        first_at: datetime,
        first: int | None,
        last_at: datetime,
        last: int | None,
        suffices: bool,
        marks: int,
    ) -> _Row:
        both = ((first_at, first), (last_at, last))
        points = tuple((at, value) for at, value in both if value is not None)
        # What thinning left of a day is all that is known of it.
        thinned = day < self.thinned_before
        if thinned and marks:
            self.estimated |= {first_at, last_at} if marks & 1 << Status.ESTIMATED else set()
            self.edited |= {first_at, last_at} if marks & 1 << Status.EDITED else set()
        return _Row(day, points, thinned or (suffices and not self.other_zone), thinned)

    def readings_of_days(self, days: Iterable[date]) -> list[Point]:
        """Every reading of these days."""
        spans: list[tuple[datetime, datetime]] = []
        for day in sorted(days):
            low, high = start_of(day, self.zone), start_of(day + _DAY, self.zone)
            if spans and (spans[-1][1] == low or len(spans) == _SPANS):
                low = spans.pop()[0]
            spans.append((low, high))
        return [
            point
            for low, high in spans
            for point in self._readings("r.ts >= %s AND r.ts < %s", [low, high], "")
        ]

    def _readings(self, condition: str, parameters: Sequence[datetime], order: str) -> list[Point]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT r.ts, r.{self.column}, r.status FROM readings_reading r
                    WHERE r.tenant_id = %s AND r.meter_id = %s AND {condition}
                      AND r.{self.column} IS NOT NULL ORDER BY r.ts {order}""",  # noqa: S608
                [current_tenant_id(), self.meter_id, *parameters],
            )
            rows = cursor.fetchall()
        self.estimated |= {at for at, _value, status in rows if status == Status.ESTIMATED}
        self.edited |= {at for at, _value, status in rows if status == Status.EDITED}
        return [(at, value) for at, value, _status in rows]

    def before(self, low: datetime, day: date) -> list[Point]:
        """The nearest points of an earlier day.

        Looked for nearby first: planning a look through all partitions takes longer than it.
        """
        near = self.rows("day < %s AND day >= %s", [day, day - REACH], "DESC LIMIT 1")
        rows = near or self.rows("day < %s", [day], "DESC LIMIT 1")
        after = rows[0].day if rows else date.min
        if rows and rows[0].suffices and not any(after <= one < day for one in self.marked):
            return list(rows[0].points)
        return self._readings(
            "r.ts < %s AND r.ts >= %s", [low, low - REACH], "DESC LIMIT 2"
        ) or self._readings("r.ts < %s", [low], "DESC LIMIT 2")

    def after(self, high: datetime, day: date) -> list[Point]:
        """The nearest points of a later day."""
        near = self.rows("day > %s AND day <= %s", [day, day + REACH], "LIMIT 1")
        rows = near or self.rows("day > %s", [day], "LIMIT 1")
        until = rows[0].day if rows else date.max
        if rows and rows[0].suffices and not any(day < one <= until for one in self.marked):
            return list(rows[0].points)
        return self._readings(
            "r.ts >= %s AND r.ts < %s", [high, high + REACH], "LIMIT 2"
        ) or self._readings("r.ts >= %s", [high], "LIMIT 2")


# ── Many meters at once ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The readings on both sides of a midnight: the last before it, the first at or after it."""

    before: Point | None
    after: Point | None


def odd_meters(column: str, first: date, last: date, zone: tzinfo) -> set[int]:
    """Meters for which two midnights do not tell what lies between: a register fell, telegrams
    told different registers, or readings changed since. Ask `series` about those."""
    if column not in COUNTING:
        raise ValueError(f"{column} does not count up: it has no consumption")
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id FROM readings_dailyreading
               WHERE tenant_id = %(tenant)s AND day >= %(first)s AND day <= %(last)s
                 AND NOT (plain AND follows)
               UNION
               SELECT meter_id FROM readings_dirtyday
               WHERE tenant_id = %(tenant)s AND day >= %(first)s AND day <= %(last)s""",
            {"tenant": current_tenant_id(), "first": first, "last": last},
        )
        return {meter for (meter,) in cursor.fetchall()}


def neighbours(
    column: str, day: date, zone: tzinfo, meter_ids: Sequence[int]
) -> dict[int, Neighbours]:
    """The readings on both sides of the midnight that begins a local day, for many meters.

    Raises ValueError for a register that does not count up.
    """
    if column not in COUNTING:
        raise ValueError(f"{column} does not count up: it has no consumption")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT b.meter_id, b.last_at, b.last_{column}, a.first_at, a.first_{column}
                FROM readings_dailyreading b
                JOIN readings_dailyreading a ON a.tenant_id = b.tenant_id
                 AND a.meter_id = b.meter_id AND a.day = %(day)s
                WHERE b.tenant_id = %(tenant)s AND b.day = %(eve)s
                  AND b.meter_id = ANY(%(meters)s)
                  AND a.plain AND b.plain AND a.first_{column} IS NOT NULL
                  AND b.last_{column} IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM readings_dirtyday m
                        WHERE m.tenant_id = b.tenant_id AND m.meter_id = b.meter_id
                          AND m.day IN (%(eve)s, %(day)s))
                  AND EXISTS (SELECT 1 FROM readings_upkeep
                              WHERE tenant_id = %(tenant)s AND zone = %(zone)s)""",  # noqa: S608
            {
                "tenant": current_tenant_id(),
                "meters": list(meter_ids),
                "day": day,
                "eve": day - _DAY,
                "zone": str(zone),
            },
        )
        found = {
            meter: Neighbours((last_at, last), (first_at, first))
            for meter, last_at, last, first_at, first in cursor.fetchall()
        }
    rest = [meter for meter in meter_ids if meter not in found]
    if rest:
        found |= _from_readings(column, start_of(day, zone), rest)
    return found


def _from_readings(column: str, at: datetime, meter_ids: Sequence[int]) -> dict[int, Neighbours]:
    usable = f"r.tenant_id = %(tenant)s AND r.meter_id = m.id AND r.{column} IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT m.id, b.ts, b.{column}, a.ts, a.{column}
                FROM unnest(%(meters)s::int[]) AS m(id)
                LEFT JOIN LATERAL (SELECT r.ts, r.{column} FROM readings_reading r
                    WHERE {usable} AND r.ts < %(at)s ORDER BY r.ts DESC LIMIT 1) b ON true
                LEFT JOIN LATERAL (SELECT r.ts, r.{column} FROM readings_reading r
                    WHERE {usable} AND r.ts >= %(at)s ORDER BY r.ts LIMIT 1) a ON true""",  # noqa: S608
            {"tenant": current_tenant_id(), "meters": list(meter_ids), "at": at},
        )
        return {
            meter: Neighbours(
                None if before_at is None else (before_at, before),
                None if after_at is None else (after_at, after),
            )
            for meter, before_at, before, after_at, after in cursor.fetchall()
        }
