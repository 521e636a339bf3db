"""Compact load profiles: many values of one quantity in one record (EN 13757-3:2018, annex F).

    DIF 8D … VIF VIFE 1F or 13   LVAR │ spacing control │ spacing value │ value value value …

The record stands for storage number n, whose own value and date other records give. VIFE 1F counts
from there forward in time, VIFE 13 (inverse) backward. Spacing control: bits 0-3 the data field of
the values, bits 4-5 the unit of the spacing, bits 6-7 how the values count. The values come out as
ordinary records with the storage numbers n + 1, n + 2 …, and their dates beside them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from wmbus.dates import MeterTime
from wmbus.encode import date_f, date_g
from wmbus.header import EXTEND
from wmbus.records import Record
from wmbus.values import decimal_digits
from wmbus.vife import EXTENSION

FORWARD, INVERSE = 0x1F, 0x13
_QUALIFIERS = {"compact profile": 1, "inverse compact profile": -1}

_ABSOLUTE, _INCREMENT, _DECREMENT, _DIFFERENCE = range(4)
_SPACING_UNITS = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1))
_DAYS_OR_MONTHS = 3
_MONTHS = 254
_MOST_DAYS = 250
_LENGTHS = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8, 9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
_BCD = 9  # data fields from here on are decimal
_NO_DATA = 0x15  # VIFE
_MOST_STORAGE = 1 << 40  # leaves room for the numbers that follow in ten DIFEs


class Profile(NamedTuple):
    """The values of one profile, oldest or newest first as sent; None where invalid."""

    values: tuple[int | None, ...]
    mode: int
    unit: int
    spacing: int


def _parse(raw: bytes) -> Profile | None:
    """The contents of a profile record without its LVAR byte; None if they make no sense."""
    if len(raw) < 2:
        return None
    field, unit, mode = raw[0] & 0x0F, raw[0] >> 4 & 3, raw[0] >> 6
    length = _LENGTHS.get(field)
    if length is None or (len(raw) - 2) % length:
        return None
    parts = [raw[at : at + length] for at in range(2, len(raw), length)]
    signed = mode in (_ABSOLUTE, _DIFFERENCE)
    invalid = (b"\x80" if signed else b"\xff").rjust(length, b"\0" if signed else b"\xff")
    values = [
        decimal_digits(part)
        if field >= _BCD
        else None
        if part == invalid
        else int.from_bytes(part, "little", signed=signed)
        for part in parts
    ]
    return Profile(tuple(values), mode, unit, raw[1])


def expand(records: Sequence[Record]) -> bytes:
    """The profiles among `records` as ordinary record data; empty if there are none."""
    return b"".join(
        _expand(record, _QUALIFIERS[word], records)
        for record in records
        for word in record.header.qualifiers
        if word in _QUALIFIERS and record.header.kind == "variable"
    )


def _expand(record: Record, direction: int, records: Sequence[Record]) -> bytes:
    profile = _parse(record.raw[1:])
    if profile is None or record.storage >= _MOST_STORAGE or record.quantity == "named by text":
        return b""
    base = next(
        (r.value for r in records if _same_quantity(r, record) and isinstance(r.value, int)), None
    )
    date = next(
        (
            r.value
            for r in records
            if r.storage == record.storage and isinstance(r.value, MeterTime)
        ),
        None,
    )
    value_information = _without_profile(record)
    out, value = b"", base
    for number, sent in enumerate(profile.values, start=1):
        value = _next(value, sent, profile.mode)
        header = _data_information(record, record.storage + number, 7)
        if value is None or not -(1 << 63) <= value < 1 << 63:
            out += header + _then(value_information, _NO_DATA) + bytes(8)
        else:
            out += header + value_information + value.to_bytes(8, "little", signed=True)
        moment = _moment(date, profile, direction * number)
        if date is not None and moment is not None:
            short = date.date_only
            header = _data_information(record, record.storage + number, 2 if short else 4)
            # One date a storage number, whatever tariff or subunit the values are of.
            raw = date_g(moment.date()) if short else date_f(moment, summer=date.summer)
            out += _without_tariff(header) + (b"\x6c" if short else b"\x6d")
            out += raw.to_bytes(2 if short else 4, "little")
    return out


def _same_quantity(other: Record, record: Record) -> bool:
    left, right = other.header, record.header
    return (
        left.kind not in ("variable", "date")
        and (left.quantity, left.storage, left.tariff, left.subunit, left.function)
        == (right.quantity, right.storage, right.tariff, right.subunit, right.function)
        and left.exponent == right.exponent
    )


def _next(value: int | None, sent: int | None, mode: int) -> int | None:
    if mode == _ABSOLUTE:
        return sent
    if value is None or sent is None:
        return None
    return value - sent if mode == _DECREMENT else value + sent


def _moment(date: MeterTime | None, profile: Profile, steps: int) -> datetime | None:
    """The base date, `steps` spacings later; None if it cannot be told."""
    if date is None or date.moment is None:
        return None
    base = date.moment
    if profile.unit != _DAYS_OR_MONTHS:
        moment = base + steps * profile.spacing * _SPACING_UNITS[profile.unit]
    elif profile.spacing == _MONTHS:
        moment = _months_later(base, steps)
    elif profile.spacing <= _MOST_DAYS:
        moment = base + timedelta(days=steps * profile.spacing)
    else:
        return None
    return moment if 2000 <= moment.year <= 2099 else None


def _months_later(base: datetime, months: int) -> datetime:
    """The same day of another month; the last day of a month stays the last."""
    tomorrow = base + timedelta(days=1)
    if tomorrow.day == 1:
        return _months_later(tomorrow, months) - timedelta(days=1)
    index = base.year * 12 + base.month - 1 + months
    first = base.replace(year=index // 12, month=index % 12 + 1, day=1)
    longest = (first + timedelta(days=31)).replace(day=1) - first
    return first + timedelta(days=min(base.day, longest.days) - 1)


def _data_information(record: Record, storage: int, field: int) -> bytes:
    """DIF and DIFEs like the record's, with another storage number and data field."""
    header = record.header
    function = header.raw[0] & 0x30
    extensions = []
    tariff, subunit, rest = header.tariff, header.subunit, storage >> 1
    while tariff or subunit or rest:
        extensions.append(rest & 0x0F | (tariff & 3) << 4 | (subunit & 1) << 6)
        tariff, subunit, rest = tariff >> 2, subunit >> 1, rest >> 4
    chain = [field | function | (storage & 1) << 6, *extensions]
    return bytes([byte | 0x80 for byte in chain[:-1]] + [chain[-1]])


def _without_tariff(header: bytes) -> bytes:
    kept = [header[0] & ~0x30, *(byte & 0x8F for byte in header[1:])]
    return bytes(kept)


def _without_profile(record: Record) -> bytes:
    """The record's VIF and VIFEs without the one that makes it a profile."""
    raw = record.header.raw
    at = 1
    while raw[at - 1] & EXTEND:
        at += 1
    vifes = at + (2 if raw[at] in (0xFB, 0xFD) else 1)
    marks = [
        place
        for place in range(vifes, len(raw))
        if raw[place] & 0x7F in (FORWARD, INVERSE) and raw[place - 1] & 0x7F != EXTENSION
    ]
    chain = raw[at : marks[0]] + raw[marks[0] + 1 :]
    return bytes([byte | EXTEND for byte in chain[:-1]] + [chain[-1] & ~EXTEND])


def _then(value_information: bytes, vife: int) -> bytes:
    return value_information[:-1] + bytes((value_information[-1] | 0x80, vife))
