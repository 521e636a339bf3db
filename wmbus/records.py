"""The records of a meter's answer, one after another (EN 13757-3:2018, 6.2).

DIF VIF data │ DIF VIF data │ … │ 0F manufacturer data
"""

from decimal import Decimal
from typing import NamedTuple

from wmbus.dates import MeterTime
from wmbus.errors import Layer, Malformed, Truncated
from wmbus.header import Function, Header, describe, extent
from wmbus.values import read, read_variable, variable_length

FILLER = 0x2F
MANUFACTURER_DATA = 0x0F
MORE_FOLLOWS = 0x1F
GLOBAL_READOUT = 0x7F


class Record(NamedTuple):
    """One record with its value.

    A number is the integer `value` times 10^`exponent` `unit`; text is a str, binary data bytes, a
    date a MeterTime; None has its reason in `problem`. `offset` is the place of the first header
    byte in the record data, `raw` the data bytes (with the LVAR byte where there is one).
    """

    header: Header
    value: int | str | bytes | MeterTime | None
    exponent: int
    problem: str
    raw: bytes
    offset: int

    @property
    def quantity(self) -> str:
        """What is measured, in the words of `vif.py`."""
        return self.header.quantity

    @property
    def unit(self) -> str:
        """Unit of `value`."""
        return self.header.unit

    @property
    def function(self) -> Function:
        """instantaneous, maximum, minimum, or the value during an error."""
        return self.header.function

    @property
    def storage(self) -> int:
        """0 now, 1 the target date as a rule, above it older values."""
        return self.header.storage

    @property
    def tariff(self) -> int:
        """0 the total."""
        return self.header.tariff

    @property
    def subunit(self) -> int:
        """0 the meter itself."""
        return self.header.subunit

    @property
    def decimal(self) -> Decimal | None:
        """The number as a Decimal in `unit`; None if the record is no number."""
        if not isinstance(self.value, int):
            return None
        return Decimal(self.value).scaleb(self.exponent)


class Walk(NamedTuple):
    """All records of a telegram.

    `manufacturer` is the maker's own data behind DIF 0F or 1F, `more` tells that another telegram
    follows (1F), `fixed` that every header stands alone (no text unit), so that the sequence of
    headers has a format signature.
    """

    records: tuple[Record, ...]
    manufacturer: bytes
    more: bool
    fixed: bool
    surplus: int

    @property
    def headers(self) -> bytes:
        """All headers in a row: what a format signature is computed over."""
        return b"".join([record.header.raw for record in self.records])


def walk(data: bytes, *, surplus: int = 0) -> Walk:
    """Read all records of `data`. Raises Truncated and Malformed with the offset.

    The last `surplus` bytes need not be a record: some receivers leave a checksum on the end and
    count it as data. They are left unread and counted in `Walk.surplus`.
    """
    records: list[Record] = []
    position, end, fixed = 0, len(data), True
    while position < end:
        dif = data[position]
        if dif & 0x0F == 0x0F:
            if dif == FILLER:
                position += 1
                continue
            if dif in (MANUFACTURER_DATA, MORE_FOLLOWS):
                return Walk(tuple(records), data[position + 1 :], dif == MORE_FOLLOWS, fixed, 0)
            if dif == GLOBAL_READOUT:
                position += 1
                continue
            raise Malformed(
                "reserved_dif", dif=f"{dif:02X}", layer=Layer.APPLICATION, offset=position
            )
        try:
            behind = extent(data, position, end)
            header = describe(data[position:behind])
            record = read_record(header, data, behind, end, position)
        except (Truncated, Malformed):
            if records and end - position <= surplus:
                return Walk(tuple(records), b"", False, fixed, end - position)
            raise
        fixed &= header.quantity != "named by text"
        records.append(record)
        position = behind + len(record.raw)
    return Walk(tuple(records), b"", False, fixed, 0)


def read_record(header: Header, data: bytes, at: int, end: int, offset: int) -> Record:
    """The record whose data begin at `at`."""
    length = header.length
    if length is None:
        if at >= end:
            raise Truncated("length_missing", layer=Layer.APPLICATION, offset=at)
        code = data[at]
        counted = variable_length(code)
        if counted is None:
            raise Malformed(
                "reserved_length", length=f"{code:02X}", layer=Layer.APPLICATION, offset=at
            )
        length = counted + 1
    if at + length > end:
        raise Truncated(
            "data_cut", expected=length, left=end - at, layer=Layer.APPLICATION, offset=at
        )
    raw = data[at : at + length]
    value = (
        read(header, raw) if header.length is not None else read_variable(header, raw[0], raw[1:])
    )
    return Record(header, value.value, value.exponent, value.problem, raw, offset)
