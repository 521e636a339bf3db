"""Frames without checksums whose last bytes happen to be one of format B."""

import pytest

import wmbus
from wmbus import encode, link

ADDRESS = wmbus.Address("KAM", "63000001", 0x34, 0x04)
KEY = wmbus.Key(bytes(range(16)))
RECORDS = encode.records(bytes.fromhex("040604140259025D"), [4711, 1, 6512, 3456])


@pytest.fixture(scope="module")
def chance() -> bytes:
    """One of some 65,536 frames."""
    for session in range(1_000_000):
        frame = encode.kamstrup_full(ADDRESS, KEY, RECORDS, session=session, access=1)
        if link.may_be_bare(frame):
            return frame
    raise AssertionError("none in a million")


def test_is_decoded_all_the_same(chance: bytes) -> None:
    telegram = wmbus.decode(chance, key_for=lambda _: KEY)
    assert telegram.payload == RECORDS


def test_a_wrong_key_stays_a_wrong_key(chance: bytes) -> None:
    with pytest.raises(wmbus.WrongKey):
        wmbus.decode(chance, key_for=lambda _: wmbus.Key(bytes(16)))


def test_what_really_has_checksums_is_told_as_it_is() -> None:
    frame = link.add_checksums(
        encode.kamstrup_full(ADDRESS, KEY, RECORDS, session=1, access=1), "B"
    )
    assert wmbus.decode(frame, key_for=lambda _: KEY).payload == RECORDS
    assert not link.may_be_bare(b"\x0a")
    assert not link.may_be_bare(frame + b"\x00")
