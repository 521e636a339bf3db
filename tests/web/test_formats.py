from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from meters.registers import BY_CODE, display_unit
from ready.web import formats
from ready.web.units import UnitChoice

NOW = datetime(2024, 4, 18, 14, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "decimals", "english", "danish"),
    [
        (0, 0, "0", "0"),
        (1234, 0, "1234", "1234"),
        (12345, 0, "12\u202f345", "12\u202f345"),
        (1234567, 0, "1\u202f234\u202f567", "1\u202f234\u202f567"),
        (Fraction(1, 3), 3, "0.333", "0,333"),
        (Fraction(-1, 8), 2, "\u22120.13", "\u22120,13"),
        (Fraction(1, 2), 0, "1", "1"),
        (Fraction(-1, 1000), 2, "0.00", "0,00"),
        (Fraction(999_999, 10), 2, "99\u202f999.90", "99\u202f999,90"),
    ],
)
def test_number_has_fixed_decimals_and_the_languages_sign(
    value: int | Fraction, decimals: int, english: str, danish: str
) -> None:
    assert formats.number(value, decimals, "en") == english
    assert formats.number(value, decimals, "da") == danish


def test_number_follows_the_active_language() -> None:
    with translation.override("da"):
        assert formats.number(Fraction(3, 2), 1) == "1,5"
    with translation.override("en"):
        assert formats.number(Fraction(3, 2), 1) == "1.5"


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9), st.integers(0, 6))
def test_fixed_is_the_nearest_decimal(top: int, bottom: int, decimals: int) -> None:
    value = Fraction(top, bottom)
    text = formats.fixed(value, decimals)
    assert abs(Fraction(text) - value) * 2 * 10**decimals <= 1
    assert len(text.partition(".")[2]) == decimals


def test_quantity_shows_base_units_exactly_in_the_utilitys_unit() -> None:
    energy = BY_CODE["E1"]
    joule = 12_345_678_000_000
    in_mwh = formats.quantity(joule, display_unit(energy, UnitChoice()), 3, "en")
    assert in_mwh == formats.number(Fraction(joule, 3_600_000_000), 3, "en") == "3429.355"
    assert (
        formats.quantity(joule, display_unit(energy, UnitChoice("GJ")), 3, "da")
        == "12\u202f345,678"
    )


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2024, 4, 18, 14, 58, 59, tzinfo=UTC), "18-04-2024 16:58"),
        (datetime(2024, 1, 2, 23, 30, tzinfo=UTC), "03-01-2024 00:30"),
        # The hour that comes twice on 27 October 2024.
        (datetime(2024, 10, 27, 0, 30, tzinfo=UTC), "27-10-2024 02:30A"),
        (datetime(2024, 10, 27, 1, 30, tzinfo=UTC), "27-10-2024 02:30B"),
        (datetime(2024, 10, 27, 2, 30, tzinfo=UTC), "27-10-2024 03:30"),
        # The hour that never was on 31 March 2024 gets no letter either side.
        (datetime(2024, 3, 31, 1, 30, tzinfo=UTC), "31-03-2024 03:30"),
    ],
)
def test_moment_is_local_and_tells_the_repeated_hour_apart(at: datetime, text: str) -> None:
    with timezone.override(ZoneInfo("Europe/Copenhagen")):
        assert formats.moment(at) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(minutes=60), "1 h ago"),
        (timedelta(hours=47, minutes=59), "47 h ago"),
        (timedelta(hours=48), "2 days ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(seconds=-1), "in the future"),
    ],
)
def test_ago_uses_the_largest_unit_that_fits(passed: timedelta, text: str) -> None:
    with translation.override("en"):
        assert formats.ago(NOW - passed, NOW) == text
