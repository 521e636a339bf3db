"""The parts that an explanation is built from, and the words for records."""

from typing import NamedTuple

from wmbus.dates import MeterTime
from wmbus.errors import DecodeError, Layer
from wmbus.records import FILLER, Record, walk
from wmbus.telegram import Telegram


class Part(NamedTuple):
    """Bytes `start` to `end` (exclusive) of a section: their `name` and what they say."""

    start: int
    end: int
    layer: str
    name: str
    meaning: str
    problem: str = ""


class Section(NamedTuple):
    """A run of bytes and its parts, which cover it."""

    title: str
    data: bytes
    parts: tuple[Part, ...]


class Builder:
    """Collects the parts of one section from the front to the back."""

    def __init__(self, title: str, data: bytes) -> None:
        self.title = title
        self.data = data
        self.parts: list[Part] = []
        self.position = 0

    def add(self, length: int, layer: str, name: str, meaning: str = "", problem: str = "") -> None:
        """The next `length` bytes, as far as they are there; shows their hex without a meaning."""
        start, end = self.position, min(self.position + length, len(self.data))
        if end > start or problem:
            shown = meaning or self.data[start:end].hex(" ").upper()
            self.parts.append(Part(start, end, layer, name, shown, problem))
            self.position = end

    def finish(self, layer: str, name: str, problem: str = "") -> Section:
        """All that is left as one part."""
        self.add(len(self.data) - self.position, layer, name, problem=problem)
        return Section(self.title, self.data, tuple(self.parts))


def records_section(telegram: Telegram) -> Section:
    title = "records" if telegram.offset >= 0 else "records, put together"
    builder = Builder(title, telegram.payload)
    layer = str(Layer.APPLICATION)
    if not telegram.payload and telegram.learned is not None:
        builder = Builder("format", telegram.learned)
        return builder.finish(layer, "headers of the format")
    _add_records(builder, telegram.records)
    return builder.finish(layer, "manufacturer's own data")


def _add_records(builder: Builder, records: tuple[Record, ...]) -> None:
    layer = str(Layer.APPLICATION)
    for record in records:
        _fillers(builder, record.offset)
        builder.add(len(record.header.raw), layer, "header", describe_header(record))
        builder.add(len(record.raw), layer, record.quantity, describe_value(record), record.problem)
    _fillers(builder, len(builder.data))


def _fillers(builder: Builder, end: int) -> None:
    position = builder.position
    while position < end and builder.data[position] == FILLER:
        position += 1
    builder.add(position - builder.position, str(Layer.APPLICATION), "fillers")


def describe_header(record: Record) -> str:
    """The header in words: function, quantity, storage, tariff, subunit, qualifiers."""
    header = record.header
    words: list[str] = [] if header.function == "instantaneous" else [header.function]
    words.append(header.quantity)
    words += header.qualifiers
    for name, number in (
        ("storage", header.storage),
        ("tariff", header.tariff),
        ("subunit", header.subunit),
    ):
        if number:
            words.append(f"{name} {number}")
    if header.codes:
        words.append(f"manufacturer's code {header.codes.hex().upper()}")
    return ", ".join(words)


def describe_value(record: Record) -> str:
    """The value in words: number with unit, date, text, or bytes in hex."""
    if isinstance(record.value, MeterTime):
        words = record.value.text or "none"
        return words + (" (invalid)" if record.value.invalid else "")
    if record.decimal is not None:
        return f"{record.decimal:f} {record.unit}".rstrip()
    if isinstance(record.value, bytes):
        return record.value.hex(" ").upper() or "empty"
    return record.problem if record.value is None else str(record.value)


def failed_section(failure: DecodeError, data: bytes) -> Section:
    """The application data, decrypted, up to where reading them failed."""
    builder = Builder("application data", data)
    layer = str(Layer.APPLICATION)
    at = min(max(failure.offset - failure.data_offset, 0), len(data))
    try:
        _add_records(builder, walk(data[:at]).records)
    except DecodeError:
        builder.add(at, layer, "read so far")
    builder.add(at - builder.position, layer, "read so far")
    return builder.finish(layer, "not read", failure.reason)
