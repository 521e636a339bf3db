"""Numbers and times as text: one form each, everywhere on screen and in files for people.

Values come as whole numbers or fractions of base units and leave as text; no float in between.
Decimal sign by language (comma in Danish); thousands are set apart by a narrow no-break space in
both, because a point or comma there would be read as the decimal sign by half of the readers.
Serial and customer numbers are text and never pass through here.
"""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol

from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.translation import get_language, gettext, ngettext

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
_SMALL_MONTHS = ("da", "nb", "nn", "no", "pl", "sv")
_COMMA_LANGUAGES = ("da", "de", "nb", "nn", "no", "pl", "sv")


class UnitLike(Protocol):
    """What `meters.registers.Unit` offers; this layer knows no meters."""

    @property
    def name(self) -> str: ...
    @property
    def base(self) -> Fraction: ...
    @property
    def decimals(self) -> int: ...


def decimal_sign(language: str | None = None) -> str:
    """Comma or point, by the language (the active one when none is given)."""
    code = (language or get_language() or "en").split("-")[0]
    return "," if code in _COMMA_LANGUAGES else "."


def fixed(value: int | Fraction, decimals: int) -> str:
    """The value with so many decimals, a point and an ASCII minus; half goes away from zero."""
    scaled = abs(Fraction(value)) * 10**decimals
    digits = str((scaled.numerator * 2 + scaled.denominator) // (2 * scaled.denominator))
    digits = digits.rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if value < 0 and digits.strip("0") else text


def number(value: int | Fraction, decimals: int = 0, language: str | None = None) -> str:
    """For the screen: fixed decimals, the language's sign, thousands apart from 10,000 on."""
    whole, _, rest = fixed(value, decimals).partition(".")
    sign, whole = (MINUS, whole[1:]) if whole.startswith("-") else ("", whole)
    if len(whole) > 4:
        head = len(whole) % 3
        groups = [whole[:head]] if head else []
        groups += [whole[at : at + 3] for at in range(head, len(whole), 3)]
        whole = NARROW_SPACE.join(groups)
    return sign + whole + (decimal_sign(language) + rest if rest else "")


def quantity(
    value: int | Fraction, unit: UnitLike, decimals: int | None = None, language: str | None = None
) -> str:
    """A value in base units, shown in the unit, without the unit's name."""
    places = unit.decimals if decimals is None else decimals
    return number(Fraction(value) / unit.base, places, language)


def date_text(day: date) -> str:
    """18-04-2024, in every language: the one form."""
    return f"{day:%d-%m-%Y}"


def month_text(month: date) -> str:
    """Apr 2024, in Danish "apr 2024": short, for lists and axes."""
    return f"{month_name(month)} {month:%Y}"


def month_name(month: date) -> str:
    """Apr, in Danish "apr": a month's short name, with a capital where the language has one."""
    name = str(MONTHS_3[month.month])
    return name if (get_language() or "en").split("-")[0] in _SMALL_MONTHS else name.capitalize()


def moment(at: datetime) -> str:
    """18-04-2024 16:58 in the current (the utility's) zone; the second pass of the hour that the
    clocks repeat in autumn carries a B, the first an A."""
    local = timezone.localtime(at)
    return f"{local:%d-%m-%Y %H:%M}{_pass(local)}"


def exact_moment(at: datetime) -> str:
    """18-04-2024 16:58:07 in the current zone: as `moment`, with the seconds and what there is of
    their parts. Raises OverflowError where the zone leads out of the calendar."""
    local = timezone.localtime(at)
    parts = f".{local:%f}".rstrip("0") if local.microsecond else ""
    return f"{local:%d-%m-%Y %H:%M:%S}{parts}{_pass(local)}"


def _pass(local: datetime) -> str:
    # Only in a repeated hour do the two folds differ, the later one being smaller.
    early, late = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if early is None or late is None or early <= late:
        return ""
    return "B" if local.fold else "A"


def duration(length: timedelta) -> str:
    """How long, in the largest unit of which it is at least two: "5 hours", "3 days"."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 120:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    if minutes < 2 * 24 * 60:
        hours = minutes // 60
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    days = minutes // (24 * 60)
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that is at least 1: "12 min ago"."""
    passed = now - at
    if passed < timedelta(0):
        return gettext("in the future")
    seconds = int(passed.total_seconds())
    if seconds < 60:
        return gettext("just now")
    minutes, hours, days = seconds // 60, seconds // 3600, passed.days
    if minutes < 60:
        return gettext("%(count)s min ago") % {"count": minutes}
    if hours < 48:
        return gettext("%(count)s h ago") % {"count": hours}
    return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}
