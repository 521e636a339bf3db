"""What decides a register at local midnights: from daily rows where they suffice, else readings.

Points, not sums: `rules.consumption` over these points gives days, months and years equal to the
last digit to what it gives over all readings.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection

from readings.daily import COUNTING, REACH, start_of
from readings.instep import ALWAYS, EVER, Asking, DailyRows, RawReadings, Upkeep, in_step
from readings.models import Status
from readings.rules.points import Series, micros
from ready.tenancy.context import current_tenant_id

_DAY = timedelta(days=1)
# Days are read in at most so many stretches, then with what lies between.
_SPANS = 8
Point = tuple[datetime, int]
Rows = list["_Row"]


@dataclass(frozen=True, slots=True)
class _Row:
    day: date
    points: tuple[Point, ...]
    suffices: bool
    thinned: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The days of a meter that are asked about, both included. exact_days: those of which every
    reading is wanted, such as those of an exchange."""

    meter_id: int
    first: date
    last: date
    exact_days: Collection[date] = ()


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

    exact_days: as in `Wanted`. Values in base units. Raises ValueError for a register that does
    not count up.
    """
    return series_of_many([Wanted(meter_id, first, last, exact_days)], column, zone)[0]


def series_of_many(wanted: Sequence[Wanted], column: str, zone: tzinfo) -> list[Series]:
    """The series of each, in a number of statements that does not grow with them."""
    if column not in COUNTING:
        raise ValueError(f"{column} does not count up: it has no consumption")
    return in_step([_asking(one, zone) for one in wanted], column)


def _asking(wanted: Wanted, zone: tzinfo) -> Asking[Series]:
    first, last = wanted.first, wanted.last
    reader = yield from _Reader.of(wanted.meter_id, zone)
    low, high = start_of(first, zone), start_of(last + _DAY, zone)
    rows = yield from reader.rows(first - _DAY, last + _DAY)
    chosen = reader.marked | set(wanted.exact_days)
    exact = {day for day in chosen if first - _DAY <= day <= last + _DAY}
    exact |= _around_what_fell(rows)
    # How a thinned day ended only its row tells.
    points = [p for row in rows if row.thinned or row.day not in exact for p in row.points]
    exact |= {row.day for row in rows if row.thinned and not row.suffices}
    points += yield from reader.readings_of_days(exact)
    if not any(at <= low for at, _ in points):
        points += yield from reader.before(low, first - _DAY)
    if not any(at >= high for at, _ in points):
        points += yield from reader.after(high, last + _DAY)
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
    """Reads one register of one meter, step by step (`readings.instep`)."""

    def __init__(self, meter_id: int, zone: tzinfo, head: tuple[Any, ...]) -> None:
        self.meter_id = meter_id
        self.zone = zone
        # Instants of what was read that are not the meter's own words.
        self.estimated: set[datetime] = set()
        self.edited: set[datetime] = set()
        made_in, thinned_before, marked = head
        self.thinned_before: date = thinned_before or date.min
        self.marked: set[date] = {day for day in marked if day >= self.thinned_before}
        self.other_zone = made_in != str(zone)

    @classmethod
    def of(cls, meter_id: int, zone: tzinfo) -> "Asking[_Reader]":
        ((head,),) = yield [Upkeep(meter_id)]
        return cls(meter_id, zone, head)

    def rows(
        self,
        low: date,
        high: date,
        *,
        newest: bool = False,
        most: int = 0,
        telling: bool = False,
    ) -> Asking[Rows]:
        """Daily rows from one day to another that tell the register, or may have readings that do.
        most: no more than so many, the newest or the oldest of them. telling: none but the former.
        """
        (found,) = yield [DailyRows(self.meter_id, low, high, newest, most, telling)]
        return [self._row(*row) for row in found]

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
        # What thinning left of a day is all that is known of it: the row, and where its readings
        # told different registers, those that stayed.
        thinned = day < self.thinned_before
        if thinned and marks:
            self.estimated |= {first_at, last_at} if marks & 1 << Status.ESTIMATED else set()
            self.edited |= {first_at, last_at} if marks & 1 << Status.EDITED else set()
        return _Row(day, points, suffices and (thinned or not self.other_zone), thinned)

    def readings_of_days(self, days: Iterable[date]) -> Asking[list[Point]]:
        """Every reading of these days."""
        spans: list[tuple[datetime, datetime]] = []
        for day in sorted(days):
            low, high = start_of(day, self.zone), start_of(day + _DAY, self.zone)
            if spans and (spans[-1][1] == low or len(spans) == _SPANS):
                low = spans.pop()[0]
            spans.append((low, high))
        if not spans:
            return []
        found = yield [RawReadings(self.meter_id, low, high) for low, high in spans]
        return [point for rows in found for point in self._points(rows)]

    def _nearest(self, low: datetime, high: datetime, *, newest: bool) -> Asking[list[Point]]:
        (found,) = yield [RawReadings(self.meter_id, low, high, newest, 2)]
        return self._points(found)

    def _points(self, rows: Iterable[tuple[Any, ...]]) -> list[Point]:
        rows = list(rows)
        self.estimated |= {at for at, _value, status in rows if status == Status.ESTIMATED}
        self.edited |= {at for at, _value, status in rows if status == Status.EDITED}
        return [(at, value) for at, value, _status in rows]

    def before(self, low: datetime, day: date) -> Asking[list[Point]]:
        """The nearest points of an earlier day.

        Looked for nearby first: planning a look through all partitions takes longer than it.
        """
        eve = day - _DAY
        rows = yield from self.rows(day - REACH, eve, newest=True, most=1)
        if not rows:
            rows = yield from self.rows(date.min, eve, newest=True, most=1)
        after = rows[0].day if rows else date.min
        if rows and rows[0].suffices and not any(after <= one < day for one in self.marked):
            return list(rows[0].points)
        near = yield from self._nearest(low - REACH, low, newest=True)
        near = near or (yield from self._nearest(EVER, low, newest=True))
        if near and near[0][0].astimezone(self.zone).date() <= self.thinned_before:
            # How a thinned day ended only its row tells; that it began its readings tell, too.
            rows = yield from self.rows(date.min, eve, newest=True, most=1, telling=True)
            near += [point for row in rows for point in row.points]
        return near

    def after(self, high: datetime, day: date) -> Asking[list[Point]]:
        """The nearest points of a later day."""
        morrow = day + _DAY
        rows = yield from self.rows(morrow, day + REACH, most=1)
        if not rows:
            rows = yield from self.rows(morrow, date.max, most=1)
        until = rows[0].day if rows else date.max
        if rows and rows[0].suffices and not any(day < one <= until for one in self.marked):
            return list(rows[0].points)
        near = yield from self._nearest(high, high + REACH, newest=False)
        return near or (yield from self._nearest(high, ALWAYS, newest=False))


# ── Many meters at once ─────────────────────────────────────────────────────────────────────────


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
