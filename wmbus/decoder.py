"""The plain path: one telegram, layer by layer, as the standard draws them.

    link → extended link → authentication → transport → application → registers

Every step either hands on what it found or raises one of `errors.py`. `layouts.py` is a shortcut
for telegrams seen before and must give the same results.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wmbus import authentication, drivers, extended, fixed, link, transport, wired
from wmbus.address import Address, address_from_link, address_from_transport
from wmbus.application import read_application
from wmbus.authentication import Authentication
from wmbus.compact import Formats
from wmbus.crypto import Key
from wmbus.errors import (
    DecodeError,
    Layer,
    Malformed,
    WaitingForFragments,
)
from wmbus.extended import Extended
from wmbus.records import walk
from wmbus.registers import register_sets
from wmbus.security import open_extended, open_transport
from wmbus.telegram import Security, Telegram, Trust
from wmbus.transport import Content, Transport

KeyFor = Callable[[Address], Key | None]

_WITHOUT_ADDRESS = bytes(8)


class Message(NamedTuple):
    """A telegram down to where its transport layer begins, the extended link layer decrypted.

    `data` holds everything, with decrypted bytes in the place of encrypted ones; `position` is
    where the CI of the transport layer stands, `behind_link` where the link layers end: what
    follows there may have been encrypted.
    """

    data: bytes
    position: int
    link_address: bytes
    extended: Extended | None
    encrypted: bool
    authentication: Authentication | None
    trailing: int
    wired: bool
    behind_link: int


def decode_message(
    frame: bytes, *, key_for: KeyFor, formats: Formats, already_decrypted: bool, crc: link.Checksums
) -> Telegram:
    """Decode one wireless or wired frame; parameters and errors as `wmbus.decode` says."""
    if crc == "auto" and wired.is_wired(frame):
        return _finish(open_wired(frame), key_for, formats, already_decrypted)
    stripped = link.strip(frame, crc)
    sender = link.sender(stripped)
    try:
        message = open_link(stripped, key_for, already_decrypted)
        if message.authentication and message.authentication.fragmented:
            raise WaitingForFragments(
                message.authentication.fragment,
                more=message.authentication.more,
                layer=Layer.AUTHENTICATION,
                offset=message.position,
            )
        return _finish(message, key_for, formats, already_decrypted)
    except DecodeError as error:
        error.address = error.address or sender
        raise


def decode_message_of_fragments(
    frames: Sequence[bytes],
    *,
    key_for: KeyFor,
    formats: Formats,
    already_decrypted: bool,
    crc: link.Checksums,
) -> Telegram:
    """Decode the fragments of one message, given in their order."""
    messages = []
    for frame in frames:
        stripped = link.strip(frame, crc)
        link.sender(stripped)
        messages.append(open_link(stripped, key_for, already_decrypted))
    parts = [m.authentication for m in messages if m.authentication is not None]
    if len(parts) != len(messages) or len({m.link_address for m in messages}) != 1:
        raise Malformed(
            "fragments_mixed",
            layer=Layer.AUTHENTICATION,
            offset=0,
        )
    first = messages[0]
    whole = authentication.join(parts)
    data = first.data + b"".join([m.data[m.position :] for m in messages[1:]])
    return _finish(
        first._replace(data=data, authentication=whole), key_for, formats, already_decrypted
    )


def address_of_frame(frame: bytes, crc: link.Checksums) -> Address:
    """The meter's address as far as it can be read without a key."""
    if crc == "auto" and wired.is_wired(frame):
        message = open_wired(frame)
        header = transport.parse(message.data, message.position, wired=True)
        return _wired_address(message, header)
    stripped = link.strip(frame, crc)
    sender = link.sender(stripped)
    data, position = stripped.data, link.HEADER
    try:
        if data[position] in extended.LAYOUTS:
            header_found = extended.parse(data, position)
            if header_found.session is not None:
                return sender  # what follows may be encrypted
            position = header_found.behind
        if data[position : position + 1] == b"\x90":
            position = authentication.parse(data, position).behind
        raw = transport.parse(data, position).address
    except DecodeError:
        return sender  # the link layer is sound; what is wrong behind it is for `decode` to say
    return address_from_transport(raw) if raw else sender


def open_wired(frame: bytes) -> Message:
    answer = wired.answer(frame)
    body = answer.body
    return Message(body, 2, _WITHOUT_ADDRESS, None, False, None, answer.trailing, True, 2)


def open_link(stripped: link.Link, key_for: KeyFor, allow_plain: bool) -> Message:
    """Pass the extended link and the authentication layer."""
    data, position = stripped.data, link.HEADER
    raw = stripped.raw_address
    header: Extended | None = None
    layer: Authentication | None = None
    encrypted = False
    behind_link = position
    if data[position] in extended.LAYOUTS:
        header = extended.parse(data, position)
        position = behind_link = header.behind
        if header.session is not None:
            key = key_for(address_from_link(raw)) if header.encryption else None
            addresses = [raw, header.address] if header.address else [raw]
            opened, encrypted = open_extended(header, data, addresses, key, allow_plain)
            position += 2  # behind the payload checksum
            data = data[:position] + opened
    if data[position : position + 1] == bytes((authentication.CI,)):
        layer = authentication.parse(data, position)
        position = layer.behind
    return Message(
        data, position, raw, header, encrypted, layer, stripped.trailing, False, behind_link
    )


def _wired_address(message: Message, header: Transport) -> Address:
    if header.address:
        return address_from_transport(header.address)
    # Without a long header a wired meter is known by its primary address only.
    return Address("", f"{message.data[1]:08}", 0, 0)


def _finish(message: Message, key_for: KeyFor, formats: Formats, allow_plain: bool) -> Telegram:
    """Transport and application layer."""
    link_address = address_from_link(message.link_address)
    if not message.wired:
        records = drivers.from_frame(link_address, message.data, message.position)
        if records is not None:
            return _own_layout(message, link_address, records)
    header = transport.parse(message.data, message.position, wired=message.wired)
    address = link_address
    if message.wired:
        address = _wired_address(message, header)
    elif header.address:
        address = address_from_transport(header.address)
    if header.content is Content.FIXED:
        return _fixed(message)
    try:
        return _contents(message, header, address, link_address, key_for, formats, allow_plain)
    except DecodeError as error:
        error.address = error.address or address
        raise


def _contents(
    message: Message,
    header: Transport,
    address: Address,
    link_address: Address,
    key_for: KeyFor,
    formats: Formats,
    allow_plain: bool,
) -> Telegram:
    layer = message.authentication
    raw = header.address[4:6] + header.address[:4] + header.address[6:] or message.link_address
    key = key_for(address) if header.mode or (layer and layer.mac) else None
    opened = open_transport(header, layer, message.data, raw, key, allow_plain)
    encrypted = message.encrypted or opened.encrypted
    application = read_application(header, opened, address, formats, message.wired)
    if opened.mac:
        trust = Trust.MAC
    elif encrypted and application.known:
        trust = Trust.PLAUSIBLE
    else:
        trust = Trust.NONE
    security = opened.security
    if security is Security.NONE and message.extended and message.extended.encryption:
        security = Security.ELL
    return Telegram(
        address,
        address if message.wired else link_address,
        security,
        encrypted,
        trust,
        _access(header, message.extended),
        _counter(header, layer, message.extended),
        header.status,
        application.signature,
        application.learned,
        application.register_sets,
        application.payload,
        application.offset,
        message.trailing + application.surplus,
    )


def _fixed(message: Message) -> Telegram:
    found = fixed.parse(message.data, message.position + 1)
    address = Address("", found.number, 0, found.device_type)
    return Telegram(
        address=address,
        sender=address,
        security=Security.NONE,
        encrypted=False,
        trust=Trust.NONE,
        access_number=found.access,
        counter=None,
        status=found.status,
        signature=None,
        learned=None,
        register_sets=register_sets(walk(found.records).records, address),
        payload=found.records,
        offset=-1,
        trailing=message.trailing,
    )


def _own_layout(message: Message, address: Address, records: bytes) -> Telegram:
    """A telegram whose CI and layout are the maker's own."""
    return Telegram(
        address=address,
        sender=address,
        security=Security.NONE,
        encrypted=message.encrypted,
        trust=Trust.NONE,
        access_number=message.extended.access if message.extended else None,
        counter=message.extended.counter if message.extended else None,
        status=None,
        signature=None,
        learned=None,
        register_sets=register_sets(walk(records).records, address),
        payload=records,
        offset=-1,
        trailing=message.trailing,
    )


def _access(header: Transport, extension: Extended | None) -> int | None:
    if header.access is None and extension is not None:
        return extension.access
    return header.access


def _counter(
    header: Transport, layer: Authentication | None, extension: Extended | None
) -> int | None:
    raw = header.counter or (layer.counter if layer else b"")
    if raw:
        return int.from_bytes(raw, "little")
    return extension.counter if extension else None
