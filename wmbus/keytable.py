"""The keys of many meters, found with as little memory touched as can be.

Reason: with a million meters, nothing that belongs to one of them is in the processor's caches when
its telegram comes, and the way to it is a chain of fetches of a tenth of a microsecond each. In a
dictionary by `Address` they are eight: index, entry, the address and the number in it to compare,
the `Key`. Makers number their meters one after the other, so here a run of ten thousand numbers is
a list of ciphers, and the number's lower digits, as they stand in the telegram, are the place in
it: one fetch. `layouts.py` looks into these lists; everyone else asks for the `Key`.
"""

from collections.abc import Iterable
from struct import Struct

from cryptography.hazmat.primitives.ciphers import CipherContext

from wmbus.address import Address
from wmbus.crypto import Key

_places_of = Struct("<HHH2x").unpack

# A place for every value of the lower four digits: few makes use A to F, but then it must be right.
_PLACES = 1 << 16

# A list takes 8 bytes a place. From so many meters on that is at most 524 bytes each, half of what
# a cipher takes; where they are fewer, a dictionary stands in its place.
_WORTH_A_LIST = 1_000

Ciphers = list[CipherContext | None] | dict[int, CipherContext | None]


def _places(address: Address) -> tuple[int, int, int]:
    """Maker, lower and upper four digits. Raises ValueError for what no telegram can say."""
    wire = address.wire
    if len(wire) != 8:
        raise ValueError(f"a number has eight digits, not {address.number!r}")
    maker, low, high = _places_of(wire)
    return maker, low, high


class KeyTable:
    """Keys by maker and number, to be given to `decode` as `key_for`: quicker than a dictionary's
    `get`, the more so the more meters there are.

    Version and device type do not count: a maker's printed number is unique, and key lists rarely
    have more. Complete when made: a changed key wants a new table. As a `Key`, for one thread at a
    time. ValueError for an address that no telegram can have (`Address.wire`).

    >>> table = KeyTable([(Address("KAM", "12345678", 0x1B, 0x16), Key(bytes(16)))])
    >>> table(Address("KAM", "12345678", 0x34, 0x04))
    <Key ****>
    >>> len(table)
    1
    """

    __slots__ = ("_keys", "ciphers")

    def __init__(self, keys: Iterable[tuple[Address, Key]]) -> None:
        self._keys: dict[int, Key] = {}
        self.ciphers: dict[int, Ciphers] = {}
        """By maker << 16 | upper four digits, then by the lower four: the AES-CTR object (see
        `Key.cipher`), None before the meter's first telegram (and in a list if there is no key)."""
        runs: dict[int, dict[int, CipherContext | None]] = {}
        for address, key in keys:
            maker, low, high = _places(address)
            runs.setdefault(maker << 16 | high, {})[low] = None
            self._keys[maker << 32 | high << 16 | low] = key
        for run, ciphers in runs.items():
            worth = len(ciphers) >= _WORTH_A_LIST
            self.ciphers[run] = [None] * _PLACES if worth else ciphers

    def __len__(self) -> int:
        return len(self._keys)

    def __call__(self, address: Address) -> Key | None:
        """The key of this maker's meter of this number; None if there is none."""
        try:
            maker, low, high = _places(address)
        except ValueError:  # a wired meter that told its primary address only
            return None
        return self._keys.get(maker << 32 | high << 16 | low)

    def first_cipher(self, maker: int, high: int, low: int) -> CipherContext | None:
        """Fill an empty place in `ciphers`; None if there is no key."""
        key = self._keys.get(maker << 32 | high << 16 | low)
        if key is None:
            return None
        cipher = self.ciphers[maker << 16 | high][low] = key.cipher()
        return cipher
