"""The authentication and fragmentation layer (EN 13757-7, 7.2; OMS Vol. 2, 6).

    90  AFLL  FCL(2)  [MCL] [KI(2)] [MCR(4)] [MAC(n)] [ML(2)]

The MAC is over MCL, KI, MCR, ML as far as present and all from the next CI on; a message sent in
fragments is put together before it is checked.
"""

from typing import NamedTuple

from wmbus.errors import Layer, Malformed, Unsupported
from wmbus.reader import Reader
from wmbus.words import marked as _

CI = 0x90

MORE_FRAGMENTS = 0x4000
_MCL, _ML, _MCR, _MAC, _KI = 0x2000, 0x1000, 0x0800, 0x0400, 0x0200

# Low nibble of MCL: bytes of an AES-CMAC (8 and 9 are GMAC).
MAC_LENGTHS = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}


class Authentication(NamedTuple):
    """The fields of this layer, empty where not sent; `behind` is the position of the next byte."""

    fragment: int
    more: bool
    control: bytes
    key_information: bytes
    counter: bytes
    mac: bytes
    length: bytes
    behind: int

    @property
    def fragmented(self) -> bool:
        """One part of several: whole messages have fragment number 0."""
        return self.more or self.fragment > 0

    def covered(self, message: bytes) -> bytes:
        """What the MAC is computed over; `message` begins with the CI behind this layer."""
        return self.control + self.key_information + self.counter + self.length + message


def parse(data: bytes, position: int) -> Authentication:
    """The layer whose CI stands at `position`. Raises Truncated, Malformed, Unsupported."""
    outer = Reader(data, Layer.AUTHENTICATION, position + 1)
    size = outer.byte(_("length of the authentication layer"))
    start = outer.position
    outer.take(size, _("authentication layer"))
    reader = Reader(data, Layer.AUTHENTICATION, start, start + size)
    flags = reader.number(2, _("fragmentation control"))
    control = reader.take(1, _("message control")) if flags & _MCL else b""
    key_information = reader.take(2, _("key information")) if flags & _KI else b""
    counter = reader.take(4, _("message counter")) if flags & _MCR else b""
    mac = b""
    if flags & _MAC:
        mac = reader.take(_mac_length(control, reader, bool(flags & _ML)), _("MAC"))
    length = reader.take(2, _("message length")) if flags & _ML else b""
    if reader.left:
        raise Malformed(
            "authentication_surplus",
            surplus=reader.left,
            layer=Layer.AUTHENTICATION,
            offset=reader.position,
        )
    return Authentication(
        flags & 0xFF,
        bool(flags & MORE_FRAGMENTS),
        control,
        key_information,
        counter,
        mac,
        length,
        outer.position,
    )


def _mac_length(control: bytes, reader: Reader, with_length: bool) -> int:
    if not control:  # a later fragment: the type of MAC was told in the first one
        return reader.left - 2 * with_length
    kind = control[0] & 0x0F
    if kind not in MAC_LENGTHS:
        raise Unsupported(
            "authentication_type", number=kind, layer=Layer.AUTHENTICATION, offset=reader.position
        )
    return MAC_LENGTHS[kind]


def join(parts: list[Authentication]) -> Authentication:
    """The fields of a whole message from those of its fragments, given in order.

    Each field is taken from the first fragment that has it. Raises Malformed when a number is
    missing or doubled, or the last fragment is not marked as the last.
    """
    numbers = [part.fragment for part in parts]
    if numbers != list(range(1, len(parts) + 1)) or [p.more for p in parts] != [True] * (
        len(parts) - 1
    ) + [False]:
        raise Malformed(
            "fragments_incomplete", numbers=str(numbers), layer=Layer.AUTHENTICATION, offset=0
        )

    def first(name: str) -> bytes:
        return next((getattr(part, name) for part in parts if getattr(part, name)), b"")

    return Authentication(
        0,
        False,
        first("control"),
        first("key_information"),
        first("counter"),
        first("mac"),
        first("length"),
        parts[0].behind,
    )
