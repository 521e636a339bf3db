"""Readings expected and received a day, and who heard a meter; the cases of
../shared/analysis/vectors/03_reading_performance.json that days of one meter can state."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collectors.pipeline import import_readings
from meters.models import Installation, Meter
from readings import daily, statistics
from readings.models import HeardDay, Origin, PerformanceDay
from readings.statistics import HeardTelegram
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.readings.test_daily import reading

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = date(2026, 2, 10)
LOW = daily.start_of(DAY, COPENHAGEN)


@pytest.fixture
def meter(committed: None, aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        return factories.meter()


def mount(meter: Meter, starts_at: datetime, ends_at: datetime | None = None) -> None:
    Installation.objects.create(
        meter=meter, supply_point=factories.place(), starts_at=starts_at, ends_at=ends_at
    )


def expected(meter: Meter, day: date) -> int | None:
    statistics.close_day(day, COPENHAGEN)
    row = PerformanceDay.objects.filter(meter_id=meter.pk, day=day).first()
    return None if row is None else row.expected


class TestExpected:
    @pytest.mark.parametrize(
        ("day", "slots"), [(DAY, 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
    )
    def test_is_every_hour_of_a_local_day(
        self, meter: Meter, aalund: Tenant, day: date, slots: int
    ) -> None:
        with tenant_context(aalund.pk):
            mount(meter, LOW - timedelta(days=30))
            assert expected(meter, day) == slots

    def test_counts_slots_that_begin_while_mounted(self, meter: Meter, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            mount(
                meter,
                LOW + timedelta(hours=9, minutes=30),
                LOW + timedelta(hours=20, minutes=1),
            )
            assert expected(meter, DAY) == 11  # 10:00 … 20:00
            assert expected(meter, DAY + timedelta(days=1)) is None

    @pytest.mark.parametrize(("hour", "slots"), [(11, 1), (12, 0), (13, 0)])
    def test_of_a_daily_reading_is_one_from_before_noon(
        self, meter: Meter, aalund: Tenant, hour: int, slots: int
    ) -> None:
        with tenant_context(aalund.pk):
            Meter.objects.update(interval_s=86_400)
            mount(meter, LOW + timedelta(hours=hour), LOW + timedelta(days=2, hours=15))
            assert expected(meter, DAY) == slots
            assert expected(meter, DAY + timedelta(days=1)) == 1
            assert expected(meter, DAY + timedelta(days=2)) == 0  # the day of removal

    def test_keeps_the_interval_that_was_in_force(self, meter: Meter, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            mount(meter, LOW - timedelta(days=30))
            assert expected(meter, DAY) == 24
            Meter.objects.update(interval_s=300)
            assert expected(meter, DAY) == 24
            assert expected(meter, DAY + timedelta(days=1)) == 288

    def test_is_closed_once_a_day_is_over(self, meter: Meter, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            mount(meter, NOW - timedelta(days=60))
            days = statistics.days_to_close(NOW, COPENHAGEN)
            assert (len(days), days[-1]) == (31, date(2026, 11, 19))
            for day in days:
                statistics.close_day(day, COPENHAGEN)
            assert statistics.days_to_close(NOW, COPENHAGEN) == []


class TestReceived:
    def test_counts_slots_by_radio_and_in_time(self, meter: Meter, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            told = [reading(meter, LOW + timedelta(hours=hour), e1=hour) for hour in range(6)]
            told[3].received_at += timedelta(hours=2, minutes=50)  # in time: two hours after it
            told[4].received_at += timedelta(hours=3)
            told[5].origin = Origin.MANUAL
            import_readings(told)
            while daily.refresh(NOW):
                pass
            row = PerformanceDay.objects.get()
            assert (row.day, row.interval_s, row.expected) == (DAY, 3600, None)
            assert (row.received, row.received_network, row.timely) == (6, 5, 5)
            assert row.method == Origin.FIXED_NETWORK
            mount(meter, LOW - timedelta(days=3))
            statistics.close_day(DAY, COPENHAGEN)
            row.refresh_from_db()
            assert (row.received, row.expected) == (6, 24)


class TestHeard:
    def test_adds_up_over_batches(self, meter: Meter, aalund: Tenant) -> None:
        def told(collector: int, rssi_dbm: int | None) -> HeardTelegram:
            return meter.pk, DAY, collector, rssi_dbm

        with tenant_context(aalund.pk):
            statistics.note_heard([told(1, -90), told(1, None), told(2, None)])
            statistics.note_heard([told(1, -71), told(1, -80)])
            statistics.note_heard([])
            rows = HeardDay.objects.order_by("collector_id")
            assert [(row.collector_id, row.telegrams, row.best_rssi_dbm) for row in rows] == [
                (1, 4, -71),
                (2, 1, None),
            ]
