"""Estimation: the worked cases, the refusals, and sums that are never lost."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readings.estimation import (
    Estimate,
    EstimationRefused,
    ExchangeIncomplete,
    Gap,
    GapTooLong,
    MeterDisconnected,
    Method,
    NegativeConsumption,
    check,
    degree_day_profile,
    extrapolate,
    fill,
    hold,
    like_day_profile,
    neighbour_profile,
    proxy,
    reference_days,
    round_to_sum,
    shared,
)
from readings.rules import BucketSize, Quality, Series, Thresholds, register_value
from readings.rules.points import micros

HERE = Path(__file__).parent / "vectors"
SHARED = Path(__file__).parents[3] / "shared" / "analysis" / "vectors"
CASES: list[dict[str, Any]] = json.loads((HERE / "estimation.json").read_text())
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
START = datetime(2026, 2, 3, 10, tzinfo=UTC)


def facts(vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases without their words."""
    kept = ("id", "input", "expected_exact", "resolution", "expected_rounded", "sum", "status")
    return [{key: one[key] for key in kept if key in one} for one in vectors]


def fractions(values: list[Any]) -> list[Fraction]:
    return [Fraction(str(value)) for value in values]


def gap(difference: str | None, **more: Any) -> Gap:
    known = None if difference is None else Fraction(difference)
    return Gap(START, more.pop("end", START + timedelta(days=1)), known, **more)


def estimate(given_: dict[str, Any]) -> Estimate:
    """Call the method that the case's input is for."""
    known = given_.get("D")
    match given_:
        case {"reference_days": days, "days": count}:
            return reference_days(
                fractions(days), count, None if known is None else Fraction(known)
            )
        case {"last7": days, "days": count}:
            return extrapolate(fractions(days), count)
        case {"proxy": values, "ratio": ratio}:
            return proxy(fractions(values), Fraction(ratio))
        case {"like_day_profile": weights}:
            return fill(gap(known), len(weights), like_day=fractions(weights))
        case {"degree_days": days, "u": evenly}:
            profile = degree_day_profile(fractions(days), Fraction(evenly))
            return fill(gap(known), len(days), profile=profile)
        case {"neighbours": group}:
            profile = neighbour_profile([fractions(one) for one in group])
            return fill(gap(known), len(profile), profile=profile)
        case {"slots": slots}:
            return fill(gap(known), slots)
    raise AssertionError(f"a case of an unknown kind: {given_}")


METHODS = {
    "I1": Method.LINE,
    "I2": Method.LIKE_DAY,
    "I3": Method.LIKE_DAY,
    "I4": Method.LINE,
    "I5": Method.PROFILE,
    "I6": Method.PROFILE,
    "I7": Method.REFERENCE_DAYS,
    "I8": Method.REFERENCE_DAYS,
    "I9": Method.PROXY,
    "I10": Method.EXTRAPOLATION,
    "I11": Method.LINE,
    "I12": Method.LINE,
    "I13": Method.LINE,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_is_reproduced_exactly(case: dict[str, Any]) -> None:
    made = estimate(case["input"])
    assert list(made.values) == fractions(case["expected_exact"])
    assert sum(made.values) == Fraction(case["sum"])
    assert made.temporary == (case.get("status") == "temporary")
    assert made.method is METHODS[case["id"]]
    if "resolution" in case:
        rounded = made.rounded(Fraction(case["resolution"]))
        assert list(rounded) == fractions(case["expected_rounded"])
        assert sum(rounded) == Fraction(case["sum"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the knowledge folder is not beside the checkout")
def test_the_copy_says_what_the_source_says() -> None:
    source = json.loads((SHARED / "07_estimation.json").read_text())
    assert facts(source["vectors"]) == CASES


def test_no_values_where_the_register_falls_inside_the_gap() -> None:  # I14
    with pytest.raises(NegativeConsumption, match="negative consumption"):
        fill(gap("10", falls=True), 4)
    with pytest.raises(NegativeConsumption):
        fill(gap("-1"), 4)


def test_no_values_over_an_exchange_without_end_register() -> None:  # I15
    with pytest.raises(ExchangeIncomplete, match="exchange incomplete"):
        fill(gap(None, exchange_incomplete=True), 4)


def test_no_interval_values_over_36_days() -> None:  # I16
    with pytest.raises(GapTooLong, match=r"36\.0 days"):
        fill(gap("10", end=START + timedelta(days=36)), 36 * 24)
    check(gap("10", end=START + timedelta(days=35)))


def test_a_temperature_is_held_for_display_a_counter_never() -> None:  # I17
    held = hold(Fraction("41.2"), 2, cumulative=False)
    assert held.values == (Fraction("41.2"), Fraction("41.2"))
    assert held.marks == ("Z93",)
    with pytest.raises(EstimationRefused):
        hold(Fraction(10), 2, cumulative=True)


REGISTER = Series(
    [
        micros(datetime(2026, 2, 2, 22, 10, tzinfo=UTC)),
        micros(datetime(2026, 2, 2, 23, 50, tzinfo=UTC)),
    ],
    [10_000, 10_010],
)
MIDNIGHT = datetime(2026, 2, 2, 23, 0, tzinfo=UTC)
DAY_GAP = Thresholds().max_gap[BucketSize.DAY]


def test_a_register_between_two_readings_is_interpolated_on_request() -> None:  # I18
    told = register_value(
        REGISTER, MIDNIGHT, interpolate=True, max_gap=DAY_GAP, look_back=timedelta(hours=1)
    )
    assert (told.value, told.quality) == (Fraction(10_005), Quality.INTERPOLATED)
    far = register_value(
        REGISTER,
        MIDNIGHT,
        interpolate=True,
        max_gap=timedelta(hours=1),
        look_back=timedelta(hours=1),
    )
    assert (far.value, far.quality) == (Fraction(10_005), Quality.ESTIMATED)


def test_without_the_option_there_is_no_value_but_the_reading_before() -> None:  # I18
    told = register_value(
        REGISTER, MIDNIGHT, interpolate=False, max_gap=DAY_GAP, look_back=timedelta(hours=1)
    )
    assert (told.value, told.quality) == (None, Quality.NONE)
    assert told.read_at == datetime(2026, 2, 2, 22, 10, tzinfo=UTC)
    assert told.reading == 10_000
    older = register_value(
        REGISTER, MIDNIGHT, interpolate=False, max_gap=DAY_GAP, look_back=timedelta(minutes=49)
    )
    assert (older.read_at, older.reading) == (None, None)


@pytest.mark.parametrize("interpolate", [True, False])
def test_a_register_read_at_the_instant_needs_no_option(interpolate: bool) -> None:
    told = register_value(
        REGISTER,
        datetime(2026, 2, 2, 22, 10, tzinfo=UTC),
        interpolate=interpolate,
        max_gap=DAY_GAP,
        look_back=timedelta(0),
    )
    assert (told.value, told.quality) == (Fraction(10_000), Quality.MEASURED)
    assert told.reading == 10_000


def test_a_register_is_not_stated_outside_its_readings_or_across_a_fall() -> None:
    fallen = Series(REGISTER.times, [10_010, 10_000])
    for series, at in (
        (REGISTER, datetime(2026, 2, 2, 22, 9, tzinfo=UTC)),
        (REGISTER, datetime(2026, 2, 2, 23, 51, tzinfo=UTC)),
        (fallen, MIDNIGHT),
    ):
        told = register_value(
            series, at, interpolate=True, max_gap=DAY_GAP, look_back=timedelta(days=1)
        )
        assert (told.value, told.quality) == (None, Quality.NONE)


def test_a_disconnected_meter_has_zeros_only_if_its_register_stood_still() -> None:
    assert list(fill(gap("0", disconnected=True), 2).values) == [0, 0]
    for difference in ("1", None):
        with pytest.raises(MeterDisconnected):
            fill(gap(difference, disconnected=True), 2)


def test_an_unknown_difference_is_not_shared_out() -> None:
    with pytest.raises(EstimationRefused, match="not known"):
        fill(gap(None), 2)


def test_the_best_profile_there_is_gives_the_shape() -> None:
    both = fill(gap("4"), 2, like_day=fractions([1, 3]), profile=fractions([3, 1]))
    assert list(both.values) == [1, 3]
    assert both.method is Method.LIKE_DAY
    second = fill(gap("4"), 2, like_day=fractions([0, 0]), profile=fractions([3, 1]))
    assert list(second.values) == [3, 1]
    assert second.method is Method.PROFILE
    assert second.marks == ("Z92", "ZQ8")


def test_degree_days_of_uneven_slots_keep_their_length() -> None:
    lengths = fractions([1, 3])
    assert list(degree_day_profile(fractions([0, 0]), Fraction(1, 4), lengths)) == [
        Fraction(1, 4),
        Fraction(3, 4),
    ]
    # One slot of 10 K·d, one of none: a quarter of the whole goes by length.
    assert list(degree_day_profile(fractions([10, 0]), Fraction(1, 4), lengths)) == [
        Fraction(13, 16),
        Fraction(3, 16),
    ]


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="negative weights"):
        shared(Fraction(1), fractions([1, -1]))
    with pytest.raises(ValueError, match="0 to 1"):
        degree_day_profile(fractions([1]), Fraction(2))
    with pytest.raises(ValueError, match="at least one slot"):
        fill(gap("1"), 0)
    with pytest.raises(ValueError, match="resolution is positive"):
        round_to_sum(fractions([1]), Fraction(0))
    with pytest.raises(EstimationRefused, match="no reference days"):
        extrapolate([], 2)


def test_like_days_are_the_same_time_on_the_wall_clock() -> None:
    # The clocks went forward on 29 March 2026 between the gap and its like days.
    slot = datetime(2026, 4, 1, 8, tzinfo=COPENHAGEN)
    like = [datetime(2026, 3, day, 8, tzinfo=COPENHAGEN) for day in (25, 18, 11, 4)]
    older = datetime(2026, 2, 25, 8, tzinfo=COPENHAGEN)
    history = {
        at.astimezone(UTC): Fraction(value)
        for at, value in zip([*like, older], [1, 2, 3, 4, 1000], strict=True)
    }
    assert like_day_profile([slot.astimezone(UTC)], history, COPENHAGEN) == (Fraction(5, 2),)
    # A week that is not usable is made up for by an older one.
    del history[like[1].astimezone(UTC)]
    assert like_day_profile([slot], history, COPENHAGEN) == (Fraction(252),)
    assert like_day_profile([slot + timedelta(hours=1)], history, COPENHAGEN) is None


amounts = st.fractions(min_value=0, max_value=10_000)


@given(st.lists(amounts, min_size=1), st.fractions(min_value=Fraction(1, 1000), max_value=10))
def test_rounding_keeps_the_sum(values: list[Fraction], resolution: Fraction) -> None:
    rounded = round_to_sum(values, resolution)
    assert sum(rounded) == sum(values)
    assert all(abs(new - old) <= resolution for new, old in zip(rounded, values, strict=True))
    odd = [value for value in rounded if value % resolution]
    assert len(odd) == (1 if sum(values) % resolution else 0)


@given(amounts, st.lists(amounts, min_size=1))
def test_a_shared_difference_adds_up(difference: Fraction, profile: list[Fraction]) -> None:
    parts = shared(difference, profile)
    assert sum(parts) == difference
    assert all(part >= 0 for part in parts)
