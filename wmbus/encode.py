"""From values to telegrams, for the simulator and for tests: the inverse of `decode`.

    header = bytes.fromhex("0413")                           # volume, litres, 32 bits
    records = record(header, 123456)
    frame = kamstrup_full(address, key, records, session=1, access=0)

All frames come out without link checksums; `link.add_checksums` puts those of format A or B on.
"""

from collections.abc import Iterable
from datetime import date, datetime

from wmbus.address import Address
from wmbus.checksum import crc
from wmbus.compact import signature, split_headers
from wmbus.crypto import DERIVE_ENCRYPTION, DERIVE_MAC, Key
from wmbus.extended import HOP_AND_REPEATED
from wmbus.header import Header, describe
from wmbus.security import MARK

SEND_NO_REPLY = 0x44
_ENCRYPTED_CTR = 1 << 29


def date_g(day: date) -> int:
    """A date of years 2000 to 2099 as type G."""
    year = day.year - 2000
    return day.day | (year & 7) << 5 | day.month << 8 | (year & 0x78) << 9


def date_f(moment: datetime, *, summer: bool = False) -> int:
    """A local date and time of years 2000 to 2099 as type F."""
    return moment.minute | moment.hour << 8 | summer << 15 | date_g(moment.date()) << 16


def data(header: Header, value: int) -> bytes:
    """The data bytes of `value` for this header: integers, dates as integers, and BCD.

    ValueError when the value does not fit, or the header is of another kind.
    """
    length = header.length
    if length and header.kind in ("signed", "unsigned", "date"):
        try:
            return value.to_bytes(length, "little", signed=header.kind == "signed")
        except OverflowError:
            raise ValueError(f"{value} does not fit into {length} bytes") from None
    if length and header.kind == "bcd":
        digits = f"{abs(value):0{2 * length}d}"
        if value < 0:
            digits = "f" + digits[1:] if digits[0] == "0" else digits + "0"
        if len(digits) != 2 * length:
            raise ValueError(f"{value} does not fit into {2 * length} digits")
        return bytes.fromhex(digits)[::-1]
    raise ValueError(f"a record with header {header.raw.hex().upper()} holds no integer")


def record(header: bytes, value: int) -> bytes:
    """One whole record: header and data."""
    return header + data(describe(header), value)


def records(headers: bytes, values: Iterable[int]) -> bytes:
    """The record data of a full frame: headers in a row, and one value for each."""
    return b"".join(
        record(header, value) for header, value in zip(split_headers(headers), values, strict=True)
    )


def compact(headers: bytes, values: Iterable[int]) -> bytes:
    """What follows CI 79: signature, checksum of the full frame, and the data alone."""
    single = split_headers(headers)
    parts = [data(describe(header), v) for header, v in zip(single, values, strict=True)]
    full = b"".join(header + part for header, part in zip(single, parts, strict=True))
    return (
        signature(headers).to_bytes(2, "little") + crc(full).to_bytes(2, "little") + b"".join(parts)
    )


def format_frame(headers: bytes) -> bytes:
    """What follows CI 69: length, signature, headers."""
    return bytes((len(headers) + 2,)) + signature(headers).to_bytes(2, "little") + headers


def frame(address: Address, body: bytes, *, control: int = SEND_NO_REPLY) -> bytes:
    """A wireless frame without checksums around `body`, which begins with a CI."""
    whole = bytes((control,)) + address.wire + body
    if len(whole) > 255:
        raise ValueError(f"{len(whole)} bytes do not fit into one frame")
    return bytes((len(whole),)) + whole


def extended_ctr(
    address: Address, key: Key, message: bytes, *, session: int, access: int, control: int = 0x20
) -> bytes:
    """A frame with ELL II, encrypted by AES-CTR. `message` begins with its CI (78, 79 …).

    `session` (29 bits: minutes, session) must rise with every telegram of the meter.
    """
    number = (session | _ENCRYPTED_CTR).to_bytes(4, "little")
    initial = address.wire + bytes((control & ~HOP_AND_REPEATED,)) + number + b"\0\0\0"
    body = key.ctr(initial, crc(message).to_bytes(2, "little") + message)
    return frame(address, bytes((0x8D, control, access)) + number + body)


def kamstrup_full(
    address: Address, key: Key, record_data: bytes, *, session: int, access: int
) -> bytes:
    """A full frame as Kamstrup's C1 mode sends it."""
    return extended_ctr(address, key, b"\x78" + record_data, session=session, access=access)


def kamstrup_compact(
    address: Address,
    key: Key,
    headers: bytes,
    values: Iterable[int],
    *,
    session: int,
    access: int,
) -> bytes:
    """A compact frame as Kamstrup's C1 mode sends it between two full ones."""
    return extended_ctr(
        address, key, b"\x79" + compact(headers, values), session=session, access=access
    )


def _filled(application: bytes) -> bytes:
    """Two fillers in front, and fillers behind up to a whole number of blocks."""
    body = MARK + application
    return body + b"\x2f" * (-len(body) % 16)


def _blocks(body: bytes) -> int:
    count = len(body) // 16
    if count > 15:
        raise ValueError(f"{count} blocks do not fit into one frame")
    return count << 4


def mode_5(
    address: Address, key: Key, application: bytes, *, access: int, status: int = 0, ci: int = 0x7A
) -> bytes:
    """A frame with a short header and security mode 5, as OMS meters send it in T1."""
    body = _filled(application)
    configuration = 0x0500 | _blocks(body)
    sent = key.cbc_encrypt(address.wire + bytes((access,)) * 8, body)
    header = bytes((ci, access, status)) + configuration.to_bytes(2, "little")
    return frame(address, header + sent)


def mode_7(
    address: Address,
    key: Key,
    application: bytes,
    *,
    counter: int,
    access: int,
    status: int = 0,
    ci: int = 0x7A,
) -> bytes:
    """A frame with AFL (counter and 8-byte CMAC), a short header, and security mode 7."""
    body = _filled(application)
    number = counter.to_bytes(4, "little")
    identity = address.wire[2:6]
    sent = key.derive(DERIVE_ENCRYPTION, number, identity).cbc_encrypt(bytes(16), body)
    configuration = 0x0700 | _blocks(body)
    message = bytes((ci, access, status)) + configuration.to_bytes(2, "little") + b"\x10" + sent
    control = b"\x25"
    mac = key.derive(DERIVE_MAC, number, identity).cmac(control + number + message)[:8]
    layer = b"\x00\x2c" + control + number + mac
    return frame(address, b"\x90" + bytes((len(layer),)) + layer + message)


def mode_10(
    address: Address,
    key: Key,
    application: bytes,
    *,
    counter: int,
    access: int,
    status: int = 0,
    ci: int = 0x7A,
    tag_length: int = 8,
) -> bytes:
    """A frame with ELL I, a short header, and security mode 10, as newer Kamstrup water meters."""
    number = counter.to_bytes(4, "little")
    extension = (tag_length // 4 - 1) << 8 | 0x10
    header = bytes((ci, access, status)) + b"\xff\x0a" + extension.to_bytes(2, "little")
    sent = key.derive(DERIVE_ENCRYPTION, number, address.wire[2:6]).ccm_encrypt(
        address.wire + b"\0" + number[::-1], application, header, tag_length
    )
    return frame(address, b"\x8c\x20" + bytes((access,)) + header + number + sent)
