"""Findings of the validation rules (`readings.rules.validation`), kept and asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db import connection
from django.utils.translation import gettext as _

from meters.registers import BY_COLUMN, Register
from meters.values import value_of
from readings.models import Finding as Row
from readings.rules.validation import RULES, Finding, Rule, RuleText, Severity
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage, stamp
from ready.web import formats
from ready.web.units import UnitChoice

Noted = tuple[int, datetime, Sequence[Finding]]
_STAGE = Stage(
    "stage_finding",
    {
        "meter_id": "int4",
        "ts": "timestamptz",
        "rule": "int2",
        "severity": "int2",
        "register": "text",
        "value": "int8",
        "limit_value": "int8",
    },
)
_MOST = 2**63 - 1


def note(noted: Iterable[Noted]) -> None:
    """Keep (meter, reading time, findings) of a batch, in its transaction; nothing for none.

    The same finding twice is one: a batch may be worked on again. What was said of a reading that
    is not kept (its clock was ahead) is noted at the time of its arrival.
    """
    rows = [
        (
            meter_id,
            stamp(at),
            int(one.rule),
            int(one.severity),
            one.column,
            _fitting(one.value),
            _fitting(one.limit),
        )
        for meter_id, at, found in noted
        for one in found
    ]
    if not rows:
        return
    _STAGE.load(_STAGE.columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO readings_finding
                   (tenant_id, meter_id, ts, rule, severity, register, value, limit_value)
               SELECT %s, meter_id, ts, rule, severity, register, value, limit_value
               FROM stage_finding ORDER BY meter_id, ts, rule, register
               ON CONFLICT DO NOTHING""",
            [current_tenant_id()],
        )


def _fitting(value: int | None) -> int | None:
    """A limit may be calculated beyond what a column holds."""
    return None if value is None else max(-_MOST, min(_MOST, value))


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding as a page shows it; register: None where the whole reading is meant."""

    meter_id: int
    at: datetime
    rule: Rule
    text: RuleText
    register: Register | None
    value: int | None
    limit: int | None

    @property
    def fails(self) -> bool:
        return self.text.severity is Severity.FAIL


def findings_of(meter_id: int, start: datetime, end: datetime) -> list[FindingRow]:
    """What the rules said about a meter's readings in [start, end), the newest first."""
    rows = Row.objects.filter(meter_id=meter_id, ts__gte=start, ts__lt=end)
    return [_row(one) for one in rows.order_by("-ts", "rule", "register")]


def newest_findings(before: datetime | None, size: int) -> list[FindingRow]:
    """The utility's newest findings, from before an instant on."""
    rows = Row.objects.all() if before is None else Row.objects.filter(ts__lt=before)
    return [_row(one) for one in rows.order_by("-ts", "meter_id", "rule", "register")[:size]]


def _row(one: Row) -> FindingRow:
    rule = Rule(one.rule)
    return FindingRow(
        one.meter_id,
        one.ts,
        rule,
        RULES[rule],
        BY_COLUMN.get(one.register),
        one.value,
        one.limit_value,
    )


def finding_words(found: FindingRow, units: UnitChoice) -> str:
    """The rule's name, the register, and the value against its limit."""
    words = str(found.text.name)
    if found.register is not None:
        words = f"{words} · {found.register.code}"
    value, limit = (_amount(found, one, units) for one in (found.value, found.limit))
    if value and limit:
        return _("%(what)s: %(value)s, limit %(limit)s") % {
            "what": words,
            "value": value,
            "limit": limit,
        }
    return f"{words}: {value}" if value else words


def _amount(found: FindingRow, value: int | None, units: UnitChoice) -> str:
    if value is None:
        return ""
    if found.text.measure == "register" and found.register is not None:
        shown = value_of(found.register.column, value, units)
        return f"{shown.text} {shown.unit.name}".rstrip()
    if found.text.measure == "ratio":
        return formats.number(Fraction(value, 1000), 3)
    return formats.number(value)
