"""Apator: water meters with numbered fields behind DIF 0F, and heat cost allocators (CI A0, B6).

    0F  (3 bytes)  field number, data, field number, data … FF
    A0  season start(2) ?  last season(2)  seal broken(2)  now(2)  date(2)  temperatures(2, 2)

Each field number has its own length; a number not listed ends the reading.
"""

from wmbus.encode import record

WATER_MANUFACTURERS = frozenset(("APA", "APT"))
ALLOCATOR_MANUFACTURERS = frozenset(("APA", "APT", "ITW"))
ALLOCATOR_CIS = frozenset((0xA0, 0xB6))

_TOTAL = 0x10
_LENGTHS = {
    0x00: 4, 0x01: 3, 0x0F: 3, 0x10: 4, 0x11: 2, 0x40: 6, 0x41: 2, 0x42: 4, 0x43: 2, 0x44: 3,
    0x71: 9, 0x72: 13, 0x73: 17, 0x75: 25, 0x7B: 49, 0x80: 10, 0x81: 10, 0x82: 10, 0x83: 10,
    0x84: 10, 0x85: 10, 0x86: 10, 0x87: 10, 0x93: 3, 0xA0: 4, 0xF0: 4,
}  # fmt: skip


def read_water(data: bytes) -> bytes | None:
    """The total volume."""
    if data[:1] != b"\x0f":
        return None
    at = 0
    while at < len(data):
        length = _LENGTHS.get(data[at])
        if length is None or at + 1 + length > len(data):
            return None
        if data[at] == _TOTAL:
            return b"\x04\x13" + data[at + 1 : at + 5]
        at += 1 + length
    return None


def read_allocator(frame: bytes, start: int) -> bytes | None:
    """Units of this season and the last, the date, and mean room temperatures."""
    body = frame[start:]
    if frame[start - 1] == 0xB6:  # another block comes first, with its length before it
        skip = body[0] + 1 if body else 0
        if body[skip : skip + 1] != b"\xa0":
            return None
        body = body[skip + 1 :]
    if len(body) != 15 or frame[9] != 0x08:
        return None
    raw = int.from_bytes(body[9:11], "little")
    year = raw >> 9
    date = raw & 0x1F | (year & 7) << 5 | (raw >> 5 & 0x0F) << 8 | (year & 0x78) << 9
    season = [int.from_bytes(body[at : at + 2], "little") for at in (13, 11)]
    return (
        b"\x02\x6e" + body[7:9]
        + b"\x42\x6e" + body[3:5]
        + record(b"\x02\x6c", date)
        # 1/256 of a degree, as millionths.
        + record(b"\x04\xe7\x70", season[0] * 1_000_000 // 256)
        + record(b"\x44\xe7\x70", season[1] * 1_000_000 // 256)
    )  # fmt: skip
