"""The units that people see. What is stored is in base units and never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

# What may be chosen, the usual one first (`meters.registers.UNITS` knows how much each is).
CHOICES: Mapping[str, tuple[str, ...]] = {
    "energy": ("MWh", "kWh", "GJ"),
    "volume": ("m³", "L"),
    "flow": ("L/h", "m³/h"),
    "power": ("kW", "W"),
    "pressure": ("bar", "mbar"),
}


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """A unit for each quantity that has several; electricity is always in kWh."""

    energy: str = "MWh"
    volume: str = "m³"
    flow: str = "L/h"
    power: str = "kW"
    pressure: str = "bar"

    def changed_by(self, own: Mapping[str, str]) -> "UnitChoice":
        """With what a person chose instead: {quantity: unit}; "" where they chose nothing."""
        return replace(self, **{quantity: unit for quantity, unit in own.items() if unit})


QUANTITIES: tuple[str, ...] = tuple(one.name for one in fields(UnitChoice))
