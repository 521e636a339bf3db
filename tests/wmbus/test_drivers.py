"""Makers' own layouts, with telegrams that we make after the published layout."""

import pytest

import wmbus
from wmbus import Address, Telegram, encode
from wmbus.drivers import apator, bfw, bmeters, prios, techem


def read(address: Address, body: bytes) -> Telegram:
    return wmbus.decode(encode.frame(address, body), key_for=lambda _: None)


def registers(telegram: Telegram) -> dict[tuple[int, str], int | None]:
    return {
        (found.storage, register.code): value
        for found in telegram.register_sets
        for register, value in zip(found.layout.registers, found.values, strict=True)
    }


def times(telegram: Telegram) -> dict[int, str]:
    return {found.storage: found.time.text for found in telegram.register_sets if found.time}


# ------------------------------------------------------------------ PRIOS

IZAR = Address("SAP", "00112233", 0xD4, 0x01)


def izar(plain: bytes, constant: int = 0) -> bytes:
    head = bytes.fromhex("A2 01 18 00 13")
    frame = encode.frame(IZAR, head + plain)
    seed = prios._CONSTANTS[constant]
    for at in (2, 6, 10):
        seed ^= int.from_bytes(frame[at : at + 4], "big")
    return head + prios._unscramble(seed, plain)  # adding the same bytes twice cancels


@pytest.mark.parametrize("constant", [0, 1])
def test_prios_is_unscrambled(constant: int) -> None:
    plain = b"\x4b" + (16760).to_bytes(4, "little") + (11840).to_bytes(4, "little")
    telegram = read(IZAR, izar(plain + bytes.fromhex("7E2B 00"), constant))
    assert registers(telegram) == {(0, "V1"): 16760, (0, "BATTERY"): 43800, (1, "V1"): 11840}
    assert telegram.register_sets[0].layout.registers[1] == ("BATTERY", "d", -1)
    assert times(telegram) == {1: "2019-11-30"}
    assert telegram.security == "none"
    assert telegram.manufacturer_data.startswith(b"\x01\x18")


def test_prios_of_another_constant_stays_unknown() -> None:
    for body in (izar(b"\x4c" + bytes(12)), b"\xa2\x01\x02"):
        with pytest.raises(wmbus.Unsupported):
            read(IZAR, body)


def test_a_maker_layout_behind_an_extended_link_layer() -> None:
    telegram = read(
        Address("TCH", "11111111", 0x74, 0x62),
        bytes.fromhex("8C 00 07 A2 06 7F24 5900 B029 3100 0000000000"),
    )
    assert telegram.access_number == 7


# ------------------------------------------------------------------ Techem


@pytest.mark.parametrize(
    ("version", "device_type", "body", "expected", "dates"),
    [
        (
            0x74, 0x62, "A2 06 7F24 5900 B029 3100 00 00 00 00 00",
            {(0, "V1"): 138, (0, "V1#2"): 49, (1, "V1"): 89},
            {0: "2018-04-27", 1: "2018-03-31"},
        ),
        (  # the day before the target date: next year
            0x74, 0x72, "A2 06 7F24 5900 E027 3100 00 00 00 00 00",
            {(0, "V1"): 138, (0, "V1#2"): 49, (1, "V1"): 89},
            {0: "2019-03-30", 1: "2018-03-31"},
        ),
        (  # no dates
            0x74, 0x72, "A2 06 0000 5900 0000 3100 00 00 00 00 00",
            {(0, "V1"): 138, (0, "V1#2"): 49, (1, "V1"): 89},
            {},
        ),
        (
            0x45, 0x43, "A2 10 672C 866100 18 1C0100 00 00 00 00",
            {(0, "E1"): 25250, (0, "E1#2"): 284, (1, "E1"): 24966},
            {1: "2022-03-07"},
        ),
        (
            0x27, 0xC3, "A2 12 9F25 3833 00A8 6226 00 00 00 00 00",
            {(0, "E1"): 22938, (0, "E1#2"): 9826, (1, "E1"): 13112},
            {1: "2018-12-31"},
        ),
        (
            0x69, 0x80, "A0 11 9F27 0204 8004 8300 C408 F709 00",
            {(0, "HCA"): 131, (0, "TAMB"): 2244, (0, "T1"): 2551, (1, "HCA"): 1026},
            {0: "2020-02-08", 1: "2019-12-31"},
        ),
        (
            0x94, 0x80, "A2 0F 9F29 2D00 5024 0400 11 BD08 3809",
            {(0, "HCA"): 4, (0, "TAMB"): 2237, (0, "T1"): 2360, (1, "HCA"): 45},
            {0: "2021-02-05", 1: "2020-12-31"},
        ),
    ],
)  # fmt: skip
def test_techem(
    version: int,
    device_type: int,
    body: str,
    expected: dict[tuple[int, str], int],
    dates: dict[int, str],
) -> None:
    telegram = read(Address("TCH", "11111111", version, device_type), bytes.fromhex(body))
    found = registers(telegram)
    assert found.keys() == expected.keys() or any("#" in code for _, code in expected)
    for place, value in expected.items():
        if "#" not in place[1]:
            assert found[place] == value
    assert times(telegram) == dates


def test_a_frame_that_ends_before_its_ci() -> None:
    with pytest.raises(wmbus.Truncated):
        read(Address("TCH", "11111111", 0x74, 0x62), bytes.fromhex("8C 00 07"))


def test_techem_layouts_that_are_not_public() -> None:
    for version, device_type, body in (
        (0x50, 0x72, bytes(20)),
        (0x50, 0x80, bytes(50)),
        (0x74, 0x62, bytes(5)),
        (0x74, 0x99, bytes(20)),
    ):
        with pytest.raises(wmbus.Unsupported):
            read(Address("TCH", "11111111", version, device_type), b"\xa2" + body)


def test_techem_water_with_half_months() -> None:
    months = b"".join(bytes((month, 10, 0)) for month in range(12))
    head = bytes.fromhex("A2 0C00 7C31 10250000")
    address = Address("TCH", "11111111", 0x50, 0x72)
    telegram = read(address, head + months)
    assert registers(telegram) == {(0, "V1"): 9488}
    assert [r.storage for r in telegram.records if r.quantity == "date"] == [1]
    used = [r for r in telegram.records if "relative deviation" in r.header.qualifiers]
    assert [(r.storage, r.value) for r in used] == [(n + 1, n + 10) for n in range(12)]
    undated = read(address, b"\xa2\x0c\x00\x00\x00" + head[5:] + months)
    assert not [r for r in undated.records if r.quantity == "date"]


def test_techem_smoke_detectors() -> None:
    address = Address("TCH", "11111111", 0x76, 0xF0)
    telegram = read(address, bytes.fromhex("A0 01 9F27 8229") + bytes(12))
    assert registers(telegram) == {(0, "INFO"): 1}
    assert times(telegram) == {0: "2020-04-24"}
    assert [r.value.text for r in telegram.records if isinstance(r.value, wmbus.MeterTime)] == [
        "2019-12-31",
        "2020-04-24",
    ]
    assert times(read(address, b"\xa0\x01" + bytes(16))) == {}


# ------------------------------------------------------------------ Qundis

QUNDIS = Address("QDS", "22222222", 0x16, 0x06)


def qundis_block(vif: int = 0x13, kind: int = 0x07) -> bytes:
    block = (
        bytes.fromhex("00824E00007F00")
        + bytes((kind, 0xC1, vif))
        + bytes.fromhex("FFFF 63961300 DF2C 82731200 FE24 63811300")
        + bytes.fromhex("0500 0080 2B01")
    )
    block += b"\x00\x80" * 9
    return bytes.fromhex("0DFF5F35") + block.ljust(0x35, b"\x2f")


def test_qundis() -> None:
    telegram = read(QUNDIS, b"\x78" + qundis_block() + bytes.fromhex("046D0211F225"))
    assert registers(telegram) == {(0, "V1"): 139663, (1, "V1"): 127382, (17, "V1"): 138163}
    assert times(telegram) == {0: "2023-05-18 17:02", 1: "2022-12-31", 17: "2023-04-30"}
    used = [r for r in telegram.records if r.header.qualifiers]
    assert [(r.storage, r.value, r.exponent) for r in used] == [(18, 5, -3), (20, 299, -3)]
    assert telegram.offset == -1


def test_qundis_keeps_the_records_around_its_block() -> None:
    around = bytes.fromhex("78 0779 414620689344470C") + qundis_block()
    whole = read(QUNDIS, around + bytes.fromhex("2F 02FD17 0400 046D 0211F225"))
    assert registers(whole)[0, "INFO"] == 4
    assert [r.quantity for r in whole.records][0] == "enhanced identification"
    # What the receiver has cut, or what is the maker's own, is left out.
    for rest in ("046D 0211", "0F 0102", "1F"):
        cut = read(QUNDIS, around + bytes.fromhex(rest))
        assert registers(cut).keys() == {(0, "V1"), (1, "V1"), (17, "V1")}
        assert 0 not in times(cut)


def test_other_blocks_of_qundis_stay_as_they_are() -> None:
    for block in (qundis_block(kind=0x08), qundis_block(vif=0x93)):
        assert registers(read(QUNDIS, b"\x78" + block)) == {}
    assert registers(read(QUNDIS, bytes.fromhex("78 0C13 53671200"))) == {(0, "V1"): 126753}


# ------------------------------------------------------------------ B Meters, BMP

HYDRODIGIT = Address("BMT", "33333333", 0x13, 0x07)
ORDINARY = bytes.fromhex("78 0C13 66380000 046D 27287E2A")


@pytest.mark.parametrize(
    ("leak", "date"), [("", ""), ("240425", "2024-04-25"), ("000000", ""), ("FF0425", "")]
)
def test_hydrodigit_months(leak: str, date: str) -> None:
    months = b"".join((100 * n).to_bytes(3, "little") for n in range(1, 12)) + b"\xff" * 3
    flags = b"\x95" if leak else b"\x15"
    block = b"\x0f" + flags + b"\x0e" + bytes.fromhex(leak) + (7).to_bytes(4, "little") + months
    telegram = read(HYDRODIGIT, ORDINARY + block)
    found = registers(telegram)
    assert found[0, "V1"] == 3866
    assert found[0, "V1_BWD"] == 7
    assert found[0, "U"] == 370
    leaks = [r.value for r in telegram.records if r.function == "error"]
    assert [leak.text for leak in leaks if isinstance(leak, wmbus.MeterTime)] == [date][
        : bool(date)
    ]
    assert [found[month + 1, "V1"] for month in range(1, 12)] == [100 * n for n in range(1, 12)]
    assert (13, "V1") not in found
    assert times(telegram)[2] == "*-01-00"


def test_hydrodigit_without_months() -> None:
    for block in (b"", b"\x0f\x8f", b"\x0f\x15\x00\x00", b"\x0f\x04\x00\x00"):
        assert registers(read(HYDRODIGIT, ORDINARY + block)) == {(0, "V1"): 3866}
    for text in ("0F 03 0A 00000000", "0F 81 0A 2404", "0F 81 0A 241325"):
        found = registers(read(HYDRODIGIT, ORDINARY + bytes.fromhex(text)))
        assert found == {(0, "V1"): 3866, (0, "U"): 305}
    assert bmeters.read_water(b"\x3f") is None


HYDROCLIMA = Address("BMP", "44444444", 0x85, 0x08)


def test_hydroclima_kinds() -> None:
    small = bytearray(24)
    small[0] = 0x10
    for at, value in ((7, 1866), (9, 4751), (15, 1578), (17, 1747), (19, 33)):
        small[at : at + 2] = value.to_bytes(2, "little")
    found = registers(read(HYDROCLIMA, bytes.fromhex("78 036E000000 0F") + small))
    assert found[0, "TAMB"] == 1866
    assert found[0, "TAMB_MAX"] == 4751
    assert found[1, "TAMB"] == 1578
    assert found[1, "T1"] == 1747
    assert found[0, "HCA"] == 0
    large = bytearray(46)
    large[0] = 0x11
    for at, value in ((9, 4919), (11, 2271), (21, 468), (43, 2435)):
        large[at : at + 2] = value.to_bytes(2, "little")
    telegram = read(HYDROCLIMA, bytes.fromhex("78 036E540200 0F") + large)
    found = registers(telegram)
    assert found[0, "T1"] == 4919
    assert found[0, "TAMB"] == 2271
    assert found[2, "HCA"] == 468
    assert telegram.records[-1].value == 2435
    for other in (b"\x12" + bytes(40), b"\x11\x00"):
        assert bmeters.read_heat(b"\x0f" + other) is None
    assert bmeters.read_heat(b"\x03\x6e\x00\x00\x00") is None


# ------------------------------------------------------------------ Apator

APATOR = Address("APA", "55555555", 0x05, 0x07)


def test_apator_water() -> None:
    fields = bytes.fromhex("0F 0A7343 93 CC0000 43 5B01 10 030F0000 FFFF")
    assert registers(read(APATOR, b"\x78" + fields)) == {(0, "V1"): 3843}
    for data in (
        b"\x0f\x0a\x73\x43",
        b"\x0f\x01\x02\x03\xee\x00",
        b"\x0f\x01\x02\x03\x10\x01",
        b"",
    ):
        assert apator.read_water(data) is None
    assert registers(read(APATOR, bytes.fromhex("78 0413 01000000"))) == {(0, "V1"): 1}


ALLOCATOR = Address("APA", "66666666", 0x04, 0x08)


@pytest.mark.parametrize("before", ["A0", "B6 03 AABBCC A0"])
def test_apator_allocators(before: str) -> None:
    body = bytes.fromhex(before + "A100 00 5900 1C27 0100 322D E413 B415")
    telegram = read(ALLOCATOR, body)
    found = registers(telegram)
    assert (found[0, "HCA"], found[1, "HCA"]) == (1, 89)
    assert (found[0, "TAMB"], found[1, "TAMB"]) == (21703125, 19890625)
    assert times(telegram) == {0: "2022-09-18"}
    dates = {(r.function, r.storage): r.value for r in telegram.records if r.quantity == "date"}
    assert {place: getattr(value, "text", "") for place, value in dates.items()} == {
        ("instantaneous", 0): "2022-09-18",
        ("instantaneous", 2): "*-05-01",
        ("error", 0): "2019-08-28",
    }


@pytest.mark.parametrize(
    ("version", "device_type", "count", "expected"),
    [(0x03, 0x03, 2614713, 871571000), (0x04, 0x11, 21533, 7177666667), (0x04, 0x11, 1, 333333)],
)
def test_apator_counts_thirds(version: int, device_type: int, count: int, expected: int) -> None:
    address = Address("APT", "66666666", version, device_type)
    telegram = read(address, b"\xa0" + count.to_bytes(4, "little") + bytes(12))
    assert registers(telegram) == {(0, "V1"): expected}
    assert telegram.register_sets[0].layout.registers[0].exponent == -6
    for body in (b"\xa0\x01", b"\xb6" + bytes(9)):
        with pytest.raises(wmbus.Unsupported):
            read(address, body)


@pytest.mark.parametrize("body", ["A0 00", "B6", "B6 03 AABBCC A1 00"])
def test_other_blocks_of_apator_stay_unknown(body: str) -> None:
    with pytest.raises(wmbus.Unsupported):
        read(ALLOCATOR, bytes.fromhex(body))


# ------------------------------------------------------------------ BFW

BFW = Address("BFW", "77777777", 0x02, 0x08)


def bfw_data(date: str = "280221") -> bytes:
    months = bytes(21) + bytes.fromhex("E2020A C1321D")
    return bytes.fromhex("2F2F 9E1F 03C1 0388 152A") + months + bytes.fromhex(date)


def test_bfw() -> None:
    telegram = read(BFW, bytes.fromhex("7A 01 00 0000") + bfw_data())
    found = registers(telegram)
    assert (found[0, "HCA"], found[1, "HCA"]) == (904, 961)
    assert [found[n, "HCA"] for n in range(2, 7)] == [0x21D, 0x3C1, 0x20A, 0x0E2, 0]
    assert times(telegram)[0] == "2021-02-28"
    assert bfw.read(bfw_data("2802FF")) is None
    assert bfw.read(bfw_data("281321")) is None
    assert bfw.read(b"") is None
    assert {"TCH"} == techem.MANUFACTURERS
