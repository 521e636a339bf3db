"""Combinable value information (EN 13757-3:2018, table 15): what VIFEs do to the value."""

from typing import NamedTuple

MANUFACTURER = 0x7F  # all VIFEs after this one are the manufacturer's own


class Effect(NamedTuple):
    """The meaning of one orthogonal VIFE.

    `qualifier` in words ('' if it only scales), `unit` appended to the unit, `exponent` added to
    the exponent, `constant` the exponent of a 1 to be added to the value (or None). `counts`: it
    is a number of events; `dated`: a date instead of the quantity; `duration`: a duration, in that
    unit. `error`: the meter reports that the value is missing or wrong. `unsigned`: the integer
    has no sign. `period`: the time of a "per" (it does not divide a rate: see `header.describe`).
    """

    qualifier: str
    unit: str = ""
    exponent: int = 0
    constant: int | None = None
    dated: bool = False
    duration: str = ""
    error: bool = False
    counts: bool = False
    unsigned: bool = False
    period: str = ""
    known: bool = True


_TIMES = ("s", "min", "h", "d")

# Table 16: reports about the record, from the meter.
_ERRORS = {
    0x00: "no error",
    0x01: "too many DIFE",
    0x02: "storage number not implemented",
    0x03: "unit number not implemented",
    0x04: "tariff number not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFE",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF and DIF do not match",
    0x0F: "unimplemented action",
    0x15: "no data available",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}
_NOT_ERRORS = {
    0x12: "average",
    0x13: "inverse compact profile",
    0x14: "relative deviation",
    0x1D: "standard conform",
    0x1E: "compact profile with registers",
    0x1F: "compact profile",
}
_PER = {
    0x20: "s",
    0x21: "min",
    0x22: "h",
    0x23: "d",
    0x24: "week",
    0x25: "month",
    0x26: "year",
    0x27: "revolution",
    0x28: "input pulse 0",
    0x29: "input pulse 1",
    0x2A: "output pulse 0",
    0x2B: "output pulse 1",
    0x2C: "l",
    0x2D: "m3",
    0x2E: "kg",
    0x2F: "K",
    0x30: "kWh",
    0x31: "GJ",
    0x32: "kW",
    0x33: "K*l",
    0x34: "V",
    0x35: "A",
}
_LAST_PERIOD = 0x26
_TIMES_UNIT = {0x36: "s", 0x37: "s/V", 0x38: "s/A"}
_WORDS = {
    0x3A: "uncorrected",
    0x3B: "forward",
    0x3C: "backward",
    0x3D: "not metric",
    0x3E: "at base conditions",
    0x3F: "OBIS",
    0x40: "lower limit",
    0x48: "upper limit",
    0x68: "during lower limit exceed",
    0x69: "leakage",
    0x6C: "during upper limit exceed",
    0x6D: "overflow",
    0x7E: "future",
}


# Behind FC, table 15 continues: which phase, quadrant or kind of sum.
_EXTENSION_WORDS = {
    0x01: "phase L1",
    0x02: "phase L2",
    0x03: "phase L3",
    0x04: "neutral",
    0x05: "phases L1-L2",
    0x06: "phases L2-L3",
    0x07: "phases L3-L1",
    0x08: "quadrant 1",
    0x09: "quadrant 2",
    0x0A: "quadrant 3",
    0x0B: "quadrant 4",
    0x0C: "difference of import and export",
    0x10: "sum of absolute values",
    0x13: "from partner to meter",
    0x14: "from meter to partner",
}
EXTENSION = 0x7C
EXTENSION_EFFECTS = {
    **{code: Effect(words) for code, words in _EXTENSION_WORDS.items()},
    0x11: Effect("", unsigned=True),  # data of type C
    0x12: Effect("", unsigned=True),  # data of type D: single bits
}


def _effects() -> dict[int, Effect]:
    table = {code: Effect(words, error=code != 0) for code, words in _ERRORS.items()}
    table |= {code: Effect(words) for code, words in _NOT_ERRORS.items()}
    table |= {
        code: Effect("", unit=f"/{unit}", period=unit if code <= _LAST_PERIOD else "")
        for code, unit in _PER.items()
    }
    table |= {code: Effect("", unit=f"*{unit}") for code, unit in _TIMES_UNIT.items()}
    table |= {code: Effect(words) for code, words in _WORDS.items()}
    table[0x39] = Effect("start", dated=True)
    for upper in (0, 1):
        limit = ("lower limit", "upper limit")[upper]
        table[0x41 | upper << 3] = Effect(f"count of {limit} exceeds", counts=True)
        for last in (0, 1):
            which = ("first", "last")[last]
            for end in (0, 1):
                edge = ("begin", "end")[end]
                table[0x42 | upper << 3 | last << 2 | end] = Effect(
                    f"{edge} of {which} {limit} exceed", dated=True
                )
            for scale, unit in enumerate(_TIMES):
                table[0x50 | upper << 3 | last << 2 | scale] = Effect(
                    f"duration of {which} {limit} exceed", duration=unit
                )
    for last in (0, 1):
        which = ("first", "last")[last]
        for scale, unit in enumerate(_TIMES):
            table[0x60 | last << 2 | scale] = Effect(f"duration of {which}", duration=unit)
        for end in (0, 1):
            edge = ("begin", "end")[end]
            table[0x6A | last << 2 | end] = Effect(f"{edge} of {which}", dated=True)
    for step in range(8):
        table[0x70 | step] = Effect("", exponent=step - 6)
    for step in range(4):
        table[0x78 | step] = Effect("", constant=step - 3)
    table[0x7D] = Effect("", exponent=3)
    return table


EFFECTS = _effects()
