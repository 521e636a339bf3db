"""The layers between link and application: their fields, their errors, and where those happen."""

import pytest

import wmbus
from wmbus import Address, Key, Security, Telegram, Trust, encode, link
from wmbus.address import manufacturer_code, manufacturer_letters
from wmbus.checksum import crc
from wmbus.crypto import DERIVE_ENCRYPTION, DERIVE_MAC

KEY = Key(bytes(range(16)))
OTHER = Key(bytes(16))
METER = Address("ELS", "12345678", 0x33, 0x03)
CONVERTER = Address("RAD", "11223344", 0x03, 0x37)
LONG = bytes.fromhex("78563412 9315 33 03")
DATA = bytes.fromhex("0C14 27048502 046D 32371F15 02FD17 0000")
HEADERS = bytes.fromhex("0C14 046D 02FD17")
FORMATS = {crc(HEADERS): HEADERS}


def read(frame: bytes, key: Key | None = KEY, **options: object) -> Telegram:
    options.setdefault("formats", FORMATS)
    return wmbus.decode(frame, key_for=lambda _: key, **options)  # type: ignore[arg-type]


def refused(frame: bytes, key: Key | None = KEY, **options: object) -> wmbus.DecodeError:
    with pytest.raises(wmbus.DecodeError) as error:
        read(frame, key, **options)
    assert str(error.value)
    return error.value


def body(text: str, *more: bytes) -> bytes:
    return encode.frame(METER, bytes.fromhex(text) + b"".join(more))


# ------------------------------------------------------------------ link


def test_manufacturers_are_three_letters() -> None:
    assert manufacturer_letters(0x2C2D) == "KAM"
    assert manufacturer_code("KAM") == 0x2C2D
    assert str(METER) == "ELS 12345678 (version 33, type 03)"
    for wrong in ("KA", "kam"):
        with pytest.raises(ValueError, match="three letters"):
            manufacturer_code(wrong)


def test_frames_too_short_to_be_any() -> None:
    assert isinstance(refused(b""), wmbus.Truncated)
    assert isinstance(refused(bytes(12)), wmbus.Malformed)
    for checksums in ("A", "B", "none"):
        frame = encode.mode_5(METER, KEY, DATA, access=1)[:-1]
        assert isinstance(refused(frame, crc=checksums), wmbus.Truncated)


def test_format_b_needs_room_for_its_checksum() -> None:
    frame = b"\x0b" + encode.mode_5(METER, KEY, DATA, access=1)[1:]
    assert isinstance(refused(frame, crc="B"), wmbus.Malformed)
    frame = b"\x80" + encode.mode_5(METER, KEY, DATA, access=1)[1:] + bytes(200)
    assert isinstance(refused(frame, crc="B"), wmbus.Malformed)


@pytest.mark.parametrize("records", [1, 30])
def test_long_frames_have_two_blocks_in_format_b(records: int) -> None:
    frame = body("7A 01 00 0000", b"\x0c\x14\x27\x04\x85\x02" * records)
    for checksums in ("A", "B"):
        with_them = link.add_checksums(frame, checksums)
        assert link.strip(with_them).checksums == checksums
        assert link.strip(with_them).data == frame
        assert read(with_them).payload == read(frame).payload


def test_checksums_need_room() -> None:
    with pytest.raises(ValueError, match="more than 10 bytes"):
        link.add_checksums(bytes(10), "A")
    with pytest.raises(ValueError, match="do not fit"):
        link.add_checksums(bytes((254,)) + bytes(254), "B")
    assert link.add_checksums(b"", "none") == b""


def test_a_request_is_no_meter_data() -> None:
    error = refused(encode.frame(METER, b"\x7a\x01\x00\x00\x00", control=0x40))
    assert isinstance(error, wmbus.NotMeterData)
    assert error.address == METER


def test_addresses_behind_other_layers() -> None:
    assert wmbus.address_of(encode.frame(CONVERTER, b"\x72" + LONG + bytes(4))) == METER
    behind = b"\x8c\x00\x01\x90\x02\x00\x00\x72" + LONG + bytes(4)
    assert wmbus.address_of(encode.frame(CONVERTER, behind)) == METER
    assert wmbus.address_of(encode.frame(CONVERTER, b"\x8d" + bytes(20))) == CONVERTER
    assert wmbus.address_of(encode.frame(CONVERTER, b"\x8c")) == CONVERTER


# ------------------------------------------------------------------ extended link


def test_an_extended_link_layer_with_an_address() -> None:
    receiver = bytes.fromhex("2D2C 11111111 01 31")
    telegram = read(body("8E 80 07", receiver, bytes.fromhex("78"), DATA))
    assert telegram.access_number == 7
    assert telegram.security is Security.NONE
    assert telegram.counter is None


@pytest.mark.parametrize("own", [True, False])
def test_type_iv_may_use_either_address(own: bool) -> None:
    other = bytes.fromhex("2D2C 11111111 01 31")
    number = (0x20000005).to_bytes(4, "little")
    initial = (METER.wire if own else other) + b"\x00" + number + b"\0\0\0"
    message = b"\x78" + DATA
    sent = KEY.ctr(initial, crc(message).to_bytes(2, "little") + message)
    telegram = read(body("8F 00 07", other, number, sent))
    assert telegram.counter == 5
    assert telegram.trust is Trust.PLAUSIBLE


def test_an_unencrypted_session() -> None:
    message = b"\x78" + DATA
    checksum = crc(message).to_bytes(2, "little")
    telegram = read(body("8D 00 07 05000000", checksum, message))
    assert (telegram.security, telegram.encrypted) == (Security.NONE, False)
    assert isinstance(refused(body("8D 00 07 05000000", b"\0\0", message)), wmbus.BadChecksum)
    assert isinstance(refused(body("8D 00 07 05000040", b"\0\0", message)), wmbus.Unsupported)
    assert isinstance(refused(body("8D 00 07 05000020 0000")), wmbus.Truncated)
    assert isinstance(refused(body("8D 00 07 05")), wmbus.Truncated)


# ------------------------------------------------------------------ authentication


def fragments(message: bytes, parts: int, *, number: int = 9) -> list[bytes]:
    """A message in fragments: all fields in the first, the MAC in the last."""
    counter = number.to_bytes(4, "little")
    control = b"\x65"
    length = len(message).to_bytes(2, "little")
    covered = control + counter + length + message
    mac = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6]).cmac(covered)[:8]
    size = -(-len(message) // parts)
    frames = []
    for place in range(parts):
        piece = message[place * size : (place + 1) * size]
        last = place == parts - 1
        flags = place + 1 | (0 if last else 0x4000)
        fields = b""
        if place == 0:
            flags |= 0x2000 | 0x0800 | 0x1000
            fields = control + counter + length
        if last:
            flags |= 0x0400
            fields = fields[:5] + mac + fields[5:]
        layer = flags.to_bytes(2, "little") + fields
        frames.append(encode.frame(METER, b"\x90" + bytes((len(layer),)) + layer + piece))
    return frames


def mode_7_message(number: int = 9) -> bytes:
    filled = b"\x2f\x2f" + DATA
    filled += b"\x2f" * (-len(filled) % 16)
    key = KEY.derive(DERIVE_ENCRYPTION, number.to_bytes(4, "little"), METER.wire[2:6])
    blocks = (len(filled) // 16 << 4).to_bytes(1, "little")
    return b"\x7a\x03\x00" + blocks + b"\x07\x10" + key.cbc_encrypt(bytes(16), filled)


def test_fragments_are_put_together_and_checked() -> None:
    frames = fragments(mode_7_message(), 3)
    for place, frame in enumerate(frames, start=1):
        error = refused(frame)
        assert isinstance(error, wmbus.WaitingForFragments)
        assert (error.fragment, error.more) == (place, place < 3)
    telegram = wmbus.decode_fragments(frames, key_for=lambda _: KEY)
    assert telegram.trust is Trust.MAC
    assert telegram.payload.startswith(DATA)
    for wrong in (frames[:2], frames[1:], [*frames[:2], frames[1]], []):
        with pytest.raises(wmbus.DecodeError):
            wmbus.decode_fragments(wrong, key_for=lambda _: KEY)
    with pytest.raises(wmbus.Malformed, match="same sender"):
        wmbus.decode_fragments([encode.mode_5(METER, KEY, DATA, access=1)], key_for=lambda _: KEY)
    with pytest.raises(wmbus.NotMeterData):
        wmbus.decode_fragments(
            [encode.frame(METER, frames[0][10:], control=0x40)], key_for=lambda _: KEY
        )


def test_key_information_is_covered_too() -> None:
    counter, control, information = (9).to_bytes(4, "little"), b"\x15", b"\x01\x00"
    message = mode_7_message()
    key = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6])
    mac = key.cmac(control + information + counter + message)[:8]
    layer = b"\x00\x2e" + control + information + counter + mac
    frame = encode.frame(METER, b"\x90" + bytes((len(layer),)) + layer + message)
    assert read(frame).trust is Trust.MAC
    wrong = frame.replace(information + counter, b"\x02\x00" + counter)
    assert isinstance(refused(wrong), wmbus.BadMac)


def test_the_layer_must_be_as_long_as_it_says() -> None:
    assert isinstance(refused(body("90 03 0000 55 78")), wmbus.Malformed)
    assert isinstance(refused(body("90 09 0000")), wmbus.Truncated)
    gmac = bytes.fromhex("28") + bytes(12)
    frame = body("90 0F 0024", gmac, b"\x78")
    assert isinstance(refused(frame), wmbus.Unsupported)


def test_a_mac_without_encryption() -> None:
    counter, control = (9).to_bytes(4, "little"), b"\x25"
    message = b"\x7a\x03\x00\x00\x00" + DATA
    mac = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6]).cmac(control + counter + message)
    for length, strong in ((8, Trust.MAC), (2, Trust.NONE)):
        control = bytes((0x20 | {8: 5, 2: 3}[length],))
        mac = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6]).cmac(control + counter + message)
        layer = b"\x00\x2c" + control + counter + mac[:length]
        frame = encode.frame(METER, b"\x90" + bytes((len(layer),)) + layer + message)
        assert read(frame).trust is strong
        assert read(frame, None).trust is Trust.NONE
        assert isinstance(refused(frame, OTHER), wmbus.BadMac)
    layer = b"\x00\x24" + control + mac[:2]
    frame = encode.frame(METER, b"\x90" + bytes((len(layer),)) + layer + message)
    assert isinstance(refused(frame), wmbus.Malformed)
    assert read(body("90 02 0000", message)).trust is Trust.NONE


# ------------------------------------------------------------------ transport and its security


def test_a_long_header_names_the_meter() -> None:
    telegram = read(encode.frame(CONVERTER, b"\x72" + LONG + bytes.fromhex("05 04 0000") + DATA))
    assert telegram.address == METER
    assert telegram.sender == CONVERTER
    assert (telegram.status, telegram.access_number) == (4, 5)


@pytest.mark.parametrize(
    ("ci", "words"),
    [
        (0xA5, "manufacturer"),
        (0x81, "network"),
        (0x86, "link layer V"),
        (0xC0, "image"),
        (0x76, "mode 2"),
        (1, "01"),
    ],
)
def test_cis_that_nobody_describes(ci: int, words: str) -> None:
    error = refused(body("", bytes((ci,)), bytes(8)))
    assert isinstance(error, wmbus.Unsupported)
    assert words in str(error)


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 6, 8, 9, 13, 16])
def test_modes_that_are_not_supported_are_named(mode: int) -> None:
    error = refused(body("7A 01 00 00", bytes((mode,)), bytes(16)))
    assert isinstance(error, wmbus.Unsupported)
    assert f"mode {mode}" in str(error)


def test_no_contents() -> None:
    telegram = read(body("8A 01 00 0000"))
    assert telegram.records == ()
    assert telegram.register_sets == ()
    assert isinstance(refused(body("74 01 00 0000 01")), wmbus.Unsupported)


def test_mode_5_in_part() -> None:
    frame = encode.mode_5(METER, KEY, DATA, access=1)
    tail = bytes.fromhex("01FD08 07")
    longer = bytes((frame[0] + 4,)) + frame[1:] + tail
    telegram = read(longer)
    assert telegram.records[-1].value == 7
    assert longer[telegram.offset - 2 : telegram.offset + 2] == frame[15:19]
    assert isinstance(refused(body("7A 01 00 2005", bytes(30))), wmbus.Truncated)
    nothing = read(body("7A 01 00 0005", DATA))
    assert (nothing.encrypted, nothing.trust) == (False, Trust.NONE)


def test_mode_5_with_a_mac() -> None:
    message = encode.mode_5(METER, KEY, DATA, access=1)[10:]
    counter, control = (9).to_bytes(4, "little"), b"\x25"
    mac = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6]).cmac(control + counter + message)[:8]
    telegram = read(body("90 0F 002C", control, counter, mac, message))
    assert (telegram.trust, telegram.security) == (Trust.MAC, Security.MODE_5)
    assert telegram.counter == 9
    assert read(body("90 02 0000", message)).trust is Trust.PLAUSIBLE


@pytest.mark.parametrize("mode", ["5", "7"])
def test_plaintext_under_modes_5_and_7(mode: str) -> None:
    filled = b"\x2f\x2f" + DATA + b"\x2f" * 15
    if mode == "5":
        frame = body("7A 01 00 2005", filled)
    else:
        frame = body("90 0F 002C 25 09000000", bytes(8), bytes.fromhex("7A 01 00 2007 10"), filled)
    assert isinstance(refused(frame, None), wmbus.NotEncrypted)
    assert isinstance(refused(frame), wmbus.NotEncrypted if mode == "5" else wmbus.BadMac)
    for key in (KEY, None):
        telegram = read(frame, key, already_decrypted=True)
        assert telegram.trust is Trust.NONE
        assert telegram.payload.startswith(DATA)


def test_mode_7_needs_its_fields() -> None:
    counter = bytes.fromhex("09000000")
    encrypted = bytes(16)
    no_mac = body("7A 01 00 1007 10", encrypted)
    assert isinstance(refused(no_mac), wmbus.Malformed)
    other_kdf = body("90 0F 002C 25", counter, bytes(8), bytes.fromhex("7A01001007 00"), encrypted)
    assert isinstance(refused(other_kdf), wmbus.Unsupported)
    no_counter = body("90 0B 0024 05", bytes(8), bytes.fromhex("7A01001007 10"), encrypted)
    assert isinstance(refused(no_counter), wmbus.Malformed)


def test_mode_7_with_its_counter_and_key_version_in_the_transport_layer() -> None:
    counter = (9).to_bytes(4, "little")
    message = bytearray(mode_7_message())
    message[4] |= 0x20
    message[5] |= 0x40
    message[6:6] = b"\x01" + counter
    key = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6])
    mac = key.cmac(b"\x05" + bytes(message))[:8]
    telegram = read(body("90 0B 0024 05", mac, bytes(message)))
    assert (telegram.trust, telegram.counter) == (Trust.MAC, 9)


def test_mode_7_with_a_right_mac_over_wrong_contents() -> None:
    counter = (9).to_bytes(4, "little")
    message = bytearray(mode_7_message())
    message[6] ^= 1
    key = KEY.derive(DERIVE_MAC, counter, METER.wire[2:6])
    mac = key.cmac(b"\x25" + counter + bytes(message))[:8]
    frame = body("90 0F 002C 25", counter, mac, bytes(message))
    assert isinstance(refused(frame), wmbus.WrongKey)
    empty = bytes.fromhex("7A 03 00 0007 10")
    mac = key.cmac(b"\x25" + counter + empty)[:8]
    telegram = read(body("90 0F 002C 25", counter, mac, empty))
    assert (telegram.encrypted, telegram.trust) == (False, Trust.MAC)


@pytest.mark.parametrize("tag", [4, 8, 12, 16])
def test_mode_10(tag: int) -> None:
    frame = encode.mode_10(METER, KEY, DATA, counter=77, access=1, tag_length=tag)
    telegram = read(frame)
    assert (telegram.trust, telegram.counter) == (Trust.MAC, 77)
    assert telegram.payload == DATA
    assert isinstance(refused(frame, None), wmbus.NoKey)


def test_mode_10_in_other_shapes() -> None:
    number = (77).to_bytes(4, "little")
    header = bytes.fromhex("7A 01 00") + bytes((len(DATA), 0x0A)) + b"\x40\x01" + b"\x07"
    sent = KEY.ccm_encrypt(METER.wire + b"\0" + number[::-1], DATA, header, 8)
    whole = header + number + sent
    assert read(body("", whole)).payload == DATA  # counted length, key version, no derivation
    assert isinstance(refused(body("", whole, b"\0")), wmbus.Unsupported)
    assert isinstance(refused(body("", whole[:-1])), wmbus.Truncated)
    assert isinstance(refused(body("7A 01 00 FF0A 2001", number, bytes(9))), wmbus.Unsupported)
    assert isinstance(refused(body("7A 01 00 FF0A 1001", number, bytes(3))), wmbus.Truncated)
    plain = body("7A 01 00 FF0A 1001", number, b"\x2f\x2f" + bytes(20))
    assert isinstance(refused(plain, None), wmbus.NotEncrypted)


# ------------------------------------------------------------------ application


def test_format_frames_teach_a_format() -> None:
    telegram = read(body("69", encode.format_frame(HEADERS)))
    assert (telegram.signature, telegram.learned) == (crc(HEADERS), HEADERS)
    assert telegram.register_sets == ()
    wrong = bytearray(encode.format_frame(HEADERS))
    wrong[1] ^= 1
    assert isinstance(refused(body("69", bytes(wrong))), wmbus.BadChecksum)
    assert isinstance(refused(body("69 30 0000 0C14")), wmbus.Truncated)
    assert isinstance(refused(body("69 03 0000 2F")), wmbus.Malformed)
    encrypted = encode.mode_5(METER, KEY, encode.format_frame(HEADERS), access=1, ci=0x6A)
    assert read(encrypted).learned == HEADERS


def test_compact_frames_in_mode_10_may_begin_with_fillers() -> None:
    compact = b"\x2f\x2f" + encode.compact(bytes.fromhex("0413"), [5])
    formats = {crc(b"\x04\x13"): b"\x04\x13"}
    frame = encode.mode_10(METER, KEY, compact, counter=1, access=1, ci=0x7B)
    assert read(frame, formats=formats).register_sets[0].value("V1") == 5
    form = b"\x2f\x2f" + encode.format_frame(HEADERS)
    assert read(encode.mode_10(METER, KEY, form, counter=1, access=1, ci=0x6A)).learned == HEADERS


def test_compact_frames_of_variable_length_and_broken_ones() -> None:
    headers = bytes.fromhex("0DFD0C 0113")
    formats = {crc(headers): headers}
    full = bytes.fromhex("0DFD0C 02 4241 0113 05")
    values = bytes.fromhex("02 4241 05")

    def compact(data: bytes, over: bytes = full) -> bytes:
        return body("79", crc(headers).to_bytes(2, "little"), crc(over).to_bytes(2, "little"), data)

    assert read(compact(values), formats=formats).records[0].value == "AB"
    assert read(compact(values + b"\x2f\x2f"), formats=formats).payload == full
    for broken, error in (
        (values[:-1], wmbus.Truncated),
        (b"", wmbus.Truncated),
        (b"\xcf\x05", wmbus.Malformed),
        (values + b"\x01", wmbus.Malformed),
    ):
        assert isinstance(refused(compact(broken), formats=formats), error)
    assert isinstance(refused(compact(values, b"x"), formats=formats), wmbus.BadChecksum)
    assert isinstance(refused(body("79 01"), formats=formats), wmbus.Truncated)


def test_a_checksum_that_a_receiver_left_on_is_cut_off() -> None:
    telegram = read(body("7A 01 00 0000", DATA, b"\xde\x47"))
    assert telegram.trailing == 2
    assert telegram.payload == DATA
    other = read(body("7A 01 00 0000 0DFD0C 01 41 7F DE47"))
    assert other.trailing == 2
    named = read(body("7A 01 00 0000 027C0141 0100 DE47"))
    assert (named.trailing, named.learned) == (2, None)


def test_a_broken_record_is_located_in_the_frame() -> None:
    error = refused(body("7A 01 00 0000 0113 05 0413 01"))
    assert isinstance(error, wmbus.Truncated)
    assert error.offset == 15 + 5
    assert error.address == METER
    assert error.layer == "application"


def test_encoding_refuses_what_does_not_fit() -> None:
    for header, value in (("0113", 200), ("0C13", 10**8), ("0C13", -(10**8)), ("0513", 1)):
        with pytest.raises(ValueError, match=r"fit|no integer"):
            encode.record(bytes.fromhex(header), value)
    assert encode.record(bytes.fromhex("0A13"), -123).hex() == "0a1323f1"
    with pytest.raises(ValueError, match="one frame"):
        encode.frame(METER, bytes(300))
    with pytest.raises(ValueError, match="blocks"):
        encode.mode_5(METER, KEY, bytes(250), access=1)
