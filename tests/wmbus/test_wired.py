"""Wired frames: what is checked, and what a meter answers."""

import pytest

import wmbus
from wmbus import Key, Telegram, Trust, requests, wired

HEADER = bytes.fromhex("78563412 2D2C 34 04 05 00 0000")
RECORDS = bytes.fromhex("0406 E8030000 0413 10270000")


def read(frame: bytes, **options: object) -> Telegram:
    return wmbus.decode(frame, key_for=lambda _: None, **options)  # type: ignore[arg-type]


def test_an_answer_with_a_long_header() -> None:
    telegram = read(requests.answer(5, 0x72, HEADER + RECORDS) + b"\x00")
    assert telegram.address == wmbus.Address("KAM", "12345678", 0x34, 0x04)
    assert telegram.sender == telegram.address
    assert (telegram.access_number, telegram.status) == (5, 0)
    assert telegram.register_sets[0].value("E1") == 1000
    assert telegram.register_sets[0].value("V1") == 10000
    assert telegram.trust is Trust.NONE
    assert telegram.trailing == 1
    assert not telegram.more_follows


def test_an_answer_without_header_is_known_by_its_primary_address() -> None:
    frame = requests.answer(5, 0x78, RECORDS)
    assert read(frame).address == wmbus.Address("", "00000005", 0, 0)
    assert wmbus.address_of(frame) == read(frame).address


def test_more_telegrams_follow() -> None:
    telegram = read(requests.answer(5, 0x72, HEADER + RECORDS + b"\x1f\xaa"))
    assert telegram.more_follows
    assert telegram.manufacturer_data == b"\xaa"
    assert telegram.learned is None


def test_an_old_signature_is_no_security_mode() -> None:
    old = HEADER[:-2] + b"\x12\x16"
    assert read(requests.answer(5, 0x72, old + RECORDS)).register_sets[0].value("E1") == 1000


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("", wmbus.Truncated),
        ("68", wmbus.Truncated),
        ("11", wmbus.Malformed),
        ("680304680801", wmbus.Malformed),
        ("6802026808010916", wmbus.Malformed),
        ("6803036808017079", wmbus.Truncated),
        ("680303680801707A16", wmbus.BadChecksum),
        ("680303680801707917", wmbus.Malformed),
    ],
)
def test_what_is_no_frame(frame: str, error: type[wmbus.DecodeError]) -> None:
    with pytest.raises(error) as caught:
        wired.parse(bytes.fromhex(frame))
    assert caught.value.layer == "wired link"


def test_the_other_frames() -> None:
    assert wired.parse(b"\xe5") == wired.Frame(wired.FrameKind.ACKNOWLEDGE, b"", 0)
    assert wired.parse(b"\xe5").control == wired.parse(b"\xe5").primary == 0
    short = wired.parse(requests.reset(7))
    assert (short.kind, short.control, short.primary) == (wired.FrameKind.SHORT, 0x40, 7)
    with pytest.raises(wmbus.NotMeterData):
        wired.answer(requests.reset(7))
    with pytest.raises(wmbus.NotMeterData):
        read(requests.send_data(5, 0x51, b"\x01"))


@pytest.mark.parametrize(
    "frame", [b"\xe5", requests.reset(7), requests.request_data(7, toggle=True)]
)
def test_requests_and_acknowledgements_are_told_as_such(frame: bytes) -> None:
    """Not as a telegram of the radio that was cut."""
    with pytest.raises(wmbus.NotMeterData) as error:
        read(frame)
    assert error.value.layer == "wired link"


def test_a_short_frame_with_a_wrong_checksum() -> None:
    with pytest.raises(wmbus.BadChecksum):
        read(bytes.fromhex("1040074616"))


def test_what_the_meter_reports() -> None:
    for code, words in ((8, "too busy"), (99, "error 99")):
        with pytest.raises(wmbus.MeterReportsError, match=words) as error:
            read(requests.answer(5, 0x70, bytes((code,))))
        assert error.value.number == code
    with pytest.raises(wmbus.MeterReportsError, match="an error") as error:
        read(requests.answer(5, 0x6F, HEADER))
    assert error.value.number is None


FIXED = bytes.fromhex("78563412 0A")


@pytest.mark.parametrize(
    ("tail", "sets"),
    [
        # BCD, kWh and litres, both now.
        ("00 05 29 31650000 69000000", [("now", {"E1": (6531, 3), "V1": (69, -3)})]),
        # Binary, both of a fixed date.
        ("03 05 29 0A000000 0B000000", [("target", {"E1": (10, 3), "V1": (11, -3)})]),
        # The second is the first at the fixed date.
        ("00 05 3E 10000000 20000000", [("now", {"E1": (10, 3)}), ("target", {"E1": (20, 3)})]),
        # Beyond the range of a VIF: 10^8 Wh; heat cost.
        ("00 0A 39 10000000 20000000", [("now", {"E1": (10, 8), "HCA": (20, 0)})]),
        # A temperature without saying which: a record, but no register.
        ("00 38 05 10000000 20000000", [("now", {"E1": (20, 3)})]),
        ("00 3F 3F 10000000 20000000", [("now", {"NUMBER": (10, 0), "NUMBER#2": (20, 0)})]),
    ],
)
def test_the_fixed_structure(tail: str, sets: list[tuple[str, dict[str, tuple[int, int]]]]) -> None:
    telegram = read(requests.answer(5, 0x73, FIXED + bytes.fromhex(tail)))
    assert telegram.address.number == "12345678"
    assert telegram.access_number == 10
    found = [
        (
            found.kind,
            {
                register.code: (value, register.exponent)
                for register, value in zip(found.layout.registers, found.values, strict=True)
            },
        )
        for found in telegram.register_sets
    ]
    assert found == sets


def test_a_fixed_structure_of_another_length() -> None:
    with pytest.raises(wmbus.Malformed):
        read(requests.answer(5, 0x73, FIXED + bytes(12)))
    with pytest.raises(wmbus.Truncated):
        read(requests.answer(5, 0x73, FIXED + bytes(10)))


def test_an_encrypted_answer() -> None:
    key = Key(bytes(range(16)))
    body = b"\x2f\x2f" + RECORDS + b"\x2f" * 2
    header = HEADER[:-2] + b"\x10\x05"
    sent = key.cbc_encrypt(bytes.fromhex("2D2C785634123404") + b"\x05" * 8, body)
    frame = requests.answer(5, 0x72, header + sent)
    telegram = wmbus.decode(frame, key_for=lambda _: key)
    assert telegram.encrypted
    assert telegram.register_sets[0].value("V1") == 10000
