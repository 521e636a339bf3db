"""The validation rules one by one, and what is kept of them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pipeline import import_readings
from meters.registers import COLUMNS
from readings import findings, peaks
from readings.models import DailyReading
from readings.rules.validation import (
    FINE,
    RULES,
    Finding,
    Rule,
    Severity,
    Values,
    check,
    conflict,
    overflow,
    suspect,
)
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.readings.test_daily import NOW, reading, refresh_all

AT = datetime(2026, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KWH, M3 = 3_600_000, 1_000_000
Told = Mapping[str, Any]
FINE_BEFORE: dict[str, int | None] = {
    "e1": 1_000 * KWH,
    "v1": 30 * M3,
    "flow1": 50_000,
    "power1": 2_000,
    "t1": 70_000,
    "t2": 40_000,
}
FINE_NOW = FINE_BEFORE | {"e1": 1_002 * KWH, "v1": 30 * M3 + 60_000}


def row(values: Told) -> Values:
    return [values.get(column) for column in COLUMNS]


def said(now: Told, before: Told | None = None, **other: Any) -> list[tuple[Rule, str]]:
    """Rules and registers of the findings about `FINE_NOW` changed by `now`."""
    return [(one.rule, one.column) for one in found(now, before, **other)]


def found(now: Told, before: Told | None = None, **other: Any) -> tuple[Finding, ...]:
    arguments: dict[str, Any] = {
        "at": AT,
        "received_at": AT + timedelta(seconds=9),
        "previous": row({**FINE_BEFORE, **(before or {})}),
        "previous_at": AT - HOUR,
    }
    return check(row({**FINE_NOW, **now}), **(arguments | other))


def test_a_fine_reading_has_no_findings() -> None:
    assert found({}) is FINE
    assert found({}, previous=None, previous_at=None) is FINE


class TestTemperatures:
    @pytest.mark.parametrize("value", [0, 185_000])
    def test_of_a_broken_sensor(self, value: int) -> None:
        broken = {"t2": value, "flow1": 0, "power1": 0}
        assert (Rule.SENSOR_ERROR, "t2") in said(broken)

    def test_of_ice_water_that_flows_is_none(self) -> None:
        assert said({"t2": 0}) == []

    @pytest.mark.parametrize(
        ("column", "value", "limit"),
        [
            ("t1", 180_000, 180_000),
            ("t2", -20_000, -20_000),
            ("t_water", 101_000, 100_000),
            ("t_ambient", -50_001, -50_000),
        ],
    )
    def test_that_cannot_be(self, column: str, value: int, limit: int) -> None:
        assert found({column: value}) == (Finding(Rule.TEMPERATURE_RANGE, column, value, limit),)

    def test_of_zero_are_fine_for_water(self) -> None:
        assert said({"t_water": 0, "t_ambient": -20_000}) == []


class TestClock:
    def test_ahead_by_more_than_ten_minutes(self) -> None:
        ahead = AT - timedelta(seconds=601)
        assert found({}, received_at=ahead) == (Finding(Rule.FUTURE_CLOCK, "", 601, 600),)
        assert found({}, received_at=AT - timedelta(minutes=10)) is FINE

    def test_behind_by_more_than_a_day(self) -> None:
        late: dict[str, Any] = {
            "received_at": AT + timedelta(days=3),
            "heard_at": AT + timedelta(days=2),
        }
        assert found({}, **late) == (Finding(Rule.STALE_CLOCK, "", 172_800, 93_600),)
        assert found({}, **late, current=False) is FINE  # a target date lies back by its nature


class TestFall:
    def test_is_negative_consumption(self) -> None:
        fallen = found({"v1": 29 * M3})
        assert fallen == (Finding(Rule.NEGATIVE, "v1", 29 * M3, 30 * M3),)
        assert suspect(fallen)

    def test_of_a_full_register_is_an_overflow(self) -> None:
        # Eight digits of 0.01 m³.
        before = {"v1": 999_999 * M3 + 990_000}
        ran_full = found({"v1": 20_000}, before)
        assert ran_full == (Finding(Rule.OVERFLOW, "v1", 20_000, 10**8 * 10_000),)
        assert not suspect(ran_full)

    def test_of_a_full_register_too_far_is_negative(self) -> None:
        before = {"v1": 999_999 * M3 + 990_000}
        greatest = row({"v1": 2 * M3})
        assert said({"v1": 90_000 * M3}, before, peaks=greatest) == [(Rule.NEGATIVE, "v1")]

    def test_is_seen_from_a_late_reading_too(self) -> None:
        late: dict[str, Any] = {"previous_at": AT + HOUR}
        assert said({"v1": 31 * M3}, **late) == [
            (Rule.NEGATIVE, "e1"),
            (Rule.NEGATIVE, "v1"),
        ]
        assert said({"e1": 999 * KWH, "v1": 29 * M3}, **late) == []

    @given(st.integers(0, 10**15), st.integers(0, 10**15))
    def test_overflow_is_never_seen_where_the_register_rose(self, one: int, other: int) -> None:
        capacity = overflow("v1", max(one, other), min(one, other))
        if capacity is not None:
            assert min(one, other) + capacity > max(one, other)


class TestSpike:
    greatest = row({"e1": 60 * KWH, "v1": 2 * M3})

    def test_is_more_than_one_and_a_half_greatest_days(self) -> None:
        at_the_edge = {"v1": 33 * M3, "e1": 1_090 * KWH}
        assert said(at_the_edge, peaks=self.greatest) == []
        assert said(at_the_edge | {"v1": 33 * M3 + 1}, peaks=self.greatest) == [(Rule.SPIKE, "v1")]

    def test_grows_with_the_time_since_the_reading_before(self) -> None:
        much = {"v1": 35 * M3, "e1": 1_090 * KWH}
        assert (Rule.SPIKE, "v1") in said(much, peaks=self.greatest)
        silent: dict[str, Any] = {"previous_at": AT - timedelta(days=3)}
        assert said(much, peaks=self.greatest, **silent) == []

    def test_is_not_told_of_meters_that_hardly_ran_yet(self) -> None:
        assert said({"v1": 31 * M3}, peaks=row({"v1": 1_000})) == []


class TestEnergyAndVolume:
    def test_more_heat_than_the_water_can_carry(self) -> None:
        assert (Rule.ENERGY_ABOVE_VOLUME, "e1") in said({"e1": 1_012 * KWH})

    def test_water_that_gives_no_heat(self) -> None:
        still = {"e1": 1_003 * KWH}
        assert said(still | {"v1": 33 * M3}, still) == [(Rule.ENERGY_BELOW_VOLUME, "e1")]

    def test_a_step_of_the_register_is_no_contradiction(self) -> None:
        assert said({"e1": 1_001 * KWH, "v1": 30 * M3}) == []
        assert said({"e1": 1_000 * KWH, "v1": 30 * M3 + 500_000}) == []

    def test_cold_water_of_a_cooling_meter_is_fine(self) -> None:
        cooled = {"v1": 33 * M3, "e1": 1_000 * KWH, "e3": 10 * KWH}
        assert said(cooled, {"e3": 2 * KWH}) == []

    def test_a_register_that_stands_still_while_water_flows(self) -> None:
        assert said({"v1": 30 * M3, "e1": 1_000 * KWH, "flow1": 200_000}, {"flow1": 200_000}) == [
            (Rule.STANDS_STILL, "v1")
        ]

    def test_energy_without_its_volume(self) -> None:
        assert said({"v1": None}) == [(Rule.SIBLING_MISSING, "v1")]

    @pytest.mark.parametrize("factor", [10, 1, 0.1])
    def test_of_e8_and_e9_agree_whatever_the_factor(self, factor: float) -> None:
        # 20 m³ from 70 to 40 °C at 1.1415 kWh/m³K.
        counts = {"e8": int(1_400 * factor), "e9": int(800 * factor)}
        used = {"e1": 1_000 * KWH + int(20 * 30 * 1.1415 * KWH), "v1": 50 * M3}
        assert said(used | counts, {"e8": 0, "e9": 0}) == []

    def test_of_e8_and_e9_that_do_not_agree(self) -> None:
        counts = {"e8": 1_400, "e9": 800}
        used = {"e1": 1_000 * KWH + int(20 * 30 * 1.1415 * KWH * 1.2), "v1": 50 * M3}
        (one,) = found(used | counts, {"e8": 0, "e9": 0})
        assert (one.rule, one.limit) == (Rule.INCONSISTENT, 1047)
        assert one.value == pytest.approx(1_200, abs=2)

    def test_of_swapped_sensors_is_seen_once_a_day(self) -> None:
        swapped = {"e8": 80_000, "e9": 140_000}
        assert said(swapped, swapped) == []
        midnight: dict[str, Any] = {"previous_at": AT - timedelta(hours=13)}
        assert said(swapped, swapped, **midnight) == [(Rule.INCONSISTENT, "e1")]


def test_a_conflict_names_every_register_that_differs() -> None:
    assert conflict(row({"e1": 5, "v1": 7, "t1": 1}), row({"e1": 5, "v1": 8})) == (
        Finding(Rule.CONFLICT, "v1", 7, 8),
    )


def test_every_rule_has_words() -> None:
    assert set(RULES) == set(Rule)
    assert {text.severity for text in RULES.values()} == set(Severity)


class TestKept:
    def test_once_however_often_noted(self, committed: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
            noted = [(meter.pk, AT, found({"v1": 29 * M3}))]
            findings.note(noted)
            findings.note(noted)
            (kept,) = findings.findings_of(meter.pk, AT, AT + HOUR)
        assert (kept.rule, kept.value, kept.limit) == (Rule.NEGATIVE, 29 * M3, 30 * M3)
        assert kept.register is not None
        assert kept.register.code == "V1"

    def test_of_all_meters_by_time(self, committed: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            one, other = factories.meter(), factories.meter()
            findings.note([(one.pk, AT, found({"v1": 1})), (other.pk, AT + HOUR, found({"v1": 1}))])
            newest = findings.newest_findings(None, 1)
            assert [row.meter_id for row in newest] == [other.pk]
            before = findings.newest_findings(newest[0].at, 5)
            assert [row.meter_id for row in before] == [one.pk]


class TestGreatestDay:
    def test_is_told_once_a_meter_is_known(self, committed: None, aalund: Tenant) -> None:
        first = datetime(2026, 8, 1, 22, tzinfo=UTC)
        with tenant_context(aalund.pk):
            meter = factories.meter()
            import_readings(
                [reading(meter, first + day * 24 * HOUR, v1=day * 1_000) for day in range(40)]
            )
            refresh_all(NOW)
            days = DailyReading.objects.order_by("day").values_list("day", flat=True)
            for day in days[:20]:
                peaks.note_day(day)
            assert peaks.peaks_of([meter.pk]) == {}
            for day in [*days[20:], date(2026, 8, 10)]:  # a day counts once
                peaks.note_day(day)
            (greatest,) = peaks.peaks_of([meter.pk]).values()
        assert greatest[COLUMNS.index("v1")] == 1_000
        assert greatest[COLUMNS.index("t1")] is None
