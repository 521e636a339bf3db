"""Numbers drawn from a seed by hashing: the same on every run, in any order, on any machine.

There is no generator with a state, so a house's size does not depend on how many houses were
drawn before it, and a telegram's fate not on how many were sent.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_MASK = (1 << 64) - 1

Item = TypeVar("Item")


def _digest(size: int, seed: int, parts: tuple[object, ...]) -> bytes:
    text = "\x1f".join([str(seed), *map(str, parts)])
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


def draw(seed: int, *parts: object) -> int:
    """A number from 0 to 2^64 − 1 that belongs to the seed and the parts."""
    return int.from_bytes(_digest(8, seed, parts), "little")


def between(low: int, high: int, seed: int, *parts: object) -> int:
    """A number from `low` to `high`, both included."""
    return low + draw(seed, *parts) % (high - low + 1)


def pick(choices: Sequence[Item], seed: int, *parts: object) -> Item:
    """One of the choices."""
    return choices[draw(seed, *parts) % len(choices)]


def key(seed: int, *parts: object) -> bytes:
    """An AES-128 key: 16 bytes. For a town that does not exist; never for a real meter."""
    return _digest(16, seed, ("key", *parts))


def mixed(value: int) -> int:
    """Scrambles a number to 64 bits; far cheaper than `draw`, for what happens per telegram.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    """
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
