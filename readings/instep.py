"""Questions about many meters' readings, asked in step: a statement answers a step of all of them.

What decides a meter's line is found step by step, and what is asked next depends on what was found.
So a question is a generator: it yields what it wants to read and is sent the rows. `in_step` lets
any number of them go on together and reads what all of them want of one kind at once; their
statements are as many as the steps of the longest, and do not grow with the meters.
"""

from collections.abc import Generator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from ready.tenancy.context import current_tenant_id

# Before and after all readings; PostgreSQL's own infinities are no datetimes.
EVER = datetime(1, 1, 1, tzinfo=UTC)
ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)
Answer = list[tuple[Any, ...]]
Told = TypeVar("Told")


class Upkeep(NamedTuple):
    """One row: the zone that daily rows are made in, the day before which readings are thinned,
    and the meter's days that changed since (a list)."""

    meter_id: int


class DailyRows(NamedTuple):
    """Daily rows of a meter from one day to another, both included, by day: (day, first_at, first,
    last_at, last, suffices, marks). most: no more than so many; 0 for all. telling: only those
    that tell the register themselves, not such as may have readings that do."""

    meter_id: int
    low: date
    high: date
    newest: bool = False
    most: int = 0
    telling: bool = False


class RawReadings(NamedTuple):
    """Readings of a meter in [low, high), by time: (ts, value, status). most: as in DailyRows."""

    meter_id: int
    low: datetime
    high: datetime
    newest: bool = False
    most: int = 0


Wish = Upkeep | DailyRows | RawReadings
# Yields wishes and is sent an answer for each; returns what it was after.
Asking = Generator[list[Wish], list[Answer], Told]


def in_step(askings: Sequence[Asking[Told]], column: str) -> list[Told]:
    """What each of the questions about a register's column is told, in their order."""
    told: dict[int, Told] = {}
    pending: list[tuple[int, list[Wish]]] = [(at, next(one)) for at, one in enumerate(askings)]
    while pending:
        answers = iter(_answers([wish for _at, wishes in pending for wish in wishes], column))
        following = []
        for at, wishes in pending:
            try:
                wanted = askings[at].send([next(answers) for _wish in wishes])
            except StopIteration as end:
                told[at] = end.value
            else:
                following.append((at, wanted))
        pending = following
    return [told[at] for at in range(len(askings))]


def _answers(wishes: Sequence[Wish], column: str) -> list[Answer]:
    """The rows of each wish; one statement for all of a kind."""
    kinds: dict[_Kind, list[int]] = {}
    for at, wish in enumerate(wishes):
        kinds.setdefault(_kind(wish), []).append(at)
    found: list[Answer] = [[] for _wish in wishes]
    for kind, places in kinds.items():
        some = [wishes[at] for at in places]
        if kind.table is Upkeep:
            statement, parameters = _UPKEEP, _whose(some)
        else:
            statement, parameters = _ranges(kind, some, column)
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            for number, *row in cursor.fetchall():
                found[places[number - 1]].append(tuple(row))
    return found


class _Kind(NamedTuple):
    table: type[Wish]
    newest: bool = False
    most: int = 0
    telling: bool = False


def _kind(wish: Wish) -> _Kind:
    if isinstance(wish, Upkeep):
        return _Kind(Upkeep)
    telling = isinstance(wish, DailyRows) and wish.telling
    return _Kind(type(wish), wish.newest, wish.most, telling)


def _whose(wishes: Sequence[Wish]) -> dict[str, Any]:
    return {"tenant": current_tenant_id(), "meters": [wish.meter_id for wish in wishes]}


_UPKEEP = """
    SELECT m.number, u.zone, u.thinned_before,
           ARRAY(SELECT day FROM readings_dirtyday
                 WHERE tenant_id = %(tenant)s AND meter_id = m.id)
    FROM unnest(%(meters)s::int[]) WITH ORDINALITY AS m(id, number)
    LEFT JOIN readings_upkeep u ON u.tenant_id = %(tenant)s"""


def _ranges(kind: _Kind, wishes: Sequence[Any], column: str) -> tuple[str, dict[str, Any]]:
    """The statement that reads a range of each wish's meter, and its parameters."""
    lows, highs = [wish.low for wish in wishes], [wish.high for wish in wishes]
    parameters = _whose(wishes) | {"low": min(lows), "high": max(highs)}
    alone = len(wishes) == 1
    # The bounds of all as constants: partitions beyond them are not even planned for.
    meter, low, high = (
        ("%(meter)s", "%(low)s", "%(high)s") if alone else ("m.id", "m.low", "m.high")
    )
    order = " DESC" if kind.newest else ""
    if kind.table is DailyRows:
        by, type_name = "day", "date"
        other = f"last_{column} IS NOT NULL" if kind.telling else "NOT plain"
        told = f"""SELECT day, first_at, first_{column}, last_at, last_{column}, plain AND follows,
                       marks
                FROM readings_dailyreading
                WHERE tenant_id = %(tenant)s AND meter_id = {meter}
                  AND day >= {low} AND day <= {high} AND day >= %(low)s AND day <= %(high)s
                  AND ({other} OR first_{column} IS NOT NULL)"""  # noqa: S608
    else:
        by, type_name = "ts", "timestamptz"
        told = f"""SELECT ts, {column}, status FROM readings_reading
                WHERE tenant_id = %(tenant)s AND meter_id = {meter}
                  AND ts >= {low} AND ts < {high} AND ts >= %(low)s AND ts < %(high)s
                  AND {column} IS NOT NULL"""  # noqa: S608
    told += f" ORDER BY {by}{order}{f' LIMIT {kind.most}' if kind.most else ''}"
    if alone:
        return f"SELECT 1, r.* FROM ({told}) AS r", parameters | {"meter": wishes[0].meter_id}  # noqa: S608
    return (
        f"""SELECT m.number, r.*
            FROM unnest(%(meters)s::int[], %(lows)s::{type_name}[], %(highs)s::{type_name}[])
                WITH ORDINALITY AS m(id, low, high, number)
            CROSS JOIN LATERAL ({told}) AS r ORDER BY m.number, {by}{order}""",  # noqa: S608
        parameters | {"lows": lows, "highs": highs},
    )
