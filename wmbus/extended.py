"""The extended link layer (EN 13757-4, 12.2), which Kamstrup's C1 mode encrypts in.

    8C  CC ACC                                I
    8D  CC ACC SN(4) CRC(2)                   II    all behind SN is encrypted, the CRC too
    8E  CC ACC M(2) A(6)                      III
    8F  CC ACC M(2) A(6) SN(4) CRC(2)         IV    as II

SN: session in bits 0-3, minutes in bits 4-28, encryption in bits 29-31 (0 none, 1 AES-CTR).
"""

from typing import NamedTuple

from wmbus.errors import Layer
from wmbus.reader import Reader
from wmbus.words import marked as _

# CI → number of address and of session bytes.
LAYOUTS = {0x8C: (0, 0), 0x8D: (0, 4), 0x8E: (8, 0), 0x8F: (8, 4)}

# A repeater sets these bits of CC on the way, so they count as zero in the initial vector.
HOP_AND_REPEATED = 0x12

ENCRYPTION_NONE = 0
ENCRYPTION_CTR = 1


class Extended(NamedTuple):
    """An extended link header; `behind` is the position of the byte after it.

    `address` is the other party's (M and A as sent) in III and IV, `session` the number SN in II
    and IV, else None; with a session two checksum bytes and the payload stand at `behind`.
    """

    ci: int
    control: int
    access: int
    address: bytes
    session: int | None
    behind: int

    @property
    def encryption(self) -> int:
        """Bits 29-31 of the session number; 0 without one."""
        return 0 if self.session is None else self.session >> 29

    @property
    def counter(self) -> int | None:
        """Minutes and session, which rise with every telegram; None without a session number."""
        return None if self.session is None else self.session & 0x1FFFFFFF

    def initial(self, link_address: bytes) -> bytes:
        """First counter block of AES-CTR: M A CC SN FN BC (12.2.9)."""
        session = (self.session or 0).to_bytes(4, "little")
        return link_address + bytes((self.control & ~HOP_AND_REPEATED,)) + session + b"\0\0\0"


def parse(data: bytes, position: int) -> Extended:
    """The header whose CI (8C to 8F) stands at `position`. Raises Truncated."""
    reader = Reader(data, Layer.EXTENDED, position)
    ci = reader.byte(_("CI"))
    address_length, session_length = LAYOUTS[ci]
    control = reader.byte(_("communication control"))
    access = reader.byte(_("access number"))
    address = reader.take(address_length, _("address"))
    session = reader.number(4, _("session number")) if session_length else None
    return Extended(ci, control, access, address, session, reader.position)
