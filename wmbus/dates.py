"""The date and time types of EN 13757-3:2018, annex A: F, G, I, J.

A meter sends local time without a zone. Whether that includes summer time only some types say.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple


class MeterTime(NamedTuple):
    """A moment as the meter wrote it.

    `moment` is naive local time, or None where the meter marked the time as invalid, sent an
    impossible date, a time of day only, or a repeating date such as "every 1 January". `text`
    always shows what was sent: 00 is a day or month left open, * a year. `summer` says that the
    meter counts `moment` in summer time. `date_only` means that the time of day was not sent.
    """

    moment: datetime | None
    text: str
    summer: bool = False
    invalid: bool = False
    date_only: bool = False


def _year(short: int, century: int = 0) -> int:
    """Seven bits of year, and two of century where the type has them (type F).

    Without a century, 81 to 99 are of the last one. Some makers use its upper bit otherwise, so
    that 2 and 3, which would be the next centuries, are read as 1.
    """
    return 1900 + short if 80 < short < 100 and not century else 2000 + short


def _day(year: int, short: int, month: int, day: int) -> str:
    return f"{'*' if short >= 100 else f'{year:04}'}-{month:02}-{day:02}"


def _moment(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime | None:
    # Older MULTICALs stamp midnight as 24:00 of the day that ends.
    midnight = hour == 24 and minute == 0 and second == 0
    try:
        moment = datetime(  # noqa: DTZ001  a meter knows no zone
            year, month, day, 0 if midnight else hour, minute, second
        )
    except ValueError:
        return None
    return moment + timedelta(days=1) if midnight else moment


@lru_cache(maxsize=4096)
def type_g(raw: int) -> MeterTime:
    """Date, 2 bytes: day 0-4, month 8-11, year 5-7 and 12-15."""
    day, month = raw & 0x1F, raw >> 8 & 0x0F
    short = raw >> 5 & 0x07 | raw >> 9 & 0x78
    if raw == 0xFFFF:
        return MeterTime(None, "", invalid=True, date_only=True)
    year = _year(short)
    moment = _moment(year, month, day) if short < 100 else None
    return MeterTime(moment, _day(year, short, month, day), invalid=moment is None, date_only=True)


@lru_cache(maxsize=4096)
def type_f(raw: int) -> MeterTime:
    """Date and time, 4 bytes: minute 0-5, invalid 7, hour 8-12, century 13-14, summer 15, date."""
    minute, hour = raw & 0x3F, raw >> 8 & 0x1F
    day, month = raw >> 16 & 0x1F, raw >> 24 & 0x0F
    short = raw >> 21 & 0x07 | raw >> 25 & 0x78
    year = _year(short, raw >> 13 & 0x03)
    marked = bool(raw & 0x80)
    moment = None if marked or short >= 100 else _moment(year, month, day, hour, minute)
    return MeterTime(
        moment,
        f"{_day(year, short, month, day)} {hour:02}:{minute:02}",
        summer=bool(raw & 0x8000),
        invalid=moment is None,
    )


@lru_cache(maxsize=4096)
def type_i(raw: int) -> MeterTime:
    """Date and time with seconds, 6 bytes.

    Second 0-5, summer 6, minute 8-13, invalid 15, hour 16-20, day 24-28, month 32-35, year 29-31
    and 36-39. (Weekday, week, leap year and the amount of summer time add nothing to the moment.)
    """
    second, minute, hour = raw & 0x3F, raw >> 8 & 0x3F, raw >> 16 & 0x1F
    day, month = raw >> 24 & 0x1F, raw >> 32 & 0x0F
    short = raw >> 29 & 0x07 | raw >> 33 & 0x78
    year = _year(short)
    marked = bool(raw & 0x8000)
    moment = None if marked or short >= 100 else _moment(year, month, day, hour, minute, second)
    return MeterTime(
        moment,
        f"{_day(year, short, month, day)} {hour:02}:{minute:02}:{second:02}",
        summer=bool(raw & 0x40),
        invalid=moment is None,
    )


def type_j(raw: int) -> MeterTime:
    """Time of day, 3 bytes: second 0-5, minute 8-13, hour 16-20; without date, so no `moment`."""
    second, minute, hour = raw & 0x3F, raw >> 8 & 0x3F, raw >> 16 & 0x1F
    return MeterTime(
        None,
        f"{hour:02}:{minute:02}:{second:02}",
        invalid=second > 59 or minute > 59 or hour > 23,
    )


# By length in bytes.
TYPES: Mapping[int, Callable[[int], MeterTime]] = {2: type_g, 3: type_j, 4: type_f, 6: type_i}
