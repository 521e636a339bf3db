"""Reading performance of the whole utility: readings expected and received, a day a number.

A day's sum looks at every meter, and changes little once the day is over: it is kept for a while.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from time import time
from typing import Literal

from django.core.cache import cache
from django.db import connection

from ready.tenancy.context import current_tenant_id

WEEKS = 4
# Sums of days that nobody asked for lately are made so many at a time, the newest first.
_AT_ONCE = 7
_FRESH_DAYS = 3  # readings of these still come in
_KEEP_FRESH_S, _KEEP_S = 30 * 60, 24 * 60 * 60
GOOD, FAIR = 99, 95  # percent
_LOOKED_BACK = 60  # days in which a utility that is read at all has been read


@dataclass(frozen=True, slots=True)
class Day:
    """What was expected and received on a local day; None: nothing is known of it."""

    day: date
    expected: int | None = None
    received: int | None = None

    @property
    def percent(self) -> int | None:
        """Whole percents, rounded down: 100 means every one."""
        if not self.expected or self.received is None:
            return None
        return self.received * 100 // self.expected

    @property
    def shape(self) -> Literal["fine", "attention", "alarm"] | None:
        """How good that is."""
        if self.percent is None:
            return None
        return "fine" if self.percent >= GOOD else "attention" if self.percent >= FAIR else "alarm"

    @property
    def missing(self) -> int:
        return (self.expected or 0) - (self.received or 0)


def weeks(today: date, *, whole: bool) -> Sequence[Sequence[Day | None]]:
    """The last weeks up to yesterday, Monday first; None for days from today on.

    whole: who asks sees all meters, so that sums may be kept for others; at most 3 statements
    besides those of the cache.
    """
    monday = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    if today.weekday() == 0:
        monday -= timedelta(days=7)  # on a Monday this week has no day yet
    days = [monday + timedelta(days=count) for count in range((today - monday).days)]
    known = _since_the_first(days, _known(days, today) if whole else _sums(days))
    cells: list[Day | None] = [known.get(day, Day(day)) for day in days]
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _since_the_first(days: Sequence[date], known: dict[date, Day]) -> dict[date, Day]:
    """Without the days before the utility's first reading ever: its meters hung there already, but
    nobody was to read them."""
    first = next((day for day in days if day in known and known[day].received), None)
    if first in (None, days[0]) or _received_before(days[0]):
        return known
    return {day: one for day, one in known.items() if day >= first}


def _received_before(day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (
                   SELECT 1 FROM readings_performanceday WHERE tenant_id = %s AND received > 0
                   AND day < %s AND day >= %s)""",
            [current_tenant_id(), day, day - timedelta(days=_LOOKED_BACK)],
        )
        return bool(cursor.fetchone()[0])


def _known(days: Sequence[date], today: date) -> dict[date, Day]:
    """Days whose sum is kept, and the newest of those that have none yet: one entry of the cache
    a utility, {day: (expected, received, when it was made)}."""
    key, now = f"performance:{current_tenant_id()}", time()
    kept: dict[date, tuple[int | None, int | None, float]] = cache.get(key) or {}
    known = {
        day: told for day, told in kept.items() if day in days and not _stale(day, told[2], today)
    }
    missing = [day for day in reversed(days) if day not in known][:_AT_ONCE]
    if missing:
        made = _sums(missing)
        for day in missing:
            one = made.get(day, Day(day))
            known[day] = (one.expected, one.received, now)
        cache.set(key, known, _KEEP_S)
    return {day: Day(day, expected, received) for day, (expected, received, _at) in known.items()}


def _stale(day: date, made_at: float, today: date) -> bool:
    fresh = (today - day).days <= _FRESH_DAYS
    return time() - made_at > (_KEEP_FRESH_S if fresh else _KEEP_S)


def _sums(days: Iterable[date]) -> dict[date, Day]:
    """Meter by meter on the key of its days: years of other days are not looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.day, sum(p.expected)::bigint, sum(p.received)::bigint
               FROM meters_meter m
               CROSS JOIN LATERAL (
                   SELECT x.day, x.expected, least(x.received, x.expected) AS received
                   FROM readings_performanceday x
                   WHERE x.tenant_id = %(tenant)s AND x.meter_id = m.id AND x.day = ANY(%(days)s)
                     AND x.day >= %(first)s AND x.day <= %(last)s AND x.expected > 0
                   OFFSET 0
               ) p
               WHERE m.tenant_id = %(tenant)s GROUP BY p.day""",
            {
                "tenant": current_tenant_id(),
                "days": (some := sorted(days)),
                "first": some[0],
                "last": some[-1],
            },
        )
        return {day: Day(day, expected, received) for day, expected, received in cursor.fetchall()}
