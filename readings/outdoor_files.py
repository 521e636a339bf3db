"""A file of outdoor temperatures: a line an hour or a day, read whole or refused line by line.

Two columns, time and °C, or three, where the time of day stands by itself; a head may come first.
An hour is named by its beginning, on the utility's wall clock or with an offset. Where the clocks
repeat an hour it is told apart by A and B, by offsets, or by standing there twice.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import TypeVar

from django.utils.translation import gettext as _

from meters.imports.reading import Options, Unreadable, guess, is_workbook, rows_of
from readings.outdoors import Series
from ready.web.amounts import parse_amount
from ready.web.days import parse_day
from ready.web.formats import date_text, moment

SIZE_MAX = 5 * 1024 * 1024
# Five years of hours, and a little.
LINES_MAX = 50_000
_At = TypeVar("_At", datetime, date)
_COLDEST, _WARMEST = -90, 60
_TIME = re.compile(
    r"(?P<day>\d{1,4}[-./]\d{1,2}[-./]\d{1,4})"
    r"(?:[T ]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]0+)?)?"
    r"\s*(?P<turn>[ABab])?\s*(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?)?"
)


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line of the file, counted from 1, in words."""

    line: int
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class OutdoorFile:
    """What a file says. With errors nothing of it may be stored."""

    series: Series
    errors: Sequence[LineError]
    lines: int


class _Bad(ValueError):
    """What is wrong, in words."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    day: date
    minutes: int | None  # on the wall clock; None for a whole day
    turn: str  # A or B, where the line says so
    offset: timedelta | None
    value: int


def read_file(content: bytes, zone: tzinfo, now: datetime, oldest: date) -> OutdoorFile:
    """Read a file. oldest: the first local day that is kept; now: aware, nothing may be after it.

    Raises Unreadable for a file that is none of these at all.
    """
    if len(content) > SIZE_MAX:
        raise Unreadable(_("The file is too large; READY takes 50,000 lines at once."))
    if is_workbook(content):
        raise Unreadable(_("This is a workbook; save it as CSV."))
    lines, errors, count = _lines(content)
    if not count:
        raise Unreadable(_("The file has no lines."))
    hours: dict[datetime, _Line] = {}
    days: dict[date, _Line] = {}
    descending = len(lines) > 1 and _wall(lines[0]) > _wall(lines[-1])
    doubled = _doubled(lines, zone, descending)
    by_hour = bool(lines) and lines[0].minutes is not None
    for line in lines:
        try:
            if (line.minutes is not None) is not by_hour:
                raise _Bad(_("The file has hours as well as days; import them as two files."))
            if line.minutes is None:
                _put(days, line.day, line, date_text(line.day))
                _check_time(line.day, line.day > now.astimezone(zone).date(), oldest)
            else:
                at = _instant(line, zone, doubled.get(line.number, line.turn))
                _put(hours, at, line, moment(at))
                _check_time(at.astimezone(zone).date(), at > now, oldest)
        except _Bad as error:
            errors.append(LineError(line.number, line.text, str(error)))
    errors.sort(key=lambda one: one.line)
    series = Series(
        {at: line.value for at, line in sorted(hours.items())},
        {day: line.value for day, line in sorted(days.items())},
    )
    return OutdoorFile(series, errors, count)


def _lines(content: bytes) -> tuple[list[_Line], list[LineError], int]:
    found: list[_Line] = []
    errors: list[LineError] = []
    count = 0
    for number, cells in enumerate(rows_of(content, _options(content)), start=1):
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        text = " · ".join(cells)[:80]
        if not count and not errors and number == 1 and not re.search(r"\d", cells[0]):
            continue  # the head
        count += 1
        if count > LINES_MAX:
            raise Unreadable(_("The file is too large; READY takes 50,000 lines at once."))
        try:
            found.append(_line(number, text, cells))
        except _Bad as error:
            errors.append(LineError(number, text, str(error)))
    return found, errors, count


def _options(content: bytes) -> Options:
    encoding = guess(content).encoding
    start = content[:4000].decode(encoding, "replace")
    separator = next((one for one in (";", "\t", "|") if one in start), ",")
    return Options(separator, encoding)


def _line(number: int, text: str, cells: Sequence[str]) -> _Line:
    if len(cells) not in (2, 3):
        raise _Bad(_("Two columns are expected, time and °C, or three: day, time of day and °C."))
    when = " ".join(cells[:-1])
    told = _TIME.fullmatch(when)
    day = parse_day(told["day"]) if told else None
    if told is None or day is None:
        raise _Bad(
            _("“%(text)s” is no day and no time; write 18-04-2024 or 18-04-2024 16:00.")
            % {"text": when[:40]}
        )
    minutes = None
    if told["hour"] is not None:
        minutes = int(told["hour"]) * 60 + int(told["minute"])
        if int(told["hour"]) > 23 or int(told["minute"]) > 59:
            raise _Bad(_("“%(text)s” is no time of day.") % {"text": when[:40]})
        if int(told["second"] or 0):
            raise _Bad(_("%(time)s is no full hour.") % {"time": when[:40]})
    return _Line(
        number,
        text,
        day,
        minutes,
        (told["turn"] or "").upper(),
        _offset(told["offset"]),
        _hundredths(cells[-1]),
    )


def _offset(text: str | None) -> timedelta | None:
    if not text:
        return None
    if text in "Zz":
        return timedelta()
    digits = text[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=14):
        raise _Bad(_("“%(text)s” is no offset of a time zone.") % {"text": text})
    return -size if text[0] == "-" else size


def _hundredths(text: str) -> int:
    """°C as typed, to whole hundredths. A measurement finer than that is of no use here."""
    told = text.replace("\u2212", "-").removesuffix("°C").removesuffix("C").strip()
    try:
        value = parse_amount(told)
    except ValueError:
        raise _Bad(_("“%(text)s” is no number.") % {"text": text[:40]}) from None
    if not _COLDEST <= value <= _WARMEST:
        raise _Bad(_("%(text)s °C is no outdoor temperature.") % {"text": told[:40]})
    return round(value * 100)


def _wall(line: _Line) -> tuple[date, int]:
    return line.day, line.minutes or 0


def _both(line: _Line, zone: tzinfo) -> tuple[datetime, datetime]:
    """The instants of the line's wall-clock time, before and after a change of the clocks."""
    hour, minute = divmod(line.minutes or 0, 60)
    local = datetime(line.day.year, line.day.month, line.day.day, hour, minute, tzinfo=zone)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _doubled(lines: Sequence[_Line], zone: tzinfo, descending: bool) -> Mapping[int, str]:
    """A and B for a repeated hour that stands in the file twice without saying which it is."""
    pairs: dict[tuple[date, int], list[int]] = {}
    for line in lines:
        if line.minutes is not None and line.offset is None and not line.turn:
            early, late = _both(line, zone)
            if early < late:
                pairs.setdefault(_wall(line), []).append(line.number)
    turns = "BA" if descending else "AB"
    return {
        number: turns[place]
        for numbers in pairs.values()
        if len(numbers) == 2
        for place, number in enumerate(numbers)
    }


def _instant(line: _Line, zone: tzinfo, turn: str) -> datetime:
    early, late = _both(line, zone)
    hour, minute = divmod(line.minutes or 0, 60)
    told = f"{date_text(line.day)} {hour:02}:{minute:02}"
    if line.offset is not None:
        there = timezone(line.offset)
        day = line.day
        at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=there).astimezone(UTC)
    elif early == late:
        if turn:
            raise _Bad(_("%(time)s comes only once; A and B are wrong here.") % {"time": told})
        at = early
    elif early < late:
        if not turn:
            raise _Bad(
                _(
                    "%(time)s comes twice, because the clocks go back; write %(time)sA and "
                    "%(time)sB, or an offset as in +01:00."
                )
                % {"time": told}
            )
        at = late if turn == "B" else early
    else:
        raise _Bad(_("%(time)s never was; the clocks go forward then.") % {"time": told})
    if at.astimezone(zone).minute:
        raise _Bad(_("%(time)s is no full hour.") % {"time": told})
    return at


def _put(known: dict[_At, _Line], at: _At, line: _Line, words: str) -> None:
    first = known.get(at)
    if first is not None:
        raise _Bad(
            _("%(time)s stands in line %(line)s already.") % {"time": words, "line": first.number}
        )
    known[at] = line


def _check_time(day: date, future: bool, oldest: date) -> None:
    if future:
        raise _Bad(_("This is in the future; READY takes what was, not what is forecast."))
    if day < oldest:
        raise _Bad(
            _("READY keeps nothing from before %(day)s (Keeping of readings).")
            % {"day": date_text(oldest)}
        )
