"""Techem's radio meters: what is used up this period, and what was on the last target date.

    CI  ?  target date(2)  target value(n)  date(n - 1, or 2)  value(n) …

The target date has seven bits of year, the date of today only day and month. n is 2, and 3 in
compact heat meters; the device type byte is Techem's own. Two others:

    A2  (2)  date(2)  total(4)  12 times: two halves of a month, ?    water, version 50
    A0  smoke(1)  target date(2)  today(2) …                          smoke detectors

The months end with that of the date, newest first; all counts of that water meter are 0.1 m3.
"""

from wmbus.encode import record

MANUFACTURERS = frozenset(("TCH",))
CIS = frozenset((0xA0, 0xA1, 0xA2))

_WATER = (0x62, 0x72)
_HEAT = 0x43
_HEAT_MEGAJOULES = 0xC3
_ALLOCATOR = 0x80
_VERSION_WITH_GAP = 0x94  # one byte more before the temperatures
_HALF_MONTHS = 0x50  # the version with half months
_SMOKE = 0xF0
_DIFFERENCE = b"\x95\x14"  # 0.1 m3, as a difference and no reading
_MONTHS = 12


def _target_date(raw: int) -> int | None:
    """Their date as type G; None if it is none."""
    day, month, year = raw & 0x1F, raw >> 5 & 0x0F, raw >> 9 & 0x3F
    if not (day and 1 <= month <= 12):
        return None
    return day | (year & 7) << 5 | month << 8 | (year & 0x38) << 9


def _today(raw: int, target: int) -> int | None:
    """Day and month, in the year that follows the target date."""
    day, month = raw >> 4 & 0x1F, raw >> 9 & 0x0F
    target_day, target_month, year = target & 0x1F, target >> 5 & 0x0F, target >> 9 & 0x3F
    later = (month, day) > (target_month, target_day)
    return _target_date(day | month << 5 | (year + (not later)) << 9)


def read(frame: bytes, start: int) -> bytes | None:
    """Total and target value, their dates, and the temperatures of heat cost allocators."""
    version, device_type = frame[8], frame[9]
    body = frame[start:]
    if len(body) < 14:
        return None
    if version == _HALF_MONTHS:
        return _half_months(body) if device_type in _WATER else None
    target = int.from_bytes(body[1:3], "little")
    if device_type == _HEAT:
        before = int.from_bytes(body[3:6], "little")
        now = int.from_bytes(body[7:10], "little")
        return _dated(target, None, b"\x06", before + now, before)
    before = int.from_bytes(body[3:5], "little")
    today = int.from_bytes(body[5:7], "little")
    now = int.from_bytes(body[7:9], "little")
    if device_type in _WATER:
        return _dated(target, today, b"\x15", before + now, before)
    if device_type == _HEAT_MEGAJOULES:
        return _dated(target, None, b"\x0e", before + now, before)
    if device_type == _SMOKE:
        dates = [(b"\x42\x6c", _target_date(target)), (b"\x02\x6c", _today(before, target))]
        return (
            b"\x01\xfd\x17"
            + body[:1]
            + b"".join(record(header, date) for header, date in dates if date is not None)
        )
    if device_type == _ALLOCATOR:
        gap = version == _VERSION_WITH_GAP
        return (
            _dated(target, today, b"\x6e", now, before)
            + b"\x02\x65" + body[9 + gap : 11 + gap]
            + b"\x02\x59" + body[11 + gap : 13 + gap]
        )  # fmt: skip
    return None


def _half_months(body: bytes) -> bytes | None:
    """Total, target date, and what was used in each of twelve months (storage 1 to 12)."""
    if len(body) < 8 + 3 * _MONTHS:
        return None
    records = b"\x04\x15" + body[4:8]
    date = _target_date(int.from_bytes(body[2:4], "little"))
    if date is not None:
        records += record(b"\x42\x6c", date)
    for storage in range(1, _MONTHS + 1):
        at = 5 + 3 * storage
        header = bytes((0x82 | (storage & 1) << 6, storage >> 1)) + _DIFFERENCE
        records += record(header, body[at] + body[at + 1])
    return records


def _dated(target: int, today: int | None, vif: bytes, value: int, before: int) -> bytes:
    records = record(b"\x04" + vif, value)
    target_date = _target_date(target)
    date = None if today is None else _today(today, target)
    if date is not None:
        records += record(b"\x02\x6c", date)
    records += record(b"\x44" + vif, before)
    # What this period adds to the target value, where both are parts of a total.
    if vif != b"\x6e":
        difference = bytes((vif[-1] | 0x80,)) + _DIFFERENCE[1:]
        records += record(b"\x04" + difference, value - before)
    if target_date is not None:
        records += record(b"\x42\x6c", target_date)
    return records
