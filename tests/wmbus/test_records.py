"""Record headers, values, dates and whole record areas, by the tables of EN 13757-3."""

from datetime import datetime
from decimal import Decimal

import pytest

from wmbus import MeterTime, Record
from wmbus.dates import type_f, type_g, type_i, type_j
from wmbus.encode import date_f, date_g
from wmbus.errors import DecodeError, Malformed, Truncated
from wmbus.header import describe
from wmbus.records import walk
from wmbus.values import variable_length


def one(text: str) -> Record:
    (record,) = walk(bytes.fromhex(text)).records
    return record


@pytest.mark.parametrize(
    ("text", "value", "exponent", "unit"),
    [
        ("0103 FF", -1, 0, "Wh"),
        ("0213 0080", -32768, -3, "m3"),
        ("0313 FFFFFF", -1, -3, "m3"),
        ("0413 40E20100", 123456, -3, "m3"),
        ("0613 0100000000FF", (0xFF << 40) + 1 - (1 << 48), -3, "m3"),
        ("0713 0100000000000000", 1, -3, "m3"),
        ("0913 42", 42, -3, "m3"),
        ("0A13 3412", 1234, -3, "m3"),
        ("0B5A 1500F0", -15, -1, "°C"),
        ("0C13 78563412", 12345678, -3, "m3"),
        ("0E13 010000000000", 1, -3, "m3"),
        ("0513 00004041", 12, -3, "m3"),
        ("0513 CDCCCC3D", 100000001, -12, "m3"),
        ("0513 00000080", 0, -3, "m3"),
        ("0513 F9021550", 10000000000, -3, "m3"),
        ("0D13 C3 010203", 30201, -3, "m3"),
        ("0D13 D1 07", -7, -3, "m3"),
        ("0D13 C0", 0, -3, "m3"),
        ("0422 05000000", 5, 0, "h"),
        ("02FD48 FC08", 2300, -1, "V"),
        ("04FB00 01000000", 1, 5, "Wh"),
        ("02 93 3C 0100", 1, -3, "m3"),
        ("02 83 70 0100", 1, -6, "Wh"),
        ("02 83 7D 0100", 1, 3, "Wh"),
        ("02 AB 30 0100", 1, 0, "W/kWh"),
        ("02 DA 36 0100", 1, -1, "°C*s"),
        ("02 A8 50 0A00", 10, 0, "s"),
        ("02 93 41 0A00", 10, 0, ""),
    ],
)
def test_numbers_are_exact(text: str, value: int, exponent: int, unit: str) -> None:
    record = one(text)
    assert (record.value, record.exponent, record.unit) == (value, exponent, unit)
    assert record.decimal == Decimal(value).scaleb(exponent)
    assert not record.problem


def test_an_added_constant() -> None:
    record = one("02 DA 78 0A00")  # 0.1 °C, plus a constant of 10^-3
    assert (record.value, record.exponent) == (1001, -3)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0C13 0A000000", "not a decimal number"),
        ("0D13 C1 0A", "not a decimal number"),
        ("0513 0000807F", "not a finite number"),
        ("0013", "no data"),
        ("0813", "no data"),
        ("0093 15", "no data available"),
        ("0D93 15 00", "no data available"),
    ],
)
def test_what_is_no_number_says_why(text: str, problem: str) -> None:
    record = one(text)
    assert not isinstance(record.value, int)
    assert problem in record.problem
    assert record.decimal is None


def test_a_reported_error_keeps_the_number() -> None:
    record = one("02A6 18 0700")
    assert (record.value, record.problem, record.quantity) == (7, "data error", "operating time")


def test_texts_and_bytes() -> None:
    assert one("0DFD0C 03 434241").value == "ABC"
    assert one("0DFD3B E2 0102").value == b"\x01\x02"
    record = one("02 FC 03 48 52 25 74 D411")
    assert (record.value, record.exponent, record.unit) == (0x11D4, -2, "%RH")
    assert one("02 7C 01 41 0100").unit == "A"
    assert not walk(bytes.fromhex("027C01410100")).fixed


def test_lengths_of_variable_data() -> None:
    assert [variable_length(code) for code in (0, 0xBF, 0xC9, 0xCA, 0xD0, 0xDF)] == [
        0, 191, 9, None, 0, None,
    ]  # fmt: skip
    assert [variable_length(code) for code in (0xE0, 0xEF, 0xF0, 0xF4, 0xF5, 0xF6, 0xF7)] == [
        0, 15, 16, 32, 48, 64, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0D13 E4 10270000", 10_000),
        ("0D13 E2 FEFF", -2),
        ("0D6E E2 FEFF", 65_534),  # heat cost units are never negative
        ("0D13 F0 01" + "00" * 15, 1),
        ("0D13 E0", b""),
        ("0D78 E2 0102", b"\1\2"),  # an identification
        ("0DFD17 E2 0102", b"\1\2"),  # error flags
        ("0D931F E4 0400 0102", b"\4\0\1\2"),  # a profile
    ],
)
def test_binary_data_of_variable_length(text: str, value: int | bytes) -> None:
    assert one(text).value == value


def test_storage_tariff_subunit_and_function() -> None:
    record = one("F4 9A 41 13 01000000")
    assert record.function == "error"
    assert record.storage == 1 + (0x0A << 1) + (1 << 5)
    assert record.tariff == 1
    assert record.subunit == 2
    assert [one(f"{dif} 13 00").function for dif in ("01", "11", "21", "31")] == [
        "instantaneous", "maximum", "minimum", "error",
    ]  # fmt: skip


def test_qualifiers_phases_and_codes() -> None:
    assert describe(bytes.fromhex("02FDC8FC01")).qualifiers == ("phase L1",)
    assert describe(bytes.fromhex("02FDC8FC7E")).known is False
    assert describe(bytes.fromhex("0293 7C")).known is False
    assert describe(bytes.fromhex("04FF07")).codes == b"\x07"
    assert describe(bytes.fromhex("04EEFF07")).codes == b"\x07"
    assert describe(bytes.fromhex("04EF01")).known is False
    assert describe(bytes.fromhex("04FB7300")[:3]).quantity == "temperature limit"
    assert describe(bytes.fromhex("04FB40")).quantity == "unknown VIF FB40"
    assert describe(bytes.fromhex("04FD7E")).known is False
    assert describe(bytes.fromhex("047B")).known is False
    assert describe(bytes.fromhex("049369")).qualifiers == ("leakage",)
    assert describe(bytes.fromhex("04936D")).qualifiers == ("overflow",)
    assert describe(bytes.fromhex("02FD7D")).quantity == "selected application"


def test_per_a_time_divides_an_amount_but_no_rate() -> None:
    assert describe(bytes.fromhex("049325")).unit == "m3/month"
    power = describe(bytes.fromhex("12AE25"))
    assert (power.unit, power.qualifiers) == ("W", ("in a month",))
    assert describe(bytes.fromhex("04AE2C")).unit == "W/l"


def test_a_meter_may_say_that_a_number_has_no_sign() -> None:
    assert one("01 93 FC 11 FF").value == 255
    assert one("01 93 FC 12 FF").value == 255
    assert one("01 93 FC 10 FF").value == -1


def test_dates_of_qualified_values() -> None:
    record = one("04 AD 6F 32371F15")
    assert isinstance(record.value, MeterTime)
    assert record.value.text == "2008-05-31 23:50"
    assert one("01 93 39 05").value == 5  # one byte is no date
    assert one("0C AD 6F 32371515").value == 15153732


def test_date_types() -> None:
    assert type_g(0x3B37).text == "2025-11-23"
    assert str(type_g(0x3B37).moment) == "2025-11-23 00:00:00"
    assert type_g(0xFFFF) == MeterTime(None, "", invalid=True, date_only=True)
    assert type_g(0x0000).moment is None
    assert type_g(0xF1E1).text == "*-01-01"
    assert type_g(31 | 1 << 8 | (85 & 7) << 5 | (85 & 0x78) << 9).text == "1985-01-31"
    f = type_f(0x151F3732)
    assert (str(f.moment), f.summer, f.date_only) == ("2008-05-31 23:50:00", False, False)
    assert type_f(0x151F3732 | 0x8000).summer
    assert type_f(0x151F3732 | 0x80).invalid
    assert str(type_f(0x151F1800).moment) == "2008-06-01 00:00:00"  # 24:00
    assert type_f(0x151F3732 | 0x4000).text.startswith("2008")
    assert type_f(0xF1E10000).invalid
    i = type_i(int.from_bytes(bytes.fromhex("327720553902"), "little"))
    assert i.text == "2026-09-21 00:55:50"
    summer = type_i(int.from_bytes(bytes.fromhex("40000C174B00"), "little"))
    assert (summer.summer, summer.text) == (True, "2032-11-23 12:00:00")
    assert type_i(0xFFFFFFFFFFFF).invalid
    assert type_j(0x0C1E0F) == MeterTime(None, "12:30:15")
    assert type_j(0x1F3F3F).invalid
    assert one("036D 0F1E0C").value == type_j(0x0C1E0F)
    assert one("066D 40000C174B00").value == summer


def test_dates_are_encoded_as_they_are_decoded() -> None:
    moment = datetime(2026, 11, 23, 14, 5)  # noqa: DTZ001  a meter knows no zone
    assert type_f(date_f(moment)).moment == moment
    assert type_f(date_f(moment, summer=True)).summer
    assert type_g(date_g(moment.date())).text == "2026-11-23"


@pytest.mark.parametrize(
    ("text", "error", "offset"),
    [
        ("0413 0100", Truncated, 2),
        ("04", Truncated, 0),
        ("8484", Truncated, 0),
        ("0D13", Truncated, 2),
        ("0D13 F7", Malformed, 2),
        ("0D13 05 41", Truncated, 2),
        ("04FC 09 41", Truncated, 0),
        ("047C 09 41", Truncated, 0),
        ("3F", Malformed, 0),
        ("8B" + "84" * 11 + "13", Malformed, 0),
        ("0B" + "93" + "84" * 11, Malformed, 1),
        ("0101 05 0413 01", Truncated, 5),
    ],
)
def test_broken_records(text: str, error: type[DecodeError], offset: int) -> None:
    with pytest.raises(error) as caught:
        walk(bytes.fromhex(text))
    assert caught.value.offset == offset


def test_fillers_special_difs_and_the_rest() -> None:
    found = walk(bytes.fromhex("2F2F 7F 0113 05 2F 0F AABB"))
    assert [record.offset for record in found.records] == [3]
    assert (found.manufacturer, found.more, found.headers) == (b"\xaa\xbb", False, b"\x01\x13")
    assert walk(bytes.fromhex("0113051F")).more


def test_a_checksum_left_on_the_end() -> None:
    data = bytes.fromhex("0113 05 DE47")
    assert walk(data, surplus=2).surplus == 2
    with pytest.raises(Truncated):
        walk(data, surplus=1)
    with pytest.raises(Truncated):
        walk(data[3:], surplus=2)
