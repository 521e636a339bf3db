"""Reading info codes: which meters report what now, and what they reported lately."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import FilteredRelation, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from meters.conditions import describe, is_current, severity
from meters.models import Meter
from notifications.models import InfoCodePeriod
from ready.web.lists import PAGE_SIZE, Column, ListState, Page

# What counts as "historical" (seed R54).
HISTORY = timedelta(days=30)
LIST_COLUMNS = (
    Column("read_at", _("Reading time")),
    Column("address", _("Address"), searchable=True),
    Column("serial", _("Serial number"), searchable=True),
    Column("code", _("Info code"), searchable=True),
    Column("history", _("Info code (historical)"), sortable=False),
)
# Alarms first, then the newest.
DEFAULT_SORT = "code"


@dataclass(frozen=True, slots=True)
class Selection:
    """One line of the pane. `key` is its name in the address: ?show=key."""

    key: str
    label: Promise | str


SELECTIONS = (
    Selection("", _("In force")),
    Selection("alarms", _("Alarms")),
    Selection("past", _("Over, within 30 days")),
)


@dataclass(frozen=True, slots=True)
class Code:
    """An info code in force, in words; since: the reading that first told it."""

    words: str
    alarm: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class InfoCodeRow:
    """A meter with its codes in force (alarms first, then the newest) and those of 30 days.

    read_at: the newest reading; for a meter whose codes are over, the one that ended the last.
    """

    meter_id: int
    serial: str
    address: str
    read_at: datetime | None
    codes: Sequence[Code]
    history: Sequence[str]
    changed_at: datetime
    address_key: str

    @property
    def alarm(self) -> bool:
        return any(code.alarm for code in self.codes)

    @property
    def words(self) -> str:
        """The codes in force as one text: "Burst; Leak"."""
        return "; ".join(code.words for code in self.codes)


def info_code_list(state: ListState, now: datetime) -> tuple[Page[InfoCodeRow], dict[str, int]]:
    """One page of the list, and how many meters each line of the pane has."""
    rows = _all_rows(now)
    counts = {
        "": sum(1 for row in rows if row.codes),
        "alarms": sum(1 for row in rows if row.alarm),
        "past": sum(1 for row in rows if not row.codes),
    }
    found = _chosen(rows, state)
    page = found[state.offset : state.offset + PAGE_SIZE]
    return Page(page, len(found), state), counts


def exported_info_codes(state: ListState, now: datetime) -> list[InfoCodeRow]:
    """Every row of the list, whatever the page."""
    return _chosen(_all_rows(now), state)


def _chosen(rows: list[InfoCodeRow], state: ListState) -> list[InfoCodeRow]:
    show = state.filters.get("show", "")
    keep: Callable[[InfoCodeRow], bool] = {
        "alarms": lambda row: row.alarm,
        "past": lambda row: not row.codes,
    }.get(show, lambda row: bool(row.codes))
    words = state.query.casefold()

    def matches(row: InfoCodeRow) -> bool:
        texts = {"address": row.address, "serial": row.serial, "code": row.words}
        where = [texts[state.search_in]] if state.search_in else texts.values()
        return any(words in text.casefold() for text in where)

    chosen = [row for row in rows if keep(row) and (not words or matches(row))]
    if state.sort == "code":
        chosen.sort(key=lambda row: row.changed_at, reverse=True)
        chosen.sort(key=lambda row: not row.alarm, reverse=state.descending)
    else:
        chosen.sort(key=_KEYS[state.sort], reverse=state.descending)
    return chosen


_KEYS: dict[str, Callable[[InfoCodeRow], Any]] = {
    "read_at": lambda row: row.read_at or row.changed_at,
    "address": lambda row: (row.address_key, row.serial),
    "serial": lambda row: row.serial,
}


def _all_rows(now: datetime) -> list[InfoCodeRow]:
    """A row for each meter with a code in force or over within 30 days; two statements.

    In Python: it is two meters in a hundred, and the words to search and sort by are ours.
    """
    periods: dict[int, list[InfoCodePeriod]] = {}
    recent = Q(ends_at=None) | Q(ends_at__gt=now - HISTORY)
    for period in InfoCodePeriod.objects.filter(recent).order_by("-starts_at", "pk"):
        periods.setdefault(period.meter_id, []).append(period)
    meters = (
        Meter.objects.alias(
            open=FilteredRelation("installations", condition=Q(installations__ends_at=None))
        )
        .filter(pk__in=periods)
        .values_list(
            "pk",
            "number",
            "open__supply_point__street",
            "open__supply_point__street_key",
            "state__read_at",
            "state__conditions",
        )
    )
    return [
        _row(pk, number, street or "", key or "", read_at, conditions or [], periods[pk], now)
        for pk, number, street, key, read_at, conditions in meters
    ]


def _row(
    meter_id: int,
    serial: str,
    address: str,
    address_key: str,
    read_at: datetime | None,
    conditions: Sequence[str],
    periods: Sequence[InfoCodePeriod],
    now: datetime,
) -> InfoCodeRow:
    codes = [
        Code(describe(period.code), severity(period.code) == "alarm", period.starts_at)
        for period in periods
        if period.ends_at is None
    ]
    codes.sort(key=lambda code: not code.alarm)
    ended = [period.ends_at for period in periods if period.ends_at is not None]
    return InfoCodeRow(
        meter_id=meter_id,
        serial=serial,
        address=address,
        read_at=read_at if codes else max(ended),
        codes=codes,
        history=_history(conditions, periods, now),
        changed_at=max(code.since for code in codes) if codes else max(ended),
        address_key=address_key,
    )


def _history(
    conditions: Sequence[str], periods: Sequence[InfoCodePeriod], now: datetime
) -> list[str]:
    """What the meter itself tells of the last 30 days, else what we saw of it."""
    told = [code for code in conditions if not is_current(code)]
    texts = [describe(code) for code in told]
    known = {code.partition("@")[0] for code in told}
    lasted: dict[str, timedelta] = {}
    for period in periods:
        if period.code not in known:
            begun = max(period.starts_at, now - HISTORY)
            lasted[period.code] = lasted.get(period.code, timedelta()) + (
                (period.ends_at or now) - begun
            )
    return texts + [_lasted(code, span) for code, span in lasted.items()]


def _lasted(code: str, span: timedelta) -> str:
    hours = max(1, round(span / timedelta(hours=1)))
    if hours < 48:
        text = ngettext(
            "%(condition)s: %(count)s hour within the last 30 days",
            "%(condition)s: %(count)s hours within the last 30 days",
            hours,
        )
        return text % {"condition": describe(code), "count": hours}
    days = hours // 24
    text = ngettext(
        "%(condition)s: %(count)s day within the last 30 days",
        "%(condition)s: %(count)s days within the last 30 days",
        days,
    )
    return text % {"condition": describe(code), "count": days}
