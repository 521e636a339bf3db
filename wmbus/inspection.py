"""The parts that an explanation is built from, and the words for records."""

from typing import NamedTuple

from wmbus.dates import MeterTime
from wmbus.errors import DecodeError, Layer
from wmbus.records import FILLER, Record, walk
from wmbus.telegram import Telegram
from wmbus.words import Words, listed
from wmbus.words import marked as _


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
    title = _("records") if telegram.offset >= 0 else _("records, put together")
    builder = Builder(title, telegram.payload)
    layer = str(Layer.APPLICATION)
    if not telegram.payload and telegram.learned is not None:
        builder = Builder(_("format"), telegram.learned)
        return builder.finish(layer, _("headers of the format"))
    _add_records(builder, telegram.records)
    return builder.finish(layer, _("manufacturer's own data"))


def _add_records(builder: Builder, records: tuple[Record, ...]) -> None:
    layer = str(Layer.APPLICATION)
    for record in records:
        _fillers(builder, record.offset)
        builder.add(len(record.header.raw), layer, _("header"), describe_header(record))
        builder.add(len(record.raw), layer, record.quantity, describe_value(record), record.problem)
    _fillers(builder, len(builder.data))


def _fillers(builder: Builder, end: int) -> None:
    position = builder.position
    while position < end and builder.data[position] == FILLER:
        position += 1
    builder.add(position - builder.position, str(Layer.APPLICATION), _("fillers"))


_FUNCTIONS = {"maximum": _("maximum"), "minimum": _("minimum"), "error": _("error")}


def describe_header(record: Record) -> str:
    """The header in words: function, quantity, storage, tariff, subunit, qualifiers."""
    header = record.header
    function = _FUNCTIONS.get(header.function)
    words: list[str] = [] if function is None else [function]
    words.append(header.quantity)
    words += header.qualifiers
    for name, number in (
        (_("storage %(number)d"), header.storage),
        (_("tariff %(number)d"), header.tariff),
        (_("subunit %(number)d"), header.subunit),
    ):
        if number:
            words.append(Words(name, number=number))
    if header.codes:
        words.append(Words(_("manufacturer's code %(code)s"), code=header.codes.hex().upper()))
    return listed(words)


def describe_value(record: Record) -> str:
    """The value in words: number with unit, date, text, or bytes in hex."""
    if isinstance(record.value, MeterTime):
        words = record.value.text or _("none")
        return Words(_("%(date)s (invalid)"), date=words) if record.value.invalid else words
    if record.decimal is not None:
        return f"{record.decimal:f} {record.unit}".rstrip()
    if isinstance(record.value, bytes):
        return record.value.hex(" ").upper() or _("empty")
    return record.problem if record.value is None else str(record.value)


def failed_section(failure: DecodeError, data: bytes) -> Section:
    """The application data, decrypted, up to where reading them failed."""
    builder = Builder(_("application data"), data)
    layer = str(Layer.APPLICATION)
    at = min(max(failure.offset - failure.data_offset, 0), len(data))
    try:
        _add_records(builder, walk(data[:at]).records)
    except DecodeError:
        builder.add(at, layer, _("read so far"))
    builder.add(at - builder.position, layer, _("read so far"))
    return builder.finish(layer, _("not read"), failure.reason)
