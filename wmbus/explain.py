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
from wmbus.words import Words, listed
from wmbus.words import marked as _


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
                "code": self.error.code,
                "params": self.error.params,
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
        if crc == "auto" and wired.is_wired(frame):
            _wired(frame, sections, telegram, failure)
        else:
            _wireless(frame, key_for, already_decrypted, crc, sections, telegram, failure)
    except DecodeError as error:
        # Not even the link layer could be read: nothing below raises behind it.
        builder = Builder(_("as received"), frame)
        builder.add(min(error.offset, len(frame)), str(error.layer), _("read so far"))
        sections.append(builder.finish(str(error.layer), _("not read"), error.reason))
    return Explanation(tuple(sections), telegram, failure)


def _below(count: int) -> Words:
    return Words(_("%(count)d bytes, explained below"), count=count)


def _wired(
    frame: bytes, sections: list[Section], telegram: Telegram | None, failure: DecodeError | None
) -> None:
    builder = Builder(_("as received"), frame)
    wire = str(Layer.WIRED)
    if len(frame) > 1 and wired.is_short(frame):
        wired.parse(frame)
        # No meter answers with one, so this is the place of the failure.
        builder.add(1, wire, _("start"))
        problem = failure.reason if failure else ""
        control = CONTROLS.get(frame[1], "")
        builder.add(1, wire, _("control field (C)"), control, problem)
        builder.add(1, wire, _("primary address (A)"), str(frame[2]))
        builder.add(1, wire, _("checksum"), _("fits"))
        builder.add(1, wire, _("stop"))
        sections.append(builder.finish(wire, _("behind the frame")))
        return
    message = open_wired(frame)
    builder.add(1, wire, _("start"))
    builder.add(2, wire, _("length, twice"), Words(_("%(count)d bytes"), count=frame[1]))
    builder.add(1, wire, _("start"))
    builder.add(1, wire, _("control field (C)"), CONTROLS.get(frame[4], ""))
    builder.add(1, wire, _("primary address (A)"), str(frame[5]))
    body = len(message.data) - 2
    builder.add(body, wire, _("contents"), _below(body))
    builder.add(1, wire, _("checksum"), _("fits"))
    builder.add(1, wire, _("stop"))
    sections.append(builder.finish(wire, _("behind the frame")))
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
    builder = Builder(_("frame"), data)
    _link(builder, stripped)
    error_here = failure if failure and failure.layer is Layer.LINK else None
    try:
        link.sender(stripped)
        message = open_link(stripped, key_for, allow_plain)
    except DecodeError as error:
        error_here = error_here or error
        _extended(builder, stripped)
        sections.append(builder.finish(str(error.layer), _("not read"), error_here.reason))
        return
    _extended(builder, stripped)
    surplus = stripped.trailing if stripped.checksums == "none" else 0
    encrypted = message.extended is not None and message.extended.session is not None
    inside = len(stripped.data) - builder.position
    builder.add(
        inside,
        str(Layer.EXTENDED if encrypted else Layer.TRANSPORT),
        _("encrypted contents") if message.encrypted else _("contents"),
        _below(inside),
    )
    builder.add(surplus, str(Layer.LINK), _("behind the frame"), _("surplus, left by the receiver"))
    sections.append(builder.finish(str(Layer.LINK), _("not read")))
    _upper(message, sections, telegram, failure)


def _checksums(frame: bytes, stripped: link.Link) -> Section:
    """The blocks of a frame with link checksums."""
    builder = Builder(_("as received"), frame)
    layer = str(Layer.LINK)
    whole = len(frame) - stripped.trailing
    first, following = (10, 16) if stripped.checksums == "A" else (min(whole, 128) - 2, 128)
    while builder.position < whole:
        size = first if builder.position == 0 else following
        size = min(size, whole - builder.position - 2)
        builder.add(size, layer, _("block"), Words(_("%(count)d bytes"), count=size))
        builder.add(2, layer, _("checksum"), _("fits"))
    return builder.finish(layer, _("behind the frame"))


def _link(builder: Builder, stripped: link.Link) -> None:
    layer = str(Layer.LINK)
    address = address_from_link(stripped.raw_address)
    builder.add(
        1, layer, _("length (L)"), Words(_("%(count)d bytes follow"), count=stripped.data[0])
    )
    builder.add(1, layer, _("control field (C)"), CONTROLS.get(stripped.control, _("unknown")))
    builder.add(2, layer, _("manufacturer (M)"), address.manufacturer)
    builder.add(4, layer, _("number"), address.number)
    builder.add(1, layer, _("version"), f"{address.version:02X}")
    builder.add(1, layer, _("device type"), DEVICE_TYPES.get(address.device_type, _("unknown")))


def _extended(builder: Builder, stripped: link.Link) -> None:
    """The extended link layer, if there is one."""
    layer = str(Layer.EXTENDED)
    if stripped.data[link.HEADER] not in extended.LAYOUTS:
        return
    try:
        header = extended.parse(stripped.data, link.HEADER)
    except DecodeError as error:
        builder.add(1, layer, "CI", _("extended link layer"), error.reason)
        return
    number = ("I", "II", "III", "IV")[header.ci - 0x8C]
    builder.add(1, layer, "CI", Words(_("extended link layer %(number)s"), number=number))
    builder.add(1, layer, _("communication control (CC)"), _control(header.control))
    builder.add(1, layer, _("access number (ACC)"), str(header.access))
    if header.address:
        builder.add(8, layer, _("address"), str(address_from_link(header.address)))
    if header.session is not None:
        ciphers = (_("not encrypted"), "AES-CTR")
        cipher = ciphers[header.encryption] if header.encryption < len(ciphers) else "?"
        builder.add(4, layer, _("session number (SN)"), listed((str(header.counter), cipher)))


def _control(control: int) -> str:
    bits = (
        (0x80, _("bidirectional")),
        (0x40, _("fast response")),
        (0x20, _("synchronous")),
        (0x10, _("hop")),
        (0x08, _("priority")),
        (0x04, _("accessible")),
        (0x02, _("repeated")),
    )
    found = [words for bit, words in bits if control & bit]
    return listed(found) if found else _("none")


def _upper(
    message: Message,
    sections: list[Section],
    telegram: Telegram | None,
    failure: DecodeError | None,
) -> None:
    """From the authentication layer on; `message.data` is decrypted as far as the link needs."""
    start = message.behind_link
    builder = Builder(
        _("contents, decrypted") if message.encrypted else _("contents"), message.data
    )
    builder.position = start
    if message.extended is not None and message.extended.session is not None:
        builder.add(2, str(Layer.EXTENDED), _("payload checksum"), _("fits"))
    if message.authentication is not None:
        _authentication(builder, message.authentication, message.position)
    layer = str(Layer.TRANSPORT)
    problem = failure.reason if failure else ""
    try:
        header = transport.parse(message.data, message.position, wired=message.wired)
    except DecodeError as error:
        if telegram is None:
            builder.add(1, layer, "CI", "", error.reason)
            sections.append(_rebased(builder.finish(layer, _("not read")), start))
            return
        builder.add(1, layer, "CI", _("manufacturer specific"))
        sections.append(_rebased(builder.finish(layer, _("manufacturer's own data")), start))
        sections.append(records_section(telegram))
        return
    _transport(builder, header, message)
    length = len(message.data) - builder.position
    if header.content is Content.FIXED:
        sections.append(_rebased(builder.finish(layer, _("fixed structure"), problem), start))
    elif failure is None or failure.layer is Layer.APPLICATION:
        builder.add(length, layer, _("application data"), _below(length))
        sections.append(_rebased(builder.finish(layer, ""), start))
    else:
        builder.add(length, layer, _("application data, not read"), "", problem)
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
    builder.add(1, name, "CI", _("authentication and fragmentation layer"))
    builder.add(1, name, _("length"))
    which = _("whole message")
    if layer.fragmented:
        which = Words(_("fragment %(number)d"), number=layer.fragment)
    builder.add(2, name, _("fragmentation control"), which)
    builder.add(len(layer.control), name, _("message control"))
    builder.add(len(layer.key_information), name, _("key information"))
    counter = str(int.from_bytes(layer.counter, "little"))
    builder.add(len(layer.counter), name, _("message counter"), counter)
    builder.add(len(layer.mac), name, _("message authentication code"))
    builder.add(behind - builder.position, name, _("message length"))


def _transport(builder: Builder, header: transport.Transport, message: Message) -> None:
    layer = str(Layer.TRANSPORT)
    builder.add(1, layer, "CI", listed((str(header.content), _HEADERS[_header_length(header)])))
    if header.address:
        address = address_from_transport(header.address)
        builder.add(4, layer, _("number"), address.number)
        builder.add(2, layer, _("manufacturer"), address.manufacturer)
        builder.add(1, layer, _("version"), f"{address.version:02X}")
        builder.add(1, layer, _("device type"), DEVICE_TYPES.get(address.device_type, _("unknown")))
    if header.status is not None:
        builder.add(1, layer, _("access number (ACC)"), str(header.access))
        builder.add(1, layer, _("status"), f"{header.status:08b}")
        builder.add(
            2,
            layer,
            _("configuration word (CW)"),
            Words(_("security mode %(mode)d"), mode=header.mode),
        )
        extra = header.behind - builder.position - len(header.counter)
        builder.add(extra, layer, _("configuration extension"))
        counter = str(int.from_bytes(header.counter, "little"))
        builder.add(len(header.counter), layer, _("message counter"), counter)


_HEADERS = {0: _("no header"), 4: _("short header"), 12: _("long header")}


def _header_length(header: transport.Transport) -> int:
    return 12 if header.address else 0 if header.status is None else 4
