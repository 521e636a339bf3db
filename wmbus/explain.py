"""A telegram byte by byte, for `python -m wmbus` and the telegram inspector.

An `Explanation` is plain data. Its sections are runs of bytes: the frame as received, what was
encrypted in it, the application data. The parts of a section cover all its bytes, in order and
without gaps, so that a page can highlight bytes and fields by each other. Where decoding failed,
the part there carries the problem, and what follows is shown unread.
"""

from typing import Any, NamedTuple

from wmbus import authentication, extended, link, transport, wired
from wmbus.address import address_from_link, address_from_transport
from wmbus.compact import SHIPPED_FORMATS, Formats
from wmbus.decoder import KeyFor, Message, decode_message, open_link, open_wired
from wmbus.devices import CONTROLS, DEVICE_TYPES
from wmbus.errors import DecodeError, Layer
from wmbus.inspection import Builder, Section, failed_section, records_section
from wmbus.telegram import Telegram
from wmbus.transport import Content


class Explanation(NamedTuple):
    """All sections; the `telegram` if decoding succeeded, else the `error`."""

    sections: tuple[Section, ...]
    telegram: Telegram | None
    error: DecodeError | None

    def as_json(self) -> dict[str, Any]:
        """The same as dictionaries, lists, numbers and text."""
        return {
            "sections": [
                {
                    "title": section.title,
                    "hex": section.data.hex().upper(),
                    "parts": [part._asdict() for part in section.parts],
                }
                for section in self.sections
            ],
            "error": None
            if self.error is None
            else {
                "kind": type(self.error).__name__,
                "reason": self.error.reason,
                "layer": str(self.error.layer),
                "offset": self.error.offset,
                "address": self.error.address and str(self.error.address),
            },
            "telegram": None if self.telegram is None else _summary(self.telegram),
        }


def _summary(telegram: Telegram) -> dict[str, Any]:
    return {
        "address": str(telegram.address),
        "sender": str(telegram.sender),
        "security": str(telegram.security),
        "encrypted": telegram.encrypted,
        "trust": str(telegram.trust),
        "access_number": telegram.access_number,
        "counter": telegram.counter,
        "status": telegram.status,
        "signature": telegram.signature,
        "register_sets": [
            {
                "kind": found.kind,
                "storage": found.storage,
                "time": found.time and found.time.text,
                "registers": [
                    {**register._asdict(), "value": value}
                    for register, value in zip(found.layout.registers, found.values, strict=True)
                ],
            }
            for found in telegram.register_sets
        ],
    }


def explain(
    frame: bytes,
    *,
    key_for: KeyFor,
    formats: Formats = SHIPPED_FORMATS,
    already_decrypted: bool = False,
    crc: link.Checksums = "auto",
) -> Explanation:
    """Explain `frame`; parameters as of `wmbus.decode`. Raises nothing for any bytes."""
    telegram: Telegram | None = None
    failure: DecodeError | None = None
    try:
        telegram = decode_message(
            frame, key_for=key_for, formats=formats, already_decrypted=already_decrypted, crc=crc
        )
    except DecodeError as error:
        failure = error
    sections: list[Section] = []
    try:
        if crc == "auto" and wired.is_long(frame):
            _wired(frame, sections, telegram, failure)
        else:
            _wireless(frame, key_for, already_decrypted, crc, sections, telegram, failure)
    except DecodeError as error:
        # Not even the link layer could be read: nothing below raises behind it.
        builder = Builder("as received", frame)
        builder.add(min(error.offset, len(frame)), str(error.layer), "read so far")
        sections.append(builder.finish(str(error.layer), "not read", error.reason))
    return Explanation(tuple(sections), telegram, failure)


def _wired(
    frame: bytes, sections: list[Section], telegram: Telegram | None, failure: DecodeError | None
) -> None:
    message = open_wired(frame)
    builder = Builder("as received", frame)
    wire = str(Layer.WIRED)
    builder.add(1, wire, "start")
    builder.add(2, wire, "length, twice", f"{frame[1]} bytes")
    builder.add(1, wire, "start")
    builder.add(1, wire, "control field (C)", CONTROLS.get(frame[4], ""))
    builder.add(1, wire, "primary address (A)", str(frame[5]))
    body = len(message.data) - 2
    builder.add(body, wire, "contents", f"{body} bytes, explained below")
    builder.add(1, wire, "checksum", "fits")
    builder.add(1, wire, "stop")
    sections.append(builder.finish(wire, "behind the frame"))
    _upper(message, sections, telegram, failure)


def _wireless(
    frame: bytes,
    key_for: KeyFor,
    allow_plain: bool,
    checksums: link.Checksums,
    sections: list[Section],
    telegram: Telegram | None,
    failure: DecodeError | None,
) -> None:
    stripped = link.strip(frame, checksums)
    if stripped.checksums != "none":
        sections.append(_checksums(frame, stripped))
    data = stripped.data if stripped.checksums != "none" else frame
    builder = Builder("frame", data)
    _link(builder, stripped)
    error_here = failure if failure and failure.layer is Layer.LINK else None
    try:
        link.sender(stripped)
        message = open_link(stripped, key_for, allow_plain)
    except DecodeError as error:
        error_here = error_here or error
        _extended(builder, stripped)
        sections.append(builder.finish(str(error.layer), "not read", error_here.reason))
        return
    _extended(builder, stripped)
    surplus = stripped.trailing if stripped.checksums == "none" else 0
    encrypted = message.extended is not None and message.extended.session is not None
    inside = len(stripped.data) - builder.position
    builder.add(
        inside,
        str(Layer.EXTENDED if encrypted else Layer.TRANSPORT),
        "encrypted contents" if message.encrypted else "contents",
        f"{inside} bytes, explained below",
    )
    builder.add(surplus, str(Layer.LINK), "behind the frame", "surplus, left by the receiver")
    sections.append(builder.finish(str(Layer.LINK), "not read"))
    _upper(message, sections, telegram, failure)


def _checksums(frame: bytes, stripped: link.Link) -> Section:
    """The blocks of a frame with link checksums."""
    builder = Builder("as received", frame)
    layer = str(Layer.LINK)
    whole = len(frame) - stripped.trailing
    first, following = (10, 16) if stripped.checksums == "A" else (min(whole, 128) - 2, 128)
    while builder.position < whole:
        size = first if builder.position == 0 else following
        size = min(size, whole - builder.position - 2)
        builder.add(size, layer, "block", f"{size} bytes")
        builder.add(2, layer, "checksum", "fits")
    return builder.finish(layer, "behind the frame")


def _link(builder: Builder, stripped: link.Link) -> None:
    layer = str(Layer.LINK)
    address = address_from_link(stripped.raw_address)
    builder.add(1, layer, "length (L)", f"{stripped.data[0]} bytes follow")
    builder.add(1, layer, "control field (C)", CONTROLS.get(stripped.control, "unknown"))
    builder.add(2, layer, "manufacturer (M)", address.manufacturer)
    builder.add(4, layer, "number", address.number)
    builder.add(1, layer, "version", f"{address.version:02X}")
    builder.add(1, layer, "device type", DEVICE_TYPES.get(address.device_type, "unknown"))


def _extended(builder: Builder, stripped: link.Link) -> None:
    """The extended link layer, if there is one."""
    layer = str(Layer.EXTENDED)
    if stripped.data[link.HEADER] not in extended.LAYOUTS:
        return
    try:
        header = extended.parse(stripped.data, link.HEADER)
    except DecodeError as error:
        builder.add(1, layer, "CI", "extended link layer", error.reason)
        return
    number = ("I", "II", "III", "IV")[header.ci - 0x8C]
    builder.add(1, layer, "CI", f"extended link layer {number}")
    builder.add(1, layer, "communication control (CC)", _control(header.control))
    builder.add(1, layer, "access number (ACC)", str(header.access))
    if header.address:
        builder.add(8, layer, "address", str(address_from_link(header.address)))
    if header.session is not None:
        cipher = ("not encrypted", "AES-CTR")[header.encryption] if header.encryption < 2 else "?"
        builder.add(4, layer, "session number (SN)", f"{header.counter}, {cipher}")


def _control(control: int) -> str:
    bits = (
        (0x80, "bidirectional"),
        (0x40, "fast response"),
        (0x20, "synchronous"),
        (0x10, "hop"),
        (0x08, "priority"),
        (0x04, "accessible"),
        (0x02, "repeated"),
    )
    return ", ".join(words for bit, words in bits if control & bit) or "none"


def _upper(
    message: Message,
    sections: list[Section],
    telegram: Telegram | None,
    failure: DecodeError | None,
) -> None:
    """From the authentication layer on; `message.data` is decrypted as far as the link needs."""
    start = message.behind_link
    builder = Builder("contents, decrypted" if message.encrypted else "contents", message.data)
    builder.position = start
    if message.extended is not None and message.extended.session is not None:
        builder.add(2, str(Layer.EXTENDED), "payload checksum", "fits")
    if message.authentication is not None:
        _authentication(builder, message.authentication, message.position)
    layer = str(Layer.TRANSPORT)
    problem = failure.reason if failure else ""
    try:
        header = transport.parse(message.data, message.position, wired=message.wired)
    except DecodeError as error:
        builder.add(1, layer, "CI", "", error.reason)
        sections.append(_rebased(builder.finish(layer, "not read"), start))
        return
    _transport(builder, header, message)
    length = len(message.data) - builder.position
    if header.content is Content.FIXED:
        sections.append(_rebased(builder.finish(layer, "fixed structure", problem), start))
    elif failure is None or failure.layer is Layer.APPLICATION:
        builder.add(length, layer, "application data", f"{length} bytes, explained below")
        sections.append(_rebased(builder.finish(layer, ""), start))
    else:
        builder.add(length, layer, "application data, not read", "", problem)
        sections.append(_rebased(builder.finish(layer, ""), start))
    if telegram is not None:
        sections.append(records_section(telegram))
    elif failure is not None and failure.data is not None:
        sections.append(failed_section(failure, failure.data))


def _rebased(section: Section, start: int) -> Section:
    """The section without the bytes before `start`, which an earlier one shows."""
    parts = [p._replace(start=p.start - start, end=p.end - start) for p in section.parts]
    return Section(section.title, section.data[start:], tuple(parts))


def _authentication(builder: Builder, layer: authentication.Authentication, behind: int) -> None:
    name = str(Layer.AUTHENTICATION)
    builder.add(1, name, "CI", "authentication and fragmentation layer")
    builder.add(1, name, "length")
    which = f"fragment {layer.fragment}" if layer.fragmented else "whole message"
    builder.add(2, name, "fragmentation control", which)
    builder.add(len(layer.control), name, "message control")
    builder.add(len(layer.key_information), name, "key information")
    counter = str(int.from_bytes(layer.counter, "little"))
    builder.add(len(layer.counter), name, "message counter", counter)
    builder.add(len(layer.mac), name, "message authentication code")
    builder.add(behind - builder.position, name, "message length")


def _transport(builder: Builder, header: transport.Transport, message: Message) -> None:
    layer = str(Layer.TRANSPORT)
    builder.add(1, layer, "CI", f"{header.content}, {_HEADERS[_header_length(header)]}")
    if header.address:
        address = address_from_transport(header.address)
        builder.add(4, layer, "number", address.number)
        builder.add(2, layer, "manufacturer", address.manufacturer)
        builder.add(1, layer, "version", f"{address.version:02X}")
        builder.add(1, layer, "device type", DEVICE_TYPES.get(address.device_type, "unknown"))
    if header.status is not None:
        builder.add(1, layer, "access number (ACC)", str(header.access))
        builder.add(1, layer, "status", f"{header.status:08b}")
        builder.add(2, layer, "configuration word (CW)", f"security mode {header.mode}")
        extra = header.behind - builder.position - len(header.counter)
        builder.add(extra, layer, "configuration extension")
        counter = str(int.from_bytes(header.counter, "little"))
        builder.add(len(header.counter), layer, "message counter", counter)


_HEADERS = {0: "no header", 4: "short header", 12: "long header"}


def _header_length(header: transport.Transport) -> int:
    return 12 if header.address else 0 if header.status is None else 4
