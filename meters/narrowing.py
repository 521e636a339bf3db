"""The filters of the meter list besides its groups: what each means, in SQL and in words.

A filter's value stands in the address (?cooling=20). A value that means nothing is as if it were
not there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.conditions import LABELS
from meters.models import Installation, Medium

# T1 and T2 are kept in thousandths of a degree.
_PER_KELVIN = 1000
_WHOLE = re.compile(r"-?\d{1,4}")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One filter. `condition` gives None for a value that means nothing; `words` names a value.

    kind: how it is asked for. unit: of a number. choices: value and words, for a choice.
    """

    key: str
    label: Promise | str
    kind: Literal["choice", "number", "text"]
    condition: Callable[[str], Q | None]
    words: Callable[[str], str]
    unit: str = ""
    choices: Sequence[tuple[str, Promise | str]] = ()


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, as the list's head says it; `url` is the list without it."""

    words: str
    url: str


def _medium(value: str) -> Q | None:
    return Q(medium=value) if value in Medium.values else None


def _postal_code(value: str) -> Q:
    here = Installation.objects.filter(ends_at=None, supply_point__postal_code=value)
    return Q(pk__in=here.values("meter"))


def _code(value: str) -> Q | None:
    if value not in LABELS:
        return None
    return Q(state__has_codes=True, state__conditions__contains=[value])


def _cooling(value: str) -> Q | None:
    """Flow minus return temperature below so many kelvin: the house sends its heat back."""
    if not _WHOLE.fullmatch(value):
        return None
    # Of a cooling meter the return is the warmer one.
    warm = ~Q(medium=Medium.COOLING)
    return warm & Q(state__t1__lt=F("state__t2") + int(value) * _PER_KELVIN)


def _signal(value: str) -> Q | None:
    if not _WHOLE.fullmatch(value):
        return None
    return Q(state__rssi_dbm__lt=int(value))


NARROWINGS: tuple[Narrowing, ...] = (
    Narrowing(
        "medium",
        _l("Medium"),
        "choice",
        _medium,
        lambda value: str(Medium(value).label),
        choices=Medium.choices,
    ),
    Narrowing("type", _l("Meter type"), "text", lambda value: Q(meter_type=value), str),
    Narrowing("postal", _l("Postal code"), "text", _postal_code, str),
    Narrowing(
        "code",
        _l("Info code"),
        "choice",
        _code,
        lambda value: str(LABELS[value]),
        choices=tuple(LABELS.items()),
    ),
    Narrowing(
        "cooling",
        _l("Cooling below"),
        "number",
        _cooling,
        lambda value: _("%(kelvin)s K") % {"kelvin": value},
        unit="K",
    ),
    Narrowing(
        "signal",
        _l("Signal weaker than"),
        "number",
        _signal,
        lambda value: _("%(dbm)s dBm") % {"dbm": value},
        unit="dBm",
    ),
)
KEYS = tuple(one.key for one in NARROWINGS)


def condition(filters: Mapping[str, str]) -> Q:
    """All filters of an address together."""
    found = Q()
    for one in NARROWINGS:
        value = filters.get(one.key, "")
        wanted = one.condition(value) if value else None
        if wanted is not None:
            found &= wanted
    return found


def in_force(filters: Mapping[str, str]) -> list[tuple[Narrowing, str]]:
    """The filters that mean something, with what each says: ("Cooling below", "20 K")."""
    return [
        (one, one.words(value))
        for one in NARROWINGS
        if (value := filters.get(one.key, "")) and one.condition(value) is not None
    ]
