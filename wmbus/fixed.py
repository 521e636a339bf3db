"""The fixed data structure of old wired meters (CI 73; EN 13757-3:2013, annex H).

    number(4) ACC status medium/unit(2) counter 1(4) counter 2(4)

Status bit 0: counters are binary, else BCD; bit 1: counters are those of a fixed date. The units
are six bits each; the upper two bits of both bytes together are the medium. The two counters are
rewritten as ordinary records, so that everything above reads them like any other meter's.
"""

from typing import NamedTuple

from wmbus.errors import Layer, Malformed
from wmbus.reader import Reader
from wmbus.words import marked as _

# First and last unit code, VIF of the first, and the last VIF of its kind (table H.2).
_UNITS = (
    (0x02, 0x0A, 0x03, 0x07),  # 1 Wh …
    (0x0B, 0x13, 0x0B, 0x0F),  # 1 kJ …
    (0x14, 0x1C, 0x2B, 0x2F),  # 1 W …
    (0x1D, 0x25, 0x33, 0x37),  # 1 kJ/h …
    (0x26, 0x2E, 0x10, 0x17),  # 1 ml …
    (0x2F, 0x37, 0x38, 0x3F),  # 1 ml/h …
)
_HEAT_COST = 0x39
_TEMPERATURE = 0x38
_MILLIDEGREES = b"\xfc\x02C\xb0\x73"  # which temperature it is, the structure does not say
_HISTORIC = 0x3E  # the second counter has the unit of the first, and is of the fixed date
_MEDIA = (0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 6, 7, 8, 0, 0)  # H.3, as device types


class Fixed(NamedTuple):
    """The fields of the structure; `records` are the counters as ordinary records."""

    number: str
    access: int
    status: int
    device_type: int
    records: bytes
    behind: int


def value_information(code: int) -> bytes:
    """VIF (and VIFEs "times 1000" beyond its range) of a six-bit unit code."""
    for first, last, vif, highest in _UNITS:
        if first <= code <= last:
            vif, thousands = vif + code - first, 0
            while vif > highest:
                vif, thousands = vif - 3, thousands + 1
            chain = bytes((vif,)) + b"\x7d" * thousands
            return bytes(byte | 0x80 for byte in chain[:-1]) + chain[-1:]
    if code == _TEMPERATURE:
        return _MILLIDEGREES
    return b"\x6e" if code == _HEAT_COST else b"\xfd\x3a"


def parse(data: bytes, start: int) -> Fixed:
    """The structure that begins at `start`. Raises Truncated and Malformed."""
    reader = Reader(data, Layer.APPLICATION, start)
    number = reader.take(4, _("number"))
    access = reader.byte(_("access number"))
    status = reader.byte(_("status"))
    units = [reader.byte(_("unit of counter 1")), reader.byte(_("unit of counter 2"))]
    counters = [reader.take(4, _("counter 1")), reader.take(4, _("counter 2"))]
    if reader.left:
        raise Malformed(
            "fixed_surplus",
            surplus=reader.left,
            layer=Layer.APPLICATION,
            offset=reader.position,
        )
    codes = [units[0] & 0x3F, units[1] & 0x3F]
    historic = [bool(status & 2), bool(status & 2) or codes[1] == _HISTORIC]
    if codes[1] == _HISTORIC:
        codes[1] = codes[0]
    records = b""
    for code, old, counter in zip(codes, historic, counters, strict=True):
        dif = (0x04 if status & 1 else 0x0C) | (0x40 if old else 0)
        records += bytes((dif,)) + value_information(code) + counter
    medium = units[0] >> 6 | units[1] >> 6 << 2
    return Fixed(
        number[::-1].hex().upper(), access, status, _MEDIA[medium], records, reader.position
    )
