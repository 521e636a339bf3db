"""The tables of value information (EN 13757-3:2018, 6.4 and annex C), as data.

A row of `_PRIMARY`, `_FB` and `_FD` is: first code, last code, quantity, unit, and the decimal
exponent of the first code; it grows by one with each code. Rows with a tuple of units name one
unit a code. Units are written as in `Register.unit`: Wh, J, m3, kg, W, J/h, m3/h, °C, K, bar …
"""

from typing import NamedTuple

from wmbus.words import marked as _


class Unit(NamedTuple):
    """What a code means: the quantity, its unit, and the power of ten of the integer."""

    quantity: str
    unit: str
    exponent: int


Row = tuple[int, int, str, str | tuple[str, ...], int]

_TIMES = ("s", "min", "h", "d")
_LONG_TIMES = ("h", "d", "month", "year")

_PRIMARY: tuple[Row, ...] = (
    (0x00, 0x07, _("energy"), "Wh", -3),
    (0x08, 0x0F, _("energy"), "J", 0),
    (0x10, 0x17, _("volume"), "m3", -6),
    (0x18, 0x1F, _("mass"), "kg", -3),
    (0x20, 0x23, _("on time"), _TIMES, 0),
    (0x24, 0x27, _("operating time"), _TIMES, 0),
    (0x28, 0x2F, _("power"), "W", -3),
    (0x30, 0x37, _("power"), "J/h", 0),
    (0x38, 0x3F, _("volume flow"), "m3/h", -6),
    (0x40, 0x47, _("volume flow"), "m3/min", -7),
    (0x48, 0x4F, _("volume flow"), "m3/s", -9),
    (0x50, 0x57, _("mass flow"), "kg/h", -3),
    (0x58, 0x5B, _("flow temperature"), "°C", -3),
    (0x5C, 0x5F, _("return temperature"), "°C", -3),
    (0x60, 0x63, _("temperature difference"), "K", -3),
    (0x64, 0x67, _("external temperature"), "°C", -3),
    (0x68, 0x6B, _("pressure"), "bar", -3),
    (0x6C, 0x6C, _("date"), "", 0),
    (0x6D, 0x6D, _("date and time"), "", 0),
    (0x6E, 0x6E, _("heat cost"), "HCA", 0),
    (0x70, 0x73, _("averaging duration"), _TIMES, 0),
    (0x74, 0x77, _("actuality duration"), _TIMES, 0),
    (0x78, 0x78, _("fabrication number"), "", 0),
    (0x79, 0x79, _("enhanced identification"), "", 0),
    (0x7A, 0x7A, _("bus address"), "", 0),
    (0x7C, 0x7C, _("named by text"), "", 0),
    (0x7E, 0x7E, _("any"), "", 0),
    (0x7F, 0x7F, _("manufacturer specific"), "", 0),
)

_FB: tuple[Row, ...] = (
    (0x00, 0x01, _("energy"), "Wh", 5),
    (0x02, 0x03, _("reactive energy"), "varh", 3),
    (0x04, 0x05, _("apparent energy"), "VAh", 3),
    (0x08, 0x09, _("energy"), "J", 8),
    (0x0C, 0x0F, _("energy"), "cal", 5),
    (0x10, 0x11, _("volume"), "m3", 2),
    (0x14, 0x17, _("reactive power"), "var", 0),
    (0x18, 0x19, _("mass"), "kg", 5),
    (0x1A, 0x1B, _("relative humidity"), "%", -1),
    (0x20, 0x20, _("volume"), "ft3", 0),
    (0x21, 0x21, _("volume"), "ft3", -1),
    (0x22, 0x22, _("volume"), "gal", -1),
    (0x23, 0x23, _("volume"), "gal", 0),
    (0x24, 0x24, _("volume flow"), "gal/min", -3),
    (0x25, 0x25, _("volume flow"), "gal/min", 0),
    (0x26, 0x26, _("volume flow"), "gal/h", 0),
    (0x28, 0x29, _("power"), "W", 5),
    (0x2A, 0x2A, _("phase voltage to voltage"), "°", -1),
    (0x2B, 0x2B, _("phase voltage to current"), "°", -1),
    (0x2C, 0x2F, _("frequency"), "Hz", -3),
    (0x30, 0x31, _("power"), "J/h", 8),
    (0x34, 0x37, _("apparent power"), "VA", 0),
    (0x58, 0x5B, _("flow temperature"), "°F", -3),
    (0x5C, 0x5F, _("return temperature"), "°F", -3),
    (0x60, 0x63, _("temperature difference"), "°F", -3),
    (0x64, 0x67, _("external temperature"), "°F", -3),
    (0x70, 0x73, _("temperature limit"), "°F", -3),
    (0x74, 0x77, _("temperature limit"), "°C", -3),
    (0x78, 0x7F, _("cumulated maximum power"), "W", -3),
)

_FD: tuple[Row, ...] = (
    (0x00, 0x03, _("credit"), "currency", -3),
    (0x04, 0x07, _("debit"), "currency", -3),
    (0x08, 0x08, _("access number"), "", 0),
    (0x09, 0x09, _("medium"), "", 0),
    (0x0A, 0x0A, _("manufacturer"), "", 0),
    (0x0B, 0x0B, _("parameter set"), "", 0),
    (0x0C, 0x0C, _("model"), "", 0),
    (0x0D, 0x0D, _("hardware version"), "", 0),
    (0x0E, 0x0E, _("firmware version"), "", 0),
    (0x0F, 0x0F, _("software version"), "", 0),
    (0x10, 0x10, _("customer location"), "", 0),
    (0x11, 0x11, _("customer"), "", 0),
    (0x12, 0x12, _("access code user"), "", 0),
    (0x13, 0x13, _("access code operator"), "", 0),
    (0x14, 0x14, _("access code system operator"), "", 0),
    (0x15, 0x15, _("access code developer"), "", 0),
    (0x16, 0x16, _("password"), "", 0),
    (0x17, 0x17, _("error flags"), "bits", 0),
    (0x18, 0x18, _("error mask"), "bits", 0),
    (0x19, 0x19, _("security key"), "", 0),
    (0x1A, 0x1A, _("digital output"), "bits", 0),
    (0x1B, 0x1B, _("digital input"), "bits", 0),
    (0x1C, 0x1C, _("baud rate"), "Bd", 0),
    (0x1D, 0x1D, _("response delay"), "bit times", 0),
    (0x1E, 0x1E, _("retry"), "", 0),
    (0x1F, 0x1F, _("remote control"), "", 0),
    (0x20, 0x20, _("first storage number"), "", 0),
    (0x21, 0x21, _("last storage number"), "", 0),
    (0x22, 0x22, _("size of storage block"), "", 0),
    (0x23, 0x23, _("descriptor of tariff and subunit"), "", 0),
    (0x24, 0x27, _("storage interval"), _TIMES, 0),
    (0x28, 0x28, _("storage interval"), "month", 0),
    (0x29, 0x29, _("storage interval"), "year", 0),
    (0x2A, 0x2A, _("operator data"), "", 0),
    (0x2B, 0x2B, _("time point second"), "", 0),
    (0x2C, 0x2F, _("duration since last readout"), _TIMES, 0),
    (0x30, 0x30, _("start of tariff"), "", 0),
    (0x31, 0x33, _("duration of tariff"), ("min", "h", "d"), 0),
    (0x34, 0x37, _("period of tariff"), _TIMES, 0),
    (0x38, 0x38, _("period of tariff"), "month", 0),
    (0x39, 0x39, _("period of tariff"), "year", 0),
    (0x3A, 0x3A, _("dimensionless"), "", 0),
    (0x3B, 0x3B, _("container wireless"), "", 0),
    (0x3C, 0x3F, _("period of nominal transmission"), _TIMES, 0),
    (0x40, 0x4F, _("voltage"), "V", -9),
    (0x50, 0x5F, _("current"), "A", -12),
    (0x60, 0x60, _("reset counter"), "", 0),
    (0x61, 0x61, _("cumulation counter"), "", 0),
    (0x62, 0x62, _("control signal"), "", 0),
    (0x63, 0x63, _("day of week"), "", 0),
    (0x64, 0x64, _("week number"), "", 0),
    (0x65, 0x65, _("time point of day change"), "", 0),
    (0x66, 0x66, _("parameter activation state"), "", 0),
    (0x67, 0x67, _("special supplier information"), "", 0),
    (0x68, 0x6B, _("duration since last cumulation"), _LONG_TIMES, 0),
    (0x6C, 0x6F, _("operating time of battery"), _LONG_TIMES, 0),
    (0x70, 0x70, _("date of battery change"), "", 0),
    (0x71, 0x71, _("signal strength"), "dBm", 0),
    (0x72, 0x72, _("daylight saving"), "", 0),
    (0x73, 0x73, _("listening window"), "", 0),
    (0x74, 0x74, _("remaining battery"), "d", 0),
    (0x75, 0x75, _("times the meter was stopped"), "", 0),
    (0x76, 0x76, _("container manufacturer"), "", 0),
    (0x7D, 0x7D, _("selected application"), "", 0),
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
