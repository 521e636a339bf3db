"""Thinning changes no total of a day or longer, whatever part of itself a meter told first
or last."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from collectors.pipeline import import_readings
from meters.models import Meter
from meters.registers import BY_COLUMN
from readings import daily, midnights, rewriting
from readings import totals as of_many
from readings.models import DailyReading, DirtyDay, Reading
from readings.rewriting import Level
from readings.rules import BucketSize
from readings.services import NewReading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.readings.test_daily import buckets, reading
from tests.readings.test_maintenance import COPENHAGEN, as_maintainer, month_of, stored, towns

__all__ = ["as_maintainer"]

REGISTERS: tuple[str, ...] = ("e1", "v1", "e8")
HOUR = timedelta(hours=1)
NOW = timezone.now()


def changed_month(month: int) -> date:
    """The newest March (23 hours on a day) or October (25) that is long over."""
    today = NOW.date()
    year = today.year if today.month > month + 1 else today.year - 1
    return date(year, month, 1)


def partial(meter: Meter, start: date, zone: ZoneInfo, numbers: random.Random) -> list[NewReading]:
    """Hours of a month and its neighbours' ends; of a third of the days the first few readings, of
    a fifth the last ones, tell only some registers; some days are silent, or tell one register."""
    counts = dict.fromkeys(REGISTERS, 10_000)
    found = []
    day, after = start - timedelta(days=4), start + timedelta(days=36)
    while day < after:
        at, end = daily.start_of(day, zone), daily.start_of(day + timedelta(days=1), zone)
        hours = (end - at) // HOUR
        silent = numbers.random() < 0.06
        lone = numbers.choice(REGISTERS) if numbers.random() < 0.06 else None
        head = numbers.randrange(1, 4) if numbers.random() < 0.33 else 0
        tail = numbers.randrange(1, 4) if numbers.random() < 0.2 else 0
        shift = timedelta(seconds=numbers.choice([0, 0, 130]))
        for hour in range(hours):
            for column in REGISTERS:
                counts[column] += numbers.randrange(500 if hour < 7 else 90)
            if silent:
                continue
            some = REGISTERS
            if hour < head or hour >= hours - tail:
                some = tuple(numbers.sample(REGISTERS, numbers.randrange(3)))
            if lone:
                some = (lone,)
            told = {column: counts[column] for column in some}
            found.append(reading(meter, at + hour * HOUR + shift, t1=50_000, **told))
        day += timedelta(days=1)
    return found


def asked(meters: Sequence[Meter], start: date, zone: ZoneInfo) -> list[Any]:
    """Every register by day and by month, qualities and flags included; and of all at once."""
    end = (start + timedelta(days=31)).replace(day=1)
    last = end - timedelta(days=1)
    found: list[Any] = []
    for column in REGISTERS:
        for meter in meters:
            for first, until in ((start, last), (start + timedelta(days=9), last)):
                told = midnights.series(meter.pk, column, first, until, zone)
                found += [buckets(told, first, until, BucketSize.DAY, zone)]
                found += [buckets(told, first, until, BucketSize.MONTH, zone)]
        since, to = daily.start_of(start, zone), daily.start_of(end, zone)
        ids = [meter.pk for meter in meters]
        found += of_many.totals(ids, BY_COLUMN[column], since, to, BucketSize.MONTH, zone)
    return found


@pytest.mark.parametrize("zone", [COPENHAGEN, ZoneInfo("America/New_York")])
@pytest.mark.parametrize("changes_in", [3, 10])
@pytest.mark.parametrize("most_alone", [100, 0])
def test_no_total_changes(
    as_maintainer: None,
    aalund: Tenant,
    zone: ZoneInfo,
    changes_in: int,
    most_alone: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So few meters are otherwise never asked about as one asks about many.
    monkeypatch.setattr(of_many, "_MOST_ALONE", most_alone)
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone=str(zone))
    (meters,) = towns(aalund)
    start = changed_month(changes_in)
    numbers = random.Random(changes_in + most_alone)
    with tenant_context(aalund.pk):
        for meter in meters:
            import_readings(partial(meter, start, zone, numbers))
        while daily.refresh(NOW):
            pass
        before = asked(meters, start, zone)
        count = Reading.objects.count()
    months = [month_of((start + timedelta(days=shift)).replace(day=1)) for shift in (-1, 0, 32)]
    for month in months:
        rewriting.rewrite(month, {aalund.pk: Level.THIN}, NOW)
    with tenant_context(aalund.pk):
        assert asked(meters, start, zone) == before
        days = DailyReading.objects.count()
        assert Reading.objects.count() < count / 5
    left = stored(aalund)
    for month in months:
        rewriting.rewrite(month, {aalund.pk: Level.THIN}, NOW)
    assert stored(aalund) == left
    with tenant_context(aalund.pk):
        assert asked(meters, start, zone) == before
        # The way of late readings comes to the same.
        for meter, day in DailyReading.objects.filter(
            day__gte=start + timedelta(days=2), day__lt=start + timedelta(days=25)
        ).values_list("meter_id", "day"):
            DirtyDay.objects.create(tenant=aalund, meter_id=meter, day=day)
        while daily.refresh(NOW):
            pass
        assert DailyReading.objects.count() == days
    assert stored(aalund) == left
    with tenant_context(aalund.pk):
        assert asked(meters, start, zone) == before


def test_a_day_that_tells_all_at_once_keeps_one(as_maintainer: None, aalund: Tenant) -> None:
    ((whole, target, bare),) = towns(aalund)
    start = changed_month(3)
    day = start + timedelta(days=4)
    at = daily.start_of(day, COPENHAGEN)
    told = []
    for hour in range(24):
        told.append(reading(whole, at + hour * HOUR, e1=hour, v1=hour))
        told.append(reading(target, at + hour * HOUR, e1=hour, **({"v1": hour} if hour else {})))
        told.append(reading(bare, at + hour * HOUR, t1=60_000))
    with tenant_context(aalund.pk):
        import_readings(told)
    rewriting.rewrite(month_of(start), {aalund.pk: Level.THIN}, NOW)
    assert stored(aalund) == sorted(
        [
            (whole.pk, at, 0, 0),
            (target.pk, at, 0, None),
            (target.pk, at + HOUR, 1, 1),
            (bare.pk, at, None, None),
        ]
    )


def test_late_parts_take_nothing_away(as_maintainer: None, aalund: Tenant) -> None:
    """Into a thinned day come readings that tell less than its ends."""
    ((meter, *_),) = towns(aalund)
    start = changed_month(3)
    first = start + timedelta(days=4)
    at = daily.start_of(first, COPENHAGEN)
    all_of_it = [
        reading(meter, at + hour * HOUR + timedelta(minutes=20), e1=hour**2, v1=hour**2)
        for hour in range(72)
    ]
    late = [
        reading(meter, at + 24 * HOUR + timedelta(minutes=1), e1=23**2 + 30),
        reading(meter, at + 48 * HOUR - timedelta(minutes=1), e1=47**2 + 60),
    ]
    for one in late:
        one.interval_s = 60
    with tenant_context(aalund.pk):
        import_readings(all_of_it)
    rewriting.rewrite(month_of(start), {aalund.pk: Level.THIN}, NOW)

    def volumes() -> Any:
        last = first + timedelta(days=2)
        told = midnights.series(meter.pk, "v1", first, last, COPENHAGEN)
        return buckets(told, first, last, BucketSize.DAY, COPENHAGEN)

    with tenant_context(aalund.pk):
        before = volumes()
        import_readings(late)
        while daily.refresh(NOW):
            pass
        assert volumes() == before
        told = midnights.series(meter.pk, "e1", first, first + timedelta(days=2), COPENHAGEN)
        assert {23**2 + 30, 47**2 + 60} <= set(told.values)
