"""The simulator's time: whole hours since its epoch, and Danish civil time.

Nothing here asks what time it is: an instant is always given.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
EPOCH_S = int(EPOCH.timestamp())  # registers are known from here on
HOUR_S = 3600
DAY_S = 86_400


def seconds(instant: datetime) -> int:
    """Unix seconds of an instant with a zone."""
    return int(instant.timestamp())


def hour_of(unix_s: int) -> int:
    """The hour, counted from the epoch, in which a Unix second lies."""
    return (unix_s - EPOCH_S) // HOUR_S


def start_of(hour: int) -> int:
    """The Unix second at which an hour of the epoch begins."""
    return EPOCH_S + hour * HOUR_S


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


@lru_cache(maxsize=64)
def _summer_time(year: int) -> tuple[int, int]:
    return seconds(_last_sunday(year, 3)), seconds(_last_sunday(year, 10))


def is_summer_time(unix_s: int) -> bool:
    """Whether summer time is in force in Denmark (directive 2000/84/EC: changes at 01:00 UTC)."""
    begins, ends = _summer_time(datetime.fromtimestamp(unix_s, UTC).year)
    return begins <= unix_s < ends


def local(unix_s: int) -> datetime:
    """Danish wall-clock time of a Unix second, without a zone, as a meter's display has it."""
    offset = 2 if is_summer_time(unix_s) else 1
    return datetime.fromtimestamp(unix_s + offset * HOUR_S, UTC).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def local_midnight(day: date) -> int:
    """The Unix second at which a day begins in Denmark."""
    guess = seconds(datetime(day.year, day.month, day.day, tzinfo=UTC)) - HOUR_S
    return guess - HOUR_S if is_summer_time(guess) else guess
