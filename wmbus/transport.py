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


class Content(StrEnum):
    """What a CI announces."""

    FULL = "full frame"
    COMPACT = "compact frame"
    FORMAT = "format frame"
    FIXED = "fixed structure"
    ERROR = "application error"
    ALARM = "alarm"
    EMPTY = "transport layer only"


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
    ci = reader.byte("CI")
    kind = Kind(Content.FIXED, 0) if wired and ci == WIRED_FIXED else KINDS.get(ci)
    if kind is None:
        raise Unsupported(f"CI {ci:02X}{_purpose(ci)}", layer=Layer.TRANSPORT, offset=position)
    address = reader.take(8, "address of the long header") if kind.header == 12 else b""
    access = status = None
    configuration = extension = 0
    counter, counter_at = b"", position
    if kind.header:
        access = reader.byte("access number")
        status = reader.byte("status")
        configuration = reader.number(2, "configuration word")
        if wired and configuration >> 8 & 0x10:
            # Before 2013 these two bytes were a signature that nobody checked (EN 13757-3:2004).
            configuration = 0
        mode = configuration >> 8 & 0x1F
        if mode == 7:
            extension = reader.byte("configuration extension")
            if extension & 0x40:
                reader.take(1, "key version")
            if configuration & 0x2000:
                counter_at = reader.position
                counter = reader.take(4, "message counter")
        elif mode == 10:
            extension = reader.number(2, "configuration extension")
            if extension & 0x40:
                reader.take(1, "key version")
            counter_at = reader.position
            counter = reader.take(4, "message counter")
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
    (0x50, 0x50, "application reset or select, for a meter"),
    (0x51, 0x51, "command without header, for a meter"),
    (0x52, 0x52, "selection of a wired meter"),
    (0x53, 0x5F, "command, for a meter"),
    (0x60, 0x68, "DLMS or OBIS"),
    (0x6C, 0x6D, "clock synchronisation, for a meter"),
    (0x76, 0x77, "wired mode 2, high byte first, withdrawn"),
    (0x7C, 0x7F, "DLMS or OBIS"),
    (0x80, 0x80, "transport layer only, for a meter"),
    (0x81, 0x81, "network layer"),
    (0x82, 0x85, "network or transport management"),
    (0x86, 0x86, "extended link layer V"),
    (0x87, 0x89, "link or transport management"),
    (0xA0, 0xB7, "manufacturer specific"),
    (0xB8, 0xBF, "baud rate, for a meter"),
    (0xC0, 0xC7, "image or security transfer"),
)


def _purpose(ci: int) -> str:
    return next(
        (f": {words}" for first, last, words in _PURPOSES if first <= ci <= last),
        " is none of a meter's",
    )
