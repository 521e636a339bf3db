"""The tables of value information (EN 13757-3:2018, 6.4 and annex C), as data.

A row of `_PRIMARY`, `_FB` and `_FD` is: first code, last code, quantity, unit, and the decimal
exponent of the first code; it grows by one with each code. Rows with a tuple of units name one
unit a code. Units are written as in `Register.unit`: Wh, J, m3, kg, W, J/h, m3/h, °C, K, bar …
"""

from typing import NamedTuple


class Unit(NamedTuple):
    """What a code means: the quantity, its unit, and the power of ten of the integer."""

    quantity: str
    unit: str
    exponent: int


Row = tuple[int, int, str, str | tuple[str, ...], int]

_TIMES = ("s", "min", "h", "d")
_LONG_TIMES = ("h", "d", "month", "year")

_PRIMARY: tuple[Row, ...] = (
    (0x00, 0x07, "energy", "Wh", -3),
    (0x08, 0x0F, "energy", "J", 0),
    (0x10, 0x17, "volume", "m3", -6),
    (0x18, 0x1F, "mass", "kg", -3),
    (0x20, 0x23, "on time", _TIMES, 0),
    (0x24, 0x27, "operating time", _TIMES, 0),
    (0x28, 0x2F, "power", "W", -3),
    (0x30, 0x37, "power", "J/h", 0),
    (0x38, 0x3F, "volume flow", "m3/h", -6),
    (0x40, 0x47, "volume flow", "m3/min", -7),
    (0x48, 0x4F, "volume flow", "m3/s", -9),
    (0x50, 0x57, "mass flow", "kg/h", -3),
    (0x58, 0x5B, "flow temperature", "°C", -3),
    (0x5C, 0x5F, "return temperature", "°C", -3),
    (0x60, 0x63, "temperature difference", "K", -3),
    (0x64, 0x67, "external temperature", "°C", -3),
    (0x68, 0x6B, "pressure", "bar", -3),
    (0x6C, 0x6C, "date", "", 0),
    (0x6D, 0x6D, "date and time", "", 0),
    (0x6E, 0x6E, "heat cost", "HCA", 0),
    (0x70, 0x73, "averaging duration", _TIMES, 0),
    (0x74, 0x77, "actuality duration", _TIMES, 0),
    (0x78, 0x78, "fabrication number", "", 0),
    (0x79, 0x79, "enhanced identification", "", 0),
    (0x7A, 0x7A, "bus address", "", 0),
    (0x7C, 0x7C, "named by text", "", 0),
    (0x7E, 0x7E, "any", "", 0),
    (0x7F, 0x7F, "manufacturer specific", "", 0),
)

_FB: tuple[Row, ...] = (
    (0x00, 0x01, "energy", "Wh", 5),
    (0x02, 0x03, "reactive energy", "varh", 3),
    (0x04, 0x05, "apparent energy", "VAh", 3),
    (0x08, 0x09, "energy", "J", 8),
    (0x0C, 0x0F, "energy", "cal", 5),
    (0x10, 0x11, "volume", "m3", 2),
    (0x14, 0x17, "reactive power", "var", 0),
    (0x18, 0x19, "mass", "kg", 5),
    (0x1A, 0x1B, "relative humidity", "%", -1),
    (0x20, 0x20, "volume", "ft3", 0),
    (0x21, 0x21, "volume", "ft3", -1),
    (0x22, 0x22, "volume", "gal", -1),
    (0x23, 0x23, "volume", "gal", 0),
    (0x24, 0x24, "volume flow", "gal/min", -3),
    (0x25, 0x25, "volume flow", "gal/min", 0),
    (0x26, 0x26, "volume flow", "gal/h", 0),
    (0x28, 0x29, "power", "W", 5),
    (0x2A, 0x2A, "phase voltage to voltage", "°", -1),
    (0x2B, 0x2B, "phase voltage to current", "°", -1),
    (0x2C, 0x2F, "frequency", "Hz", -3),
    (0x30, 0x31, "power", "J/h", 8),
    (0x34, 0x37, "apparent power", "VA", 0),
    (0x58, 0x5B, "flow temperature", "°F", -3),
    (0x5C, 0x5F, "return temperature", "°F", -3),
    (0x60, 0x63, "temperature difference", "°F", -3),
    (0x64, 0x67, "external temperature", "°F", -3),
    (0x70, 0x73, "temperature limit", "°F", -3),
    (0x74, 0x77, "temperature limit", "°C", -3),
    (0x78, 0x7F, "cumulated maximum power", "W", -3),
)

_FD: tuple[Row, ...] = (
    (0x00, 0x03, "credit", "currency", -3),
    (0x04, 0x07, "debit", "currency", -3),
    (0x08, 0x08, "access number", "", 0),
    (0x09, 0x09, "medium", "", 0),
    (0x0A, 0x0A, "manufacturer", "", 0),
    (0x0B, 0x0B, "parameter set", "", 0),
    (0x0C, 0x0C, "model", "", 0),
    (0x0D, 0x0D, "hardware version", "", 0),
    (0x0E, 0x0E, "firmware version", "", 0),
    (0x0F, 0x0F, "software version", "", 0),
    (0x10, 0x10, "customer location", "", 0),
    (0x11, 0x11, "customer", "", 0),
    (0x12, 0x12, "access code user", "", 0),
    (0x13, 0x13, "access code operator", "", 0),
    (0x14, 0x14, "access code system operator", "", 0),
    (0x15, 0x15, "access code developer", "", 0),
    (0x16, 0x16, "password", "", 0),
    (0x17, 0x17, "error flags", "bits", 0),
    (0x18, 0x18, "error mask", "bits", 0),
    (0x19, 0x19, "security key", "", 0),
    (0x1A, 0x1A, "digital output", "bits", 0),
    (0x1B, 0x1B, "digital input", "bits", 0),
    (0x1C, 0x1C, "baud rate", "Bd", 0),
    (0x1D, 0x1D, "response delay", "bit times", 0),
    (0x1E, 0x1E, "retry", "", 0),
    (0x1F, 0x1F, "remote control", "", 0),
    (0x20, 0x20, "first storage number", "", 0),
    (0x21, 0x21, "last storage number", "", 0),
    (0x22, 0x22, "size of storage block", "", 0),
    (0x23, 0x23, "descriptor of tariff and subunit", "", 0),
    (0x24, 0x27, "storage interval", _TIMES, 0),
    (0x28, 0x28, "storage interval", "month", 0),
    (0x29, 0x29, "storage interval", "year", 0),
    (0x2A, 0x2A, "operator data", "", 0),
    (0x2B, 0x2B, "time point second", "", 0),
    (0x2C, 0x2F, "duration since last readout", _TIMES, 0),
    (0x30, 0x30, "start of tariff", "", 0),
    (0x31, 0x33, "duration of tariff", ("min", "h", "d"), 0),
    (0x34, 0x37, "period of tariff", _TIMES, 0),
    (0x38, 0x38, "period of tariff", "month", 0),
    (0x39, 0x39, "period of tariff", "year", 0),
    (0x3A, 0x3A, "dimensionless", "", 0),
    (0x3B, 0x3B, "container wireless", "", 0),
    (0x3C, 0x3F, "period of nominal transmission", _TIMES, 0),
    (0x40, 0x4F, "voltage", "V", -9),
    (0x50, 0x5F, "current", "A", -12),
    (0x60, 0x60, "reset counter", "", 0),
    (0x61, 0x61, "cumulation counter", "", 0),
    (0x62, 0x62, "control signal", "", 0),
    (0x63, 0x63, "day of week", "", 0),
    (0x64, 0x64, "week number", "", 0),
    (0x65, 0x65, "time point of day change", "", 0),
    (0x66, 0x66, "parameter activation state", "", 0),
    (0x67, 0x67, "special supplier information", "", 0),
    (0x68, 0x6B, "duration since last cumulation", _LONG_TIMES, 0),
    (0x6C, 0x6F, "operating time of battery", _LONG_TIMES, 0),
    (0x70, 0x70, "date of battery change", "", 0),
    (0x71, 0x71, "signal strength", "dBm", 0),
    (0x72, 0x72, "daylight saving", "", 0),
    (0x73, 0x73, "listening window", "", 0),
    (0x74, 0x74, "remaining battery", "d", 0),
    (0x75, 0x75, "times the meter was stopped", "", 0),
    (0x76, 0x76, "container manufacturer", "", 0),
    (0x7D, 0x7D, "selected application", "", 0),
)

# What is one a time by itself: a VIFE "per month" behind it cannot divide it again.
RATE_QUANTITIES = frozenset(
    {"power", "reactive power", "apparent power", "volume flow", "mass flow"}
)

# Dates are told apart by length; these quantities are dates whatever their length.
DATE_QUANTITIES = frozenset({"date", "date and time", "start of tariff", "date of battery change"})

# Integers of these quantities are names, numbers or bit fields: unsigned (6.3.3, type C and D).
UNSIGNED_QUANTITIES = frozenset(
    {
        *(row[2] for row in _FD if 0x08 <= row[0] <= 0x23 or 0x60 <= row[0] <= 0x67),
        "heat cost",
        "fabrication number",
        "enhanced identification",
        "bus address",
        "container wireless",
        "container manufacturer",
    }
)


def _table(rows: tuple[Row, ...]) -> dict[int, Unit]:
    return {
        code: Unit(quantity, unit, exponent + code - first)
        if isinstance(unit, str)
        else Unit(quantity, unit[code - first], exponent)
        for first, last, quantity, unit, exponent in rows
        for code in range(first, last + 1)
    }


PRIMARY = _table(_PRIMARY)
EXTENSION_FB = _table(_FB)
EXTENSION_FD = _table(_FD)
