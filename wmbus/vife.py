"""Combinable value information (EN 13757-3:2018, table 15): what VIFEs do to the value."""

from typing import NamedTuple

from wmbus.words import Words
from wmbus.words import marked as _

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
    0x00: _("no error"),
    0x01: _("too many DIFE"),
    0x02: _("storage number not implemented"),
    0x03: _("unit number not implemented"),
    0x04: _("tariff number not implemented"),
    0x05: _("function not implemented"),
    0x06: _("data class not implemented"),
    0x07: _("data size not implemented"),
    0x0B: _("too many VIFE"),
    0x0C: _("illegal VIF group"),
    0x0D: _("illegal VIF exponent"),
    0x0E: _("VIF and DIF do not match"),
    0x0F: _("unimplemented action"),
    0x15: _("no data available"),
    0x16: _("data overflow"),
    0x17: _("data underflow"),
    0x18: _("data error"),
    0x1C: _("premature end of record"),
}
_NOT_ERRORS = {
    0x12: _("average"),
    0x13: _("inverse compact profile"),
    0x14: _("relative deviation"),
    0x1D: _("standard conform"),
    0x1E: _("compact profile with registers"),
    0x1F: _("compact profile"),
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
    0x3A: _("uncorrected"),
    0x3B: _("forward"),
    0x3C: _("backward"),
    0x3D: _("not metric"),
    0x3E: _("at base conditions"),
    0x3F: "OBIS",
    0x40: _("lower limit"),
    0x48: _("upper limit"),
    0x68: _("during lower limit exceed"),
    0x69: _("leakage"),
    0x6C: _("during upper limit exceed"),
    0x6D: _("overflow"),
    0x7E: _("future"),
}


# Behind FC, table 15 continues: which phase, quadrant or kind of sum.
_EXTENSION_WORDS = {
    0x01: _("phase L1"),
    0x02: _("phase L2"),
    0x03: _("phase L3"),
    0x04: _("neutral"),
    0x05: _("phases L1-L2"),
    0x06: _("phases L2-L3"),
    0x07: _("phases L3-L1"),
    0x08: _("quadrant 1"),
    0x09: _("quadrant 2"),
    0x0A: _("quadrant 3"),
    0x0B: _("quadrant 4"),
    0x0C: _("difference of import and export"),
    0x10: _("sum of absolute values"),
    0x13: _("from partner to meter"),
    0x14: _("from meter to partner"),
}
EXTENSION = 0x7C
EXTENSION_EFFECTS = {
    **{code: Effect(words) for code, words in _EXTENSION_WORDS.items()},
    0x11: Effect("", unsigned=True),  # data of type C
    0x12: Effect("", unsigned=True),  # data of type D: single bits
}

# Behind these, the data are many values in one record (annex F).
PROFILES = frozenset(_NOT_ERRORS[code] for code in (0x13, 0x1E, 0x1F))


def _effects() -> dict[int, Effect]:
    table = {code: Effect(words, error=code != 0) for code, words in _ERRORS.items()}
    table |= {code: Effect(words) for code, words in _NOT_ERRORS.items()}
    table |= {
        code: Effect("", unit=f"/{unit}", period=unit if code <= _LAST_PERIOD else "")
        for code, unit in _PER.items()
    }
    table |= {code: Effect("", unit=f"*{unit}") for code, unit in _TIMES_UNIT.items()}
    table |= {code: Effect(words) for code, words in _WORDS.items()}
    table[0x39] = Effect(_("start"), dated=True)
    for upper in (0, 1):
        limit = (_("lower limit"), _("upper limit"))[upper]
        table[0x41 | upper << 3] = Effect(
            Words(_("count of %(limit)s exceeds"), limit=limit), counts=True
        )
        for last in (0, 1):
            which = (_("first"), _("last"))[last]
            for end in (0, 1):
                edge = (_("begin"), _("end"))[end]
                table[0x42 | upper << 3 | last << 2 | end] = Effect(
                    Words(
                        _("%(edge)s of %(which)s %(limit)s exceed"),
                        edge=edge,
                        which=which,
                        limit=limit,
                    ),
                    dated=True,
                )
            for scale, unit in enumerate(_TIMES):
                table[0x50 | upper << 3 | last << 2 | scale] = Effect(
                    Words(_("duration of %(which)s %(limit)s exceed"), which=which, limit=limit),
                    duration=unit,
                )
    for last in (0, 1):
        which = (_("first"), _("last"))[last]
        for scale, unit in enumerate(_TIMES):
            table[0x60 | last << 2 | scale] = Effect(
                Words(_("duration of %(which)s"), which=which), duration=unit
            )
        for end in (0, 1):
            edge = (_("begin"), _("end"))[end]
            table[0x6A | last << 2 | end] = Effect(
                Words(_("%(edge)s of %(which)s"), edge=edge, which=which), dated=True
            )
    for step in range(8):
        table[0x70 | step] = Effect("", exponent=step - 6)
    for step in range(4):
        table[0x78 | step] = Effect("", constant=step - 3)
    table[0x7D] = Effect("", exponent=3)
    return table


EFFECTS = _effects()
