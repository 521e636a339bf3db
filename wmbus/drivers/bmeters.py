"""B Meters (water, hydrodigit) and BMP (heat cost, hydroclima): a block behind DIF 0F.

hydrodigit   flags  battery  [fraud(4)]  [leak date(3)]  [backflow(4)]  [12 months(3 each)]
hydroclima   frame kind 10 or 11, then temperatures and counts at fixed places
"""

from wmbus.encode import record
from wmbus.errors import DecodeError
from wmbus.records import walk

WATER_MANUFACTURERS = frozenset(("BMT",))
HEAT_MANUFACTURERS = frozenset(("BMP",))

_BATTERY, _FRAUD, _BACKFLOW, _MONTHLY, _LEAK_DATE = 0x01, 0x02, 0x04, 0x10, 0x80
_NONE = 0xFFFFFF
# Low nibble of the battery byte → hundredths of a volt; every other one is a full battery.
_VOLTS = {1: 190, 2: 210, 3: 220, 4: 230, 5: 240, 6: 250, 7: 265, 8: 280, 9: 290, 10: 305,
          11: 320, 12: 335, 13: 350}  # fmt: skip
_FULL = 370


def _split(data: bytes) -> tuple[bytes, bytes]:
    """The ordinary records, and the maker's block behind them (empty if there is none)."""
    try:
        found = walk(data)
    except DecodeError:
        return data, b""
    block = found.manufacturer
    return data[: len(data) - len(block) - 1] if block else data, block


def read_water(data: bytes) -> bytes | None:
    """Battery, date of a leak, backflow, totals at the ends of months (storage 2 to 13, January
    first): what the flags say is there."""
    records, block = _split(data)
    if len(block) < 2 or not block[0] & _BATTERY:
        return None
    flags, at = block[0], 2
    records += record(b"\x02\xfd\x47", _VOLTS.get(block[1] & 0x0F, _FULL))
    at += 4 if flags & _FRAUD else 0
    if flags & _LEAK_DATE:
        records += _leak(block[at : at + 3])
        at += 3
    if flags & _BACKFLOW:
        if len(block) < at + 4:
            return None
        records += b"\x04\x93\x3c" + block[at : at + 4]
        at += 4
    return records + _totals(block[at : at + 36]) if flags & _MONTHLY else records


def _leak(raw: bytes) -> bytes:
    """The date of a leak from year, month, day in BCD; nothing where it is none."""
    digits = raw.hex()
    if len(raw) < 3 or not digits.isdecimal():
        return b""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if not (day and 1 <= month <= 12 and day <= 31):
        return b""
    return record(b"\x32\x6c", day | (year & 7) << 5 | month << 8 | (year & 0x78) << 9)


def _totals(months: bytes) -> bytes:
    records = b""
    for month in range(len(months) // 3):
        total = int.from_bytes(months[3 * month : 3 * month + 3], "little")
        if total == _NONE:
            continue
        storage = month + 2
        dif, dife = bytes((0x80 | (storage & 1) << 6,)), bytes((storage >> 1,))
        every_year = 0xF0E0 | (month + 1) << 8  # type G with the year left open
        records += bytes((dif[0] | 0x03,)) + dife + b"\x14" + months[3 * month : 3 * month + 3]
        records += bytes((dif[0] | 0x02,)) + dife + record(b"\x02\x6c", every_year)[1:]
    return records


# Places in the block (behind the kind byte) → header of the record; values are 16 bits.
_HEAT_10 = (
    (7, b"\x02\x65"),  # mean temperature of the room
    (9, b"\x12\x65"),  # its maximum
    (15, b"\x42\x65"),  # its mean of last month
    (17, b"\x42\x59"),  # mean temperature of the radiator, last month
    (19, b"\x02\xee\x10"),
)
_HEAT_11 = (
    (9, b"\x02\x59"),
    (11, b"\x02\x65"),
    (13, b"\x12\x65"),
    (17, b"\x42\x59"),
    (19, b"\x42\x65"),
    (21, b"\x82\x01\x6e"),
    (23, b"\xc2\x01\x6e"),
    (25, b"\x82\x02\x6e"),
    (27, b"\xc2\x02\x6e"),
    (29, b"\x82\x01\x65"),
    (31, b"\xc2\x01\x65"),
    (33, b"\x82\x02\x65"),
)


def read_heat(data: bytes) -> bytes | None:
    """Temperatures of room and radiator; in kind 11 the values of earlier periods as well."""
    ordinary, block = _split(data)
    places = {0x10: _HEAT_10, 0x11: _HEAT_11}.get(block[0]) if block else None
    if places is None or len(block) < places[-1][0] + 2:
        return None
    records = ordinary
    for at, header in places:
        if header != b"\x02\xee\x10":
            records += header + block[at : at + 2]
    total = block[-3:-1] if block[0] == 0x11 else block[19:21]
    return records + b"\x02\xee\x10" + total
