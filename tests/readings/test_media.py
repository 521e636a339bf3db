"""Electricity, cooling, water and pressure are counted by the same machinery as heat."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collectors.pipeline import import_readings
from meters.models import Medium, Meter
from meters.registers import BY_CODE, REGISTERS, Register, display_unit
from readings.charts import bars, chart_unit, figure
from readings.queries import consumption, series
from readings.rules import BucketSize
from readings.totals import totals
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.units import UnitChoice
from tests import factories
from tests.readings.test_daily import NOW, reading, refresh_all

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
START = datetime(2026, 2, 1, 23, tzinfo=UTC)  # a local midnight
COUNTING = [register for register in REGISTERS if register.cumulative]
# 1,000 units of the least that each quantity has: differs by register, so that none is mixed up.
STEPS = {register.column: 1_000 + place for place, register in enumerate(COUNTING)}


@pytest.fixture
def meter(db: None, aalund: Tenant) -> Iterator[Meter]:
    """Two days of every counting register, and of what such meters measure."""
    with tenant_context(aalund.pk):
        made = factories.meter(medium=Medium.ELECTRICITY)
        import_readings(
            [
                reading(
                    made,
                    START + timedelta(hours=hour),
                    **{column: 500 + step * hour for column, step in STEPS.items()},
                    p_pos=100 + hour,
                    p_neg=hour,
                    p1=5_000 + hour,
                    p2=2_000 + hour,
                )
                for hour in range(49)
            ]
        )
        yield made


@pytest.mark.parametrize("made", [False, True], ids=["from readings", "from daily rows"])
def test_every_counting_register_counts(meter: Meter, made: bool) -> None:
    if made:
        refresh_all(NOW)
    end = START + timedelta(days=2)
    for register in COUNTING:
        step = STEPS[register.column]
        days = consumption(meter.pk, register, START, end, BucketSize.DAY, COPENHAGEN)
        assert [bucket.value for bucket in days] == [24 * step, 24 * step], register.code
        hours = consumption(meter.pk, register, START, end, BucketSize.HOUR, COPENHAGEN)
        assert {bucket.value for bucket in hours} == {step}, register.code
        (total,) = totals([meter.pk], register, START, end, BucketSize.MONTH, COPENHAGEN)
        assert total.bucket.value == 48 * step, register.code


@pytest.mark.parametrize("register", COUNTING, ids=lambda register: str(register.code))
def test_every_counting_register_has_a_chart(register: Register, meter: Meter) -> None:
    end = START + timedelta(days=2)
    found = consumption(meter.pk, register, START, end, BucketSize.DAY, COPENHAGEN)
    unit = chart_unit(register, found, UnitChoice("GJ"))
    drawn = figure(
        bars(found, BucketSize.DAY, unit, COPENHAGEN, lambda at: ""),
        register,
        BucketSize.DAY,
        unit,
        COPENHAGEN,
    )
    assert drawn["layout"]["yaxis"]["title"]["text"] == unit.name
    assert len(drawn["data"][0]["x"]) == 2


def test_power_and_pressure_come_as_series(meter: Meter) -> None:
    measured = [BY_CODE[code] for code in ("P_POS", "P_NEG", "P1", "P2")]
    (told,) = series([meter.pk], measured, START, START + timedelta(hours=2))
    assert told.values == {
        "p_pos": [100, 101],
        "p_neg": [0, 1],
        "p1": [5_000, 5_001],
        "p2": [2_000, 2_001],
    }


@pytest.mark.parametrize(
    ("code", "unit"),
    [("E3", "GJ"), ("A_POS", "kWh"), ("V2", "m³"), ("P1", "bar"), ("POWER1", "kW"), ("T1", "°C")],
)
def test_units_are_those_of_the_trade(code: str, unit: str) -> None:
    assert display_unit(BY_CODE[code], UnitChoice("GJ")).name == unit
