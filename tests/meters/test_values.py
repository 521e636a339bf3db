"""meters.values: numbers with the decimals they have."""

from fractions import Fraction

import pytest
from django.utils import translation

from meters.registers import BY_COLUMN, UNITS, display_unit
from meters.values import decimals, main_value, shown_values, value_of
from ready.web.units import UnitChoice

MWH = display_unit(BY_COLUMN["e1"], UnitChoice())
M3 = UNITS["volume"][0]


@pytest.mark.parametrize(
    ("value", "places"),
    [
        (3_600_000_000, 3),  # 1 MWh
        (3_600_000, 3),  # 0.001 MWh
        (360_000, 4),  # 0.0001 MWh
        (1, 6),  # more than the unit shows: rounded there
    ],
)
def test_energy_shows_what_the_meter_has(value: int, places: int) -> None:
    assert decimals(value, MWH) == places


def test_an_exact_fraction_is_shown_exactly() -> None:
    assert decimals(Fraction(2_500_000), M3) == 2
    assert decimals(Fraction(2_505_000), M3) == 3


def test_text_is_the_readers_and_plain_is_the_files() -> None:
    value = value_of("e1", -12_345 * 3_600_000_000 - 3_600_000, UnitChoice())
    with translation.override("da"):
        assert value.text == "−12\u202f345,001"
        assert value.plain == "-12345,001"


def test_the_utility_chooses_the_energy_unit() -> None:
    assert value_of("e1", 1_000_000_000, UnitChoice("GJ")).text == "1.000"
    assert value_of("a_pos", 3_600_000, UnitChoice("GJ")).unit.name == "kWh"


def test_the_chief_register_is_the_first_that_has_a_value() -> None:
    values = {"e1": None, "e3": 3_600_000_000, "v1": 1}
    found = main_value("heat_cooling", values, UnitChoice())
    assert found is not None
    assert found.register.code == "E3"
    assert main_value("heat", {}, UnitChoice()) is None


def test_bits_are_not_a_quantity() -> None:
    assert [
        one.register.column for one in shown_values({"info": 4, "t1": 50_000}, UnitChoice())
    ] == ["t1"]


def test_a_list_shows_no_more_decimals_than_can_be_compared() -> None:
    gigajoule_meter = value_of("e1", 82_264_444 * 3600, UnitChoice())
    assert gigajoule_meter.text.endswith("82.264444")
    assert gigajoule_meter.brief == "82.264"
    assert value_of("v1", 12_340_000, UnitChoice()).brief == "12.34"
