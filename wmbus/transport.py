"""The transport layer: the CI field, its header, and the security mode (EN 13757-7, 7.3 to 7.5).

    7A  ACC STS CW(2) …                              short header
    72  number(4) M(2) version type ACC STS CW(2) …  long header
    78  …                                            no header

CW, the configuration word, names the security mode in bits 8-12; some modes put more behind it.
"""

from enum import StrEnum
from typing import NamedTuple

from wmbus.errors import Layer, Unsupported
from wmbus.reader import Reader
from wmbus.words import marked as _


class Content(StrEnum):
    """What a CI announces."""

    FULL = _("full frame")
    COMPACT = _("compact frame")
    FORMAT = _("format frame")
    FIXED = _("fixed structure")
    ERROR = _("application error")
    ALARM = _("alarm")
    EMPTY = _("transport layer only")


class Kind(NamedTuple):
    """Content and header length (0, 4 or 12 bytes) of a CI."""

    content: Content
    header: int


KINDS = {
    0x69: Kind(Content.FORMAT, 0),
    0x6A: Kind(Content.FORMAT, 4),
    0x6B: Kind(Content.FORMAT, 12),
    0x6E: Kind(Content.ERROR, 4),
    0x6F: Kind(Content.ERROR, 12),
    0x70: Kind(Content.ERROR, 0),
    0x71: Kind(Content.ALARM, 0),
    0x72: Kind(Content.FULL, 12),
    0x73: Kind(Content.COMPACT, 12),
    0x74: Kind(Content.ALARM, 4),
    0x75: Kind(Content.ALARM, 12),
    0x78: Kind(Content.FULL, 0),
    0x79: Kind(Content.COMPACT, 0),
    0x7A: Kind(Content.FULL, 4),
    0x7B: Kind(Content.COMPACT, 4),
    0x8A: Kind(Content.EMPTY, 4),
    0x8B: Kind(Content.EMPTY, 12),
}

# On the wire 73 is the old fixed structure, which has a layout of its own (EN 13757-3, annex H).
WIRED_FIXED = 0x73


class Transport(NamedTuple):
    """A transport header.

    `ci_at` and `behind` are positions: of the CI, and of the first byte behind the header (all
    security fields included). `address` is empty without a long header, `status` and `access` are
    None without any. The rest are the fields of the security mode: `configuration` is CW,
    `extension` what follows it, `counter` the message counter as sent.
    """

    ci: int
    ci_at: int
    content: Content
    address: bytes
    access: int | None
    status: int | None
    configuration: int
    extension: int
    counter: bytes
    counter_at: int
    behind: int

    @property
    def mode(self) -> int:
        """Security mode; 0 without header."""
        return self.configuration >> 8 & 0x1F

    @property
    def derivation(self) -> int:
        """Which key derivation modes 7 and 10 use: 0 none, 1 KDF-A."""
        return self.extension >> 4 & 3


def parse(data: bytes, position: int, *, wired: bool = False) -> Transport:
    """The header whose CI stands at `position`. Raises Truncated and Unsupported."""
    reader = Reader(data, Layer.TRANSPORT, position)
    ci = reader.byte(_("CI"))
    kind = Kind(Content.FIXED, 0) if wired and ci == WIRED_FIXED else KINDS.get(ci)
    if kind is None:
        raise _unsupported(ci, position)
    address = reader.take(8, _("address of the long header")) if kind.header == 12 else b""
    access = status = None
    configuration = extension = 0
    counter, counter_at = b"", position
    if kind.header:
        access = reader.byte(_("access number"))
        status = reader.byte(_("status"))
        configuration = reader.number(2, _("configuration word"))
        if wired and configuration >> 8 & 0x10:
            # Before 2013 these two bytes were a signature that nobody checked (EN 13757-3:2004).
            configuration = 0
        mode = configuration >> 8 & 0x1F
        if mode == 7:
            extension = reader.byte(_("configuration extension"))
            if extension & 0x40:
                reader.take(1, _("key version"))
            if configuration & 0x2000:
                counter_at = reader.position
                counter = reader.take(4, _("message counter"))
        elif mode == 10:
            extension = reader.number(2, _("configuration extension"))
            if extension & 0x40:
                reader.take(1, _("key version"))
            counter_at = reader.position
            counter = reader.take(4, _("message counter"))
    return Transport(
        ci,
        position,
        kind.content,
        address,
        access,
        status,
        configuration,
        extension,
        counter,
        counter_at,
        reader.position,
    )


# First and last CI of what is no meter data or has no public layout (EN 13757-7, table 2).
_PURPOSES = (
    (0x50, 0x50, _("application reset or select, for a meter")),
    (0x51, 0x51, _("command without header, for a meter")),
    (0x52, 0x52, _("selection of a wired meter")),
    (0x53, 0x5F, _("command, for a meter")),
    (0x60, 0x68, _("DLMS or OBIS")),
    (0x6C, 0x6D, _("clock synchronisation, for a meter")),
    (0x76, 0x77, _("wired mode 2, high byte first, withdrawn")),
    (0x7C, 0x7F, _("DLMS or OBIS")),
    (0x80, 0x80, _("transport layer only, for a meter")),
    (0x81, 0x81, _("network layer")),
    (0x82, 0x85, _("network or transport management")),
    (0x86, 0x86, _("extended link layer V")),
    (0x87, 0x89, _("link or transport management")),
    (0xA0, 0xB7, _("manufacturer specific")),
    (0xB8, 0xBF, _("baud rate, for a meter")),
    (0xC0, 0xC7, _("image or security transfer")),
)


def _unsupported(ci: int, position: int) -> Unsupported:
    purpose = next((words for first, last, words in _PURPOSES if first <= ci <= last), "")
    if not purpose:
        return Unsupported("ci_unknown", ci=f"{ci:02X}", layer=Layer.TRANSPORT, offset=position)
    return Unsupported(
        "ci_unsupported", ci=f"{ci:02X}", purpose=purpose, layer=Layer.TRANSPORT, offset=position
    )
