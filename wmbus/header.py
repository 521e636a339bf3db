"""The header of a record: data information (DIF, DIFE) and value information (VIF, VIFE).

    DIF [DIFE…] VIF [length, text] [VIFE…]       EN 13757-3:2018, 6.3 and 6.4

A header says everything about a record but its value, so it is described once and kept.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from wmbus.errors import Layer, Malformed, Truncated
from wmbus.vif import (
    DATE_QUANTITIES,
    EXTENSION_FB,
    EXTENSION_FD,
    PRIMARY,
    RATE_QUANTITIES,
    UNSIGNED_QUANTITIES,
    Unit,
)
from wmbus.vife import EFFECTS, EXTENSION, EXTENSION_EFFECTS, MANUFACTURER, Effect
from wmbus.words import Words
from wmbus.words import marked as _

EXTEND = 0x80
MOST_EXTENSIONS = 10  # DIFE, and VIFE, in one record (6.3.5, 6.4.1)

Function = Literal["instantaneous", "maximum", "minimum", "error"]
FUNCTIONS: tuple[Function, ...] = ("instantaneous", "maximum", "minimum", "error")

Kind = Literal["none", "signed", "unsigned", "bcd", "real", "date", "variable"]

# Data field of the DIF: kind and length in bytes (table 4). F is no record and not listed.
_DATA: dict[int, tuple[Kind, int | None]] = {
    0x0: ("none", 0),
    0x1: ("signed", 1),
    0x2: ("signed", 2),
    0x3: ("signed", 3),
    0x4: ("signed", 4),
    0x5: ("real", 4),
    0x6: ("signed", 6),
    0x7: ("signed", 8),
    0x8: ("none", 0),
    0x9: ("bcd", 1),
    0xA: ("bcd", 2),
    0xB: ("bcd", 3),
    0xC: ("bcd", 4),
    0xD: ("variable", None),
    0xE: ("bcd", 6),
}


class Header(NamedTuple):
    """A described record header.

    `length` is the number of data bytes, None where the data tells it. `exponent` and `constant`
    turn the integer n into n·10^exponent + 10^constant (`constant` is mostly None). `codes` are
    the bytes of a manufacturer's own value information. `known` is False when a code stands in no
    table; `errors` are the meter's own reports that the value is missing or wrong.
    """

    raw: bytes
    kind: Kind
    length: int | None
    function: Function
    storage: int
    tariff: int
    subunit: int
    quantity: str
    unit: str
    exponent: int
    constant: int | None
    qualifiers: tuple[str, ...]
    codes: bytes
    known: bool
    errors: tuple[str, ...]


def extent(data: bytes, start: int, end: int) -> int:
    """Position behind the header that begins at `start`. Raises Truncated, Malformed."""
    try:
        position = _behind_extensions(data, start, "DIFE")
        vif = data[position]
        if vif & 0x7F == 0x7C:  # length and text stand between VIF and VIFEs (6.4.2.5)
            text = position + 2 + data[position + 1]
            position = text if not vif & EXTEND else _behind_extensions(data, text, "VIFE", 1)
        else:
            position = _behind_extensions(data, position, "VIFE")
    except IndexError:
        position = end + 1
    if position > end:
        raise Truncated("header_cut", layer=Layer.APPLICATION, offset=start)
    return position


def _behind_extensions(data: bytes, position: int, name: str, count: int = 0) -> int:
    start = position
    while data[position] & EXTEND:
        position += 1
        count += 1
        if count > MOST_EXTENSIONS:
            raise Malformed(
                "too_many_extensions",
                most=MOST_EXTENSIONS,
                name=name,
                layer=Layer.APPLICATION,
                offset=start,
            )
    return position + 1


@lru_cache(maxsize=8192)
def describe(raw: bytes) -> Header:
    """The meaning of the header `raw`, which `extent` has delimited and which is no special DIF."""
    dif = raw[0]
    storage, tariff, subunit, at = dif >> 6 & 1, 0, 0, 0
    while raw[at] & EXTEND:
        at += 1
        dife, step = raw[at], at - 1
        storage |= (dife & 0x0F) << 1 + 4 * step
        tariff |= (dife >> 4 & 0x03) << 2 * step
        subunit |= (dife >> 6 & 0x01) << step
    kind, length = _DATA[dif & 0x0F]
    base, rest, codes = _value_information(raw, at + 1)
    unit, exponent, constant = base.unit, base.exponent, None
    qualifiers: list[str] = []
    errors: list[str] = []
    unsigned = base.quantity in UNSIGNED_QUANTITIES
    dated, known = base.quantity in DATE_QUANTITIES, bool(base.quantity)
    effects, codes = _effects(rest, codes)
    for effect in effects:
        known &= effect.known
        if effect.error:
            errors.append(effect.qualifier)
        elif effect.qualifier:
            qualifiers.append(effect.qualifier)
        dated |= effect.dated
        unsigned |= effect.unsigned
        if effect.period and base.quantity in RATE_QUANTITIES:
            # A rate is one a time already: this is the span it was measured over.
            qualifiers.append(Words(_("in a %(period)s"), period=effect.period))
            continue
        if effect.duration or effect.counts:
            unit, exponent = effect.duration, 0
        unit += effect.unit
        exponent += effect.exponent
        constant = effect.constant if effect.constant is not None else constant
    if dated:
        unit, exponent = "", 0
        if kind == "signed":
            kind = "date" if length in (2, 3, 4, 6) else "unsigned"
    elif kind == "signed" and unsigned:
        kind = "unsigned"
    return Header(
        raw,
        kind,
        length,
        FUNCTIONS[dif >> 4 & 3],
        storage,
        tariff,
        subunit,
        base.quantity or Words(_("unknown VIF %(code)s"), code=raw[at + 1 :].hex().upper()),
        unit,
        exponent,
        constant,
        tuple(qualifiers),
        codes,
        known,
        tuple(errors),
    )


def _effects(rest: bytes, codes: bytes) -> tuple[list[Effect], bytes]:
    """What the VIFEs in `rest` do, and the manufacturer's own codes among them."""
    found: list[Effect] = []
    table = EFFECTS
    for place, byte in enumerate(rest):
        code = byte & 0x7F
        if table is EFFECTS and code == MANUFACTURER:
            return found, rest[place + 1 :]
        if table is EFFECTS and code == EXTENSION and byte & EXTEND:
            table = EXTENSION_EFFECTS
            continue
        found.append(
            table.get(code)
            or Effect(Words(_("unknown VIFE %(code)s"), code=f"{code:02X}"), known=False)
        )
        table = EFFECTS
    return found, codes


def _value_information(raw: bytes, at: int) -> tuple[Unit, bytes, bytes]:
    """Unit of the true VIF at `at`, the VIFEs behind it, and a manufacturer's own codes."""
    vif = raw[at]
    if vif == 0xFB and len(raw) > at + 1:
        return EXTENSION_FB.get(raw[at + 1] & 0x7F, _UNKNOWN), raw[at + 2 :], b""
    if vif == 0xFD and len(raw) > at + 1:
        return EXTENSION_FD.get(raw[at + 1] & 0x7F, _UNKNOWN), raw[at + 2 :], b""
    if vif & 0x7F == MANUFACTURER:
        return PRIMARY[MANUFACTURER], b"", raw[at + 1 :]
    if vif & 0x7F == 0x7C:
        behind = at + 2 + raw[at + 1]
        text = raw[at + 2 : behind][::-1].decode("latin-1")
        return Unit("named by text", text, 0), raw[behind:], b""
    return PRIMARY.get(vif & 0x7F, _UNKNOWN), raw[at + 1 :], b""


_UNKNOWN = Unit("", "", 0)
