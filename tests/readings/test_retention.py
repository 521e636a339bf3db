"""How long readings stay: the utility's decision, what it will take, what is billed, what ends."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from collectors.pipeline import import_readings
from meters.models import Meter
from readings import billing, findings, maintenance, retention, statistics
from readings.billing import Billed
from readings.ending import end_belonging
from readings.models import (
    BilledValue,
    DailyReading,
    DirtyDay,
    Finding,
    KeptReading,
    Origin,
    PerformanceDay,
    Reading,
    Upkeep,
)
from readings.retention import Policy, preview, set_policy
from readings.rewriting import Level
from readings.rules.validation import Finding as Found
from readings.rules.validation import Rule
from readings.rules.values import Quality
from readings.statistics import PlanPeriod
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading, refresh_all, rows

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def meter(db: None, aalund: Tenant) -> Iterator[Meter]:
    with tenant_context(aalund.pk):
        yield factories.meter()


def tell(meter: Meter, start: datetime, hours: int) -> None:
    import_readings([reading(meter, start + hour * HOUR, v1=hour) for hour in range(hours)])
    refresh_all(NOW)


class TestPolicy:
    def test_is_13_months_and_5_years_until_a_utility_decides(self, meter: Meter) -> None:
        assert retention.policy() == Policy(13, 60)

    def test_is_decided_with_an_entry_in_the_trail(self, meter: Meter) -> None:
        assert set_policy(wanted=Policy(6, 24), actor=ACTOR)
        assert not set_policy(wanted=Policy(6, 24), actor=ACTOR)
        assert retention.policy() == Policy(6, 24)
        entry = AuditEntry.objects.get(event="readings.retention_changed")
        assert entry.before == {"full_months": 13, "keep_months": 60}

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            (Policy(0, 60), "full_months"),
            (Policy(61, 60), "full_months"),
            (Policy(13, 12), "keep_months"),
            (Policy(13, 61), "keep_months"),
        ],
    )
    def test_beyond_the_promise_is_refused(self, meter: Meter, wanted: Policy, code: str) -> None:
        with pytest.raises(ValidationError) as caught:
            set_policy(wanted=wanted, actor=ACTOR)
        assert caught.value.code == code

    def test_is_told_beforehand_what_it_takes(self, meter: Meter) -> None:
        tell(meter, datetime(2026, 6, 9, 22, tzinfo=UTC), 48)
        assert preview(Policy(), NOW) == []
        (thinned,) = preview(Policy(3, 60), NOW)
        assert (thinned.month, thinned.level) == (date(2026, 6, 1), Level.THIN)
        assert (thinned.readings, thinned.staying) == (48, 2)
        (gone,) = preview(Policy(1, 3), NOW)
        assert (gone.level, gone.staying) == (Level.GONE, 0)
        assert retention.policy() == Policy()  # asking decides nothing


class TestBilled:
    at = datetime(2026, 6, 9, 22, tzinfo=UTC)

    def note(self, meter: Meter, export_id: int, value: int = 7) -> int:
        return billing.note_billed(
            export_id=export_id,
            values=[
                Billed(meter.pk, "v1", self.at, value, Quality.MEASURED, self.at),
                Billed(meter.pk, "v1", self.at + HOUR, 8, Quality.INTERPOLATED, None),
            ],
        )

    def test_values_stay_as_they_were_first_exported(self, meter: Meter) -> None:
        assert self.note(meter, 1) == 2
        assert self.note(meter, 1, value=9) == 0
        assert [one.value for one in billing.billed_by(1)] == [7, 8]
        assert [one.quality for one in billing.billed_of(meter.pk, self.at, NOW)] == ["M", "I"]

    def test_values_keep_the_readings_behind_them(self, meter: Meter) -> None:
        self.note(meter, 1)
        self.note(meter, 2)
        assert [one.ts for one in KeptReading.objects.all()] == [self.at]
        billing.forget_export(1)
        assert KeptReading.objects.count() == 1
        billing.forget_export(2)
        assert not KeptReading.objects.exists()
        assert not BilledValue.objects.exists()


def test_what_belongs_to_readings_ends_with_them(meter: Meter) -> None:
    start = datetime(2026, 6, 9, 22, tzinfo=UTC)
    tell(meter, start, 48)
    fault = (Found(Rule.NEGATIVE, "v1", 1, 2),)
    findings.note([(meter.pk, start + hour * HOUR, fault) for hour in (3, 30)])
    assert PerformanceDay.objects.count() == 2
    assert end_belonging(date(2026, 6, 11), COPENHAGEN) == 2
    assert Finding.objects.get().ts == start + 30 * HOUR
    assert PerformanceDay.objects.get().day == date(2026, 6, 11)
    assert end_belonging(date(2026, 6, 11), COPENHAGEN) == 0


def test_a_look_ends_what_is_past_keeping(committed: None, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter()
        tell(meter, datetime(2026, 6, 9, 22, tzinfo=UTC), 24)
        set_policy(wanted=Policy(1, 2), actor=ACTOR)
    maintenance.keep_up(aalund, NOW)
    with tenant_context(aalund.pk):
        assert not PerformanceDay.objects.filter(day__lt=date(2026, 9, 1)).exists()


class TestPlans:
    def test_are_noted_where_they_change(self, meter: Meter) -> None:
        def closed(day: date, interval_s: int, method: Origin | None) -> None:
            PerformanceDay.objects.create(
                tenant_id=meter.tenant_id,
                meter_id=meter.pk,
                day=day,
                interval_s=interval_s,
                method=method,
            )
            statistics.note_plans(day)

        closed(date(2026, 3, 1), 3600, Origin.FIXED_NETWORK)
        closed(date(2026, 3, 2), 3600, None)  # nothing came: no news of the method
        closed(date(2026, 3, 3), 3600, Origin.FIXED_NETWORK)
        closed(date(2026, 3, 4), 300, Origin.FIXED_NETWORK)
        closed(date(2026, 3, 5), 300, Origin.DRIVE_BY)
        statistics.note_plans(date(2026, 3, 5))
        assert statistics.plans_of(meter.pk) == [
            PlanPeriod(date(2026, 3, 1), date(2026, 3, 3), 3600, Origin.FIXED_NETWORK),
            PlanPeriod(date(2026, 3, 4), date(2026, 3, 4), 300, Origin.FIXED_NETWORK),
            PlanPeriod(date(2026, 3, 5), None, 300, Origin.DRIVE_BY),
        ]


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York"])
def test_daily_rows_made_anew_are_identical(committed: None, aalund: Tenant, zone: str) -> None:
    """Marked or not, in the utility's zone or after it changed: the rows follow from readings."""
    with tenant_context(aalund.pk):
        meter = factories.meter()
        tell(meter, datetime(2026, 10, 23, 22, tzinfo=UTC), 100)
        first = rows()
        Tenant.objects.filter(pk=aalund.pk).update(zone=zone)
    maintenance.keep_up(Tenant.objects.get(pk=aalund.pk), NOW)
    with tenant_context(aalund.pk):
        made = rows()
        assert Upkeep.objects.get().zone == zone
        assert (made == first) is (zone == "Europe/Copenhagen")
        days = {
            at.astimezone(ZoneInfo(zone)).date()
            for at in Reading.objects.values_list("ts", flat=True)
        }
        assert [row["day"] for row in made] == sorted(days)
        DailyReading.objects.all().delete()
        DirtyDay.objects.bulk_create(
            DirtyDay(tenant_id=aalund.pk, meter_id=meter.pk, day=day) for day in sorted(days)
        )
        refresh_all(NOW)
        assert rows() == made
