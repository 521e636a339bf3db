"""Queries: what the database holds, asked window by window, answers as the whole series does."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import Medium, Meter
from readings import daily
from readings.queries import (
    consumption,
    consumption_of_supply_point,
    series,
    window_statistics,
)
from readings.rules import (
    BucketSize,
    Flag,
    Quality,
    buckets_of,
    join,
)
from readings.rules import Installation as Placed
from readings.rules.points import micros
from readings.series import beside_midnight, ends_of_thinned, limits_before
from readings.totals import totals, totals_of_supply_points
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.readings.asking import (
    BY_MONTH,
    COPENHAGEN,
    E1,
    E8,
    END,
    HOUR,
    KWH,
    ROUGH,
    START,
    T1,
    hourly,
    make_daily_rows,
    store,
    values,
    whole,
)


@pytest.fixture
def inside(db: None, aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


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


def test_habits_are_probed_a_fall_whatever_the_statistics_say(inside: Tenant) -> None:
    meters = [factories.meter() for _ in range(3)]
    for meter in meters:
        store(meter, hourly(START - 10 * HOUR, 10))
    falls = [(meter.pk, int(START.timestamp()) * 10**6) for meter in meters]
    probes(lambda: limits_before(falls, E1))


def test_midnights_are_probed_a_meter_in_two_months_at_most(inside: Tenant) -> None:
    meters = [factories.meter() for _ in range(3)]
    for meter in meters:
        store(meter, hourly(START - 30 * HOUR, 400))
    make_daily_rows()
    ids = [meter.pk for meter in meters]
    for day, months in (
        (date(2026, 10, 25), {"202610"}),
        (date(2026, 11, 1), {"202610", "202611"}),
    ):
        plan = probes(partial(beside_midnight, ids, E1, day, COPENHAGEN))
        assert set(re.findall(r"readings_dailyreading_p(\d+)", plan)) == months


def test_ends_of_thinned_days_are_asked_of_who_was_read_before(inside: Tenant) -> None:
    early, late, never = (factories.meter() for _ in range(3))
    for meter in (early, late, never):
        store(meter, hourly(START - 30 * HOUR, 24))
    make_daily_rows()
    upkeep = daily.upkeep()
    day = START.astimezone(COPENHAGEN).date() + timedelta(days=2)
    # Two days more than were thinned: whatever zone the days are of.
    until = micros(datetime(2026, 10, 22, tzinfo=UTC))
    befores = {early.pk: (until - 1, 1), late.pk: (until, 1), never.pk: None}

    def ends() -> tuple[set[int], int]:
        with CaptureQueriesContext(connection) as captured:
            found = ends_of_thinned(befores, E1, day)
        return set(found), len(captured)

    assert ends() == (set(), 1)  # nothing was thinned
    upkeep.thinned_before = date(2026, 10, 20)
    upkeep.save()
    assert ends() == ({early.pk, never.pk}, 2)
    del befores[early.pk], befores[never.pk]
    assert ends() == (set(), 1)


def probes(ask: Callable[[], object]) -> str:
    """See that its one statement probes, whatever the statistics say; the plan."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    (asked,) = captured.captured_queries
    with connection.cursor() as cursor:
        # As badly as a planner may ever think of probes.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(f"EXPLAIN {asked['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Nested Loop" in plan
    assert "Hash Join" not in plan
    assert "Merge Join" not in plan
    return plan


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
