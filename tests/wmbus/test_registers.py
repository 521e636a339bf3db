"""Registers by family, load profiles, and info codes in words."""

import pytest

import wmbus
from wmbus import Address, Telegram, encode
from wmbus.conditions import TABLES, conditions_of, conditions_of_status
from wmbus.telegram import RegisterLayout


def read(device: tuple[str, int, int], records: str) -> Telegram:
    address = Address(device[0], "12345678", device[1], device[2])
    return wmbus.decode(
        encode.frame(address, b"\x78" + bytes.fromhex(records)), key_for=lambda _: None
    )


def registers(telegram: Telegram) -> dict[str, tuple[int | None, str]]:
    return {
        f"{found.storage}:{register.code}": (value, register.unit)
        for found in telegram.register_sets
        for register, value in zip(found.layout.registers, found.values, strict=True)
    }


HEAT, COOLING, COMBINED = ("KAM", 0x34, 0x04), ("KAM", 0x34, 0x0A), ("KAM", 0x40, 0x0D)
OLD_HEAT, WATER, PRESSURE = ("KAM", 0x19, 0x04), ("KAM", 0x1B, 0x16), ("KAM", 0x01, 0x18)


@pytest.mark.parametrize(
    ("device", "records", "expected"),
    [
        (HEAT, "0406 05000000", {"0:E1": (5, "Wh")}),
        (COOLING, "0406 05000000 04863C 06000000", {"0:E3": (5, "Wh"), "0:E1": (6, "Wh")}),
        (COMBINED, "0406 05000000 04863C 06000000", {"0:E1": (5, "Wh"), "0:E3": (6, "Wh")}),
        (HEAT, "04FF07 05000000 04EEFF08 06000000", {"0:E8": (5, "m3*°C"), "0:E9": (6, "m3*°C")}),
        (HEAT, "844014 05000000 84804014 06000000", {"0:IN_A": (5, "m3"), "0:IN_B": (6, "m3")}),
        (HEAT, "04FF22 000000FF", {"0:INFO": (0xFF000000, "kamstrup heat")}),
        (HEAT, "02FF22 0080", {"0:INFO": (0x8000, "kamstrup heat")}),
        (OLD_HEAT, "02FD17 0080", {"0:INFO": (0x8000, "kamstrup heat 402")}),
        (HEAT, "0422 05000000 3422 06000000", {"0:HOURS": (5, "h"), "0:ERRHOURS": (6, "h")}),
        (HEAT, "142D 05000000 542D 06000000",
            {"0:POWER1_MAX": (5, "W"), "1:POWER1_MAX": (6, "W")}),
        (HEAT, "84100E 05000000 84200E 06000000", {"0:E1_TR1": (5, "J"), "0:E1_TR2": (6, "J")}),
        (HEAT, "0261 0500 0268 0600 824068 0700",
            {"0:TD": (5, "K"), "0:P1": (6, "bar"), "0:P2": (7, "bar")}),
        (WATER, "8101E7FF0F 05 A1015B 06", {"0:TAMB_OWN": (5, "°C"), "2:TWATER_MIN": (6, "°C")}),
        (WATER, "06FF1B 0100000000FF", {"0:NOISE": (0xFF0000000001, "raw")}),
        (PRESSURE, "0269 0500 2269 0400 02FD17 0800",
            {"0:P1": (5, "bar"), "0:P1_MIN": (4, "bar"), "0:INFO": (8, "kamstrup pressure")}),
        (("KAM", 0x33, 0x02), "01FD17 01", {"0:INFO": (1, "em24")}),
        (("KAM", 0x30, 0x02), "0404 05000000 04843C 06000000 042B 07000000 04AB3C 08000000",
            {"0:A_POS": (5, "Wh"), "0:A_NEG": (6, "Wh"), "0:P_POS": (7, "W"), "0:P_NEG": (8, "W")}),
        (("XYZ", 1, 0x02), "04FB82 75 05000000 04FB84 3B 06000000",
            {"0:R_POS": (5, "varh"), "0:S_POS": (6, "VAh")}),
        (("XYZ", 1, 0x07), "0413 05000000 04933C 06000000 845013 07000000",
            {"0:V1": (5, "m3"), "0:V1_BWD": (6, "m3"), "0:V2_TR1": (7, "m3")}),
        (("XYZ", 1, 0x04), "0413 05000000 0413 06000000", {"0:V1": (5, "m3"), "0:V1#2": (6, "m3")}),
        (("XYZ", 1, 0x08), "026E 0500 036E 060000", {"0:HCA": (5, "HCA"), "0:HCA#2": (6, "HCA")}),
        (("XYZ", 1, 0x07), "02FDC8FC01 0500 0DFD0C 01 41 0278 0100", {}),
        (("XYZ", 1, 0x07), "02A6 18 0500", {"0:OPTIME": (None, "h")}),
        (("XYZ", 1, 0x07), "84C0 40 13 05000000", {"0:V1_S3": (5, "m3")}),
        (("IME", 1, 0x02), "84B010FF842B 05000000", {"0:P_POS_TR7": (5, "W")}),
        (("IME", 1, 0x02), "02FF8A48 F401", {"0:FREQ": (500, "Hz")}),
        (("EBZ", 1, 0x02), "04A9FF02 05000000", {"0:P_POS_L2": (5, "W")}),
        (("AXI", 1, 0x16), "01FD74 62", {"0:BATTERY": (98, "%")}),
        (("XYZ", 1, 0x04), "12AE25 0100", {}),  # a span that no register has
        (("SEC", 1, 0x02), "844003 05000000", {"0:R_POS": (5, "varh")}),
        (("XYZ", 1, 0x07), "04FF01 05000000", {}),
    ],
)  # fmt: skip
def test_registers_by_family(
    device: tuple[str, int, int], records: str, expected: dict[str, tuple[int | None, str]]
) -> None:
    assert registers(read(device, records)) == expected


def test_a_code_that_no_table_scales_is_scaled_by_its_family() -> None:
    telegram = read(("IME", 1, 0x02), "848020FF8748 F6080000 02FF8B28 EB02")
    registers = telegram.register_sets[0].layout.registers
    assert [(r.code, r.exponent) for r in registers] == [("U_TR8", -1), ("COSPHI", -3)]


def test_layouts_are_one_object() -> None:
    left = read(HEAT, "0406 05000000").register_sets[0]
    right = read(HEAT, "0406 06000000").register_sets[0]
    assert left.layout is right.layout
    assert isinstance(left.layout, RegisterLayout)
    assert repr(left.layout) == "RegisterLayout(E1)"
    assert left.value("V1") is None


def test_logs_have_their_storage_number_and_date() -> None:
    telegram = read(("XYZ", 1, 0x07), "8401 13 05000000 8201 6C 373B")
    (log,) = telegram.register_sets
    assert (log.kind, log.storage) == ("log", 2)
    assert log.time is not None
    assert log.time.text == "2025-11-23"


# ------------------------------------------------------------------ load profiles

OMS = ("XYZ", 1, 0x07)
BASE = "8404 13 64000000 8204 6C 3F3B"  # storage 8: 100 litres, 2025-11-31 has no such day


def profile(base: str, control: str, values: str, vife: str = "1F") -> Telegram:
    data = bytes.fromhex(control + values)
    record = bytes.fromhex("8D04 93") + bytes.fromhex(vife) + bytes((len(data),)) + data
    return read(OMS, base + record.hex())


def volumes(telegram: Telegram) -> list[tuple[str, int | None]]:
    return [
        (found.time.text if found.time else "", found.value("V1"))
        for found in telegram.register_sets
        if found.storage > 8
    ]


MONTH_END = "8404 13 64000000 8204 6C 3E3B"  # 2025-11-30


@pytest.mark.parametrize(
    ("control", "values", "vife", "expected"),
    [
        ("74 FE", "01000000 02000000", "1F", [("2025-12-31", 101), ("2026-01-31", 103)]),
        ("B4 FE", "01000000 02000000", "13", [("2025-10-31", 99), ("2025-09-30", 97)]),
        ("F1 01", "FF 02", "1F", [("2025-12-01", 99), ("2025-12-02", 101)]),
        ("31 01", "05 80", "1F", [("2025-12-01", 5), ("2025-12-02", None)]),
        ("39 07", "42", "1F", [("2025-12-07", 42)]),
        ("21 01", "05", "1F", [("2025-11-30", 5)]),
        ("72 FE", "FFFF 0100", "1F", [("2025-12-31", None), ("2026-01-31", None)]),
        ("31 FD", "05", "1F", [("", 5)]),
    ],
)
def test_profiles(control: str, values: str, vife: str, expected: list[tuple[str, int]]) -> None:
    assert volumes(profile(MONTH_END, control, values, vife)) == expected


def test_profiles_with_time_of_day_and_without_base() -> None:
    hours = profile("8404 13 64000000 8404 6D 00173E3B", "61 01", "05")
    assert volumes(hours) == [("2025-12-01 00:00", 105)]
    middle = "8404 13 64000000 8204 6C 2F3B"  # 2025-11-15
    assert volumes(profile(middle, "71 FE", "05")) == [("2025-12-15", 105)]
    assert volumes(profile("0113 05", "71 FE", "05")) == [("", None)]
    assert volumes(profile(BASE, "71 FE", "05")) == [("", 105)]
    assert volumes(profile("8404 13 64000000 8204 6C 8107", "71 FE", "05" * 3, "13"))[0][1] == 105


@pytest.mark.parametrize(("control", "values"), [("75 FE", "05"), ("72 FE", "05"), ("72", "")])
def test_profiles_that_make_no_sense_give_nothing(control: str, values: str) -> None:
    assert volumes(profile(MONTH_END, control, values)) == []


def test_the_last_day_of_a_month_stays_the_last() -> None:
    january = "8404 13 64000000 8204 6C 1F31"  # 2024-01-31
    assert volumes(profile(january, "31 FE", "01 02 03")) == [
        ("2024-02-29", 1),
        ("2024-03-31", 2),
        ("2024-04-30", 3),
    ]
    thirtieth = "8404 13 64000000 8204 6C 3E31"  # 2025-01-30
    assert volumes(profile(thirtieth, "31 FE", "01 02")) == [("2025-02-28", 1), ("2025-03-30", 2)]


def test_two_profiles_share_their_sets() -> None:
    both = MONTH_END + "8D04 931F 03 3101 05" + "8D04 BB1F 04 3101 06 07"
    sets = [s for s in read(OMS, both).register_sets if s.storage > 8]
    assert [[r.code for r in s.layout.registers] for s in sets] == [["V1", "FLOW1"], ["FLOW1"]]
    assert [s.values for s in sets] == [(5, 6), (7,)]
    # The second one's spacing is none that gives a date: the first one's date stays.
    undated = MONTH_END + "8D04 931F 03 3101 05" + "8D04 BB1F 03 31FD 06"
    (found,) = [s for s in read(OMS, undated).register_sets if s.storage > 8]
    assert found.time is not None
    assert (found.time.text, found.values) == ("2025-12-01", (5, 6))


def test_profiles_in_odd_places() -> None:
    far = "8D" + "8F" * 9 + "0F" + "931F 03 3101 05"
    assert registers(read(OMS, far)) == {f"{(1 << 41) - 1}:V1": (5, "m3")}
    named = "8D04 FC 01 41 1F 03 7101 05"
    assert read(OMS, named).register_sets == ()
    tariff = "8D54 931F 03 3101 05"  # tariff 1, subunit 1
    assert registers(read(OMS, tariff)) == {"9:V2_TR1": (5, "m3")}
    prefixed = "0DFB 91 FC93 1F 03 3101 05"
    assert registers(read(OMS, prefixed)) == {}
    extended = "0DFB 91 1F 03 3101 05"
    assert registers(read(OMS, extended)) == {"1:V1": (5, "m3")}


# ------------------------------------------------------------------ conditions


@pytest.mark.parametrize(
    ("table", "value", "slugs"),
    [
        ("kamstrup water 32", 0x10, ["tamper"]),
        ("kamstrup water 32", 0x800, ["bit_11"]),
        ("kamstrup heat", 1 << 31 | 1, ["supply", "leak_penetration"]),
        ("kamstrup heat 402", 1 << 9, ["burst_heat"]),
        ("kamstrup pressure", 8, ["pressure_low"]),
        ("em24", 0b100010, ["overflow_u2", "overflow_i3"]),
        ("nobody's", 5, ["bit_0", "bit_2"]),
        ("kamstrup heat", 0, []),
    ],
)
def test_info_codes_by_family(table: str, value: int, slugs: list[str]) -> None:
    found = conditions_of(table, value)
    assert [condition.slug for condition in found] == slugs
    assert all(condition.current and condition.english for condition in found)


def test_every_condition_is_named_in_two_languages() -> None:
    for names in TABLES.values():
        slugs = [name.slug for name in names.values()]
        assert len(set(slugs)) == len(slugs)
        assert all(name.english and name.danish for name in names.values())


def test_durations_of_water_meters() -> None:
    (current,) = conditions_of("kamstrup water 16", 0x2004 | 1 << 13 | 5 << 10)[:1]
    assert (current.slug, current.duration, current.hours) == ("leak", 5, (169, 336))
    (past,) = conditions_of("kamstrup water 16", 2 << 7)
    assert past.danish == (
        "Modsat flowretning er registreret i 9 til 24 timer inden for de seneste 30 dage"
    )


def test_the_status_byte() -> None:
    assert [c.slug for c in conditions_of_status(0b00011101)] == [
        "busy", "battery", "permanent_error", "temporary_error",
    ]  # fmt: skip
    assert [c.slug for c in conditions_of_status(0xE2)] == [
        "application_error", "bit_5", "bit_6", "bit_7",
    ]  # fmt: skip
    assert conditions_of_status(0) == ()
