"""decode through its public door, on telegrams that we make ourselves with test keys."""

import pickle
from datetime import date

import pytest

import wmbus
from wmbus import Address, Key, Register, Security, Telegram, Trust, decode, encode, link
from wmbus.checksum import crc
from wmbus.compact import signature
from wmbus.conditions import conditions_of

KEY = Key(bytes(range(16)))
OTHER = Key(bytes(16))
WATER = Address("KAM", "12345678", 0x1B, 0x16)
HEAT = Address("KAM", "87654321", 0x34, 0x04)
OMS = Address("ABC", "11223344", 0x01, 0x07)
WATER_HEADERS = bytes.fromhex("02FF2004134413615B6167")
HEAT_HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22026C44064414426C")
WATER_VALUES = [0x7001, 123456, 120000, 12, 9]
HEAT_VALUES = [
    5000,
    31000,
    21000,
    12345,
    250,
    7012,
    3804,
    1 << 9,
    encode.date_g(date(2026, 11, 23)),
    4900,
    12000,
    encode.date_g(date(2026, 11, 1)),
]


def read(frame: bytes, key: Key | None = KEY, **options: object) -> Telegram:
    return decode(frame, key_for=lambda address: key, **options)  # type: ignore[arg-type]


def water_full(key: Key = KEY) -> bytes:
    data = encode.records(WATER_HEADERS, WATER_VALUES)
    return encode.kamstrup_full(WATER, key, data, session=1000, access=7)


def water_compact(headers: bytes = WATER_HEADERS) -> bytes:
    return encode.kamstrup_compact(WATER, KEY, headers, WATER_VALUES, session=1001, access=8)


def test_a_full_kamstrup_water_telegram() -> None:
    telegram = read(water_full())
    assert telegram.address == WATER
    assert telegram.sender == WATER
    assert telegram.security is Security.ELL
    assert telegram.encrypted
    assert telegram.trust is Trust.PLAUSIBLE
    assert telegram.access_number == 7
    assert telegram.counter == 1000
    assert telegram.status is None
    assert telegram.learned == WATER_HEADERS
    assert telegram.signature == 0xA8ED
    assert telegram.trailing == 0
    now, target = telegram.register_sets
    assert (now.kind, now.time, now.values) == ("now", None, (0x7001, 123456))
    assert now.layout.registers == (
        Register("INFO", "kamstrup water 16", 0),
        Register("V1", "m3", -3),
    )
    assert target.kind == "target"
    assert target.layout.registers == (
        Register("V1", "m3", -3),
        Register("TWATER_MIN", "°C", 0),
        Register("TAMB_MIN", "°C", 0),
    )
    assert target.values == (120000, 12, 9)


def test_a_compact_telegram_gives_what_the_full_one_gives() -> None:
    full, compact = read(water_full()), read(water_compact())
    assert compact.register_sets == full.register_sets
    assert [s.layout for s in compact.register_sets] == [s.layout for s in full.register_sets]
    assert compact.payload == full.payload
    assert compact.trust is Trust.PLAUSIBLE
    assert compact.counter == 1001


def test_a_compact_telegram_of_an_unknown_format_waits_for_the_full_one() -> None:
    with pytest.raises(wmbus.WaitingForFullFrame) as waiting:
        read(water_compact(), formats={})
    assert waiting.value.signature == 0xA8ED
    assert waiting.value.address == WATER
    assert len(waiting.value.payload) == 4 + 2 + 4 + 4 + 1 + 1
    full = read(water_full(), formats={})
    assert full.trust is Trust.NONE  # a layout never seen before proves nothing
    assert full.signature is not None
    assert full.learned is not None
    learned = {full.signature: full.learned}
    assert read(water_compact(), formats=learned).trust is Trust.PLAUSIBLE
    assert read(water_full(), formats=learned).trust is Trust.PLAUSIBLE


def test_a_heat_meter_with_target_date() -> None:
    data = encode.records(HEAT_HEADERS, HEAT_VALUES)
    telegram = read(encode.kamstrup_full(HEAT, KEY, data, session=1, access=0))
    now, target = telegram.register_sets
    assert now.time is not None
    assert target.time is not None
    assert str(now.time.moment) == "2026-11-23 00:00:00"
    assert target.time.text == "2026-11-01"
    codes = [register.code for register in now.layout.registers]
    assert codes == ["E1", "E8", "E9", "V1", "FLOW1", "T1", "T2", "INFO"]
    assert now.value("T1") == 7012
    assert target.value("E1") == 4900
    (info,) = (r for r in now.layout.registers if r.code == "INFO")
    assert [c.slug for c in conditions_of(info.unit, 1 << 9)] == ["direction_v1"]


@pytest.mark.parametrize("checksums", ["none", "A", "B"])
@pytest.mark.parametrize("told", [True, False])
def test_link_checksums_are_checked_and_taken_off(checksums: link.Checksums, told: bool) -> None:
    assert checksums != "auto"
    frame = link.add_checksums(water_full(), checksums)
    telegram = read(frame + b"\x01\x02", crc=checksums if told else "auto")
    assert telegram == read(water_full())._replace(trailing=2)


@pytest.mark.parametrize("checksums", ["A", "B"])
def test_a_damaged_block_is_a_bad_checksum(checksums: link.Checksums) -> None:
    assert checksums in ("A", "B")
    frame = bytearray(link.add_checksums(water_full(), checksums))
    frame[20] ^= 1
    with pytest.raises(wmbus.BadChecksum) as error:
        read(bytes(frame), crc=checksums)
    assert error.value.layer == "link"


def test_a_wrong_key_and_no_key_are_two_things() -> None:
    with pytest.raises(wmbus.WrongKey) as wrong:
        read(water_full(), OTHER)
    assert wrong.value.address == WATER
    with pytest.raises(wmbus.NoKey) as none:
        read(water_full(), None)
    assert none.value.address == WATER


def test_a_repeater_does_not_change_the_initial_vector() -> None:
    frame = bytearray(water_full())
    frame[11] |= 0x12
    assert read(bytes(frame)).register_sets == read(water_full()).register_sets


@pytest.mark.parametrize("make", ["mode_5", "mode_7", "mode_10"])
def test_the_modes_of_the_transport_layer(make: str) -> None:
    data = encode.records(bytes.fromhex("0C13"), [4711])
    formats = {signature(bytes.fromhex("0C13")): bytes.fromhex("0C13")}
    if make == "mode_5":
        frame, trust = encode.mode_5(OMS, KEY, data, access=3), Trust.PLAUSIBLE
    elif make == "mode_7":
        frame, trust = encode.mode_7(OMS, KEY, data, counter=9, access=3), Trust.MAC
    else:
        frame, trust = encode.mode_10(OMS, KEY, data, counter=9, access=3), Trust.MAC
    telegram = read(frame, formats=formats)
    assert telegram.trust is trust
    assert telegram.security.replace(" ", "_") == make
    assert telegram.register_sets[0].values == (4711,)
    assert telegram.counter == (None if make == "mode_5" else 9)
    assert telegram.access_number == 3
    with pytest.raises(wmbus.WrongKey):
        read(frame, OTHER)
    with pytest.raises(wmbus.NoKey):
        read(frame, None)
    damaged = bytearray(frame)
    damaged[-1] ^= 1
    if make != "mode_5":
        with pytest.raises(wmbus.BadMac):
            read(bytes(damaged))


def test_plaintext_under_an_encrypted_header_needs_a_word_of_the_caller() -> None:
    data = encode.records(WATER_HEADERS, WATER_VALUES)
    whole = b"\x78" + data
    body = crc(whole).to_bytes(2, "little") + whole
    frame = encode.frame(WATER, bytes.fromhex("8D2007E8030020") + body)
    with pytest.raises(wmbus.NotEncrypted):
        read(frame)
    telegram = read(frame, already_decrypted=True)
    assert telegram.trust is Trust.NONE
    assert not telegram.encrypted
    assert telegram.security is Security.ELL
    # Allowing plaintext does not stop a really encrypted telegram from being decrypted.
    assert read(water_full(), already_decrypted=True).trust is Trust.PLAUSIBLE


def test_the_address_is_read_without_a_key() -> None:
    assert wmbus.address_of(water_full()) == WATER
    assert WATER.wire == water_full()[2:10]
    assert Address("KAW", "12345678", 0x3C, 0x16).meter == WATER.meter
    with pytest.raises(wmbus.Truncated):
        wmbus.address_of(water_full()[:30])


def test_a_key_stays_where_it_is() -> None:
    assert repr(KEY) == "<Key ****>"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    assert Key(bytes(range(16))) == KEY != OTHER
    assert len({Key(bytes(range(16))), KEY}) == 1
    with pytest.raises(ValueError, match="16 bytes"):
        Key(b"short")


def test_past_conditions_of_a_water_meter_carry_their_duration() -> None:
    current, past = conditions_of("kamstrup water 16", 0b0001 | 7 << 10 | 3 << 4)
    assert (current.slug, current.current, current.duration) == ("dry", True, 3)
    assert (past.slug, past.current, past.duration) == ("leak", False, 7)
    assert past.english == "Leak has been recorded for more than 21 days within the last 30 days"
