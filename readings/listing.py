"""A meter's stored readings, row by row, as they stand in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meters.registers import COLUMNS, REGISTERS, Register
from meters.values import RegisterValue, value_of
from readings.models import Kind, Origin, Reading, Trust
from ready.web.lists import PAGE_SIZE, KeyedPage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Beyond this a timestamp leaves what Python and PostgreSQL both can say.
_LAST_KEY = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
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
    energy_unit: str

    @property
    def key(self) -> int:
        """The reading's time in microseconds since 1970 UTC: exact, and short in an address."""
        return key_of(self.at)

    def value(self, column: str) -> RegisterValue | None:
        """A register as it is shown."""
        value = self.values.get(column)
        return None if value is None else value_of(column, value, self.energy_unit)

    @property
    def shown(self) -> list[RegisterValue]:
        """All registers that the reading has."""
        return [value_of(column, value, self.energy_unit) for column, value in self.values.items()]


def key_of(at: datetime) -> int:
    """An instant as an address writes it."""
    return (at - _EPOCH) // _MICROSECOND


def instant_of(key: int) -> datetime | None:
    """The inverse of `key_of`; None for a key beyond all readings."""
    return _EPOCH + key * _MICROSECOND if 0 <= key <= _LAST_KEY else None


def _row(reading: Reading, energy_unit: str) -> ReadingRow:
    return ReadingRow(
        at=reading.ts,
        received_at=reading.received_at,
        values={
            column: value for column in COLUMNS if (value := getattr(reading, column)) is not None
        },
        origin=Origin(reading.origin),
        trust=Trust(reading.trust),
        kind=Kind(reading.kind),
        energy_unit=energy_unit,
    )


def readings_of(
    meter_id: int,
    energy_unit: str,
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
    rows = [_row(reading, energy_unit) for reading in found[:size]]
    return KeyedPage(rows, str(rows[-1].key) if len(found) > size else "")


def reading_of(meter_id: int, at: datetime, energy_unit: str) -> ReadingRow:
    """One reading. Raises Reading.DoesNotExist."""
    return _row(Reading.objects.get(meter_id=meter_id, ts=at), energy_unit)


def columns_of(rows: Sequence[ReadingRow]) -> list[Register]:
    """The registers that any of the rows has: the columns of their table."""
    there = {column for row in rows for column in row.values} - _NOT_A_COLUMN
    return [register for register in REGISTERS if register.column in there]
