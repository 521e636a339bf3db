"""Rows into the database fast, under row-level security; and columns out of it (`integers`).

`COPY` is refused on a table with row-level security, so rows are copied to a temporary table of
the session and inserted from there (../shared/storage measured this at three times the speed of
arrays). The temporary table is made once a connection and emptied by each load, so what it holds is
always the load before it; emptied at the commit it would be cut short on disk each time, some
milliseconds a table. Until the next load, or the connection's end, the last rows stay in the
session's own files.

Instants go over as whole numbers (`stamp`), which is what binary COPY makes of them in the end:
adapting datetimes one by one takes longer than all other columns of a reading together.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from struct import unpack
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg import Connection, Cursor

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(2000, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
# How a column's type goes over the wire, where that is not the type itself.
_WIRE = {"timestamptz": "int8", "date": "int4"}
# So many rows' places are left in a stage before it is made anew.
_MOST_LEFT = 8000


def stamp(instant: datetime) -> int:
    """An aware instant as PostgreSQL keeps it: microseconds since 2000-01-01 UTC."""
    # Not `// _MICROSECOND`: that goes through whole numbers of any size, at twice the time.
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant_of(stamp: int) -> datetime:
    """The instant that a `stamp` means."""
    return _EPOCH + stamp * _MICROSECOND


def day_number(day: date) -> int:
    """A date as PostgreSQL keeps it: days since 2000-01-01."""
    return day.toordinal() - _FIRST_DAY


def array(numbers: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL writes an array: psycopg adapts a list one by one, which for a
    thousand takes longer than what is asked about them."""
    return f"{{{','.join(map(str, numbers))}}}"


def integers(packed: bytes | None) -> tuple[int, ...]:
    """A column that was sent as one value: `int8send` or `timestamptz_send` (`stamp`s) of each."""
    return () if packed is None else unpack(f">{len(packed) // 8}q", packed)


def driver_cursor() -> Cursor[tuple[Any, ...]]:
    """psycopg's own cursor on Django's connection: the server binds the values, and answers may
    come in binary. For the few statements that every telegram passes. Not prepared: a plan that is
    kept forgets how large the tables have become (docs/decisions/0011-write-path.md)."""
    connection.ensure_connection()
    link = connection.connection
    assert link is not None
    return Cursor(link)


class Stage:
    """A temporary table `name` with `columns`: name → PostgreSQL type.

    Values go over in the type's own form; `timestamptz` as `stamp`, `date` as `day_number`,
    `jsonb` as text in bytes behind a 1 (`document`).
    """

    def __init__(self, name: str, columns: Mapping[str, str]) -> None:
        self.name = name
        self._left: WeakKeyDictionary[Connection[Any], int] = WeakKeyDictionary()
        self.columns = tuple(columns)
        self._types = {
            column: "bytea" if kind == "jsonb" else _WIRE.get(kind, kind)
            for column, kind in columns.items()
        }
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self._make = f"CREATE TEMP TABLE IF NOT EXISTS {name} ({listed})"

    def load(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Make these rows the stage's only ones; columns that are not named are NULL."""
        cursor = driver_cursor()
        cursor.execute(f"{self._make}; {self._emptying(cursor.connection)} {self.name}")
        with cursor.copy(
            f"COPY {self.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types([self._types[column] for column in columns])
            write = copy.write_row
            loaded = 0
            for loaded, row in enumerate(rows, 1):  # noqa: B007  counted for what is left behind
                write(row)
        self._left[cursor.connection] = self._left.get(cursor.connection, 0) + loaded

    def _emptying(self, link: Connection[Any]) -> str:
        """How to empty it: a DELETE leaves the rows' places behind, a TRUNCATE makes a new file."""
        if self._left.get(link, 0) < _MOST_LEFT:
            return "DELETE FROM"
        self._left[link] = 0
        return "TRUNCATE"


def document(text: bytes) -> bytes:
    """A jsonb value as it goes over the wire; `text` is JSON."""
    return b"\x01" + text
