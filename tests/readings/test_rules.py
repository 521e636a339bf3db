"""The rules one by one, at their edges."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from readings.rules import (
    Bucket,
    BucketSize,
    Flag,
    Installation,
    Note,
    NoteCode,
    Point,
    Quality,
    RegisterLimits,
    Series,
    Source,
    Thresholds,
    Total,
    add,
    boundaries,
    buckets_of,
    consumption,
    join,
    label,
    observed_limits,
    per_day,
    prefer,
    series_of,
    total,
)
from readings.rules.points import instant, micros

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def series(*readings: tuple[float, int], resolution: int = 1) -> Series:
    """(hours after noon, register) each."""
    return Series(
        [micros(at(hours)) for hours, _ in readings],
        [value for _, value in readings],
        [resolution] * len(readings),
    )


def hourly(
    one: Series, first: float, last: float, limits: RegisterLimits | None = None
) -> tuple[Bucket, ...]:
    meter = Installation(one, limits=limits or RegisterLimits())
    return consumption([meter], at(first), at(last), BucketSize.HOUR, COPENHAGEN)


def told(buckets: tuple[Bucket, ...]) -> list[object]:
    return [(bucket.value, bucket.quality.value, bucket.flags) for bucket in buckets]


def point(value: int, source: Source, resolution: int = 10, received: float = 0) -> Point:
    return Point(NOON, value, resolution, source, at(received))


# ── Which readings count ────────────────────────────────────────────────────────────────────────
def test_instants_survive_the_way_to_integers_and_back() -> None:
    odd = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert micros(odd) == -1
    assert instant(-1) == odd
    assert instant(micros(NOON)) == NOON


def test_an_equal_repeat_is_ignored_without_a_word() -> None:
    first = point(100, Source.NETWORK)
    assert prefer([point(100, Source.MANUAL, received=1), first]) == (first, ())


def test_the_better_source_wins_whoever_came_first() -> None:
    network, operator = point(100, Source.NETWORK), point(500, Source.OPERATOR, received=20)
    assert prefer([network, operator]) == (operator, (NoteCode.REPLACED_BY_PRECEDENCE,))
    later_import = point(200, Source.IMPORT, received=40)
    assert prefer([later_import, operator, network])[0] == operator
    ranks = list(Source)
    assert ranks == sorted(ranks)
    assert [source.name for source in ranks] == [
        "OPERATOR",
        "METER_LOG",
        "NETWORK",
        "DRIVE_BY",
        "IMPORT",
        "MANUAL",
    ]


def test_of_one_source_the_first_received_stays_and_the_conflict_is_told() -> None:
    first, second = point(100, Source.NETWORK), point(500, Source.NETWORK, received=1)
    assert prefer([second, first]) == (first, (NoteCode.DUPLICATE_CONFLICT,))


def test_a_finer_reading_within_the_coarser_resolution_is_kept() -> None:
    coarse, fine = point(100, Source.OPERATOR, 10), point(109, Source.IMPORT, 1, received=1)
    assert prefer([coarse, fine]) == (fine, (NoteCode.DUPLICATE_FINER_KEPT,))
    edge = point(110, Source.IMPORT, 1, received=1)
    assert prefer([coarse, edge])[0] == edge
    too_far = point(111, Source.IMPORT, 1, received=1)
    assert prefer([coarse, too_far]) == (coarse, (NoteCode.REPLACED_BY_PRECEDENCE,))


def test_one_step_apart_at_equal_resolution_is_no_finer_telling() -> None:
    network, operator = point(100, Source.NETWORK), point(110, Source.OPERATOR, received=9)
    assert prefer([network, operator]) == (operator, (NoteCode.REPLACED_BY_PRECEDENCE,))


def test_nothing_to_prefer_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        prefer([])


def test_a_clock_may_be_ten_minutes_ahead_but_not_more() -> None:
    early = Point(NOON, 1, 1, Source.NETWORK, NOON - timedelta(minutes=10))
    future = Point(NOON + HOUR, 2, 1, Source.NETWORK, NOON + timedelta(minutes=50, seconds=-1))
    one = series_of([future, early])
    assert list(one.values) == [1]
    assert one.notes == (Note(NOON + HOUR, NoteCode.FUTURE_REJECTED),)


def test_what_was_judged_unusable_is_kept_out_and_named() -> None:
    wrong = Point(NOON, 1, 1, Source.NETWORK, NOON, valid=False)
    assert series_of([wrong]) == Series([], [], [], (Note(NOON, NoteCode.UNUSABLE),))


def test_a_view_of_the_past_knows_only_what_had_been_received() -> None:
    points = [point(100, Source.NETWORK), point(500, Source.OPERATOR, received=20)]
    assert list(series_of(points, at(19)).values) == [100]
    assert list(series_of(points, at(20)).values) == [500]
    assert list(series_of(points, at(-1)).values) == []


# ── Rollover, spike, negative step ──────────────────────────────────────────────────────────────
METER = RegisterLimits(digits=3, max_rate=50)


def test_a_register_that_ran_full_goes_on_and_is_marked() -> None:
    buckets = hourly(series((0, 970), (1, 990), (2, 20), (3, 30)), 0, 3, METER)
    assert told(buckets) == [(20, "M", ()), (30, "M", (Flag.ROLLOVER,)), (10, "M", ())]


def test_every_bucket_of_a_rollover_step_is_marked() -> None:
    buckets = hourly(series((0, 990), (2, 20)), 0, 2, METER)
    assert told(buckets) == [(15, "I", (Flag.ROLLOVER,)), (15, "I", (Flag.ROLLOVER,))]


def test_a_register_may_run_full_twice() -> None:
    one = series((0, 990), (20, 10), (40, 20), (60, 990), (80, 5))
    curve = join([Installation(one, limits=METER)])
    assert curve.difference(at(0), at(80)) == 1015
    assert curve.rollovers == (
        (micros(at(0)), micros(at(20))),
        (micros(at(60)), micros(at(80))),
    )


def test_a_rollover_needs_a_capacity_and_a_plausible_rate() -> None:
    fallen = series((0, 970), (1, 990), (2, 40), (3, 60))  # 50 in the hour
    assert hourly(fallen, 1, 2, METER)[0].value == 50
    # A fifth above the rate is still plausible, a unit more is not.
    assert hourly(series((0, 940), (1, 0)), 0, 1, METER)[0].value == 60
    assert hourly(series((0, 939), (1, 0)), 0, 1, METER)[0].value is None
    for limits in (RegisterLimits(), RegisterLimits(digits=3), RegisterLimits(max_rate=50)):
        assert told(hourly(fallen, 1, 2, limits)) == [(None, "X", (Flag.NEGATIVE_STEP,))]


def test_a_capacity_known_better_than_by_digits_is_used() -> None:
    limits = RegisterLimits(digits=3, capacity=2000, max_rate=50)
    assert hourly(series((0, 1990), (1, 20)), 0, 1, limits)[0].value == 30


def test_the_capacity_follows_the_resolution() -> None:
    limits = RegisterLimits(digits=3, max_rate=500)
    assert hourly(series((0, 9900), (1, 200), resolution=10), 0, 1, limits)[0].value == 300


def test_without_resolutions_the_capacity_counts_base_units() -> None:
    bare = Series([micros(at(0)), micros(at(1))], [990, 20])
    assert hourly(bare, 0, 1, METER)[0].value == 30


def test_limits_are_told_by_a_registers_own_past() -> None:
    day = [micros(at(hours)) for hours in range(25)]
    steady = [hours * 30 for hours in range(25)]
    assert observed_limits(day, steady, 3) == RegisterLimits(capacity=30_000, max_rate=30)
    unusable = ([0] * 25, [*steady[:24], 0], steady[:23])
    for values in unusable:
        assert observed_limits(day[: len(values)], values, 3) == RegisterLimits()


def test_nothing_is_stated_across_an_unexplained_fall() -> None:
    buckets = hourly(series((0, 500), (1, 510), (2, 3), (3, 9)), 0, 3)
    assert told(buckets) == [(10, "M", ()), (None, "X", (Flag.NEGATIVE_STEP,)), (6, "M", ())]
    assert buckets[1].known is None
    curve = join([Installation(series((0, 500), (1, 510), (2, 3), (3, 9)))])
    assert curve.notes == (Note(at(2), NoteCode.NEGATIVE_STEP),)
    assert curve.difference(at(0), at(3)) is None
    assert curve.difference(at(2), at(3)) == 6


def test_a_bucket_over_or_with_an_end_inside_a_fall_has_no_value() -> None:
    fallen = series((0, 500), (1, 510), (5, 3), (6, 9))
    meter = Installation(fallen)
    day = consumption([meter], at(0), at(6), BucketSize.DAY, COPENHAGEN)
    assert told(day) == [(None, "X", (Flag.NEGATIVE_STEP,))]
    inside = hourly(fallen, 0.5, 2.5)
    assert [bucket.value for bucket in inside] == [5, None, None]


def test_an_outlier_is_left_out_only_when_it_is_clear_which_it_is() -> None:
    rate = RegisterLimits(max_rate=60)
    low = join([Installation(series((0, 100), (1, 101), (2, 50), (3, 103)), limits=rate)])
    assert low.notes == (Note(at(2), NoteCode.SUSPECT_SKIPPED),)
    high = join([Installation(series((0, 100), (1, 900), (2, 102), (3, 103)), limits=rate)])
    assert high.notes == (Note(at(1), NoteCode.SUSPECT_SKIPPED),)
    # Either of the two could be it: 100 → 101 and 102 → 103 are both fine.
    either = join([Installation(series((0, 100), (1, 102), (2, 101), (3, 103)), limits=rate)])
    assert either.notes == (Note(at(2), NoteCode.NEGATIVE_STEP),)
    # Neither: leaving out one wrong reading of two leaves a fall.
    neither = join(
        [Installation(series((0, 100), (1, 101), (2, 50), (3, 51), (4, 103)), limits=rate)]
    )
    assert neither.notes == (Note(at(2), NoteCode.NEGATIVE_STEP),)
    # Leaving out 50 would leave a rise that is too quick to be true.
    quick = join([Installation(series((0, 100), (1, 101), (2, 50), (3, 900)), limits=rate)])
    assert quick.notes == (Note(at(2), NoteCode.NEGATIVE_STEP),)


def test_the_first_or_last_reading_is_no_clear_outlier() -> None:
    falls_at_once = join([Installation(series((0, 900), (1, 102), (2, 103)))])
    assert falls_at_once.notes == (Note(at(1), NoteCode.NEGATIVE_STEP),)
    falls_at_last = join([Installation(series((0, 100), (1, 200), (2, 90)))])
    assert falls_at_last.notes == (Note(at(2), NoteCode.NEGATIVE_STEP),)


# ── Qualities ───────────────────────────────────────────────────────────────────────────────────
def test_a_reading_within_the_tolerance_stands_for_the_boundary() -> None:
    minute = 1 / 60
    near = series((0 + minute, 0), (1 - minute, 58), (2.5, 100))
    buckets = hourly(series((-1, 0), *zip_of(near)), 0, 1)
    assert buckets[0].quality is Quality.MEASURED
    farther = series((-1, 0), (0 + minute + 1 / 3600, 0), (1, 58))
    assert hourly(farther, 0, 1)[0].quality is Quality.INTERPOLATED


def zip_of(one: Series) -> list[tuple[float, int]]:
    return [
        ((time - micros(NOON)) / 3_600_000_000, value)
        for time, value in zip(one.times, one.values, strict=True)
    ]


def test_a_gap_up_to_the_limit_is_interpolated_and_a_longer_one_estimated() -> None:
    assert hourly(series((-0.5, 0), (1.5, 8)), 0, 1)[0].quality is Quality.INTERPOLATED
    assert hourly(series((-0.5, 0), (1.51, 8)), 0, 1)[0].quality is Quality.ESTIMATED


def test_thresholds_are_settings() -> None:
    strict = Thresholds(
        max_gap=dict.fromkeys(BucketSize, HOUR), label_tolerance=dict.fromkeys(BucketSize, 0 * HOUR)
    )
    curve = join([Installation(series((-0.5, 0), (1.5, 8)))])
    assert (
        buckets_of(curve, at(0), at(1), BucketSize.HOUR, COPENHAGEN, strict)[0].quality
        is Quality.ESTIMATED
    )


def test_outside_the_readings_there_is_no_value_and_no_known_part() -> None:
    buckets = hourly(series((1, 5), (1.5, 7)), 0, 3)
    assert told(buckets) == [
        (None, "X", ()),
        (None, "X", (Flag.PARTIAL,)),
        (None, "X", ()),
    ]
    assert [bucket.known for bucket in buckets] == [None, 2, None]


def test_no_readings_at_all() -> None:
    assert told(hourly(series(), 0, 1)) == [(None, "X", ())]
    assert told(consumption([], at(0), at(1), BucketSize.HOUR, COPENHAGEN)) == [(None, "X", ())]


# ── Exchange ────────────────────────────────────────────────────────────────────────────────────
def exchanged(
    left: float, came: float, end: int | None = 20, start: int | None = 3, bridge: int = 0
) -> list[Installation]:
    return [
        Installation(series((0, 0), (1, 10)), ends_at=at(left), end_register=end),
        Installation(
            series((3, 5), (4, 9)),
            starts_at=at(came),
            start_register=start,
            bridge=Fraction(bridge),
        ),
    ]


def test_an_exchange_on_a_boundary_is_told_of_the_bucket_it_begins() -> None:
    buckets = consumption(exchanged(2, 2), at(0), at(4), BucketSize.HOUR, COPENHAGEN)
    assert told(buckets) == [
        (10, "M", ()),
        (10, "M", ()),
        (2, "M", (Flag.EXCHANGE,)),
        (4, "M", ()),
    ]


def test_time_without_a_meter_is_estimated_in_every_bucket_it_touches() -> None:
    both = (Flag.BRIDGE, Flag.EXCHANGE)
    meters = exchanged(1.5, 2.5, bridge=6)
    buckets = consumption(meters, at(0), at(4), BucketSize.HOUR, COPENHAGEN)
    assert told(buckets) == [(10, "M", ()), (13, "E", both), (5, "E", both), (4, "M", ())]


def test_no_bridge_is_used_in_no_time() -> None:
    curve = join(exchanged(2, 2, bridge=6))
    assert curve.difference(at(0), at(4)) == 26


@pytest.mark.parametrize("missing", ["end", "start"])
def test_an_exchange_without_both_registers_leaves_a_hole(missing: str) -> None:
    end = None if missing == "end" else 20
    start = None if missing == "start" else 3
    meters = exchanged(2, 2, end=end, start=start)
    curve = join(list(reversed(meters)))
    assert curve.notes == (Note(at(2), NoteCode.EXCHANGE_INCOMPLETE),)
    assert curve.difference(at(0), at(4)) is None
    assert curve.difference(at(3), at(4)) == 4
    (whole,) = consumption(meters, at(0), at(4), BucketSize.DAY, COPENHAGEN)
    assert told((whole,)) == [(None, "X", (Flag.EXCHANGE, Flag.PARTIAL))]
    assert whole.known == (10 + 4 + (2 if missing == "end" else 10))


def test_a_reading_at_the_very_exchange_stands_for_a_register_not_read_off() -> None:
    meters = [
        Installation(series((0, 0), (2, 20), (3, 999)), ends_at=at(2)),
        Installation(series((1, 999), (2, 3), (3, 5)), starts_at=at(2)),
    ]
    assert join(meters).difference(at(0), at(3)) == 22


def test_the_register_read_off_stands_before_the_meters_own_of_that_instant() -> None:
    meters = [
        Installation(
            series((0, 0), (2, 19)),
            starts_at=at(0),
            start_register=0,
            ends_at=at(2),
            end_register=20,
        )
    ]
    curve = join(meters)
    assert curve.difference(at(0), at(2)) == 20
    assert curve.notes == (Note(at(2), NoteCode.REPLACED_BY_PRECEDENCE),)


def test_a_rollover_is_not_looked_for_across_an_exchange() -> None:
    meters = [
        Installation(series((0, 980)), ends_at=at(1), end_register=990, limits=METER),
        Installation(series((2, 20)), starts_at=at(1), start_register=15, limits=METER),
    ]
    curve = join(meters)
    assert curve.difference(at(0), at(2)) == 15
    assert curve.rollovers == ()


def test_factors_stay_exact() -> None:
    meters = [
        Installation(series((0, 0)), ends_at=at(1), end_register=10, factor=Fraction(1, 3)),
        Installation(
            series((3, 5)),
            starts_at=at(2),
            start_register=0,
            factor=Fraction(5, 2),
            bridge=Fraction(1, 7),
        ),
    ]
    exact = Fraction(10, 3) + Fraction(25, 2) + Fraction(1, 7)
    assert join(meters).difference(at(0), at(3)) == exact
    buckets = consumption(meters, at(0), at(3), BucketSize.HOUR, COPENHAGEN)
    assert sum(bucket.value or 0 for bucket in buckets) == exact
    assert buckets[2].value == Fraction(25, 2)


def test_overlapping_meters_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        join(exchanged(2, 1.5))
    open_ended = Installation(series((0, 0)))
    with pytest.raises(ValueError, match="overlap"):
        join([open_ended, open_ended])


# ── Buckets of a zone ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)], ids=["23", "25", "24"]
)
def test_days_have_the_hours_their_clocks_show(month: int, day: int, hours: int) -> None:
    start = datetime(2026, month, day, tzinfo=COPENHAGEN)
    end = datetime(2026, month, day + 1, tzinfo=COPENHAGEN)
    assert len(boundaries(start, end, BucketSize.HOUR, COPENHAGEN).times) == hours + 1
    assert len(boundaries(start, end, BucketSize.QUARTER_HOUR, COPENHAGEN).times) == 4 * hours + 1
    assert len(boundaries(start, end, BucketSize.DAY, COPENHAGEN).times) == 2


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)
    assert [label(start + HOUR * number, COPENHAGEN) for number in range(4)] == [
        "01:00",
        "02:00A",
        "02:00B",
        "03:00",
    ]


def test_a_window_off_the_boundaries_has_shorter_outer_buckets() -> None:
    start, end = at(0.25), at(2.75)
    assert boundaries(start, end, BucketSize.HOUR, COPENHAGEN).instants == (
        start,
        at(1),
        at(2),
        end,
    )


def test_months_and_years_begin_at_local_midnight() -> None:
    start = datetime(2025, 11, 30, 23, tzinfo=UTC)
    end = datetime(2027, 1, 31, 23, tzinfo=UTC)
    months = boundaries(start, end, BucketSize.MONTH, COPENHAGEN).instants
    assert len(months) == 15
    assert months[1] == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert months[4] == datetime(2026, 3, 31, 22, tzinfo=UTC)
    years = boundaries(start, end, BucketSize.YEAR, COPENHAGEN).instants
    assert years == (
        start,
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
        end,
    )


def test_an_empty_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        boundaries(NOON, NOON, BucketSize.HOUR, COPENHAGEN)
    with pytest.raises(ValueError, match="before it begins"):
        per_day(Fraction(1), NOON, NOON)


# ── Sums ────────────────────────────────────────────────────────────────────────────────────────
def test_a_total_counts_what_is_missing_and_never_takes_it_for_zero() -> None:
    buckets = hourly(series((0, 0), (0.7, 5), (1.3, 10), (2, 17)), 0, 3)
    assert total(buckets) == Total(Fraction(17), 1, Quality.INTERPOLATED)
    assert total(buckets[2:]) == Total(Fraction(0), 1, Quality.NONE)
    assert total([]) == Total(Fraction(0), 0, Quality.NONE)


def test_parallel_meters_add_up_with_the_worst_quality() -> None:
    measured = hourly(series((0, 0), (1, 10), (2, 20)), 0, 2)
    rough = hourly(series((-3, 0), (4, 14)), 0, 2)
    both = add([measured, rough])
    assert told(both) == [(12, "E", ()), (12, "E", ())]
    assert add([measured]) == measured


def test_a_sum_without_one_of_its_parts_is_only_partly_known() -> None:
    measured = hourly(series((0, 0), (1, 10), (2, 20)), 0, 2)
    ends = hourly(series((0, 0), (1, 1), (1.5, 2)), 0, 2)
    both = add([measured, ends])
    assert told(both) == [(11, "M", ()), (None, "X", (Flag.PARTIAL,))]
    assert both[1].known == 11
    fallen = hourly(series((0, 0), (1, 1), (2, 0)), 0, 2)
    assert add([measured, fallen])[1].known is None
    nothing = hourly(series(), 0, 2)
    assert told(add([nothing, nothing])) == [(None, "X", ()), (None, "X", ())]


def test_only_like_buckets_are_added() -> None:
    first = hourly(series((0, 0), (1, 10)), 0, 1)
    with pytest.raises(ValueError, match="differ"):
        add([first, hourly(series((0, 0), (1, 10)), 1, 2)])
    with pytest.raises(ValueError, match="argument 2 is longer"):
        add([first, hourly(series((0, 0), (1, 10)), 0, 2)])


def test_a_mean_a_day_counts_days_of_24_hours() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)  # 25 hours
    assert per_day(Fraction(50), start, start + 25 * HOUR) == 48
