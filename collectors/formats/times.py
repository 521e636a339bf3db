"""When a gateway says it heard a telegram."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from collectors.formats.envelope import ItemFault, RejectCode, TimeSource
from wmbus.words import Words
from wmbus.words import marked as _

# A box that lost its clock starts at 1970 (or 1980, or at its firmware's build): say nothing then.
_FIRST_YEAR: Final = 2000
_AFTER_LAST_YEAR: Final = 2100
_FIRST_SECOND: Final = 946_684_800  # 2000-01-01T00:00:00Z
_AFTER_LAST_SECOND: Final = 4_102_444_800  # 2100-01-01T00:00:00Z
# Unix seconds stay below this until the year 5138; milliseconds passed it in 1973.
_FIRST_MILLISECOND: Final = 100_000_000_000
_SHORTEST: Final = len("2026-01-02T03:04")
_LONGEST: Final = 48

# What stands between year, month, day and hour.
_JOINTS: Final = frozenset(("--T", "--t", "-- "))

Instant = tuple[datetime | None, TimeSource]


def instant_of_text(text: str, zone: tzinfo) -> Instant:
    """Read RFC 3339 (a blank may stand for the T), or Unix time written as digits.

    Without a zone in the text `zone` is taken and the answer marked `zone_assumed`; of an hour
    that the clock shows twice, the first (PEP 495, fold 0). A time before 2000 gives None.
    Raises ItemFault bad_time.
    """
    if len(text) < _SHORTEST or len(text) > _LONGEST:
        if text.isascii() and text.isdigit() and len(text) <= _SHORTEST:
            return instant_of_number(int(text))
        raise _bad(text)
    try:
        # RFC 3339 allows a small z, datetime does not.
        moment = datetime.fromisoformat(text[:-1] + "Z" if text[-1] == "z" else text)
    except ValueError:
        raise _bad(text) from None
    # fromisoformat also reads basic and week forms, any separator, and (CPython 3.11) a NUL behind
    # the zone: those are no RFC 3339.
    if text[4:11:3] not in _JOINTS or text[13] != ":" or not text.isprintable():
        raise _bad(text)
    year = moment.year
    if year < _FIRST_YEAR:
        return None, "none"
    if year >= _AFTER_LAST_YEAR:
        raise _bad(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone).astimezone(UTC), "zone_assumed"
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC), "gateway"


def instant_of_number(number: float) -> Instant:
    """Read Unix time in seconds or milliseconds, told apart by size. Raises ItemFault bad_time."""
    if not 0 <= number < _AFTER_LAST_SECOND * 1000:
        raise _bad(str(number))
    if number < _FIRST_MILLISECOND:
        microseconds = round(number * 1_000_000)
    else:
        microseconds = round(number * 1000)
    seconds, rest = divmod(microseconds, 1_000_000)
    if seconds < _FIRST_SECOND:
        return None, "none"
    if seconds >= _AFTER_LAST_SECOND:
        raise _bad(str(number))
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), "gateway"


def instant(value: object, zone: tzinfo) -> tuple[datetime | None, str | None, TimeSource]:
    """Read a JSON value as time: (UTC or None, its text, its source). Raises ItemFault bad_time."""
    if type(value) is str:
        text = value.strip()
        if not text:
            return None, None, "none"
        moment, source = instant_of_text(text, zone)
        return moment, text, source
    if type(value) is int or type(value) is float:
        moment, source = instant_of_number(value)
        return moment, str(value), source
    raise ItemFault(RejectCode.BAD_TIME, _("The time must be a text or a number."))


def _bad(text: str) -> ItemFault:
    return ItemFault(
        RejectCode.BAD_TIME,
        Words(
            _(
                "The time %(time)s is neither RFC 3339 (2026-01-02T03:04:05Z) nor Unix seconds or "
                "milliseconds between 1970 and 2100."
            ),
            time=ascii(text[:_LONGEST]),
        ),
    )
