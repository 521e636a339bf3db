"""Register values as people read them: a number with the decimals it has, and its unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from meters.registers import BY_COLUMN, MAIN_REGISTERS, REGISTERS, Register, Unit, display_unit
from ready.web import formats
from ready.web.units import UnitChoice

# What the common meters send: fewer decimals would hide digits, more would invent them.
_LEAST_DECIMALS = {"MWh": 3, "GJ": 3, "kWh": 0, "m³": 2, "m³/h": 3, "°C": 1, "bar": 2, "kW": 1}
_MOST_AT_A_GLANCE = 3
# Not quantities: info bits are told in words.
_NOT_SHOWN = frozenset({"info"})


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """A register's value in base units and the unit it is shown in."""

    register: Register
    value: int
    unit: Unit

    @property
    def text(self) -> str:
        """The number alone, in the reader's language, with all the decimals it has."""
        return formats.quantity(self.value, self.unit, decimals(self.value, self.unit))

    @property
    def brief(self) -> str:
        """The number for lists and tiles: of a meter that counts in another unit no more decimals
        than can be compared at a glance; `text` has them all."""
        places = min(decimals(self.value, self.unit), _MOST_AT_A_GLANCE)
        return formats.quantity(self.value, self.unit, places)

    @property
    def plain(self) -> str:
        """The number for a file: no grouping, the language's decimal sign."""
        return self.text.replace(formats.NARROW_SPACE, "").replace(formats.MINUS, "-")


def decimals(value: int | Fraction, unit: Unit) -> int:
    """How many decimals show the value exactly: what meters send at least, the unit's at most."""
    least = min(_LEAST_DECIMALS.get(unit.name, 0), unit.decimals)
    amount = Fraction(value) / unit.base * 10**least
    for places in range(least, unit.decimals):
        if amount.denominator == 1:
            return places
        amount *= 10
    return unit.decimals


def as_shown(value: int, unit: Unit) -> Fraction:
    """The amount that a person reads: rounded, where the unit cannot hold it exactly."""
    return Fraction(formats.fixed(Fraction(value) / unit.base, decimals(value, unit)))


def value_of(column: str, value: int, units: UnitChoice) -> RegisterValue:
    """A register column's value with the unit this utility sees it in."""
    register = BY_COLUMN[column]
    return RegisterValue(register, value, display_unit(register, units))


def main_value(
    medium: str, values: Mapping[str, int | None], units: UnitChoice
) -> RegisterValue | None:
    """The medium's chief register that has a value; None where none has."""
    for column in MAIN_REGISTERS[medium]:
        value = values.get(column)
        if value is not None:
            return value_of(column, value, units)
    return None


def shown_values(values: Mapping[str, int | None], units: UnitChoice) -> list[RegisterValue]:
    """All registers that have a value, in the catalogue's order."""
    return [
        value_of(register.column, value, units)
        for register in REGISTERS
        if register.column not in _NOT_SHOWN and (value := values.get(register.column)) is not None
    ]
