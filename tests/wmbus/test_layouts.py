"""The short way equals the plain path, on our own telegrams, mutated ones, and the corpus."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from wmbus import (
    SHIPPED_FORMATS,
    Address,
    DecodeError,
    Key,
    Telegram,
    address_of,
    decode,
    encode,
    link,
)
from wmbus.checksum import crc
from wmbus.compact import split_headers
from wmbus.decoder import address_of_frame, decode_message
from wmbus.header import describe
from wmbus.layouts import _MOST_PLANS, _by_headers, decode_known

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "wmbus.jsonl"
KEY = Key(bytes(range(16)))
METERS = [
    Address("KAM", "12345678", 0x1B, 0x16),
    Address("KAM", "87654321", 0x34, 0x04),
    Address("KAM", "00000001", 0x30, 0x02),
    Address("KAW", "00000002", 0x3C, 0x16),
    Address("KAM", "00000003", 0x19, 0x0C),
    Address("XYZ", "00000004", 0x01, 0x07),
]
"""Kinds of meters whose tables differ."""


def address(way: Callable[[bytes], Address], frame: bytes) -> object:
    try:
        return way(frame)
    except DecodeError as error:
        return type(error), str(error)


def both(frame: bytes, key: Key | None, formats: dict[int, bytes]) -> tuple[object, object]:
    """What the door gives (short way first) and what the plain path gives; the address, which has
    a short way of its own, must be the same at once."""
    assert address(address_of, frame) == address(lambda one: address_of_frame(one, "auto"), frame)

    def door() -> Telegram:
        return decode(frame, key_for=lambda _: key, formats=formats)

    def plain() -> Telegram:
        return decode_message(
            frame, key_for=lambda _: key, formats=formats, already_decrypted=False, crc="auto"
        )

    results: list[object] = []
    for way in (door, plain):
        try:
            results.append(way())
        except DecodeError as error:
            results.append((type(error), str(error), error.address))
    return results[0], results[1]


def random_values(headers: bytes, numbers: random.Random) -> list[int] | None:
    values = []
    for header in map(describe, split_headers(headers)):
        if header.length is None or header.kind == "real":
            return None
        if header.kind == "bcd":
            values.append(numbers.randrange(10 ** (2 * header.length)))
        elif header.kind == "signed":
            values.append(
                numbers.randrange(-(1 << 8 * header.length - 1), 1 << 8 * header.length - 1)
            )
        else:
            values.append(numbers.randrange(1 << 8 * header.length))
    return values


def telegrams(numbers: random.Random) -> list[bytes]:
    frames = []
    for meter in METERS:
        for headers in SHIPPED_FORMATS.values():
            values = random_values(headers, numbers)
            if values is None:
                continue
            data = encode.records(headers, values)
            frames.append(encode.kamstrup_full(meter, KEY, data, session=5, access=1))
            frames.append(encode.kamstrup_compact(meter, KEY, headers, values, session=6, access=2))
    return frames


def test_every_shipped_format_on_every_kind_of_meter() -> None:
    formats = dict(SHIPPED_FORMATS)
    taken = 0
    for _ in range(2):  # the second round finds the plans of the first
        for frame in telegrams(random.Random(1)):
            door, plain = both(frame, KEY, formats)
            assert door == plain
            assert isinstance(door, Telegram)
            assert isinstance(plain, Telegram)
            for left, right in zip(door.register_sets, plain.register_sets, strict=True):
                assert left.layout is right.layout
            assert door.records == plain.records
            taken += decode_known(frame, lambda _: KEY, formats, "none") is not None
    # All but the 24 formats' worth that hold floats take the short way once they are known.
    assert taken > len(telegrams(random.Random(1)))


def test_mutations_of_known_telegrams() -> None:
    numbers = random.Random(2)
    frames = telegrams(numbers)
    formats = dict(SHIPPED_FORMATS)
    for _ in range(1500):
        frame = bytearray(numbers.choice(frames))
        for _ in range(numbers.choice((0, 1, 1, 2, 5))):
            frame[numbers.randrange(len(frame))] = numbers.randrange(256)
        cut = numbers.choice((0, 0, 0, 1, 2, 30))
        mutated = bytes(frame[: len(frame) - cut]) + bytes(numbers.choice((0, 0, 2)))
        door, plain = both(mutated, numbers.choice((KEY, KEY, KEY, None)), formats)
        assert door == plain


def test_mutations_inside_the_encryption() -> None:
    """Bytes changed before encrypting, with checksums that fit again."""
    numbers = random.Random(3)
    formats = dict(SHIPPED_FORMATS)
    known = [h for h in SHIPPED_FORMATS.values() if random_values(h, numbers) is not None]
    for _ in range(1500):
        headers = numbers.choice(known)
        values = random_values(headers, numbers)
        assert values is not None
        meter = numbers.choice(METERS)
        compact = numbers.random() < 0.5
        message = bytearray(
            b"\x79" + encode.compact(headers, values)
            if compact
            else b"\x78" + encode.records(headers, values)
        )
        for _ in range(numbers.choice((0, 1, 2))):
            message[numbers.randrange(len(message))] = numbers.randrange(256)
        message = message[: len(message) - numbers.choice((0, 0, 0, 1, 4))]
        message += b"\x2f" * numbers.choice((0, 0, 0, 2))
        frame = encode.extended_ctr(meter, KEY, bytes(message), session=9, access=1)
        frame = link.add_checksums(frame, numbers.choice(("none", "none", "A", "B")))
        door, plain = both(frame, KEY, formats)
        assert door == plain


def test_a_format_filed_under_a_wrong_signature_takes_the_plain_path() -> None:
    headers = bytes.fromhex("0413")
    frame = encode.kamstrup_compact(METERS[0], KEY, headers, [1], session=1, access=1)
    body = b"\x79\x01\x00" + encode.compact(headers, [1])[2:]
    wrong = encode.extended_ctr(METERS[0], KEY, body, session=1, access=1)
    for telegram in (frame, wrong):
        door, plain = both(telegram, KEY, {1: headers, crc(headers): headers})
        assert door == plain


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_the_whole_corpus() -> None:
    formats = dict(SHIPPED_FORMATS)
    for line in CORPUS.read_text().splitlines():
        case = json.loads(line)
        key = Key(bytes.fromhex(case["key"])) if len(case.get("key") or "") == 32 else None
        try:
            frame = bytes.fromhex(case["telegram"])
        except ValueError:
            continue
        for _ in range(2):
            door, plain = both(frame, key, formats)
            assert door == plain, case["case"]


def test_records_without_data_take_the_short_way_too() -> None:
    headers = bytes.fromhex("0013 0413")
    formats = {crc(headers): headers}
    body = b"\x78" + bytes.fromhex("0013 0413 05000000")
    frame = encode.extended_ctr(METERS[0], KEY, body, session=1, access=1)
    for _ in range(2):
        door, plain = both(frame, KEY, formats)
        assert door == plain
    assert decode_known(frame, lambda _: KEY, formats, "none") == door


def test_plans_are_forgotten_before_they_fill_the_memory() -> None:
    headers = bytes.fromhex("0413")
    formats = {crc(headers): headers}
    for number in range(_MOST_PLANS + 2):
        meter = Address("ABC", "00000001", number & 0xFF, number >> 8)
        frame = encode.kamstrup_compact(meter, KEY, headers, [5], session=1, access=1)
        decode(frame, key_for=lambda _: KEY, formats=formats, crc="none")
        assert len(_by_headers) <= _MOST_PLANS
    assert len(_by_headers) < _MOST_PLANS
