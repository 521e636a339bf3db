"""READY's registers: what a meter counts or measures, and how the database keeps it.

Values are whole numbers in one base unit a quantity, chosen so that whatever a meter sends is
exact: energy in joule (1 Wh = 3,600 J, so kWh, MWh and GJ all come out even), volume in
millilitre, temperature in 0.001 °C, flow in mL/h, power in W, pressure in mbar. What does not fit
its column exactly is kept beside it in `extra`, never rounded.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ready.web.units import UnitChoice

Quantity = Literal[
    "energy",
    "volume",
    "temperature",
    "flow",
    "power",
    "pressure",
    "reactive",
    "hours",
    "count",
    "bits",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that a page may show: 1 of it is `base` base units; `decimals` at most."""

    name: str
    base: Fraction
    decimals: int


@dataclass(frozen=True, slots=True)
class Register:
    """One register: `code` as READY writes it, `column` in the database.

    cumulative: it counts up, so consumption is a difference; else it is a measurement.
    wide: a bigint column (else a 4-byte integer).
    """

    code: str
    column: str
    label: Promise | str
    quantity: Quantity
    cumulative: bool = False
    wide: bool = False


UNITS: dict[Quantity, tuple[Unit, ...]] = {
    "energy": (
        Unit("kWh", Fraction(3_600_000), 3),
        Unit("MWh", Fraction(3_600_000_000), 6),
        Unit("GJ", Fraction(1_000_000_000), 6),
    ),
    "volume": (Unit("m³", Fraction(1_000_000), 6), Unit("L", Fraction(1_000), 3)),
    "temperature": (Unit("°C", Fraction(1_000), 2),),
    "flow": (Unit("L/h", Fraction(1_000), 1), Unit("m³/h", Fraction(1_000_000), 4)),
    "power": (Unit("kW", Fraction(1_000), 2), Unit("W", Fraction(1), 0)),
    "pressure": (Unit("bar", Fraction(1_000), 3), Unit("mbar", Fraction(1), 0)),
    "reactive": (Unit("kvarh", Fraction(3_600_000), 3),),
    "hours": (Unit("h", Fraction(1), 0),),
    "count": (Unit("m³·°C", Fraction(1), 0),),
    "bits": (Unit("", Fraction(1), 0),),
}

# How a decoder's unit turns into base units.
DECODER_UNITS: dict[str, tuple[Quantity, Fraction]] = {
    "Wh": ("energy", Fraction(3_600)),
    "J": ("energy", Fraction(1)),
    "cal": ("energy", Fraction(41_868, 10_000)),
    "m3": ("volume", Fraction(1_000_000)),
    "°C": ("temperature", Fraction(1_000)),
    "K": ("temperature", Fraction(1_000)),
    "m3/h": ("flow", Fraction(1_000_000)),
    "W": ("power", Fraction(1)),
    "J/h": ("power", Fraction(1, 3_600)),
    "bar": ("pressure", Fraction(1_000)),
    "varh": ("reactive", Fraction(3_600)),
    "h": ("hours", Fraction(1)),
    "m3*°C": ("count", Fraction(1)),
    "": ("bits", Fraction(1)),
}

REGISTERS: tuple[Register, ...] = (
    Register("E1", "e1", _("Heat energy"), "energy", cumulative=True, wide=True),
    Register("E2", "e2", _("Energy E2"), "energy", cumulative=True, wide=True),
    Register("E3", "e3", _("Cooling energy"), "energy", cumulative=True, wide=True),
    Register("V1", "v1", _("Volume"), "volume", cumulative=True, wide=True),
    Register("V2", "v2", _("Volume V2"), "volume", cumulative=True, wide=True),
    Register("A_POS", "a_pos", _("Active energy A+"), "energy", cumulative=True, wide=True),
    Register("A_NEG", "a_neg", _("Active energy A−"), "energy", cumulative=True, wide=True),
    Register("R_POS", "r_pos", _("Reactive energy R+"), "reactive", cumulative=True, wide=True),
    Register("R_NEG", "r_neg", _("Reactive energy R−"), "reactive", cumulative=True, wide=True),
    Register("IN_A", "in_a", _("Pulse input A"), "volume", cumulative=True, wide=True),
    Register("IN_B", "in_b", _("Pulse input B"), "volume", cumulative=True, wide=True),
    Register("INFO", "info", _("Info code"), "bits", wide=True),
    Register("E8", "e8", _("m³ × flow temperature"), "count", cumulative=True),
    Register("E9", "e9", _("m³ × return temperature"), "count", cumulative=True),
    Register("FLOW1", "flow1", _("Flow"), "flow"),
    Register("FLOW2", "flow2", _("Flow V2"), "flow"),
    Register("POWER1", "power1", _("Power"), "power"),
    Register("P_POS", "p_pos", _("Active power P+"), "power"),
    Register("P_NEG", "p_neg", _("Active power P−"), "power"),
    Register("T1", "t1", _("Flow temperature"), "temperature"),
    Register("T2", "t2", _("Return temperature"), "temperature"),
    Register("T3", "t3", _("Temperature T3"), "temperature"),
    Register("T4", "t4", _("Temperature T4"), "temperature"),
    Register("TWATER", "t_water", _("Water temperature"), "temperature"),
    Register("TAMB", "t_ambient", _("Ambient temperature"), "temperature"),
    Register("P1", "p1", _("Pressure P1"), "pressure"),
    Register("P2", "p2", _("Pressure P2"), "pressure"),
    Register("HOURS", "hours", _("Operating hours"), "hours"),
)
BY_CODE: dict[str, Register] = {register.code: register for register in REGISTERS}
BY_COLUMN: dict[str, Register] = {register.column: register for register in REGISTERS}
COLUMNS: tuple[str, ...] = tuple(register.column for register in REGISTERS)
# What a register can count to before it starts again is a fact of the meter; most count to this.
DEFAULT_DIGITS = 8
_ELECTRICITY = ("a_pos", "a_neg")
# Names the medium's chief register: what a list, a chart and a report show first.
MAIN_REGISTERS: dict[str, tuple[str, ...]] = {
    "heat": ("e1", "v1"),
    "cooling": ("e3", "v1"),
    "heat_cooling": ("e1", "e3", "v1"),
    "water": ("v1",),
    "electricity": ("a_pos", "a_neg"),
    "pressure": ("p1",),
    "other": ("v1", "e1"),
}


def display_unit(register: Register, units: UnitChoice) -> Unit:
    """The unit a register is seen in: the chosen one; electricity always in kWh."""
    offered = UNITS[register.quantity]
    wanted = "kWh" if register.column in _ELECTRICITY else getattr(units, register.quantity, "")
    return next((unit for unit in offered if unit.name == wanted), offered[0])
