"""The greatest day of each meter so far, by register: what a spike is told by.

Noted from daily rows once a day, handed to `readings.rules.validation.check` as `peaks`.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import connection

from meters.registers import COLUMNS
from readings.daily import COUNTING
from readings.models import GreatestDay
from readings.rules.validation import Values
from ready.tenancy.context import current_tenant_id

# Before so many days nobody knows a meter's habits.
ENOUGH_DAYS = 30
_PLACES = {column: place for place, column in enumerate(COUNTING)}

_used = ", ".join(
    f"CASE WHEN d.last_{c} >= p.last_{c} THEN d.last_{c} - p.last_{c} END" for c in COUNTING
)
_merged = ", ".join(
    f"greatest(g.greatest[{place}], excluded.greatest[{place}])"
    for place in range(1, len(COUNTING) + 1)
)
# A day that the rules or a person doubt says nothing of the meter's habits.
_NOTE = f"""
    INSERT INTO readings_greatestday AS g (tenant_id, meter_id, days, through, greatest)
    SELECT d.tenant_id, d.meter_id, 1, d.day, ARRAY[{_used}]::bigint[]
    FROM readings_dailyreading d
    JOIN readings_dailyreading p ON p.tenant_id = d.tenant_id AND p.meter_id = d.meter_id
     AND p.day = %(eve)s
    WHERE d.tenant_id = %(tenant)s AND d.day = %(day)s AND d.plain AND d.follows
      AND NOT EXISTS (SELECT 1 FROM readings_finding f
                      WHERE f.tenant_id = d.tenant_id AND f.meter_id = d.meter_id
                        AND f.ts >= p.last_at AND f.ts <= d.last_at)
    ON CONFLICT (tenant_id, meter_id) DO UPDATE SET
        days = g.days + 1, through = excluded.through, greatest = ARRAY[{_merged}]
    WHERE g.through < excluded.through"""  # noqa: S608


def note_day(day: date) -> None:
    """Let a local day count towards the meters' greatest; days in order, each counts once."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE, {"tenant": current_tenant_id(), "day": day, "eve": day - timedelta(days=1)}
        )


def peaks_of(meter_ids: Iterable[int]) -> dict[int, Values]:
    """Of meters known long enough: the greatest day of each register, in the order of
    `meters.registers.COLUMNS`; one statement."""
    known = GreatestDay.objects.filter(meter_id__in=list(meter_ids), days__gte=ENOUGH_DAYS)
    return {
        meter_id: [greatest[_PLACES[column]] if column in _PLACES else None for column in COLUMNS]
        for meter_id, greatest in known.values_list("meter_id", "greatest")
    }
