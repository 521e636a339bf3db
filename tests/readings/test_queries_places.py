"""Questions about places and of many meters: through exchanges, beside each other, added up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from meters.models import Installation, Medium, Meter, SupplyPoint
from readings import totals as totals_module
from readings.lines import add_lines
from readings.queries import (
    consumption,
    consumption_of_supply_point,
)
from readings.rules import (
    BucketSize,
    Flag,
    Quality,
)
from readings.totals import totals, totals_of_supply_points
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.readings.asking import (
    BY_MONTH,
    COPENHAGEN,
    E1,
    END,
    HOUR,
    KWH,
    ROUGH,
    START,
    V1,
    hourly,
    make_daily_rows,
    store,
    values,
)


@pytest.fixture
def inside(db: None, aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


def installed(
    place: SupplyPoint,
    meter: Meter,
    starts_at: datetime,
    ends_at: datetime | None = None,
    first: int | None = None,
    last: int | None = None,
) -> None:
    Installation.objects.create(
        supply_point=place,
        meter=meter,
        starts_at=starts_at,
        ends_at=ends_at,
        start_registers={} if first is None else {"e1": first * KWH},
        end_registers={} if last is None else {"e1": last * KWH},
    )


LEFT, CAME = START + 34 * HOUR + timedelta(minutes=20), START + 34 * HOUR + timedelta(minutes=40)


@pytest.fixture
def exchanged(inside: Tenant) -> SupplyPoint:
    """A house where the meter was exchanged; the old one lives on elsewhere, the new one had a
    life before."""
    place: SupplyPoint = factories.place()
    elsewhere = factories.place()
    old, new = factories.meter(), factories.meter()
    store(old, hourly(START - 50 * HOUR, 200))
    store(new, hourly(START - 10 * HOUR, 300, first=70, step=3))
    # On the hour before it left the old one stood at 1168 kWh, on the hour after the new at 205.
    installed(place, old, START - 40 * HOUR, LEFT, last=1169)
    installed(place, new, CAME, first=203)
    installed(elsewhere, old, CAME + HOUR)
    return place


def test_consumption_runs_through_an_exchange(exchanged: SupplyPoint) -> None:
    buckets = consumption_of_supply_point(
        exchanged.pk,
        Medium.HEAT,
        E1,
        START + 32 * HOUR,
        START + 37 * HOUR,
        BucketSize.HOUR,
        COPENHAGEN,
    )
    assert values(buckets) == [2, 2, 3, 3, 3]
    assert [one.quality.value for one in buckets] == ["M", "M", "E", "M", "M"]
    assert buckets[2].flags == (Flag.BRIDGE, Flag.EXCHANGE)


@pytest.mark.parametrize("made", [False, True], ids=["marked", "made"])
@pytest.mark.parametrize("cut", [-12, 0, 24, 33, 34, 34.4, 34.5, 35, 48, 60])
def test_windows_on_both_sides_of_an_exchange_add_up(
    exchanged: SupplyPoint, cut: float, made: bool
) -> None:
    if made:
        make_daily_rows()

    def used(start: float, end: float) -> Fraction:
        (bucket,) = consumption_of_supply_point(
            exchanged.pk,
            Medium.HEAT,
            E1,
            START + start * HOUR,
            START + end * HOUR,
            BucketSize.YEAR,
            COPENHAGEN,
        )
        assert bucket.value is not None
        return bucket.value

    assert used(-24, cut) + used(cut, 72) == used(-24, 72) == used(-24, 71) + 3 * KWH


def test_a_fall_at_one_of_two_meters_is_judged_by_that_meters_past(inside: Tenant) -> None:
    place, old, new = factories.place(), factories.meter(), factories.meter()
    store(old, hourly(START - 80 * HOUR, 70, first=10**8 - 139) + hourly(START - 10 * HOUR, 10, 1))
    store(new, hourly(START, 30, first=0))
    installed(place, old, START - 100 * HOUR, START, last=21)
    installed(place, new, START, first=0)
    buckets = consumption_of_supply_point(
        place.pk, Medium.HEAT, E1, START - 12 * HOUR, START + HOUR, BucketSize.HOUR, COPENHAGEN
    )
    assert values(buckets) == [2] * 13
    assert [one.flags for one in buckets if one.flags] == [(Flag.ROLLOVER,), (Flag.EXCHANGE,)]


def test_a_sum_of_no_lines_is_an_error() -> None:
    with pytest.raises(ValueError, match="no lines"):
        add_lines([], [])


def test_another_medium_at_the_place_is_another_story(exchanged: SupplyPoint) -> None:
    water = factories.meter(medium=Medium.WATER)
    store(water, [(START - HOUR, 10), (START + 24 * HOUR, 60)], column="v1")
    installed(exchanged, water, START - 10 * HOUR)
    window = (START, START + 24 * HOUR, BucketSize.DAY, COPENHAGEN)
    assert values(consumption_of_supply_point(exchanged.pk, Medium.HEAT, E1, *window)) == [48]
    (bucket,) = consumption_of_supply_point(exchanged.pk, Medium.WATER, V1, *window)
    assert bucket.value == 48
    nothing = consumption_of_supply_point(exchanged.pk, Medium.COOLING, E1, *window)
    assert [(one.value, one.quality) for one in nothing] == [(None, Quality.NONE)]


def test_meters_beside_each_other_add_up_while_they_are_there(exchanged: SupplyPoint) -> None:
    second = factories.meter()
    store(second, hourly(START, 24, first=0, step=5))
    installed(exchanged, second, START + 2 * HOUR, START + 5 * HOUR, first=10, last=25)
    long_gone = factories.meter()
    installed(exchanged, long_gone, START - 39 * HOUR, START - 38 * HOUR)
    buckets = consumption_of_supply_point(
        exchanged.pk, Medium.HEAT, E1, START, START + 8 * HOUR, BucketSize.HOUR, COPENHAGEN
    )
    assert values(buckets) == [2, 2, 7, 7, 7, 2, 2, 2]


@pytest.mark.parametrize("most_alone", [0, 3, 100])
@pytest.mark.parametrize("made", [False, True], ids=["marked", "made"])
@pytest.mark.parametrize("offset", [timedelta(0), timedelta(minutes=25)], ids=["on", "between"])
def test_totals_are_what_each_meter_says(
    inside: Tenant,
    offset: timedelta,
    made: bool,
    most_alone: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(totals_module, "_MOST_ALONE", most_alone)
    steady, rough, daily_, rare, late, silent, fell, odd = (factories.meter() for _ in range(8))
    store(steady, hourly(START - 30 * HOUR, 400))
    store(rough, ROUGH)
    store(daily_, [(START + 24 * HOUR * one, 30 * one * KWH) for one in range(-3, 20)])
    store(rare, [(START - 900 * 24 * HOUR, 0), (END + 10 * 24 * HOUR, 920 * KWH)])
    store(late, hourly(START + 5 * HOUR, 40))
    store(fell, hourly(START - 5 * HOUR, 30) + hourly(END - 5 * HOUR, 30, first=0))
    # A single wrong reading beside the boundary.
    store(odd, [*hourly(START - 30 * HOUR, 30), (START, 5), *hourly(START + HOUR, 400, 1062)])
    start, end = START + offset, END + offset
    meters = [steady, rough, daily_, rare, late, silent, fell, odd]
    if made:
        make_daily_rows()
    found = totals(None, E1, start, end, *BY_MONTH)
    assert {one.meter_id for one in found} == {meter.pk for meter in meters}
    assert totals([rare.pk, late.pk], E1, start, end, *BY_MONTH) == tuple(
        next(one for one in found if one.meter_id == meter.pk) for meter in (rare, late)
    )
    everything = {one.meter_id: one.bucket for one in found}
    asked = [meter.pk for meter in (odd, steady, late, rare, steady)]
    told = totals(asked, E1, start, end, *BY_MONTH)
    assert [(one.meter_id, one.bucket) for one in told] == [(one, everything[one]) for one in asked]
    for meter in meters:
        # The window lies in one month: it is one bucket of the chart by months.
        (bucket,) = consumption(meter.pk, E1, start, end, BucketSize.MONTH, COPENHAGEN)
        assert everything[meter.pk] == bucket
    assert everything[late.pk].known == 78 * KWH
    assert everything[rare.pk].quality is Quality.ESTIMATED
    assert everything[fell.pk].flags == (Flag.NEGATIVE_STEP,)


@pytest.mark.parametrize("made", [False, True], ids=["marked", "made"])
def test_a_fall_made_up_for_within_the_window_is_seen(inside: Tenant, made: bool) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 30 * HOUR, 80) + hourly(START + 50 * HOUR, 300, first=1100))
    if made:
        make_daily_rows()
    ((_, bucket),) = totals([meter.pk], E1, START, END, *BY_MONTH)
    assert (bucket.value, bucket.flags) == (None, (Flag.NEGATIVE_STEP,))


def test_totals_of_the_running_month_are_what_is_known(inside: Tenant) -> None:
    meter = factories.meter()
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    store(meter, hourly(now - 50 * HOUR, 50))
    ((_, bucket),) = totals([meter.pk], E1, now - 40 * HOUR, now + 20 * 24 * HOUR, *BY_MONTH)
    assert (bucket.value, bucket.flags) == (None, (Flag.PARTIAL,))
    assert bucket.known == 78 * KWH
    ((_, unknown),) = totals([meter.pk], E1, now + HOUR, now + 20 * 24 * HOUR, *BY_MONTH)
    assert (unknown.value, unknown.flags, unknown.known) == (None, (), None)
    today = now.astimezone(COPENHAGEN).replace(hour=0)
    days = (today - timedelta(days=1), today + timedelta(days=3))
    ((_, by_days),) = totals([meter.pk], E1, *days, *BY_MONTH)
    (known,) = consumption(meter.pk, E1, *days, BucketSize.YEAR, COPENHAGEN)
    assert by_days == known


@pytest.mark.parametrize(
    ("made", "most_alone"), [(False, 100), (False, 0), (True, 100)], ids=["alone", "many", "made"]
)
def test_totals_of_places_run_through_exchanges(
    exchanged: SupplyPoint, made: bool, most_alone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals_module, "_MOST_ALONE", most_alone)
    plain, fresh, carried, away = (factories.place() for _ in range(4))
    steady, young, moved, gone = (factories.meter() for _ in range(4))
    store(steady, hourly(START - 30 * HOUR, 400))
    installed(plain, steady, START - 20 * 24 * HOUR)
    # Installed just before, heard only later: its register at the visit counts.
    store(young, hourly(START + 5 * HOUR, 400, first=12))
    installed(fresh, young, START - 2 * HOUR, first=5)
    # Came from elsewhere between two readings.
    store(moved, hourly(START - 30 * HOUR, 400))
    installed(carried, moved, START - HOUR / 2)
    installed(away, gone, START - 90 * HOUR, START - 80 * HOUR)
    if made:
        make_daily_rows()
    found = totals_of_supply_points(Medium.HEAT, E1, START, END, *BY_MONTH)
    assert {one.supply_point_id for one in found} >= {exchanged.pk, plain.pk, fresh.pk, carried.pk}
    assert away.pk not in {one.supply_point_id for one in found}
    for one in found:
        (bucket,) = consumption_of_supply_point(
            one.supply_point_id, Medium.HEAT, E1, START, END, BucketSize.MONTH, COPENHAGEN
        )
        assert one.bucket == bucket
    by_place = {one.supply_point_id: one for one in found}
    assert by_place[fresh.pk].bucket.value == (12 + 2 * 236 - 7) * KWH
    assert by_place[plain.pk].meter_id == steady.pk
    assert (
        by_place[exchanged.pk].meter_id
        == Installation.objects.get(supply_point=exchanged, ends_at=None).meter_id
    )
