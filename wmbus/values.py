"""The data of a record: integers, decimals, floats, dates, texts (EN 13757-3, 6.3, annex A).

Numbers come out exact, as an integer and a power of ten; never as a float.
"""

import math
import struct
from typing import NamedTuple

from wmbus.dates import TYPES, MeterTime
from wmbus.header import Header
from wmbus.vif import UNSIGNED_QUANTITIES
from wmbus.vife import PROFILES
from wmbus.words import Words, listed
from wmbus.words import marked as _

_REAL = struct.Struct("<f")


class Value(NamedTuple):
    """`value`·10^`exponent` for a number; text, bytes, time as they are; None with a `problem`."""

    value: int | str | bytes | MeterTime | None
    exponent: int = 0
    problem: str = ""


def _no_number(digits: str) -> Words:
    return Words(_("not a decimal number: %(digits)s"), digits=digits.upper())


def decimal_digits(raw: bytes) -> int | None:
    """BCD, low byte first; F as the first digit is a minus (type A). None with a digit A to E."""
    digits = raw[::-1].hex()
    try:
        return -int(digits[1:] or "x") if digits[0] == "f" else int(digits)
    except ValueError:
        return None


def real(raw: bytes) -> tuple[int, int] | None:
    """Mantissa and exponent (at most 0) of a 32-bit float; None for infinity and not-a-number.

    Nine significant digits: as many as it takes to tell every 32-bit float from its neighbours.
    """
    (number,) = _REAL.unpack(raw)
    if not math.isfinite(number):
        return None
    figures, _, power = f"{number:.8e}".partition("e")
    exponent = int(power) - len(figures.partition(".")[2])
    mantissa = int(figures.replace(".", ""))
    if not mantissa:
        return 0, 0
    while mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    if exponent > 0:
        mantissa, exponent = mantissa * 10**exponent, 0
    return mantissa, exponent


def text(raw: bytes) -> str:
    """Latin-1 text, which is sent last letter first."""
    return raw[::-1].decode("latin-1")


def read(header: Header, raw: bytes) -> Value:
    """The value in `raw`, the data bytes of a record with this header (without an LVAR byte)."""
    if header.errors:
        # The meter says that something is wrong, and may still have sent a number.
        sent = read(header._replace(errors=()), raw)
        return Value(sent.value, sent.exponent, listed(header.errors))
    kind = header.kind
    if kind == "signed" or kind == "unsigned":
        return _number(header, int.from_bytes(raw, "little", signed=kind == "signed"))
    if kind == "bcd":
        digits = decimal_digits(raw)
        if digits is None:
            return Value(None, header.exponent, _no_number(raw[::-1].hex()))
        return _number(header, digits)
    if kind == "date":
        return Value(TYPES[len(raw)](int.from_bytes(raw, "little")))
    if kind == "real":
        parts = real(raw)
        if parts is None:
            return Value(None, header.exponent, _("not a finite number"))
        return _number(header, parts[0], parts[1])
    return Value(None, 0, _("no data"))


def _number(header: Header, mantissa: int, exponent: int = 0) -> Value:
    exponent += header.exponent
    if header.constant is not None:
        common = min(exponent, header.constant)
        mantissa = mantissa * 10 ** (exponent - common) + 10 ** (header.constant - common)
        exponent = common
    return Value(mantissa, exponent)


def variable_length(code: int) -> int | None:
    """Data bytes behind an LVAR byte (table 5); None if the code is reserved."""
    if code < 0xC0:
        return code
    if code < 0xE0:
        return code & 0x0F if code & 0x0F <= 9 else None
    if code < 0xF0:
        return code - 0xE0
    return {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}.get(code)


def read_variable(header: Header, code: int, raw: bytes) -> Value:
    """The value of a record of variable length: `code` is its LVAR byte, `raw` what follows."""
    if header.errors:
        sent = read_variable(header._replace(errors=()), code, raw)
        return Value(sent.value, sent.exponent, listed(header.errors))
    if code < 0xC0:
        return Value(text(raw))
    if code < 0xE0:
        digits = raw[::-1].hex() or "0"
        if not digits.isdecimal():
            return Value(None, header.exponent, _no_number(digits))
        return _number(header, -int(digits) if code >= 0xD0 else int(digits))
    if raw and header.unit not in ("", "bits") and PROFILES.isdisjoint(header.qualifiers):
        # Of something measured, a number as in a data field of fixed length (types B and C).
        signed = header.quantity not in UNSIGNED_QUANTITIES
        return _number(header, int.from_bytes(raw, "little", signed=signed))
    return Value(raw)
