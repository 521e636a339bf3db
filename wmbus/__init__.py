"""M-Bus and Wireless M-Bus: bytes in, frozen values out. No I/O, no clock, no log, no state to set.

    keys = {address: Key(bytes.fromhex("…"))}
    try:
        telegram = decode(frame, key_for=keys.get)      # of many meters: a KeyTable
    except WaitingForFullFrame as waiting:      # keep the frame; decode again once
        ...                                     # waiting.signature is in the formats
    except DecodeError as error:                # error says layer, byte, and whose meter
        ...
    else:
        for register_set in telegram.register_sets:
            columns = columns_of(register_set.layout)       # once a layout, then from a dictionary
            store(telegram.address, register_set.time, columns, register_set.values)
        if telegram.learned is not None:
            formats[telegram.signature] = telegram.learned  # per tenant, never for all

Look at `telegram.trust` before storing (`Trust` says what each level is worth), and keep
`telegram.counter` or `access_number` to recognise a telegram heard twice or replayed.
"""

from collections.abc import Sequence

from wmbus.address import Address
from wmbus.compact import SHIPPED_FORMATS, Formats
from wmbus.crypto import Key
from wmbus.dates import MeterTime
from wmbus.decoder import (
    KeyFor,
    address_of_frame,
    decode_message,
    decode_message_of_fragments,
)
from wmbus.errors import (
    BadChecksum,
    BadMac,
    DecodeError,
    Layer,
    Malformed,
    MeterReportsError,
    NoKey,
    NotEncrypted,
    NotMeterData,
    SecurityError,
    Truncated,
    Unsupported,
    Waiting,
    WaitingForFragments,
    WaitingForFullFrame,
    WrongKey,
)
from wmbus.keytable import KeyTable
from wmbus.layouts import address_known, decode_known, remember
from wmbus.link import Checksums, may_be_bare
from wmbus.records import Record
from wmbus.telegram import (
    Register,
    RegisterLayout,
    RegisterSet,
    Security,
    Telegram,
    Trust,
)

__all__ = [
    "SHIPPED_FORMATS",
    "Address",
    "BadChecksum",
    "BadMac",
    "Checksums",
    "DecodeError",
    "Formats",
    "Key",
    "KeyFor",
    "KeyTable",
    "Layer",
    "Malformed",
    "MeterReportsError",
    "MeterTime",
    "NoKey",
    "NotEncrypted",
    "NotMeterData",
    "Record",
    "Register",
    "RegisterLayout",
    "RegisterSet",
    "Security",
    "SecurityError",
    "Telegram",
    "Truncated",
    "Trust",
    "Unsupported",
    "Waiting",
    "WaitingForFragments",
    "WaitingForFullFrame",
    "WrongKey",
    "address_of",
    "decode",
    "decode_fragments",
]


def decode(
    frame: bytes,
    *,
    key_for: KeyFor,
    formats: Formats = SHIPPED_FORMATS,
    already_decrypted: bool = False,
    crc: Checksums = "auto",
) -> Telegram:
    """Decode one telegram, wireless (from the length byte on) or wired (from 68 on).

    `key_for` is asked for the key of an address when one is needed: return the same `Key` object
    each time, or None if there is none; a `KeyTable` is the quickest with many meters. `formats`
    maps signatures to headers for compact frames.
    `already_decrypted` allows telegrams that declare encryption but carry plaintext: for a source
    that decrypts itself, never in general. `crc` says how the receiver delivers frames: "none"
    without link checksums, "A" or "B" with those of that format, "auto" to look.

    Raises a `DecodeError` for anything that is not a sound telegram, and nothing else. Time and
    memory are bounded by the length of the frame.
    """
    telegram = decode_known(frame, key_for, formats, crc)
    if telegram is None:
        telegram = _decode(frame, key_for, formats, already_decrypted, crc)
        remember(frame, telegram)
    return telegram


def _decode(
    frame: bytes, key_for: KeyFor, formats: Formats, already_decrypted: bool, crc: Checksums
) -> Telegram:
    try:
        return decode_message(
            frame, key_for=key_for, formats=formats, already_decrypted=already_decrypted, crc=crc
        )
    except DecodeError as error:
        if crc != "auto" or not may_be_bare(frame):
            raise
        # Once in 65,536 the end of a frame without checksums looks like one of format B.
        try:
            return decode_message(
                frame,
                key_for=key_for,
                formats=formats,
                already_decrypted=already_decrypted,
                crc="none",
            )
        except DecodeError:
            raise error from None


def decode_fragments(
    frames: Sequence[bytes],
    *,
    key_for: KeyFor,
    formats: Formats = SHIPPED_FORMATS,
    already_decrypted: bool = False,
    crc: Checksums = "auto",
) -> Telegram:
    """Decode one message sent in several frames, for each of which `decode` raised
    `WaitingForFragments`; give them in the order of their fragment numbers. Otherwise as `decode`.
    """
    return decode_message_of_fragments(
        frames, key_for=key_for, formats=formats, already_decrypted=already_decrypted, crc=crc
    )


def address_of(frame: bytes, *, crc: Checksums = "auto") -> Address:
    """The meter's address, as far as it stands in the clear: cheap, and needs no key.

    Checks the link layer only. Behind a radio converter it is the address in the long transport
    header; if that is encrypted, the converter's own. Raises Truncated, BadChecksum, Malformed,
    NotMeterData.
    """
    return address_known(frame, crc) or address_of_frame(frame, crc)
