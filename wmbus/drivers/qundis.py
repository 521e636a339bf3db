"""Qundis meters that put their values into one record of their own (VIF FF, code 5F).

    0D FF 5F  35  (7 bytes)  07  unit(2)  error date(2)
    total(4)  date(2)  target(4)  date(2)  month(4)  12 monthly differences(2)  …

Values are BCD in the unit that the VIF (the second unit byte) names; the differences are binary in
that unit, newest first, 8000 where there is none.
"""

from wmbus.errors import DecodeError
from wmbus.header import EXTEND
from wmbus.records import walk

MANUFACTURERS = frozenset(("QDS", "LSE"))

_HEADER = b"\x0d\xff\x5f\x35"
_NEEDED = 28
_LENGTH = 0x35
_DIFFERENCES, _MONTHS = 28, 12
_LAST_MONTH = 17  # storage number of the month that has a value of its own
_NONE = b"\x00\x80"
RELATIVE = 0x14  # VIFE: a difference and no reading


def read(data: bytes) -> bytes | None:
    """Total, target date value, last month's, what earlier months used; and the other records."""
    at = data.find(_HEADER)
    if at < 0:
        return None
    start = at + len(_HEADER)
    block = data[start : start + _LENGTH]
    # A short block is one that the receiver has cut; its values are whole where they are there.
    if len(block) < _NEEDED or block[7] != 0x07 or block[9] & EXTEND:
        return None
    vif = block[9:10]
    records = b"\x0c" + vif + block[12:16]
    for dif, value, date in (
        (b"\x4c", block[18:22], block[16:18]),
        (b"\xcc\x08", block[24:28], block[22:24]),
    ):
        date_dif = bytes((dif[0] & 0xF0 | 0x02,)) + dif[1:]
        records += dif + vif + value + date_dif + b"\x6c" + date
    for month in range(_MONTHS):
        place = _DIFFERENCES + 2 * month
        value, storage = block[place : place + 2], _LAST_MONTH + 1 + month
        if len(value) == 2 and value != _NONE:
            dif = bytes((0x82 | (storage & 1) << 6, storage >> 1))
            records += dif + bytes((vif[0] | EXTEND, RELATIVE)) + value
    return _ordinary(data[:at]) + records + _ordinary(data[start + _LENGTH :])


def _ordinary(data: bytes) -> bytes:
    """`data` if they are whole records, else nothing: a receiver may have cut them."""
    try:
        found = walk(data)
    except DecodeError:
        return b""
    return b"" if found.manufacturer or found.more else data
