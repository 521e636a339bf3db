"""Where a value came from, in the words of the trade: origin, status, reason, method.

The codes are those of MSCONS (BDEW MIG 2.4b; ../shared/product/domain.md §6.4), so that an export
only has to write them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters.registers import BY_COLUMN, Register
from readings.estimation import MARKS, Method
from readings.findings import FindingRow, findings_of
from readings.models import Estimation, Origin, Reading, Status, Version


class Reason(models.TextChoices):
    """Why a value is not what the meter sent (STS Z40)."""

    NO_ACCESS = "Z74", _("No access")
    COMMUNICATION = "Z75", _("Communication fault")
    POWER_FAILURE = "Z77", _("Power failure")
    EXCHANGE = "Z78", _("Meter exchange")
    OUT_OF_RANGE = "Z80", _("Out of range")
    DEFECT = "Z81", _("Defective meter")
    CLOCK_SET = "ZA0", _("Clock was set")
    IMPLAUSIBLE = "ZA1", _("Implausible")
    WRONG_FACTOR = "ZA3", _("Wrong factor")
    MISREAD = "ZA4", _("Misread")
    PROCESSING = "ZA7", _("Processing error")


METHODS: dict[Method, Promise | str] = {
    Method.LIKE_DAY: _("The meter's own like days"),
    Method.PROFILE: _("Profile of neighbours"),
    Method.DEGREE_DAYS: _("Degree days of the outdoor temperature"),
    Method.LINE: _("Evenly over the gap"),
    Method.REFERENCE_DAYS: _("Mean of reference days"),
    Method.PROXY: _("Comparison meter"),
    Method.HOLD: _("Last value"),
    Method.EXTRAPOLATION: _("Carried on"),
}
_TRUE, _SUBSTITUTE, _UNUSABLE = "220", "67", "20"
_SELF_READ, _OVERFLOW = "Z83", "Z85"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known about one reading besides its values.

    qualifier: the QTY code an export writes; notes, methods: further STS codes. reason, person,
    note: of the edit or estimate that stands. version: how often it was changed, 0 for never.
    estimated: registers of it that are estimates.
    """

    at: datetime
    origin: Origin
    status: Status
    qualifier: str
    notes: tuple[str, ...]
    methods: tuple[str, ...]
    reason: Reason | None
    person: str
    note: str
    version: int
    estimated: tuple[Register, ...]
    findings: tuple[FindingRow, ...]


def marks_of(meter_id: int, start: datetime, end: datetime) -> list[Mark]:
    """The marks of a meter's readings in [start, end), by time, of those that have any: the others
    are measured, unchanged and without a finding. Four statements."""
    versions: dict[datetime, Version] = {}
    changed = Version.objects.filter(meter_id=meter_id, ts__gte=start, ts__lt=end)
    for version in changed.order_by("ts", "number"):
        versions[version.ts] = version  # the newest of each instant stays
    found: dict[datetime, list[FindingRow]] = {}
    for finding in findings_of(meter_id, start, end):
        found.setdefault(finding.at, []).append(finding)
    estimates = estimations_of(meter_id, start, end)
    readings = Reading.objects.filter(meter_id=meter_id, ts__gte=start, ts__lt=end)
    marked = readings.filter(
        models.Q(status__gt=Status.MEASURED) | models.Q(ts__in=[*versions, *found])
    )
    return [
        _mark(ts, Origin(origin), Status(status), versions.get(ts), found.get(ts, []), estimates)
        for ts, origin, status in marked.order_by("ts").values_list("ts", "origin", "status")
    ]


def estimations_of(meter_id: int, start: datetime, end: datetime) -> list[Estimation]:
    """The lasting estimates of a meter that reach into [start, end), the newest first."""
    lasting = Estimation.objects.filter(
        meter_id=meter_id, ends_at__gt=start, starts_at__lt=end, undone_at=None
    )
    return list(lasting.order_by("-starts_at", "register"))


def _mark(
    at: datetime,
    origin: Origin,
    status: Status,
    version: Version | None,
    found: Sequence[FindingRow],
    estimates: Sequence[Estimation],
) -> Mark:
    over = [one for one in estimates if one.starts_at < at < one.ends_at]
    estimated = over if status is Status.ESTIMATED else []
    reasons = [version.reason] if version is not None else [one.reason for one in estimated[:1]]
    notes = [_SELF_READ] if origin is Origin.MANUAL else []
    notes += [_OVERFLOW for one in found if one.rule.code == "overflow"][:1]
    return Mark(
        at=at,
        origin=origin,
        status=status,
        qualifier=_qualifier(status),
        notes=tuple(notes),
        methods=tuple(
            dict.fromkeys(code for one in estimated for code in MARKS[Method(one.method)])
        ),
        reason=Reason(reasons[0]) if reasons and reasons[0] else None,
        person=version.actor_name if version else estimated[0].actor_name if estimated else "",
        note=version.note if version else estimated[0].note if estimated else "",
        version=version.number if version else 0,
        estimated=tuple(BY_COLUMN[one.register] for one in estimated),
        findings=tuple(found),
    )


def _qualifier(status: Status) -> str:
    if status is Status.MEASURED:
        return _TRUE
    return _UNUSABLE if status is Status.SUSPECT else _SUBSTITUTE
