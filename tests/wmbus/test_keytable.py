"""A table of keys gives what a function gives that looks the same key up."""

import random

import pytest

from wmbus import (
    SHIPPED_FORMATS,
    Address,
    DecodeError,
    Key,
    KeyTable,
    NoKey,
    Telegram,
    Trust,
    decode,
    encode,
)
from wmbus.decoder import decode_message

HEADERS = bytes.fromhex("02FF2004134413615B6167")
RUN = 1_200
"""Enough meters in one ten thousand of numbers to be worth a list."""


def meter(number: str, maker: str = "KAM", version: int = 0x1B) -> Address:
    return Address(maker, number, version, 0x16)


def key(number: str) -> Key:
    return Key(bytes.fromhex(number) * 4)


MANY = [f"0012{number:04}" for number in range(RUN)]
ALONE = ["00990001", "0012ABCD", "FF12ABCD", "99999999"]


@pytest.fixture(scope="module")
def table() -> KeyTable:
    return KeyTable([(meter(number), key(number)) for number in MANY + ALONE])


def frame(address: Address, of: Key, value: int = 5) -> bytes:
    return encode.kamstrup_compact(address, of, HEADERS, [0, value, 4, 12, 9], session=7, access=1)


def result(frame: bytes, table: KeyTable, *, plain: bool) -> object:
    try:
        if plain:
            return decode_message(
                frame,
                key_for=lambda address: table(address),
                formats=SHIPPED_FORMATS,
                already_decrypted=False,
                crc="none",
            )
        return decode(frame, key_for=table, crc="none")
    except DecodeError as error:
        return type(error), str(error), error.address


@pytest.mark.parametrize("number", [MANY[0], MANY[-1], *ALONE])
def test_each_meter_is_decoded_with_its_own_key(table: KeyTable, number: str) -> None:
    for value in (5, 6, 7):  # the first makes the cipher, the others find it
        telegram = result(frame(meter(number), key(number), value), table, plain=False)
        assert isinstance(telegram, Telegram)
        assert telegram.trust is Trust.PLAUSIBLE
        assert telegram.address == meter(number)
        assert telegram.register_sets[0].value("V1") == value
        assert telegram == result(frame(meter(number), key(number), value), table, plain=True)


@pytest.mark.parametrize(
    "stranger",
    [
        meter("00129999"),  # its ten thousand is a list
        meter("00990002"),  # …is a dictionary
        meter("00000001"),  # …has no meter
        meter(MANY[0], maker="ABC"),
        meter(MANY[0], maker="KAW"),
    ],
)
def test_who_has_no_key_there_is_told_so(table: KeyTable, stranger: Address) -> None:
    assert table(stranger) is None
    for _ in range(2):
        with pytest.raises(NoKey) as raised:
            decode(frame(stranger, key(MANY[0])), key_for=table, crc="none")
        assert raised.value.address == stranger


def test_the_printed_number_counts_not_version_and_type(table: KeyTable) -> None:
    other = meter(MANY[3], version=0x30)._replace(device_type=0x07)
    assert table(other) == key(MANY[3])
    telegram = decode(frame(other, key(MANY[3])), key_for=table, crc="none")
    assert telegram.address == other
    assert telegram.register_sets


def test_bit_15_of_the_maker_does_not_count(table: KeyTable) -> None:
    address = meter(MANY[4])
    sent = bytearray(frame(address, key(MANY[4])))
    sent[3] |= 0x80
    assert result(bytes(sent), table, plain=False) == result(bytes(sent), table, plain=True)


def test_mutated_telegrams_give_the_same_as_a_function(table: KeyTable) -> None:
    numbers = random.Random(4)
    for _ in range(2_000):
        number = numbers.choice(MANY + ALONE)
        sent = bytearray(frame(meter(number), key(number), numbers.randrange(1000)))
        for _ in range(numbers.choice((0, 1, 1, 2))):
            sent[numbers.randrange(12)] = numbers.randrange(256)
        sent = sent[: len(sent) - numbers.choice((0, 0, 0, 1, 30))]
        mutated = bytes(sent)
        assert result(mutated, table, plain=False) == result(mutated, table, plain=True)


def test_addresses_that_no_telegram_can_have(table: KeyTable) -> None:
    primary = Address("", "00000005", 0, 0)  # a wired meter that told no other
    assert table(primary) is None
    with pytest.raises(ValueError, match="three letters"):
        KeyTable([(primary, Key(bytes(16)))])


def test_the_newest_of_two_keys_for_a_number_counts() -> None:
    table = KeyTable([(meter("00000001"), key(MANY[1])), (meter("00000001"), key(MANY[2]))])
    assert len(table) == 1
    assert table(meter("00000001")) == key(MANY[2])


@pytest.mark.parametrize("number", ["12", "123456", "1234567890"])
def test_a_number_of_another_length_is_nobodys(table: KeyTable, number: str) -> None:
    address = meter(MANY[0])._replace(number=number)
    assert table(address) is None
    with pytest.raises(ValueError, match="eight digits"):
        KeyTable([(address, key(MANY[0]))])
