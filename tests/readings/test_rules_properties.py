"""What holds for any readings: against the slow model, and whatever the order of arrival."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from readings.rules import (
    BucketSize,
    Curve,
    Flag,
    Installation,
    Point,
    RegisterLimits,
    Series,
    Source,
    boundaries,
    buckets_of,
    consumption,
    join,
    series_of,
    total,
)
from tests.readings import slow_model
from tests.readings.slow_model import Place

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# Half-hour changes, a quarter-hour offset, and a midnight that is skipped once a year.
ZONES = [COPENHAGEN, *map(ZoneInfo, ("Australia/Lord_Howe", "Asia/Kathmandu", "America/Asuncion"))]
# Clocks change in Copenhagen on 28-29 March and 24-25 October 2026; the year ends in the third.
BEGINNINGS = [
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2025, 12, 31, 12, tzinfo=UTC),
]
RESOLUTIONS = [1, 10, 100]
minutes = st.integers(0, 60 * 36).map(lambda number: timedelta(minutes=number))


@st.composite
def meter_points(draw: Any, begin: datetime, *, outliers: bool) -> list[Point]:
    """A register that counts up, seen at some instants; now and then wrong or seen twice."""
    instants = sorted(draw(st.sets(minutes, min_size=draw(st.sampled_from([0, 6])), max_size=14)))
    value = draw(st.sampled_from([0, 5, 900, 985]))
    points = []
    for since in instants:
        value += draw(st.integers(0, 30))
        seen = value % 1000
        if outliers and draw(st.integers(0, 5)) == 0:
            seen = draw(st.integers(0, 999))
        at = begin + since
        points.append(
            Point(
                at,
                seen,
                draw(st.sampled_from(RESOLUTIONS)) if outliers else 1,
                draw(st.sampled_from(list(Source))),
                at + draw(minutes) - timedelta(minutes=draw(st.sampled_from([0, 0, 0, 15]))),
                valid=draw(st.integers(0, 20)) > 0,
            )
        )
        if outliers and draw(st.integers(0, 4)) == 0:
            points.append(
                Point(
                    at,
                    max(0, seen + draw(st.integers(-3, 3))),
                    draw(st.sampled_from(RESOLUTIONS)),
                    draw(st.sampled_from(list(Source))),
                    at + draw(minutes),
                )
            )
    return points


limits = st.builds(
    RegisterLimits,
    digits=st.sampled_from([None, 1, 2, 3]),
    max_rate=st.sampled_from([None, 1, 30, 1000]),
)


@st.composite
def places(draw: Any, begin: datetime) -> list[Place]:
    """One meter, or two with an exchange between whose registers were noted or not."""
    points = draw(meter_points(begin, outliers=True))
    if draw(st.booleans()):
        return [Place(points, limits=draw(limits))]
    left = begin + draw(minutes)
    came = left + draw(st.sampled_from([timedelta(0), timedelta(minutes=40)]))
    noted = st.sampled_from([None, 3, 990])
    return [
        Place(points, ends_at=left, end_register=draw(noted), limits=draw(limits)),
        Place(
            draw(meter_points(begin, outliers=True)),
            starts_at=came,
            start_register=draw(noted),
            limits=draw(limits),
            bridge=draw(st.sampled_from([0, 7])),
        ),
    ]


def installation(one: Place) -> Installation:
    return Installation(
        series_of(one.points),
        one.starts_at,
        one.ends_at,
        one.start_register,
        one.end_register,
        one.limits,
        bridge=Fraction(one.bridge),
    )


@st.composite
def questions(draw: Any) -> tuple[datetime, datetime, datetime, BucketSize, ZoneInfo]:
    begin = draw(st.sampled_from(BEGINNINGS))
    start = begin + draw(minutes)
    end = start + draw(minutes) + timedelta(minutes=1)
    return begin, start, end, draw(st.sampled_from(list(BucketSize))), draw(st.sampled_from(ZONES))


@settings(max_examples=150, deadline=None)
@given(st.data(), questions())
def test_the_rules_agree_with_the_slow_model(data: Any, question: Any) -> None:
    begin, start, end, size, zone = question
    all_places = data.draw(places(begin))
    buckets = consumption([installation(one) for one in all_places], start, end, size, zone)
    assert [
        (
            bucket.start,
            bucket.end,
            bucket.value,
            bucket.quality.value,
            [flag for flag in bucket.flags if flag is not Flag.PARTIAL],
        )
        for bucket in buckets
    ] == slow_model.consumption(all_places, start, end, size, zone)


@settings(max_examples=80, deadline=None)
@given(st.data(), questions())
def test_order_of_arrival_batches_and_repeats_change_nothing(data: Any, question: Any) -> None:
    begin, start, end, size, zone = question
    points = data.draw(meter_points(begin, outliers=False))
    points = [point for point in points if point.valid]
    restamped = [
        Point(point.at, point.value, 1, point.source, point.at + data.draw(minutes))
        for point in points
        + data.draw(st.lists(st.sampled_from(points)) if points else st.just([]))
    ]
    arrived = data.draw(st.permutations(restamped))
    orderly = [Point(point.at, point.value, 1, point.source, point.at) for point in points]
    once = consumption([Installation(series_of(orderly))], start, end, size, zone)
    assert consumption([Installation(series_of(arrived))], start, end, size, zone) == once


@settings(max_examples=80, deadline=None)
@given(st.data(), questions())
def test_conflicting_readings_settle_alike_in_any_order(data: Any, question: Any) -> None:
    begin, start, end, size, zone = question
    points = data.draw(meter_points(begin, outliers=True))
    # Of one source the first received stays; two at the very same time have no first.
    arrivals = {(point.at, point.source, point.received_at): point for point in points}
    points = list(arrivals.values())
    one = series_of(points)
    assert series_of(data.draw(st.permutations(points))) == one
    assert list(one.times) == sorted(set(one.times))
    assert buckets_of(join([Installation(one)]), start, end, size, zone)


@settings(max_examples=80, deadline=None)
@given(st.data(), questions())
def test_any_partition_of_a_window_adds_up(data: Any, question: Any) -> None:
    begin, start, end, size, zone = question
    curve = join([installation(one) for one in data.draw(places(begin))])
    cuts = sorted({start, end, *(start + one for one in data.draw(st.lists(minutes)))})
    cuts = [cut for cut in cuts if cut <= end]
    whole = curve.difference(start, end)
    pieces = [
        total(buckets_of(curve, low, high, size, zone))
        for low, high in zip(cuts, cuts[1:], strict=False)
    ]
    if whole is not None:
        assert sum(piece.value for piece in pieces) == whole
        assert not any(piece.missing for piece in pieces)
    buckets = buckets_of(curve, start, end, size, zone)
    assert all(bucket.value >= 0 for bucket in buckets if bucket.value is not None)
    assert (whole is None) == any(bucket.value is None for bucket in buckets)


@settings(max_examples=80, deadline=None)
@given(questions())
def test_buckets_make_up_the_window(question: Any) -> None:
    _, start, end, size, zone = question
    edges = boundaries(start, end, size, zone).instants
    assert list(edges) == slow_model.bounds(start, end, size, zone)


@settings(max_examples=80, deadline=None)
@given(st.data(), questions())
def test_four_readings_beyond_the_window_are_enough(data: Any, question: Any) -> None:
    """What `readings.queries` relies on; registers that fall again and again apart."""
    begin, start, end, size, zone = question
    points = data.draw(meter_points(begin, outliers=False))
    if points:
        wrong = data.draw(st.integers(0, len(points) - 1))
        bad = points[wrong]
        points[wrong] = Point(bad.at, 500, 1, bad.source, bad.received_at)
    series = series_of(points)
    edges = boundaries(start, end, size, zone).times
    before = [index for index, at in enumerate(series.times) if at <= edges[0]][-4:]
    inside = [index for index, at in enumerate(series.times) if edges[0] < at < edges[-1]]
    after = [index for index, at in enumerate(series.times) if at >= edges[-1]][:4]
    near = [*before, *inside, *after]
    cut = Series([series.times[one] for one in near], [series.values[one] for one in near])
    assert answer(join([Installation(cut)]), question) == answer(
        join([Installation(series)]), question
    )


def answer(curve: Curve, question: Any) -> list[Any]:
    _, start, end, size, zone = question
    return [bucket[:6] for bucket in buckets_of(curve, start, end, size, zone)]
