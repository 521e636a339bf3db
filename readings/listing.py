"""A meter's stored readings, row by row, as they stand in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meters.registers import COLUMNS, REGISTERS, Register
from meters.values import RegisterValue, value_of
from readings.findings import finding_words
from readings.models import Kind, Origin, Reading, Status, Trust
from readings.quality import Mark, marks_of
from ready.web.lists import PAGE_SIZE, KeyedPage
from ready.web.units import UnitChoice

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Beyond this a timestamp leaves what Python and PostgreSQL both can say.
_LAST_KEY = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_COUNTING = frozenset(register.column for register in REGISTERS if register.cumulative)
# Two readings stand this many intervals apart before one is missing between them.
_LONG = 1.9
_NOT_A_COLUMN = frozenset({"info", "hours"})


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading; values by register column, base units."""

    at: datetime
    received_at: datetime
    values: dict[str, int]
    origin: Origin
    trust: Trust
    kind: Kind
    status: Status
    mark: Mark | None  # where there is more to say than that it was measured
    units: UnitChoice

    @property
    def key(self) -> int:
        """The reading's time in microseconds since 1970 UTC: exact, and short in an address."""
        return key_of(self.at)

    def value(self, column: str) -> RegisterValue | None:
        """A register as it is shown."""
        value = self.values.get(column)
        return None if value is None else value_of(column, value, self.units)

    @property
    def quality(self) -> str:
        """The name of its mark: measured, suspect, estimated or edited."""
        return self.status.name.lower()

    @property
    def why(self) -> list[str]:
        """Why it has that mark: reason and person, and what the rules found."""
        if self.mark is None:
            return []
        decided = [str(one) for one in (self.mark.reason and self.mark.reason.label,) if one]
        if self.mark.person:
            decided.append(self.mark.person)
        found = [finding_words(one, self.units) for one in self.mark.findings]
        return [" · ".join(decided), *found] if decided else found

    @property
    def shown(self) -> list[RegisterValue]:
        """All registers that the reading has."""
        return [value_of(column, value, self.units) for column, value in self.values.items()]


def key_of(at: datetime) -> int:
    """An instant as an address writes it."""
    return (at - _EPOCH) // _MICROSECOND


def instant_of(key: int) -> datetime | None:
    """The inverse of `key_of`; None for a key beyond all readings."""
    return _EPOCH + key * _MICROSECOND if 0 <= key <= _LAST_KEY else None


def _row(reading: Reading, mark: Mark | None, units: UnitChoice) -> ReadingRow:
    return ReadingRow(
        at=reading.ts,
        received_at=reading.received_at,
        values={
            column: value for column in COLUMNS if (value := getattr(reading, column)) is not None
        },
        origin=Origin(reading.origin),
        trust=Trust(reading.trust),
        kind=Kind(reading.kind),
        status=Status(reading.status),
        mark=mark,
        units=units,
    )


def readings_of(
    meter_id: int,
    units: UnitChoice,
    before: datetime | None,
    size: int = PAGE_SIZE,
    *,
    logged: bool = False,
) -> KeyedPage[ReadingRow]:
    """A page of a meter's readings, the newest first, from before an instant on.

    logged: only what the meter had kept in its own memory: target dates and logs.
    """
    readings = Reading.objects.filter(meter_id=meter_id)
    if logged:
        readings = readings.exclude(kind=Kind.NOW)
    if before is not None:
        readings = readings.filter(ts__lt=before)
    found = list(readings.order_by("-ts")[: size + 1])
    shown = found[:size]
    marks = {}
    if shown:
        told = marks_of(meter_id, shown[-1].ts, shown[0].ts + _MICROSECOND)
        marks = {mark.at: mark for mark in told}
    rows = [_row(reading, marks.get(reading.ts), units) for reading in shown]
    return KeyedPage(rows, str(rows[-1].key) if len(found) > size else "")


def reading_of(meter_id: int, at: datetime, units: UnitChoice) -> ReadingRow:
    """One reading. Raises Reading.DoesNotExist."""
    found = Reading.objects.get(meter_id=meter_id, ts=at)
    marks = marks_of(meter_id, at, at + _MICROSECOND)
    return _row(found, marks[0] if marks else None, units)


def gaps_of(rows: Sequence[ReadingRow], interval: timedelta) -> dict[datetime, timedelta]:
    """Where readings are missing between rows, the newest first: {the reading before: how long}.

    Missing is what is much longer than the meter's interval and than what is usual among these
    rows: thinned months and meters that are driven by have no gaps all over.
    """
    apart = {
        older.at: newer.at - older.at
        for newer, older in zip(rows, rows[1:], strict=False)
        if older.values.keys() & newer.values.keys() & _COUNTING
    }
    if not apart:
        return {}
    usual = max(interval, sorted(apart.values())[len(apart) // 2])
    return {at: length for at, length in apart.items() if length > usual * _LONG}


def columns_of(rows: Sequence[ReadingRow]) -> list[Register]:
    """The registers that any of the rows has: the columns of their table."""
    there = {column for row in rows for column in row.values} - _NOT_A_COLUMN
    return [register for register in REGISTERS if register.column in there]
