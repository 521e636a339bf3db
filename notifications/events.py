"""What happened at one meter: info codes, exchanges, and what the validation rules found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from meters.conditions import describe, severity
from meters.models import Installation
from notifications.models import InfoCodePeriod
from readings import charts
from readings.findings import finding_words, findings_of
from ready.web.units import UnitChoice

MOST = 200
# As long as every reading is kept (seed N8).
_BACK = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Event:
    """One event. state: of `ready.web.templatetags.parts.STATES`. ends_at: None where it lasts
    or has no duration; lasts tells which."""

    starts_at: datetime
    ends_at: datetime | None
    lasts: bool
    state: str
    kind: str
    words: str


def events_of(meter_id: int, units: UnitChoice, now: datetime) -> Sequence[Event]:
    """The newest events of a meter, the newest first; at most 200."""
    found = [*_codes(meter_id), *_installations(meter_id), *_findings(meter_id, units, now)]
    return sorted(found, key=lambda one: one.starts_at, reverse=True)[:MOST]


def codes_between(
    meter_id: int, start: datetime, end: datetime, now: datetime
) -> Sequence[charts.Event]:
    """The info codes that a meter had in [start, end), for its chart; those still there until
    now."""
    periods = InfoCodePeriod.objects.filter(meter=meter_id, starts_at__lt=end).exclude(
        ends_at__lt=start
    )
    return [
        charts.Event(str(describe(code)), starts_at, ends_at or now)
        for code, starts_at, ends_at in periods.order_by("starts_at", "code").values_list(
            "code", "starts_at", "ends_at"
        )
    ]


def _codes(meter_id: int) -> list[Event]:
    periods = InfoCodePeriod.objects.filter(meter=meter_id).order_by("-starts_at")[:MOST]
    return [
        Event(
            one.starts_at,
            one.ends_at,
            one.ends_at is None,
            "alarm" if severity(one.code) == "alarm" else "attention",
            _("Info code"),
            describe(one.code),
        )
        for one in periods
    ]


def _installations(meter_id: int) -> list[Event]:
    found = []
    rows = Installation.objects.select_related("supply_point").filter(meter=meter_id)
    for one in rows:
        street = one.supply_point.street
        words = _("Mounted at %(place)s") % {"place": street}
        if one.replaces_id:
            words = _("Mounted at %(place)s, by exchange") % {"place": street}
        found.append(Event(one.starts_at, None, False, "fine", _("Installation"), words))
        if one.ends_at is not None:
            words = _("Taken down at %(place)s") % {"place": street}
            found.append(Event(one.ends_at, None, False, "fine", _("Installation"), words))
    return found


def _findings(meter_id: int, units: UnitChoice, now: datetime) -> list[Event]:
    found = findings_of(meter_id, now - _BACK, now + timedelta(days=1))
    return [
        Event(
            one.at,
            None,
            False,
            "attention" if one.fails else "unheard",
            _("Validation"),
            finding_words(one, units),
        )
        for one in found[:MOST]
    ]
