"""Queries: what the database holds, asked window by window, answers as the whole series does."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import Installation, Medium, Meter, SupplyPoint
from meters.registers import BY_COLUMN
from readings import daily
from readings import totals as totals_module
from readings.lines import add_lines
from readings.models import Origin, Reading, Trust
from readings.queries import (
    consumption,
    consumption_of_supply_point,
    series,
    window_statistics,
)
from readings.rules import (
    Bucket,
    BucketSize,
    Flag,
    Point,
    Quality,
    Series,
    Source,
    buckets_of,
    join,
    series_of,
)
from readings.rules import Installation as Placed
from readings.totals import totals, totals_of_supply_points
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
E1, V1, E8, T1 = (BY_COLUMN[column] for column in ("e1", "v1", "e8", "t1"))
KWH = 3_600_000
BY_MONTH = (BucketSize.MONTH, COPENHAGEN)
HOUR = timedelta(hours=1)
# The clocks went back in Copenhagen in the night to 25 October 2026.
START = datetime(2026, 10, 20, tzinfo=COPENHAGEN).astimezone(UTC)
END = datetime(2026, 10, 30, tzinfo=COPENHAGEN).astimezone(UTC)


@pytest.fixture
def inside(db: None, aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


def store(meter: Meter, readings: Iterable[tuple[datetime, int]], column: str = "e1") -> None:
    Reading.objects.bulk_create(
        Reading(
            tenant=meter.tenant,
            meter_id=meter.pk,
            ts=at,
            received_at=at + timedelta(seconds=20),
            origin=Origin.FIXED_NETWORK,
            trust=Trust.PLAUSIBLE,
            **{column: value},
        )
        for at, value in readings
    )
    factories.mark_days()


def hourly(
    start: datetime, count: int, first: int = 1000, step: int = 2
) -> list[tuple[datetime, int]]:
    """Readings on the hour: `first` kWh, then `step` more each."""
    return [(start + HOUR * one, (first + step * one) * KWH) for one in range(count)]


def whole(readings: Iterable[tuple[datetime, int]]) -> Series:
    return series_of(Point(at, value, 1, Source.NETWORK, at) for at, value in readings)


def values(buckets: Iterable[Bucket]) -> list[Fraction | None]:
    """kWh a bucket."""
    return [None if one.value is None else one.value / KWH for one in buckets]


def make_daily_rows() -> None:
    while daily.refresh(datetime.now(UTC)):
        pass


# A fortnight as it comes: seconds past the hour, hours missing, an outlier low and one high, three
# days silent, a register that fell for good.
ROUGH = [
    (
        START - 3 * 24 * HOUR + HOUR * one + timedelta(seconds=(one * 37) % 600),
        (500 + 3 * one) * KWH,
    )
    for one in range(24 * 16)
    if one % 11 and not 150 < one < 222
]
ROUGH[60] = (ROUGH[60][0], 7 * KWH)
ROUGH[100] = (ROUGH[100][0], 90_000 * KWH)
ROUGH[230:] = [(at, value - 700 * KWH) for at, value in ROUGH[230:]]


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [
        (START, END, BucketSize.DAY),
        (START, END, BucketSize.HOUR),
        (START, START + 24 * HOUR, BucketSize.QUARTER_HOUR),
        (START - 100 * 24 * HOUR, END, BucketSize.MONTH),
        (START - 100 * 24 * HOUR, END + 400 * 24 * HOUR, BucketSize.YEAR),
        # Just at, before and after the outliers, inside the silence, over the fall.
        (ROUGH[60][0], ROUGH[60][0] + 5 * HOUR, BucketSize.HOUR),
        (ROUGH[59][0], ROUGH[60][0], BucketSize.HOUR),
        (ROUGH[100][0] + timedelta(minutes=5), ROUGH[101][0] + 2 * HOUR, BucketSize.HOUR),
        (ROUGH[135][0] + 30 * HOUR, ROUGH[135][0] + 40 * HOUR, BucketSize.HOUR),
        (ROUGH[229][0], ROUGH[232][0], BucketSize.HOUR),
    ],
)
def test_a_window_answers_as_the_whole_series_does(
    inside: Tenant, start: datetime, end: datetime, size: BucketSize
) -> None:
    meter, other = factories.meter(), factories.meter()
    store(meter, ROUGH)
    store(other, hourly(START, 300))
    expected = buckets_of(join([Placed(whole(ROUGH))]), start, end, size, COPENHAGEN)
    assert consumption(meter.pk, E1, start, end, size, COPENHAGEN) == expected
    make_daily_rows()
    assert consumption(meter.pk, E1, start, end, size, COPENHAGEN) == expected


def test_clean_days_are_read_from_daily_rows_alone(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 50 * HOUR, 400))
    make_daily_rows()
    with CaptureQueriesContext(connection) as captured:
        buckets = consumption(meter.pk, E1, START, END, BucketSize.DAY, COPENHAGEN)
    assert values(buckets) == [48] * 5 + [50] + [48] * 4
    assert not any("readings_reading" in one["sql"] for one in captured)


def test_neighbours_far_away_are_found(inside: Tenant) -> None:
    """Two values a year apart: the day between them is estimated, not unknown."""
    meter = factories.meter()
    store(
        meter,
        [
            (datetime(2025, 7, 1, tzinfo=UTC), 0),
            (datetime(2026, 7, 1, tzinfo=UTC), 365 * KWH),
        ],
    )
    day = datetime(2026, 1, 10, tzinfo=COPENHAGEN)
    (bucket,) = consumption(meter.pk, E1, day, day + timedelta(days=1), BucketSize.DAY, COPENHAGEN)
    assert (bucket.value, bucket.quality) == (Fraction(KWH), Quality.ESTIMATED)


def test_a_register_of_four_bytes_counts_too(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, [(START, 70_000), (START + HOUR, 70_061)], column="e8")
    (bucket,) = consumption(meter.pk, E8, START, START + HOUR, BucketSize.HOUR, COPENHAGEN)
    assert bucket.value == 61


def test_a_temperature_has_no_consumption(inside: Tenant) -> None:
    meter = factories.meter()
    for ask in (
        lambda: consumption(meter.pk, T1, START, END, BucketSize.DAY, COPENHAGEN),
        lambda: consumption_of_supply_point(
            1, Medium.HEAT, T1, START, END, BucketSize.DAY, COPENHAGEN
        ),
        lambda: window_statistics(meter.pk, T1, START, END, BucketSize.DAY, COPENHAGEN),
        lambda: totals([meter.pk], T1, START, END, *BY_MONTH),
        lambda: totals_of_supply_points(Medium.HEAT, T1, START, END, *BY_MONTH),
    ):
        with pytest.raises(ValueError, match="T1 does not count up"):
            ask()


def test_a_window_that_is_empty_is_an_error(inside: Tenant) -> None:
    meter = factories.meter()
    for ask in (
        lambda: consumption(meter.pk, E1, END, START, BucketSize.DAY, COPENHAGEN),
        lambda: window_statistics(meter.pk, E1, END, START, BucketSize.DAY, COPENHAGEN),
        lambda: totals([meter.pk], E1, START, START, *BY_MONTH),
        lambda: series([meter.pk], [E1], START, START),
    ):
        with pytest.raises(ValueError, match="before it begins"):
            ask()


def test_the_same_clock_time_twice_is_no_empty_window(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(datetime(2026, 10, 24, 20, tzinfo=UTC), 12))
    first = datetime(2026, 10, 25, 2, tzinfo=COPENHAGEN)
    second = datetime(2026, 10, 25, 2, fold=1, tzinfo=COPENHAGEN)
    assert values(consumption(meter.pk, E1, first, second, BucketSize.HOUR, COPENHAGEN)) == [2]
    assert (
        window_statistics(meter.pk, E1, first, second, BucketSize.DAY, COPENHAGEN).consumption
        == 2 * KWH
    )
    assert totals([meter.pk], E1, first, second, *BY_MONTH)[0].bucket.value == 2 * KWH
    assert len(series([meter.pk], [E1], first, second)[0].times) == 1


def partitions_asked(captured: CaptureQueriesContext) -> set[str]:
    """The months (YYYYMM) of readings and daily rows that these statements' plans touch."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        # What other tests left behind may make a partition look too small for its index.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for one in list(captured):
            if not one["sql"].lstrip().startswith(("SELECT", "WITH")):
                continue
            cursor.execute("EXPLAIN " + one["sql"])
            plan = "\n".join(line for (line,) in cursor.fetchall())
            touched = re.findall(r"readings_(?:reading|dailyreading)_p(\d{6})", plan)
            assert not (touched and "Seq Scan on readings_" in plan), plan
            found.update(touched)
    return found


def test_a_chart_reads_only_the_partitions_of_its_months(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 10 * HOUR, 24 * 20))
    with CaptureQueriesContext(connection) as captured:
        consumption(meter.pk, E1, START, END, BucketSize.HOUR, COPENHAGEN)
    assert len(captured) == 1
    # Three days around ten days of October reach into November.
    assert partitions_asked(captured) == {"202610", "202611"}


def test_days_and_months_read_only_the_partitions_around_them(inside: Tenant) -> None:
    meters = [factories.meter().pk for _ in range(3)]
    first = datetime(2026, 6, 30, 22, tzinfo=UTC)  # local midnight
    end = datetime(2026, 8, 31, 22, tzinfo=UTC)
    for meter in Meter.objects.all():
        store(meter, hourly(first - 10 * HOUR, 24 * 63))
    while daily.refresh(datetime(2026, 10, 1, tzinfo=UTC)):
        pass
    around = {"202606", "202607", "202608", "202609"}
    with CaptureQueriesContext(connection) as captured:
        consumption(meters[0], E1, first, end, BucketSize.DAY, COPENHAGEN)
    assert partitions_asked(captured) <= around
    with CaptureQueriesContext(connection) as captured:
        found = totals(None, E1, first, end, BucketSize.MONTH, COPENHAGEN)
    assert [one.bucket.value for one in found] == [2 * 24 * 62 * KWH] * 3
    asked = partitions_asked(captured)
    assert asked
    assert asked <= around


# ── Rollover ────────────────────────────────────────────────────────────────────────────────────
def test_a_register_that_ran_full_is_told_by_its_own_past(inside: Tenant) -> None:
    meter = factories.meter()
    full = 10**8
    readings = [
        (START - HOUR * (100 - one), (full - 203 + 2 * one + one % 2) % full * KWH)
        for one in range(120)
    ]
    store(meter, readings)
    buckets = consumption(meter.pk, E1, START, START + 6 * HOUR, BucketSize.HOUR, COPENHAGEN)
    counted = [(one.value or 0) / KWH for one in buckets]
    assert counted == [3, 1, 3, 1, 3, 1]
    assert [one.flags for one in buckets if one.flags] == [(Flag.ROLLOVER,)]


def test_a_fall_that_is_no_rollover_stays_a_fall(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 100 * HOUR, 100) + hourly(START, 10, first=0))
    buckets = consumption(meter.pk, E1, START - 2 * HOUR, START + HOUR, BucketSize.HOUR, COPENHAGEN)
    assert [one.flags for one in buckets] == [(), (Flag.NEGATIVE_STEP,), ()]
    assert values(buckets) == [2, None, 2]


# ── Places ──────────────────────────────────────────────────────────────────────────────────────
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


# ── Statistics ──────────────────────────────────────────────────────────────────────────────────
def test_statistics_of_a_window(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 30 * HOUR, 400))
    told = window_statistics(meter.pk, E1, START, START + 48 * HOUR, BucketSize.DAY, COPENHAGEN)
    assert (told.start.value, told.start.quality) == (Fraction(1060 * KWH), Quality.MEASURED)
    assert (told.end.value, told.end.reading) == (Fraction(1156 * KWH), 1156 * KWH)
    assert (told.consumption, told.per_day) == (Fraction(96 * KWH), Fraction(48 * KWH))
    assert told.complete


def test_statistics_of_a_window_that_runs_on_are_of_the_known_part(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START + 12 * HOUR, 25))
    told = window_statistics(meter.pk, E1, START, START + 48 * HOUR, BucketSize.DAY, COPENHAGEN)
    assert not told.complete
    assert (told.known_from, told.known_until) == (START + 12 * HOUR, START + 36 * HOUR)
    assert (told.consumption, told.per_day) == (Fraction(48 * KWH), Fraction(48 * KWH))
    assert told.start.value is None
    nothing = window_statistics(factories.meter().pk, E1, START, END, BucketSize.DAY, COPENHAGEN)
    assert (nothing.known_from, nothing.consumption, nothing.per_day) == (None, None, None)


def test_statistics_do_not_bridge_a_fall(inside: Tenant) -> None:
    meter = factories.meter()
    store(meter, hourly(START - 5 * HOUR, 10) + hourly(START + 5 * HOUR, 20, first=0))
    told = window_statistics(meter.pk, E1, START, START + 10 * HOUR, BucketSize.DAY, COPENHAGEN)
    assert (told.consumption, told.known_from, told.complete) == (None, None, False)


# ── Series ──────────────────────────────────────────────────────────────────────────────────────
def test_series_of_several_meters_and_registers(inside: Tenant) -> None:
    first, second, silent = (factories.meter() for _ in range(3))
    store(first, [(START, 10), (START + HOUR, 20), (START - HOUR, 1)])
    store(first, [(START + 2 * HOUR, 65_000)], column="t1")
    store(first, [(START + 3 * HOUR, 5)], column="v1")
    store(second, [(END, 7), (END - HOUR, 6)])
    found = series([second.pk, silent.pk, first.pk], [E1, T1], START, END)
    assert [one.meter_id for one in found] == [second.pk, silent.pk, first.pk]
    assert found[0].instants == [END - HOUR]
    assert found[1].instants == []
    assert found[1].values == {"e1": (), "t1": ()}
    assert found[2].instants == [START, START + HOUR, START + 2 * HOUR]
    assert found[2].values == {"e1": [10, 20, None], "t1": [None, None, 65_000]}
    with pytest.raises(ValueError, match="at least one register"):
        series([first.pk], [], START, END)


# ── Totals ──────────────────────────────────────────────────────────────────────────────────────
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


def test_nobody_sees_another_utilitys_readings(db: None, aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter()
        store(meter, hourly(START - HOUR, 400))
    with tenant_context(birkelse.pk):
        window = (START, END)
        (bucket,) = consumption(meter.pk, E1, *window, BucketSize.YEAR, COPENHAGEN)
        assert bucket.quality is Quality.NONE
        assert series([meter.pk], [E1], *window)[0].times == ()
        assert totals(None, E1, *window, *BY_MONTH) == ()
        assert totals([meter.pk], E1, *window, *BY_MONTH)[0].bucket.value is None
