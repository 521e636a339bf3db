"""For all telegrams: any bytes give a result or our error; encoding and decoding cancel."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wmbus import SHIPPED_FORMATS, Address, DecodeError, Key, Trust, decode, encode, link
from wmbus.compact import signature, split_headers
from wmbus.crypto import macs_equal
from wmbus.header import Header, describe
from wmbus.records import walk
from wmbus.vif import EXTENSION_FB, EXTENSION_FD, PRIMARY

KEYS = st.binary(min_size=16, max_size=16).map(Key)
ADDRESSES = st.builds(
    Address,
    st.sampled_from(["KAM", "KAW", "QDS", "TCH", "APA", "BMT", "BMP", "BFW", "DME", "ZZZ"]),
    st.integers(0, 99_999_999).map("{:08}".format),
    st.integers(0, 255),
    st.sampled_from([0x02, 0x03, 0x04, 0x07, 0x08, 0x0A, 0x0D, 0x16, 0x18, 0x37, 0x62]),
)


def _value(header: Header) -> st.SearchStrategy[int]:
    assert header.length is not None
    bits = 8 * header.length
    if header.kind == "bcd":
        return st.integers(-(10 ** (2 * header.length - 1)) + 1, 10 ** (2 * header.length) - 1)
    if header.kind == "signed":
        return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
    return st.integers(0, (1 << bits) - 1)


@st.composite
def _header(draw: st.DrawFn) -> bytes:
    """A random header with an integer, decimal or date behind it."""
    field = draw(st.sampled_from([1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 14]))
    first = field | draw(st.integers(0, 3)) << 4 | draw(st.integers(0, 1)) << 6
    chain = [first, *draw(st.lists(st.integers(0, 127), max_size=3))]
    dif = bytes([byte | 0x80 for byte in chain[:-1]] + [chain[-1]])
    table, prefix = draw(
        st.sampled_from([(PRIMARY, b""), (EXTENSION_FB, b"\xfb"), (EXTENSION_FD, b"\xfd")])
    )
    vif = draw(st.sampled_from([code for code in table if code not in (0x7C, 0x7F)]))
    vifes = draw(st.lists(st.sampled_from([0x3B, 0x3C, 0x72, 0x7D, 0x40, 0x48]), max_size=2))
    values = [vif, *vifes]
    return dif + prefix + bytes([byte | 0x80 for byte in values[:-1]] + [values[-1]])


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """Headers in a row, and a value for each."""
    headers = draw(
        st.one_of(
            st.sampled_from(sorted(SHIPPED_FORMATS.values())).filter(
                lambda found: all(describe(h).kind != "real" for h in split_headers(found))
            ),
            st.lists(_header(), min_size=1, max_size=6).map(b"".join),
        )
    )
    return headers, [draw(_value(describe(header))) for header in split_headers(headers)]


def raw_values(data: bytes) -> list[bytes]:
    return [record.raw for record in walk(data).records]


@settings(max_examples=80, deadline=None)
@given(messages(), ADDRESSES, KEYS, st.integers(0, (1 << 29) - 1), st.integers(0, 255))
def test_what_is_encoded_is_decoded(
    message: tuple[bytes, list[int]], address: Address, key: Key, counter: int, access: int
) -> None:
    headers, values = message
    data = encode.records(headers, values)
    formats = {signature(headers): headers}
    frames = [
        encode.kamstrup_full(address, key, data, session=counter, access=access),
        encode.kamstrup_compact(address, key, headers, values, session=counter, access=access),
        encode.mode_5(address, key, data, access=access),
        encode.mode_7(address, key, data, counter=counter, access=access),
        encode.mode_10(address, key, data, counter=counter, access=access),
    ]
    for frame in frames:
        telegram = decode(frame, key_for={address: key}.get, formats=formats, crc="none")
        assert telegram.address == address
        assert telegram.access_number == access
        assert telegram.trust is not Trust.NONE
        assert raw_values(telegram.payload)[: len(values)] == raw_values(data)
        for record, value in zip(telegram.records, values, strict=False):
            if record.header.kind in ("signed", "unsigned", "bcd"):
                assert isinstance(record.value, int)
                assert record.value == value


@settings(max_examples=200, deadline=None)
@given(messages(), ADDRESSES, KEYS, st.sampled_from(["A", "B"]))
def test_link_checksums_cancel(
    message: tuple[bytes, list[int]], address: Address, key: Key, checksums: str
) -> None:
    frame = encode.mode_5(address, key, encode.records(*message), access=1)
    framed = link.add_checksums(frame, "A" if checksums == "A" else "B")
    assert link.strip(framed, "A" if checksums == "A" else "B").data == frame


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(["auto", "none", "A", "B"]))
def test_any_bytes_give_a_result_or_our_error(
    frame: bytes, allow: bool, checksums: link.Checksums
) -> None:
    key = Key(bytes(16))
    try:
        telegram = decode(frame, key_for=lambda _: key, already_decrypted=allow, crc=checksums)
    except DecodeError as error:
        offset = error.offset
    else:
        offset = len(telegram.records)
    assert offset >= 0


@settings(max_examples=250, deadline=None)
@given(st.binary(max_size=80), ADDRESSES, st.sampled_from([0x78, 0x79, 0x7A, 0xA0, 0xA2, 0xB6]))
def test_any_application_data_give_a_result_or_our_error(
    data: bytes, address: Address, ci: int
) -> None:
    body = bytes((ci,)) + (b"\x01\x00\x00\x00" if ci == 0x7A else b"") + data
    try:
        telegram = decode(encode.frame(address, body), key_for=lambda _: None, crc="none")
    except DecodeError as error:
        found = error.address
    else:
        found = telegram.address
    assert found == address


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_check_values_compare_as_bytes_do(left: bytes, right: bytes) -> None:
    assert macs_equal(left, right) == (left == right)
