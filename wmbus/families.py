"""The register tables of meter families: data only, walked by `registers.py`.

A rule's key is (quantity, manufacturer codes, qualifiers, subunit); subunit None stands for any.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """What a record becomes.

    `code` is the base of the register's name, `unit` replaces the record's unit if not empty.
    `subunit` and `qualified` say that the code tells these already, so that they need no suffix.
    `complete` means that the code takes no suffix at all; `storage` moves the
    record to another set; `bits` makes the integer a bit field, which has no sign; `exponent` is
    added to the record's, for a maker's own code that no table scales.
    """

    code: str
    unit: str = ""
    subunit: bool = False
    qualified: bool = False
    complete: bool = False
    bits: bool = False
    storage: int | None = None
    exponent: int = 0


RuleKey = tuple[str, bytes, tuple[str, ...], int | None]


class Family:
    """Meters that share a table. Compared and hashed as an object: there is one of each."""

    __slots__ = ("device_types", "manufacturer", "name", "rules", "versions")

    def __init__(
        self,
        name: str,
        rules: Mapping[RuleKey, Rule],
        *,
        manufacturer: str = "",
        device_types: tuple[int, ...] = (),
        versions: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.rules = dict(rules)
        self.manufacturer = manufacturer
        self.device_types = device_types
        self.versions = versions


def _plain(table: Mapping[str, str]) -> dict[RuleKey, Rule]:
    return {(quantity, b"", (), None): Rule(code) for quantity, code in table.items()}


_COMMON: dict[RuleKey, Rule] = {
    **_plain(
        {
            "on time": "HOURS",
            "operating time": "OPTIME",
            "mass": "MASS1",
            "mass flow": "MFLOW1",
            "volume": "V1",
            "volume flow": "FLOW1",
            "external temperature": "TAMB",
            "temperature difference": "TD",
            "pressure": "P1",
            "error flags": "INFO",
            "heat cost": "HCA",
            "relative humidity": "RH",
            "voltage": "U",
            "current": "I",
            "frequency": "FREQ",
            "remaining battery": "BATTERY",
            "operating time of battery": "BATTERY_AGE",
            "reset counter": "RESETS",
            "cumulation counter": "COUNT",
            "digital input": "IN",
            "digital output": "OUT",
            "dimensionless": "NUMBER",
        }
    ),
    ("volume", b"", (), 1): Rule("V2", subunit=True),
    ("volume flow", b"", (), 1): Rule("FLOW2", subunit=True),
    ("pressure", b"", (), 1): Rule("P2", subunit=True),
}

_HEAT: dict[RuleKey, Rule] = {
    **_COMMON,
    **_plain(
        {
            "energy": "E1",
            "power": "POWER1",
            "flow temperature": "T1",
            "return temperature": "T2",
        }
    ),
    # Combined meters count cooling backward (EN 13757-3, table 15 note) or in their own tariff.
    ("energy", b"", ("backward",), None): Rule("E3", qualified=True),
}
_COOLING: dict[RuleKey, Rule] = {
    **_HEAT,
    ("energy", b"", (), None): Rule("E3"),
    ("energy", b"", ("backward",), None): Rule("E1", qualified=True),
}
_WATER: dict[RuleKey, Rule] = {
    **_COMMON,
    **_plain({"flow temperature": "TWATER", "return temperature": "T2", "energy": "E1"}),
}
_ELECTRICITY: dict[RuleKey, Rule] = {
    **_COMMON,
    **{
        key: rule
        for quantity, positive, negative in (
            ("energy", "A_POS", "A_NEG"),
            ("power", "P_POS", "P_NEG"),
            ("reactive energy", "R_POS", "R_NEG"),
            ("reactive power", "Q_POS", "Q_NEG"),
            ("apparent energy", "S_POS", "S_NEG"),
            ("apparent power", "SP_POS", "SP_NEG"),
        )
        for key, rule in (
            ((quantity, b"", (), None), Rule(positive)),
            ((quantity, b"", ("forward",), None), Rule(positive, qualified=True)),
            ((quantity, b"", ("backward",), None), Rule(negative, qualified=True)),
        )
    },
    **_plain({"flow temperature": "T1", "return temperature": "T2"}),
}

BASE: Mapping[str, Family] = {
    "heat": Family("heat", _HEAT),
    "cooling": Family("cooling", _COOLING),
    "water": Family("water", _WATER),
    "gas": Family("gas", _WATER),
    "electricity": Family("electricity", _ELECTRICITY),
    "other": Family("other", _HEAT),
}

# ---------------------------------------------------------------------------- Kamstrup

_M = "manufacturer specific"
_HCA = "heat cost"


def _code(number: int) -> bytes:
    return bytes((number,))


_KAMSTRUP_HEAT_EXTRAS: dict[RuleKey, Rule] = {
    (_M, _code(0x07), (), None): Rule("E8", "m3*°C"),
    (_M, _code(0x08), (), None): Rule("E9", "m3*°C"),
    (_HCA, _code(0x07), (), None): Rule("E8", "m3*°C"),
    (_HCA, _code(0x08), (), None): Rule("E9", "m3*°C"),
    (_M, _code(0x22), (), None): Rule("INFO", "kamstrup heat", bits=True),
    (_M, _code(0x21), (), None): Rule("INFO", "kamstrup heat", bits=True),
    ("operating time", _code(0x21), (), None): Rule("OPTIME"),
    ("volume", b"", (), 1): Rule("IN_A", subunit=True),
    ("volume", b"", (), 2): Rule("IN_B", subunit=True),
    ("error flags", b"", (), None): Rule("INFO", "kamstrup heat 402", bits=True),
}
_KAMSTRUP_HEAT = {**_HEAT, **_KAMSTRUP_HEAT_EXTRAS}
_KAMSTRUP_COOLING = {**_COOLING, **_KAMSTRUP_HEAT_EXTRAS}

_KAMSTRUP_WATER: dict[RuleKey, Rule] = {
    **_WATER,
    (_M, _code(0x20), (), None): Rule("INFO", "kamstrup water 16", bits=True),
    (_M, _code(0x23), (), None): Rule("INFO", "kamstrup water 32", bits=True),
    (_M, _code(0x25), (), None): Rule("INFO", "kamstrup water 25", bits=True),
    (_M, _code(0x1B), (), None): Rule("NOISE", "raw", bits=True),
    ("external temperature", _code(0x0F), (), None): Rule("TAMB_OWN", complete=True, storage=0),
}

_KAMSTRUP_PRESSURE: dict[RuleKey, Rule] = {
    **_COMMON,
    (_M, _code(0x09), (), None): Rule("ALFA", "raw"),
    (_M, _code(0x0A), (), None): Rule("BETA", "raw"),
    ("error flags", b"", (), None): Rule("INFO", "kamstrup pressure", bits=True),
}

_KAMSTRUP_EM24: dict[RuleKey, Rule] = {
    **_ELECTRICITY,
    ("error flags", b"", (), None): Rule("INFO", "em24", bits=True),
}

# Schneider's iEM3000 counts reactive energy as the energy of subunit 1.
_SCHNEIDER: dict[RuleKey, Rule] = {
    **_ELECTRICITY,
    ("energy", b"", (), 1): Rule("R_POS", "varh", subunit=True),
    ("energy", _code(0x09), (), 1): Rule("R_NEG", "varh", subunit=True),
    ("energy", _code(0x0D), (), 1): Rule("R_POS_PART", "varh", subunit=True),
    ("energy", _code(0x09), (), None): Rule("A_NEG"),
    ("energy", _code(0x0D), (), None): Rule("A_POS_PART"),
    ("energy", _code(0x01), (), None): Rule("A_POS_L1"),
    ("energy", _code(0x02), (), None): Rule("A_POS_L2"),
    ("energy", _code(0x03), (), None): Rule("A_POS_L3"),
    (_M, _code(0x24), (), None): Rule("FREQ_NOMINAL", "Hz"),
    (_M, _code(0x0B), (), None): Rule("FREQ", "Hz"),
}

# IME puts a number of its own before an ordinary VIF, of the primary table or of FD without saying
# which; tariffs 7 to 10 are total, L1, L2, L3.
_IME: dict[RuleKey, Rule] = {
    **_ELECTRICITY,
    (_M, b"\x84\x2b", (), None): Rule("P_POS", "W"),
    (_M, b"\x85\x2b", (), None): Rule("Q_POS", "var"),
    (_M, b"\x86\x2b", (), None): Rule("SP_POS", "VA"),
    (_M, b"\x87\x48", (), None): Rule("U", "V", exponent=-1),
    (_M, b"\x88\x48", (), None): Rule("U_LINE", "V", exponent=-1),
    (_M, b"\x89\x59", (), None): Rule("I", "A", exponent=-3),
    (_M, b"\x8a\x48", (), None): Rule("FREQ", "Hz", exponent=-1),
    (_M, b"\x8b\x28", (), None): Rule("COSPHI", exponent=-3),
    (_M, b"\x8d\x2b", (), None): Rule("P_POS_AVG", "W"),
    (_M, b"\x8e\x2b", (), None): Rule("P_POS_MAX", "W"),
    (_M, b"\x8f\x21", (), None): Rule("HOURS", "min"),
}

# eBZ numbers the phases in a code of its own.
_EBZ: dict[RuleKey, Rule] = {
    **_ELECTRICITY,
    ("power", _code(0x01), (), None): Rule("P_POS_L1"),
    ("power", _code(0x02), (), None): Rule("P_POS_L2"),
    ("power", _code(0x03), (), None): Rule("P_POS_L3"),
}

# Axioma sends the battery's rest in percent where table 12 has days.
_AXIOMA: dict[RuleKey, Rule] = {
    **_WATER,
    ("remaining battery", b"", (), None): Rule("BATTERY", "%"),
}

_HEAT_TYPES = (0x04, 0x0C, 0x0D)
_COOLING_TYPES = (0x0A, 0x0B)
_WATER_TYPES = (0x06, 0x07, 0x15, 0x16, 0x17)

# First match wins: the ones with versions before the ones without.
FAMILIES: tuple[Family, ...] = (
    Family(
        "em24",
        _KAMSTRUP_EM24,
        manufacturer="KAM",
        device_types=(0x02,),
        versions=(0x33,),
    ),
    Family("axioma", _AXIOMA, manufacturer="AXI", device_types=_WATER_TYPES),
    Family("ebz", _EBZ, manufacturer="EBZ", device_types=(0x02, 0x37)),
    Family("ime", _IME, manufacturer="IME", device_types=(0x02,)),
    Family("schneider", _SCHNEIDER, manufacturer="SEC", device_types=(0x02,)),
    Family("kamstrup heat", _KAMSTRUP_HEAT, manufacturer="KAM", device_types=_HEAT_TYPES),
    Family("kamstrup cooling", _KAMSTRUP_COOLING, manufacturer="KAM", device_types=_COOLING_TYPES),
    Family("kamstrup water", _KAMSTRUP_WATER, manufacturer="KAM", device_types=_WATER_TYPES),
    Family("kamstrup pressure", _KAMSTRUP_PRESSURE, manufacturer="KAM", device_types=(0x18,)),
)
