"""BFW 240 radio heat cost allocators: 40 bytes behind an ordinary header.

    2F 2F (2)  last period(2)  now(2)  (2)  18 months (12 bits each, newest last)  day month year

Numbers have the high byte first, the date is BCD.
"""

from wmbus.encode import record

MANUFACTURERS = frozenset(("BFW",))

_LENGTH = 40
_MONTHS = 18


def read(data: bytes) -> bytes | None:
    """Units now, of the last period, and at the ends of the last 18 months (storage 2 to 19)."""
    if len(data) != _LENGTH or data[:2] != b"\x2f\x2f" or not data[-3:].hex().isdecimal():
        return None
    day, month, year = (int(f"{byte:02x}") for byte in data[-3:])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    date = day | (year & 7) << 5 | month << 8 | (year & 0x78) << 9
    records = record(b"\x02\x6e", int.from_bytes(data[6:8], "big"))
    records += record(b"\x02\x6c", date)
    records += record(b"\x42\x6e", int.from_bytes(data[4:6], "big"))
    months = data[-4:-31:-1]
    for number in range(_MONTHS):
        first, middle, last = months[number // 2 * 3 : number // 2 * 3 + 3]
        units = last | middle >> 4 << 8 if number & 1 else first | (middle & 0x0F) << 8
        storage = number + 2
        header = bytes((0x82 | (storage & 1) << 6, storage >> 1, 0x6E))
        records += record(header, units)
    return records
