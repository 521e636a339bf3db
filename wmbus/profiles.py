"""Compact load profiles: many values of one quantity in one record (EN 13757-3:2018, annex F).

    DIF 8D … VIF VIFE 1F or 13   LVAR │ spacing control │ spacing value │ value value value …

The record stands for storage number n, whose own value and date other records give. VIFE 1F counts
from there forward in time, VIFE 13 (inverse) backward. Spacing control: bits 0-3 the data field of
the values, bits 4-5 the unit of the spacing, bits 6-7 how the values count. The values come out
with the storage numbers n + 1, n + 2 …, and with their dates where the date of n is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from wmbus.dates import MeterTime
from wmbus.header import EXTEND, Header, describe
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
_INTEGER = 4  # a data field of a plain integer


class Step(NamedTuple):
    """One value: its storage number, the integer (None where invalid), and its time if known."""

    storage: int
    value: int | None
    time: MeterTime | None


class Profile(NamedTuple):
    """A profile: `header` is that of an ordinary record of the same quantity."""

    header: Header
    steps: tuple[Step, ...]


class _Contents(NamedTuple):
    values: tuple[int | None, ...]
    mode: int
    unit: int
    spacing: int


def _parse(raw: bytes) -> _Contents | None:
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
    return _Contents(tuple(values), mode, unit, raw[1])


def profiles(records: Sequence[Record]) -> list[Profile]:
    """The profiles among `records`, each with all its values."""
    return [
        found
        for record in records
        for word in record.header.qualifiers
        if word in _QUALIFIERS and record.header.kind == "variable"
        if (found := _profile(record, _QUALIFIERS[word], records)) is not None
    ]


def _profile(record: Record, direction: int, records: Sequence[Record]) -> Profile | None:
    contents = _parse(record.raw[1:])
    if contents is None or record.quantity == "named by text":
        return None
    value = next(
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
    base = None if date is None else date.moment
    steps = []
    for number, sent in enumerate(contents.values, start=1):
        value = _next(value, sent, contents.mode)
        time = _time(base, date, contents, direction * number) if base and date else None
        steps.append(Step(record.storage + number, value, time))
    return Profile(_plain_header(record), tuple(steps))


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


def _time(base: datetime, date: MeterTime, contents: _Contents, steps: int) -> MeterTime | None:
    """The base date, `steps` spacings later; None if it cannot be told."""
    if contents.unit != _DAYS_OR_MONTHS:
        moment = base + steps * contents.spacing * _SPACING_UNITS[contents.unit]
    elif contents.spacing == _MONTHS:
        moment = _months_later(base, steps)
    elif contents.spacing <= _MOST_DAYS:
        moment = base + timedelta(days=steps * contents.spacing)
    else:
        return None
    text = str(moment)[: 10 if date.date_only else 16]
    return MeterTime(moment, text, date.summer, date_only=date.date_only)


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 else 28  # right from 1901 to 2099
    return 30 if month in (4, 6, 9, 11) else 31


def _months_later(base: datetime, months: int) -> datetime:
    """The same day of another month; the last day of a month stays the last."""
    index = base.year * 12 + base.month - 1 + months
    year, month = index // 12, index % 12 + 1
    longest = _month_length(year, month)
    last = base.day == _month_length(base.year, base.month)
    return base.replace(year=year, month=month, day=longest if last else min(base.day, longest))


def _plain_header(record: Record) -> Header:
    """The record's header as it would be for a plain integer: without the VIFE of the profile."""
    raw = record.header.raw
    at = 1
    while raw[at - 1] & EXTEND:
        at += 1
    vifes = at + (2 if raw[at] in (0xFB, 0xFD) else 1)
    mark = next(
        place
        for place in range(vifes, len(raw))
        if raw[place] & 0x7F in (FORWARD, INVERSE) and raw[place - 1] & 0x7F != EXTENSION
    )
    chain = raw[at:mark] + raw[mark + 1 :]
    dif = bytes((raw[0] & 0xF0 | _INTEGER,)) + raw[1:at]
    return describe(dif + bytes([byte | EXTEND for byte in chain[:-1]] + [chain[-1] & ~EXTEND]))
