"""The address of a meter: manufacturer, number, version, device type (EN 13757-7, 7.5.2)."""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

# Kamstrup sends under two manufacturer codes; the printed number is unique over both.
_SAME_MAKER = {"KAW": "KAM"}


@lru_cache(maxsize=4096)
def manufacturer_letters(code: int) -> str:
    """Three letters from the 15-bit code (five bits each, A = 1); bit 15 is not part of them.

    >>> manufacturer_letters(0x2C2D)
    'KAM'
    """
    return chr(64 + (code >> 10 & 0x1F)) + chr(64 + (code >> 5 & 0x1F)) + chr(64 + (code & 0x1F))


def manufacturer_code(letters: str) -> int:
    """The inverse of `manufacturer_letters`; ValueError unless three characters '@' to '_'."""
    if len(letters) != 3 or not all(64 <= ord(letter) < 96 for letter in letters):
        raise ValueError(f"a manufacturer is three letters, not {letters!r}")
    first, second, third = (ord(letter) - 64 for letter in letters)
    return first << 10 | second << 5 | third


class Address(NamedTuple):
    """Who a meter is on the bus. Immutable, hashable and cheap: a key for dictionaries.

    `number` is the eight printed digits. (A few makes use the digits A to F in it.)
    """

    manufacturer: str
    number: str
    version: int
    device_type: int

    @property
    def meter(self) -> tuple[str, str]:
        """Identity of the physical meter: its maker ('KAW' counts as 'KAM') and number."""
        return _SAME_MAKER.get(self.manufacturer, self.manufacturer), self.number

    @property
    def wire(self) -> bytes:
        """The eight bytes of the radio header: M (2), number (4), version, type; low byte first."""
        return (
            manufacturer_code(self.manufacturer).to_bytes(2, "little")
            + bytes.fromhex(self.number)[::-1]
            + bytes((self.version, self.device_type))
        )

    def __str__(self) -> str:
        kind = f"version {self.version:02X}, type {self.device_type:02X}"
        return f"{self.manufacturer} {self.number} ({kind})"


# Every telegram makes an address: this leaves out the call that would name the arguments.
_new = tuple.__new__


# Maker, version and device type; between them the number.
_link = Struct("<H4xBB").unpack


def address_from_link(raw: bytes) -> Address:
    """Address from eight bytes in the order of the radio header: M, number, version, type."""
    maker, version, device_type = _link(raw)
    number = raw[5:1:-1].hex().upper()
    return _new(Address, (manufacturer_letters(maker), number, version, device_type))


def address_from_transport(raw: bytes) -> Address:
    """Address from eight bytes as in the long transport header: number, M, version, type."""
    return address_from_link(raw[4:6] + raw[:4] + raw[6:8])
