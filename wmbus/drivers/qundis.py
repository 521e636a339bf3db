"""Qundis meters that put their values into one record of their own (VIF FF, code 5F).

    0D FF 5F  35  (7 bytes)  07  unit(2)  error date(2)
    total(4)  date(2)  target(4)  date(2)  month(4)  13 monthly differences  …

Values are BCD in the unit that the VIF (the second unit byte) names.
"""

MANUFACTURERS = frozenset(("QDS", "LSE"))

_HEADER = b"\x0d\xff\x5f\x35"
_NEEDED = 28


def read(data: bytes) -> bytes | None:
    """Total, target date value, and last month's, beside the other records of the telegram."""
    at = data.find(_HEADER)
    if at < 0:
        return None
    block = data[at + len(_HEADER) : at + len(_HEADER) + 0x35]
    # A short block is one that the receiver has cut; its values are whole where they are there.
    if len(block) < _NEEDED or block[7] != 0x07 or block[9] & 0x80:
        return None
    vif = block[9:10]
    records = b"\x0c" + vif + block[12:16]
    for dif, value, date in (
        (b"\x4c", block[18:22], block[16:18]),
        (b"\xcc\x08", block[24:28], block[22:24]),
    ):
        date_dif = bytes((dif[0] & 0xF0 | 0x02,)) + dif[1:]
        records += dif + vif + value + date_dif + b"\x6c" + date
    behind = data[at + len(_HEADER) + 0x35 :]
    return records + (behind if len(behind) >= 6 and behind[:2] == b"\x04\x6d" else b"")
