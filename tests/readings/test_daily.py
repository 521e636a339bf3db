"""Daily values: equal to the readings, never stale, the same when made anew."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from collectors.pipeline import import_readings
from meters.models import Meter
from meters.registers import BY_COLUMN, COLUMNS
from readings import daily, midnights, standing, writing
from readings.history import fill
from readings.models import DailyReading, DirtyDay, Kind, Origin, Reading, Trust
from readings.rules import BucketSize, Installation, RegisterLimits, Series, consumption
from readings.rules.points import micros
from readings.series import beside_midnight
from readings.services import NewReading, Stored
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# Clocks went forward in the night to 29 March 2026 and back in the night to 25 October.
SPRING = date(2026, 3, 26)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def reading(meter: Meter, at: datetime, **values: int) -> NewReading:
    return NewReading(
        meter_id=meter.pk,
        at=at,
        received_at=at + timedelta(seconds=9),
        values=[values.get(column) for column in COLUMNS],
        origin=Origin.FIXED_NETWORK,
        trust=Trust.PLAUSIBLE,
        interval_s=meter.interval_s,
    )


def refresh_all(now: datetime = NOW) -> None:
    while daily.refresh(now):
        pass


def rows() -> list[dict[str, Any]]:
    return list(DailyReading.objects.order_by("meter_id", "day").values())


def raw_series(meter: Meter, column: str) -> Series:
    pairs = Reading.objects.filter(**{f"{column}__isnull": False}, meter_id=meter.pk)
    ordered = list(pairs.order_by("ts").values_list("ts", column))
    return Series([micros(at) for at, _ in ordered], [value for _, value in ordered])


def buckets(series: Series, first: date, last: date, size: BucketSize, zone: ZoneInfo) -> Any:
    limits = RegisterLimits(digits=8, max_rate=1_000)
    return consumption(
        [Installation(series, limits=limits)],
        daily.start_of(first, zone),
        daily.start_of(last + timedelta(days=1), zone),
        size,
        zone,
    )


def assert_equal_to_readings(meter: Meter, first: date, last: date, zone: ZoneInfo) -> None:
    for column in ("e1", "v1"):
        raw = raw_series(meter, column)
        few = midnights.series(meter.pk, column, first, last, zone)
        for size in (BucketSize.DAY, BucketSize.MONTH, BucketSize.YEAR):
            assert buckets(few, first, last, size, zone) == buckets(raw, first, last, size, zone)


def history(meter: Meter, numbers: random.Random, days: int, start: date) -> list[NewReading]:
    """Hours with a few missing, days missing whole, registers that fall, parts of telegrams."""
    energy, volume = numbers.randrange(10**6), numbers.randrange(10**6)
    found = []
    gone = {start + timedelta(days=day) for day in range(days) if numbers.random() < 0.15}
    spoiled = numbers.random() < 0.5
    for hour in range(days * 24):
        at = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(
            hours=hour, seconds=numbers.randrange(3600)
        )
        energy += numbers.randrange(400)
        volume += numbers.randrange(900)
        if at.date() in gone or numbers.random() < 0.1:
            continue
        values = {"e1": energy, "v1": volume, "t1": numbers.randrange(40_000, 90_000)}
        if spoiled and numbers.random() < 0.02:
            values["e1"] = numbers.choice([0, energy * 2, energy - 50])
        if spoiled and numbers.random() < 0.02:
            del values["v1"]
        found.append(reading(meter, at, **values))
    return found


@pytest.fixture
def meters(committed: None, aalund: Tenant) -> list[Meter]:
    with tenant_context(aalund.pk):
        return [factories.meter() for _ in range(3)]


class TestEqualToTheReadings:
    @pytest.mark.parametrize("seed", range(6))
    def test_whatever_comes_and_in_whatever_order(
        self, meters: Sequence[Meter], aalund: Tenant, seed: int
    ) -> None:
        numbers = random.Random(seed)
        start = numbers.choice([SPRING, date(2026, 10, 22), date(2025, 12, 28)])
        told = [one for meter in meters for one in history(meter, numbers, 9, start)]
        numbers.shuffle(told)
        for batch in range(0, len(told), 97):
            with tenant_context(aalund.pk):
                import_readings(told[batch : batch + 97])
                if numbers.random() < 0.5:
                    daily.refresh(NOW, most=numbers.randrange(1, 40))
        with tenant_context(aalund.pk):
            for _ in range(2):  # with marked days, and without
                for meter in meters:
                    first = start + timedelta(days=numbers.randrange(5))
                    assert_equal_to_readings(meter, first, first + timedelta(days=3), COPENHAGEN)
                refresh_all()
            assert not DirtyDay.objects.exists()

    def test_made_anew_the_rows_are_identical(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        numbers = random.Random(5)
        told = [one for meter in meters for one in history(meter, numbers, 8, SPRING)]
        numbers.shuffle(told)
        for batch in range(0, len(told), 50):
            with tenant_context(aalund.pk):
                import_readings(told[batch : batch + 50])
                refresh_all()
        with tenant_context(aalund.pk):
            before = rows()
            assert len(before) > 15
            days = list(DailyReading.objects.values_list("meter_id", "day"))
            DailyReading.objects.all().delete()
            daily.make(days, daily.upkeep(), COPENHAGEN)
            assert rows() == before

    def test_of_many_meters_at_once(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        numbers = random.Random(9)
        with tenant_context(aalund.pk):
            import_readings([one for meter in meters for one in history(meter, numbers, 6, SPRING)])
            ids = [meter.pk for meter in meters]
            day = SPRING + timedelta(days=3)
            assert beside_midnight(ids, BY_COLUMN["e1"], day, COPENHAGEN) == {}
            refresh_all()
            found = beside_midnight([*reversed(ids), ids[0]], BY_COLUMN["e1"], day, COPENHAGEN)
            assert found.keys() <= set(ids)
            at = daily.start_of(day, COPENHAGEN)
            for meter_id, sides in found.items():
                told = Reading.objects.filter(meter_id=meter_id, e1__isnull=False)
                before = told.filter(ts__lte=at).order_by("-ts").values_list("ts", "e1").first()
                after = told.filter(ts__gte=at).order_by("ts").values_list("ts", "e1").first()
                assert before is not None
                assert after is not None
                assert sides.before == (micros(before[0]), before[1])
                assert sides.after == (micros(after[0]), after[1])
            assert len(found) >= 2

    def test_odd_meters_are_those_that_fell(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        fine, falls, falls_overnight = meters
        at = datetime(2026, 3, 10, tzinfo=UTC)
        with tenant_context(aalund.pk):
            for hour in range(72):
                when = at + timedelta(hours=hour)
                import_readings(
                    [
                        reading(fine, when, e1=hour),
                        reading(falls, when, e1=5 if hour == 30 else hour),
                        reading(falls_overnight, when, e1=hour if hour < 47 else hour - 47),
                    ]
                )
            refresh_all()
            odd = midnights.odd_meters("e1", date(2026, 3, 11), date(2026, 3, 12), COPENHAGEN)
            assert odd == {falls.pk, falls_overnight.pk}
            with pytest.raises(ValueError, match="does not count up"):
                midnights.odd_meters("t1", date(2026, 3, 11), date(2026, 3, 12), COPENHAGEN)


class TestARow:
    def test_holds_both_ends_and_what_measurements_add_up_to(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        meter = meters[0]
        midnight = daily.start_of(date(2026, 3, 29), COPENHAGEN)
        with tenant_context(aalund.pk):
            import_readings(
                [
                    reading(meter, midnight + timedelta(hours=hour), e1=hour, t1=t1)
                    for hour, t1 in ((-1, 0), (0, 70_000), (5, 60_000), (22, 80_000), (23, 0))
                ]
            )
            refresh_all()
            row = DailyReading.objects.get(day=date(2026, 3, 29))  # a day of 23 hours
            assert (row.readings, row.plain, row.follows) == (3, True, True)
            assert (row.first_at, row.last_at) == (midnight, midnight + timedelta(hours=22))
            assert (row.first_e1, row.last_e1, row.first_v1) == (0, 22, None)
            assert (row.t1_min, row.t1_max, row.t1_sum, row.t1_count) == (
                60_000,
                80_000,
                210_000,
                3,
            )

    def test_ends_with_its_readings(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], datetime(2026, 3, 10, 8, tzinfo=UTC), e1=1)])
            refresh_all()
            assert len(rows()) == 1
            factories.mark_days()
            Reading.objects.all().delete()
            refresh_all()
            assert rows() == []

    def test_waits_until_its_day_is_over(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        at = datetime(2026, 3, 10, 22, 30, tzinfo=UTC)
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], at, e1=1)])
            assert daily.refresh(at + timedelta(minutes=20)) == []
            assert daily.refresh(at + timedelta(minutes=40)) == [(meters[0].pk, date(2026, 3, 10))]


class TestMarks:
    def test_are_set_by_every_way_into_the_table(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        meter = meters[0]
        at = datetime(2026, 3, 10, 8, tzinfo=UTC)

        def marked() -> Iterable[tuple[int, date]]:
            found = list(DirtyDay.objects.values_list("meter_id", "day"))
            standing.take(found)
            return found

        with tenant_context(aalund.pk):
            import_readings([reading(meter, at, e1=1)])
            assert marked() == [(meter.pk, at.date())]
            told_again = [reading(meter, at, e1=1)]
            import_readings(told_again)
            assert told_again[0].outcome is Stored.DUPLICATE
            assert marked() == []
            filled = reading(meter, at, v1=1)
            import_readings([filled])
            assert marked() == [(meter.pk, at.date())]
            earlier = reading(meter, at - timedelta(seconds=1), e1=1)
            earlier.interval_s = 86_400
            assert len(import_readings([earlier])) == 1
            assert marked() == [(meter.pk, at.date())]
            writing.reduce([(meter.pk, earlier.at)])
            assert marked() == [(meter.pk, at.date())]
            writing.delete([(meter.pk, earlier.at)])
            assert marked() == [(meter.pk, at.date())]
            assert not Reading.objects.exists()
            row = (meter.pk, micros(at), micros(at), *reading(meter, at, e1=1).values, 6, 0, 0)
            fill([row], intervals={meter.pk: 3600}, start=micros(at), end=micros(at) + 1)
            assert marked() == [(meter.pk, at.date())]

    def test_go_with_the_transaction(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], NOW, e1=1)])
            assert DirtyDay.objects.count() == 1
            transaction.set_rollback(True)
        with tenant_context(aalund.pk):
            assert not DirtyDay.objects.exists()

    def test_are_the_tenants_own(
        self, meters: Sequence[Meter], aalund: Tenant, birkelse: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], datetime(2026, 3, 10, tzinfo=UTC), e1=1)])
        with tenant_context(birkelse.pk):
            refresh_all()
            assert rows() == []
        with tenant_context(aalund.pk):
            assert DirtyDay.objects.count() == 1


def test_a_day_told_twice_is_one(meters: Sequence[Meter], aalund: Tenant) -> None:
    """While readings come in, a day may be made, marked and made again."""
    day = (meters[0].pk, SPRING)
    assert daily.spans_of([day, day], COPENHAGEN) == daily.spans_of([day], COPENHAGEN)


class TestAnotherZone:
    def test_makes_all_rows_anew(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        numbers = random.Random(2)
        with tenant_context(aalund.pk):
            import_readings([one for meter in meters for one in history(meter, numbers, 8, SPRING)])
            refresh_all()
            here = rows()
        lisbon = ZoneInfo("Europe/Lisbon")
        first = SPRING + timedelta(days=2)
        with tenant_context(aalund.pk):
            Tenant.objects.filter(pk=aalund.pk).update(zone="Europe/Lisbon")
            # The rows are of the old zone's days: charts read the readings meanwhile.
            assert_equal_to_readings(meters[0], first, first + timedelta(days=3), lisbon)
            assert daily.follow_zone()
            assert not daily.follow_zone()
            assert_equal_to_readings(meters[0], first, first + timedelta(days=3), lisbon)
            refresh_all()
            assert_equal_to_readings(meters[0], first, first + timedelta(days=3), lisbon)
            assert rows() != here
            made = rows()
            days = list(DailyReading.objects.values_list("meter_id", "day"))
            DailyReading.objects.all().delete()
            daily.make(days, daily.upkeep(), lisbon)
            assert rows() == made


def test_a_year_of_clean_days_reads_no_readings(meters: Sequence[Meter], aalund: Tenant) -> None:
    meter = meters[0]
    with tenant_context(aalund.pk):
        start = datetime(2026, 3, 1, tzinfo=UTC)
        import_readings([reading(meter, start + timedelta(hours=6 * n), e1=n) for n in range(160)])
        refresh_all()
        Reading.objects.filter(meter_id=meter.pk, kind=Kind.NOW).delete()  # past the marks
        assert not DirtyDay.objects.exists()
        told = midnights.series(meter.pk, "e1", date(2026, 3, 3), date(2026, 4, 5), COPENHAGEN)
        assert len(told.times) == 2 * 36
