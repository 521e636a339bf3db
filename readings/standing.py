"""Marks that are known to stand, so that they are not looked for with every reading.

A meter tells some 24 readings a day; the first of them marks its day, and the mark stands until
the day is over (`readings.marks`). What a transaction marked or found marked is remembered here
once it has committed, under the terms of that time: the utility's zone and its row of
`readings.models.Taking`. A statement that stores readings of such days names these terms, and
compares them itself with those that hold: it marks unless they are the same and no mark of these
days or newer ones was taken since. That is safe because

- whoever takes marks tells the newest day of them, in the same statement: `take` (a test reads the
  code for others);
- who takes a mark holds the lock on the meter's state row, as every writer of readings does: the
  statement begins after the lock was had, so it sees every taking before it, and none goes on
  beside it;
- a crash of PostgreSQL takes the row away (its table is unlogged), because it may take back commits
  that did not wait for the disk, marks among them; neither a standby nor a dump
  (docs/how-to/backup.md) has it.

So a memory may be lost, old or in vain: at worst marks are looked for. It is the process's, not a
connection's: threads share it, and a pooler may stand between.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from django.db import connection, transaction

from readings.models import Taking
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import instant_of, stamp

# Meters on days, all utilities together; one takes some 70 bytes.
MOST_PAIRS = 400_000
# Readings of more days in one batch are a history, and its marks are soon taken.
_MOST_DAYS_AT_ONCE = 3
_MOST_DAYS = 8
_US_A_DAY = 86_400_000_000
# Longer than any local day.
_A_DAY_AT_MOST = timedelta(hours=26)


class Terms(NamedTuple):
    """What marks stand under: the zone that days are of; which row of `Taking`, on which server."""

    zone: str
    taken: str


class Trust(NamedTuple):
    """The terms under which a batch's marks are known to stand, and its first local day."""

    zone: str
    taken: str
    first: date


NO_TRUST = (None, None, None)


class Day(NamedTuple):
    """A local day and its instants as PostgreSQL tells it: [low, high) in `staging.stamp`s."""

    date: date
    low: int
    high: int


# The meters that have readings in a day.
_Part = tuple[Day, Sequence[int]]


@dataclass(slots=True)
class _Memory:
    """Of one utility: which meters' marks stand on which days; of none on days that marks were
    taken of."""

    terms: Terms
    days: dict[Day, set[int]] = field(default_factory=dict)


_lock = Lock()
_memories: dict[int, _Memory] = {}


def begin() -> None:
    """See to it that there is something to remember under: for a new utility, and after a crash."""
    Taking.objects.get_or_create(tenant_id=current_tenant_id())


# `newest` never goes back: a mark that is known of a newer day may be gone already.
_TAKE = """
    WITH gone AS (
        DELETE FROM readings_dirtyday d
        USING unnest(%s::int[], %s::date[]) AS u(meter_id, day)
        WHERE d.tenant_id = %s AND d.meter_id = u.meter_id AND d.day = u.day
        RETURNING d.tenant_id, d.day
    )
    INSERT INTO readings_taking AS t (tenant_id, token, newest)
    SELECT tenant_id, gen_random_uuid(), max(day) FROM gone GROUP BY tenant_id
    ON CONFLICT (tenant_id) DO UPDATE SET newest = excluded.newest
    WHERE t.newest < excluded.newest"""


def take(days: Collection[tuple[int, date]]) -> None:
    """Take away the marks of these meters' local days and tell so, in one statement: either without
    the other cannot be. Days that are not marked are none. The caller holds the lock on the meters'
    state rows, and what made the marks needless belongs to the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            [[meter for meter, _ in days], [day for _, day in days], current_tenant_id()],
        )


def trust(meters: Sequence[int], stamps: Sequence[int]) -> Trust | None:
    """Under what the days of all these readings are known to be marked; None where one of them is
    not. One meter and one `staging.stamp` a reading, at least one."""
    with _lock:
        memory = _memories.get(current_tenant_id())
        if memory is None:
            return None
        parts = _by_day(memory.days, meters, stamps)
        if parts is None or not all(memory.days[day].issuperset(some) for day, some in parts):
            return None
        return Trust(*memory.terms, min(day.date for day, _ in parts))


def note(
    answer: tuple[Any, ...] | None,
    trusted: Trust | None,
    meters: Sequence[int],
    stamps: Sequence[int],
) -> None:
    """What a trusting statement answered, if anything: remember, from the current transaction's
    commit on, the days that it marked or found marked. If the transaction is undone, or a savepoint
    around this, nothing is remembered."""
    if answer is None:
        return
    terms, newest = Terms(*answer[:2]), answer[2]
    if trusted is not None and terms == trusted[:2] and newest < trusted.first:
        return  # it marked nothing
    parts = _days_of(terms, newest, meters, stamps)
    if parts is not None:
        transaction.on_commit(partial(_add, current_tenant_id(), terms, newest, parts))


def _days_of(
    terms: Terms, newest: date, meters: Sequence[int], stamps: Sequence[int]
) -> list[_Part] | None:
    """The meters by the days of their readings; None where it is not worth to remember them."""
    first, last = min(stamps), max(stamps)
    # A local day is never later than the day after UTC's.
    if instant_of(last).date() < newest or last - first > _MOST_DAYS_AT_ONCE * _US_A_DAY:
        return None
    with _lock:
        memory = _memories.get(current_tenant_id())
        known = [] if memory is None or memory.terms != terms else list(memory.days)
    parts = _by_day(known, meters, stamps)
    return _by_day(local_days(terms.zone, first, last), meters, stamps) if parts is None else parts


def _add(tenant_id: int, terms: Terms, newest: date, parts: Sequence[_Part]) -> None:
    with _lock:
        memory = _memories.get(tenant_id)
        if memory is None or memory.terms != terms:
            memory = _memories[tenant_id] = _Memory(terms)
        for day, meters in parts:
            memory.days.setdefault(day, set()).update(meters)
        for day in memory.days:
            if day.date <= newest:
                memory.days[day] = set()
        while len(memory.days) > _MOST_DAYS:
            del memory.days[min(memory.days)]
        if sum(len(some) for one in _memories.values() for some in one.days.values()) > MOST_PAIRS:
            _memories.clear()


def _by_day(
    days: Iterable[Day], meters: Sequence[int], stamps: Sequence[int]
) -> list[_Part] | None:
    """The meters by the days of their readings; None where a reading is of none of the days."""
    first, last = min(stamps), max(stamps)
    parts: list[_Part] = []
    left = len(stamps)
    for day in days:
        _, low, high = day
        if low <= first and last < high:
            return [(day, meters)]  # nearly always
        if low <= last and first < high:
            some = [meter for meter, at in zip(meters, stamps, strict=True) if low <= at < high]
            parts.append((day, some))
            left -= len(some)
    return None if left else parts


# PostgreSQL tells which minutes are of which day, so that nobody's table of time zones has to be
# the same as its own. Offsets change on whole minutes. A day in two pieces (clocks that went back
# to before a midnight) is left out, and never remembered.
_DAYS = """
    SELECT (m AT TIME ZONE %(zone)s)::date, min(m), max(m) + interval '1 minute'
    FROM generate_series(%(begin)s::timestamptz, %(end)s::timestamptz, interval '1 minute') AS m
    GROUP BY 1
    HAVING max(m) - min(m) = (count(*) - 1) * interval '1 minute'"""


def local_days(zone: str, first: int, last: int) -> list[Day]:
    """The zone's local days that the stamps from `first` to `last` are of."""
    begin, end = instant_of(first).replace(second=0, microsecond=0), instant_of(last)
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS, {"zone": zone, "begin": begin - _A_DAY_AT_MOST, "end": end + _A_DAY_AT_MOST}
        )
        days = [Day(day, stamp(low), stamp(high)) for day, low, high in cursor.fetchall()]
    return [day for day in days if day.low <= last and first < day.high]
