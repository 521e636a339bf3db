"""The short way for telegrams like thousands before: Kamstrup's C1 frames of a known format.

Reason: a meter sends the same records every time; only the values change. Walking 10 to 25 headers
through the tables costs tens of microseconds, and the answer is always the same. So a `Plan` is
made once for each format and kind of meter. With it, a full frame costs one masked comparison (are
all header bytes the same?) and one `struct` call; a compact frame one `struct` call, one insertion
of the headers for the checksum of the full frame, and the same `struct` call as above.

`decode_known` returns None for whatever it is not made for, errors included: the plain path
(`decoder.py`) then says what is wrong. Where it does return a telegram, that is equal to the plain
path's; a test holds the two against each other on the whole corpus and under fuzzing.
"""

import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

from wmbus.address import Address, address_from_link, manufacturer_letters
from wmbus.checksum import crc
from wmbus.compact import Formats, split_headers
from wmbus.crypto import Key
from wmbus.dates import TYPES, MeterTime
from wmbus.extended import ENCRYPTION_CTR, HOP_AND_REPEATED
from wmbus.header import Header, describe
from wmbus.keytable import KeyTable
from wmbus.link import HEADER, Checksums
from wmbus.registers import Group, family_of, groups
from wmbus.telegram import (
    Register,
    RegisterLayout,
    RegisterSet,
    Security,
    SetKind,
    Telegram,
    Trust,
    layout_of,
)
from wmbus.values import decimal_digits

_SEND_NO_REPLY = 0x44
_ELL_II = 0x8D
_FULL, _COMPACT = 0x78, 0x79
_BODY = HEADER + 7  # behind CI, CC, ACC and SN
_SMALLEST = _BODY + 3
_MARKED = 0x2F2F  # fillers where a signature should stand: left to the plain path

# The control field as it counts for the initial vector.
_CONTROL = [bytes((control & ~HOP_AND_REPEATED,)) for control in range(256)]

# Of the link header: maker, lower and upper four digits of the number, version, device type.
_places = struct.Struct("<2xHHHBB").unpack_from

_INTEGERS = {1: "b", 2: "h", 4: "i", 8: "q"}

# Bounds what a stream of ever new formats can occupy; real networks have a few dozen.
_MOST_PLANS = 1024

Fields = tuple[Any, ...]

# Makes a NamedTuple without the call in between that would give its arguments names.
_new = tuple.__new__

_ELL, _PLAUSIBLE, _NONE = Security.ELL, Trust.PLAUSIBLE, Trust.NONE


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def _unsigned(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


class _Set(NamedTuple):
    """A register set of a plan: where in the unpacked fields its values and its time stand."""

    kind: SetKind
    storage: int
    layout: RegisterLayout
    date: Callable[[int], MeterTime] | None
    time_at: int
    values: Callable[[Fields], Fields]


def _set(group: Group, headers: list[Header]) -> _Set:
    registers = [
        Register(
            slot.code,
            slot.unit or headers[slot.record].unit,
            headers[slot.record].exponent + slot.exponent,
        )
        for slot in group.slots
    ]
    at = [slot.record for slot in group.slots]
    length = headers[group.dated].length if group.dated >= 0 else None
    return _Set(
        group.kind,
        group.storage,
        layout_of(tuple(registers)),
        TYPES[length] if length else None,
        group.dated,
        # One index alone would give the bare value; a slice gives a tuple as several indices do.
        itemgetter(*at) if len(at) > 1 else itemgetter(slice(at[0], at[0] + 1)),
    )


class Plan:
    """How to read one format of one kind of meter; see the head of this module."""

    __slots__ = (
        "_pieces",
        "_repairs",
        "_sets",
        "_template",
        "_unpack",
        "headers",
        "length",
        "mask",
        "pattern",
        "signature",
        "values_length",
    )

    def __init__(self, headers: bytes, described: list[Header], address: Address) -> None:
        self.headers = headers
        self.signature = crc(headers)
        found = groups(headers, family_of(address))
        bits = {slot.record for group in found for slot in group.slots if slot.bits}
        mask, pattern = bytearray(), bytearray()
        fields, pieces, template = "<", "<", b""
        self._repairs: list[tuple[int, Callable[[bytes], int | None]]] = []
        for index, header in enumerate(described):
            length = header.length or 0
            mask += b"\xff" * len(header.raw) + bytes(length)
            pattern += header.raw + bytes(length)
            pieces += f"{length}s"
            template += header.raw.replace(b"%", b"%%") + b"%b"
            code, repair = _field(header, length, index in bits)
            fields += f"{len(header.raw)}x{code}"
            if repair is not None:
                self._repairs.append((index, repair))
        self.length = len(mask)
        self.values_length = struct.calcsize(pieces)
        self.mask = int.from_bytes(mask, "little")
        self.pattern = int.from_bytes(pattern, "little")
        self._unpack = struct.Struct(fields).unpack
        self._pieces = struct.Struct(pieces).unpack
        self._template = template
        self._sets = tuple([_set(group, described) for group in found])

    def rebuild(self, values: bytes) -> bytes:
        """The records of the full frame from the data of a compact one of the right length."""
        return self._template % self._pieces(values)

    def read(self, records: bytes) -> tuple[RegisterSet, ...]:
        """The register sets of records that fit."""
        fields: Fields = self._unpack(records)
        if self._repairs:
            mended = list(fields)
            for index, repair in self._repairs:
                mended[index] = repair(mended[index])
            fields = tuple(mended)
        found = []
        for kind, storage, layout, date, time_at, values in self._sets:
            time = date(fields[time_at]) if date is not None else None
            found.append(_new(RegisterSet, (kind, time, storage, layout, values(fields))))
        return tuple(found)


def _field(
    header: Header, length: int, bits: bool
) -> tuple[str, Callable[[bytes], int | None] | None]:
    """The `struct` code of a record's data, and what to do with it where `struct` has no code."""
    signed = header.kind == "signed" and not bits
    if header.kind in ("signed", "unsigned", "date"):
        code = _INTEGERS.get(length)
        if code is not None:
            return code if signed else code.upper(), None
        return f"{length}s", _signed if signed else _unsigned
    if header.kind == "bcd":
        return f"{length}s", decimal_digits
    return f"{length}s", None


def _plannable(described: list[Header]) -> bool:
    """Whether the values of these records have fixed places and a fixed power of ten."""
    return bool(described) and all(
        header.length is not None
        and header.kind != "real"
        and header.constant is None
        and not header.errors
        for header in described
    )


# None marks a format that no plan can be made for.
_by_headers: dict[tuple[bytes, bytes], Plan | None] = {}
_by_length: dict[tuple[bytes, int], Plan] = {}


def _make(frame: bytes) -> bytes:
    """What decides the tables: manufacturer, version, device type."""
    return frame[2:4] + frame[8:10]


def _plan(make: bytes, headers: bytes, address: Address) -> Plan | None:
    """The plan for a format of the caller's, made on first use."""
    try:
        return _by_headers[make, headers]
    except KeyError:
        pass
    described = [describe(raw) for raw in split_headers(headers)]
    plan = Plan(headers, described, address) if _plannable(described) else None
    if len(_by_headers) >= _MOST_PLANS:
        _by_headers.clear()
        _by_length.clear()
    _by_headers[make, headers] = plan
    return plan


def remember(frame: bytes, telegram: Telegram) -> None:
    """Prepare the short way for full frames like this one, which the plain path has decoded.

    Only for formats the caller knows already, so that garbage makes no plans.
    """
    if (
        telegram.trust is Trust.PLAUSIBLE
        and telegram.security is Security.ELL
        and telegram.learned is not None
        and telegram.offset >= 0
        and frame[HEADER] == _ELL_II
    ):
        make = _make(frame)
        plan = _plan(make, telegram.learned, telegram.address)
        if plan is not None and plan.length == len(telegram.payload):
            _by_length[make, plan.length] = plan


def address_known(frame: bytes, checksums: Checksums) -> Address | None:
    """The address of a frame that the short way may be made for; None for every other."""
    return address_from_link(frame[2:10]) if _fits(frame, checksums) else None


def decode_known(
    frame: bytes, key_for: Callable[[Address], Key | None], formats: Formats, checksums: Checksums
) -> Telegram | None:
    """Decode a frame that the short way is made for; None for every other."""
    if not _fits(frame, checksums):
        return None
    size = len(frame)
    raw = frame[2:10]
    maker, low, high, version, device_type = _places(frame)
    # As `address_from_link`, without taking apart twice what the table needs, too.
    address: Address = _new(
        Address, (manufacturer_letters(maker), raw[5:1:-1].hex().upper(), version, device_type)
    )
    if isinstance(key_for, KeyTable):
        try:
            cipher = key_for.ciphers[maker << 16 | high][low]
        except KeyError:
            return None
        if cipher is None:
            cipher = key_for.first_cipher(maker, high, low)
    else:
        key = key_for(address)
        cipher = key.cipher() if key is not None else None
    if cipher is None:
        return None
    cipher.reset_nonce(raw + _CONTROL[frame[11]] + frame[13:17] + b"\0\0\0")
    body = cipher.update(frame[_BODY:])
    message = body[2:]
    if crc(message) != body[0] | body[1] << 8:
        return None
    kind = body[2]
    if kind == _FULL:
        records = body[3:]
        plan = _by_length.get((raw[:2] + raw[6:], size - _BODY - 3))
        if plan is None or int.from_bytes(records, "little") & plan.mask != plan.pattern:
            return None
        offset = _BODY + 3
        trust = _PLAUSIBLE if formats.get(plan.signature) == plan.headers else _NONE
    elif kind == _COMPACT and size >= _BODY + 7:
        signature = body[3] | body[4] << 8
        headers = formats.get(signature)
        if headers is None or signature == _MARKED:
            return None
        plan = _plan(raw[:2] + raw[6:], headers, address)
        # Files under another signature are the plain path's matter, as are frames with fillers.
        if plan is None or size - _BODY - 7 != plan.values_length or signature != plan.signature:
            return None
        records = plan.rebuild(body[7:])
        if crc(records) != body[5] | body[6] << 8:
            return None
        offset, trust = -1, _PLAUSIBLE
    else:
        return None
    counter = int.from_bytes(frame[13:17], "little") & 0x1FFFFFFF
    return _new(
        Telegram,
        (
            address,
            address,
            _ELL,
            True,
            trust,
            frame[12],
            counter,
            None,
            plan.signature,
            plan.headers,
            plan.read(records),
            records,
            offset,
            0,
        ),
    )


def _fits(frame: bytes, checksums: Checksums) -> bool:
    """Whether it is a C1 frame without link checksums and with an encrypted link layer II."""
    size = len(frame)
    return (
        size >= _SMALLEST
        and frame[0] + 1 == size
        and frame[1] == _SEND_NO_REPLY
        and frame[10] == _ELL_II
        and frame[16] >> 5 == ENCRYPTION_CTR
        and (checksums == "none" or checksums == "auto" and not _checksummed(frame, size))
    )


def _checksummed(frame: bytes, size: int) -> bool:
    """Whether `link.strip` would find checksums in this frame when asked to look."""
    last = min(size, 128)
    return crc(frame[: last - 2]) == frame[last - 2] << 8 | frame[last - 1]
