"""Apator: water meters with numbered fields behind DIF 0F or CI A0, and heat cost allocators.

    0F  (3 bytes)  field number, data, field number, data … FF
    A0  count(4) …                      older water meters: thirds of a litre, or of a cubic metre
    A0  season start(2)  ?  last season(2)  seal broken(2)  now(2)  date(2)  temperatures(2, 2)

Each field number has its own length; a number not listed ends the reading. Dates of allocators have
seven bits of year, four of month, five of day; the start of the season leaves the year open.
"""

from wmbus.encode import record

WATER_MANUFACTURERS = frozenset(("APA", "APT"))
FRAME_MANUFACTURERS = frozenset(("APA", "APT", "ITW"))
FRAME_CIS = frozenset((0xA0, 0xB6))

_TOTAL = 0x10
_LENGTHS = {
    0x00: 4, 0x01: 3, 0x0F: 3, 0x10: 4, 0x11: 2, 0x40: 6, 0x41: 2, 0x42: 4, 0x43: 2, 0x44: 3,
    0x71: 9, 0x72: 13, 0x73: 17, 0x75: 25, 0x7B: 49, 0x80: 10, 0x81: 10, 0x82: 10, 0x83: 10,
    0x84: 10, 0x85: 10, 0x86: 10, 0x87: 10, 0x93: 3, 0xA0: 4, 0xB0: 5, 0xB1: 8, 0xB2: 16, 0xB3: 8,
    0xB4: 2, 0xB5: 16, 0xB6: 3, 0xB7: 3, 0xF0: 4,
}  # fmt: skip

# Version and device type of the older water meters → millionths of a m3 in three counts.
_THIRDS = {(0x03, 0x03): 1_000, (0x04, 0x11): 1_000_000}
_EVERY_YEAR = 127  # how type G leaves the year open


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


def read_frame(frame: bytes, start: int) -> bytes | None:
    """A telegram with CI A0 or B6: of an allocator, or of an older water meter."""
    three = _THIRDS.get((frame[8], frame[9]))
    if three is None or frame[start - 1] != 0xA0:
        return _allocator(frame, start)
    if len(frame) < start + 4:
        return None
    count = int.from_bytes(frame[start : start + 4], "little")
    return record(b"\x07\x10", (count * three + 1) // 3)  # to the nearest: no decimal is exact


def _date(raw: int, year: int | None = None) -> int | None:
    """Type G of a date as allocators write it; None for day 0."""
    day, month = raw & 0x1F, raw >> 5 & 0x0F
    year = raw >> 9 if year is None else year
    return (day | (year & 7) << 5 | month << 8 | (year & 0x78) << 9) if day else None


def _allocator(frame: bytes, start: int) -> bytes | None:
    """Units of this season and the last, dates, and mean room temperatures."""
    body = frame[start:]
    if frame[start - 1] == 0xB6:  # another block comes first, with its length before it
        skip = body[0] + 1 if body else 0
        if body[skip : skip + 1] != b"\xa0":
            return None
        body = body[skip + 1 :]
    if len(body) != 15 or frame[9] != 0x08:
        return None
    start_of_season, broken, today = (
        int.from_bytes(body[at : at + 2], "little") for at in (0, 5, 9)
    )
    season = [int.from_bytes(body[at : at + 2], "little") for at in (13, 11)]
    dates = [
        (b"\x02\x6c", _date(today)),
        (b"\x82\x01\x6c", _date(start_of_season, _EVERY_YEAR)),
        (b"\x32\x6c", _date(broken)),
    ]
    return (
        b"\x02\x6e" + body[7:9]
        + b"\x42\x6e" + body[3:5]
        + b"".join(record(header, date) for header, date in dates if date)
        # 1/256 of a degree, as millionths.
        + record(b"\x04\xe7\x70", season[0] * 1_000_000 // 256)
        + record(b"\x44\xe7\x70", season[1] * 1_000_000 // 256)
    )  # fmt: skip
