"""The kinds of meter in the town: what each calls itself, measures and sends, as data.

Layouts are those that real meters of the family send (signatures in brackets are of EN 13757-3
annex G), so that a decoder's ready-made knowledge of them is put to the test. One layout is
made up on purpose: nobody knows it before its first full frame.
"""

from dataclasses import dataclass, field
from typing import Literal

Security = Literal["ell", "mode5"]


@dataclass(frozen=True, slots=True)
class Field:
    """A data record: its DIF/VIF bytes, what it holds, and base units per digit.

    `name` is a column of READY's registers ("e1"), or such a column at the target date
    ("target_e1"), or one of: date, target_date, clock, number, difference, max_flow, max_power,
    min_flow, water_temperature, ambient_temperature, noise, config, zero.
    `step`: base units (J, mL, 0.001 °C, mL/h, W, h) of the last digit sent.
    """

    header: bytes
    name: str
    step: int = 1
    size: int = field(init=False)  # bytes of its value (EN 13757-3 table 4)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _SIZES[self.header[0] & 0x0F])


@dataclass(frozen=True, slots=True, eq=False)
class MeterKind:
    """A type of meter as one utility orders it: family, layout, resolution and security.

    `count_tenths`: E8/E9 count m³·°C times this tenth (10 is ×1; 100 is ×10 for meters that
    show litres; 1 is ×0.1). `info` names the map of its info code (`INFO_BITS`).

    Derived: `registers` are the columns of READY that a telegram fills for its own instant;
    `has_clock`: it tells the time of its values, to the minute; `has_target_date`: it dates the
    registers of its target date; `steps`: base units of the last digit sent, by field name.
    """

    name: str
    manufacturer: str
    version: int
    device_type: int
    medium: str
    fields: tuple[Field, ...]
    info: str
    security: Security = "ell"
    count_tenths: int = 10
    link_mode: str = "C1"

    registers: tuple[str, ...] = field(init=False)
    has_clock: bool = field(init=False)
    has_target_date: bool = field(init=False)
    steps: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        derived = {
            "registers": tuple(name for name in names if name in _COLUMNS),
            "has_clock": "clock" in names,
            "has_target_date": "target_date" in names,
            "steps": {field.name: field.step for field in self.fields},
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)


# Bytes by the low half of the DIF, of the types that are used here; C is BCD.
_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 0xC: 4}
_COLUMNS = frozenset(
    ("e1", "e3", "v1", "e8", "e9", "flow1", "power1", "t1", "t2", "info", "hours",
     "a_pos", "a_neg", "p_pos", "p_neg", "in_a", "in_b")
)  # fmt: skip

# Bits of the info code for what can befall a meter, by family (facts: Kamstrup's public
# technical descriptions; the 602 counts differently from the newer heat meters).
INFO_BITS: dict[str, dict[str, int]] = {
    "heat32": {
        "no_supply": 1 << 0,
        "low_battery": 1 << 1,
        "t1_high": 1 << 3,
        "t2_high": 1 << 4,
        "wrong_polarity": 1 << 7,
        "wrong_direction": 1 << 9,
        "flow_high": 1 << 11,
    },
    "heat16": {
        "no_supply": 1 << 0,
        "low_battery": 1 << 1,
        "t1_high": 1 << 3,
        "t2_high": 1 << 4,
        "wrong_polarity": 1 << 7,
        "wrong_direction": 1 << 9,
        "flow_high": 1 << 11,
    },
    "heat8": {
        "no_supply": 1 << 0,
        "low_battery": 1 << 1,
        "t1_high": 1 << 3,
        "t2_high": 1 << 4,
        "wrong_polarity": 1 << 7,
    },
    "heat602": {"no_supply": 1, "t2_high": 4, "t1_high": 8, "wrong_direction": 16_384},
    "water16": {"dry": 1 << 0, "reverse": 1 << 1, "leak": 1 << 2, "burst": 1 << 3},
    "water32": {
        "dry": 1 << 0,
        "reverse": 1 << 1,
        "leak": 1 << 2,
        "burst": 1 << 3,
        "tamper": 1 << 4,
        "low_battery": 1 << 5,
        "no_consumption": 1 << 9,
    },
    "none": {},
}

_KWH = 3_600_000
_MJ = 1_000_000
# The pulse inputs A and B, now and at the target date.
_PULSES = (("844014", "in_a", 10_000), ("84804014", "in_b", 10_000))
_PULSES_THEN = (("C44014", "target_in_a", 10_000), ("C4804014", "target_in_b", 10_000))


def _fields(*rows: tuple[str, str] | tuple[str, str, int]) -> tuple[Field, ...]:
    return tuple(Field(bytes.fromhex(row[0]), *row[1:]) for row in rows)


MC403 = MeterKind(  # [B34D]
    "MULTICAL 403", "KAM", 0x34, 0x0C, "heat",
    _fields(
        ("0406", "e1", _KWH), ("04FF07", "e8"), ("04FF08", "e9"), ("0414", "v1", 10_000),
        ("043B", "flow1", 1000), ("0259", "t1", 10), ("025D", "t2", 10), ("04FF22", "info"),
        ("026C", "date"), ("4406", "target_e1", _KWH), ("4414", "target_v1", 10_000),
        ("426C", "target_date"),
    ),
    "heat32",
)  # fmt: skip
MC603 = MeterKind(  # [441F]
    "MULTICAL 603", "KAM", 0x35, 0x0C, "heat",
    _fields(
        ("0406", "e1", _KWH), ("04FF07", "e8"), ("04FF08", "e9"), ("0414", "v1", 10_000),
        ("043B", "flow1", 1000), ("042D", "power1", 100), ("0259", "t1", 10),
        ("025D", "t2", 10), ("04FF22", "info"), ("0422", "hours"),
        ("143B", "max_flow", 1000), ("142D", "max_power", 100),
    ),
    "heat32",
)  # fmt: skip
MC602 = MeterKind(  # [8400]
    "MULTICAL 602", "KAM", 0x1C, 0x04, "heat",
    _fields(
        ("02F9FF15", "config"), ("0406", "e1", _KWH), ("04EEFF07", "e8"), ("04EEFF08", "e9"),
        ("0414", "v1", 10_000), *_PULSES, ("02FD17", "info"),
        ("026C", "date"), ("426C", "target_date"), ("4406", "target_e1", _KWH),
        ("4414", "target_v1", 10_000), *_PULSES_THEN,
        ("043B", "flow1", 1000), ("0259", "t1", 10), ("025D", "t2", 10),
    ),
    "heat602",
)  # fmt: skip
MC302 = MeterKind(  # [F1E7]
    "MULTICAL 302", "KAM", 0x30, 0x04, "heat",
    _fields(
        ("0306", "e1", _KWH), ("4306", "target_e1", _KWH), ("0314", "v1", 10_000),
        ("426C", "target_date"), ("022D", "power1", 100), ("01FF21", "info"),
    ),
    "heat8",
)  # fmt: skip
MC302_GJ = MeterKind(  # [52C2]
    "MULTICAL 302", "KAM", 0x30, 0x0C, "heat",
    _fields(
        ("030E", "e1", _MJ), ("430E", "target_e1", _MJ), ("0313", "v1", 1000),
        ("426C", "target_date"), ("022D", "power1", 100), ("01FF21", "info"),
    ),
    "heat8", count_tenths=100,
)  # fmt: skip
MC803_GJ = MeterKind(  # [E7A2]
    "MULTICAL 803", "KAM", 0x39, 0x04, "heat",
    _fields(
        ("040F", "e1", 10 * _MJ), ("04FF07", "e8"), ("04FF08", "e9"), ("0414", "v1", 10_000),
        *_PULSES, ("043B", "flow1", 1000), ("0259", "t1", 10),
        ("025D", "t2", 10), ("142D", "max_power", 100), ("84100F", "zero"), ("84200F", "zero"),
        ("04FF22", "info"), ("026C", "date"), ("440F", "target_e1", 10 * _MJ),
        ("4414", "target_v1", 10_000), *_PULSES_THEN,
        ("426C", "target_date"),
    ),
    "heat32",
)  # fmt: skip
MC303 = MeterKind(  # [E745], open metering with AES-CBC
    "MULTICAL 303", "KAM", 0x40, 0x0C, "heat",
    _fields(
        ("0405", "e1", _KWH // 10), ("0413", "v1", 1000), ("04FF07", "e8"), ("04FF08", "e9"),
        ("0259", "t1", 10), ("025D", "t2", 10), ("023B", "flow1", 1000), ("02FF22", "info"),
        ("026C", "date"), ("4405", "target_e1", _KWH // 10), ("4413", "target_v1", 1000),
        ("426C", "target_date"),
    ),
    "heat16", "mode5", count_tenths=100, link_mode="T1",
)  # fmt: skip
MC603_CLOCK = MeterKind(  # [A635], a large building's meter that tells its own time
    "MULTICAL 603", "KAM", 0x35, 0x0C, "heat",
    _fields(
        ("04FB08", "e1", 100 * _MJ), ("04FF07", "e8"), ("04FF08", "e9"), ("0415", "v1", 100_000),
        *_PULSES, ("0422", "hours"), ("3422", "zero"),
        ("0259", "t1", 10), ("025D", "t2", 10), ("0261", "difference", 10),
        ("042D", "power1", 100), ("142D", "max_power", 100), ("043B", "flow1", 1000),
        ("143B", "max_flow", 1000), ("04FF22", "info"), ("046D", "clock"),
        ("542D", "max_power", 100), ("543B", "max_flow", 1000), ("426C", "target_date"),
        ("02FF1A", "config"), ("0C78", "number"), ("04FF16", "zero"), ("04FF17", "zero"),
    ),
    "heat32", "mode5", count_tenths=1,
)  # fmt: skip
MC403_COOLING = MeterKind(  # [1434]
    "MULTICAL 403", "KAM", 0x34, 0x0A, "cooling",
    _fields(
        ("040E", "e3", _MJ), ("04FF07", "e8"), ("04FF08", "e9"), ("0413", "v1", 1000),
        *_PULSES, ("043B", "flow1", 1000), ("0259", "t1", 10),
        ("025D", "t2", 10), ("142D", "max_power", 100), ("84100E", "zero"), ("84200E", "zero"),
        ("04FF22", "info"), ("026C", "date"), ("440E", "target_e3", _MJ),
        ("4413", "target_v1", 1000), *_PULSES_THEN,
        ("426C", "target_date"),
    ),
    "heat32", count_tenths=100,
)  # fmt: skip
MC21 = MeterKind(  # [A8ED]
    "MULTICAL 21", "KAM", 0x1B, 0x16, "water",
    _fields(
        ("02FF20", "info"), ("0413", "v1", 1000), ("4413", "target_v1", 1000),
        ("615B", "water_temperature"), ("6167", "ambient_temperature"),
    ),
    "water16",
)  # fmt: skip
MC21_UNLISTED = MeterKind(  # the same records in an order that no table lists
    "MULTICAL 21", "KAM", 0x1D, 0x16, "water",
    _fields(
        ("0413", "v1", 1000), ("02FF20", "info"), ("6167", "ambient_temperature"),
        ("615B", "water_temperature"), ("4413", "target_v1", 1000),
    ),
    "water16",
)  # fmt: skip
FLOWIQ2200 = MeterKind(  # [A9F3]
    "flowIQ 2200", "KAW", 0x3A, 0x16, "water",
    _fields(
        ("04FF23", "info"), ("0413", "v1", 1000), ("4413", "target_v1", 1000),
        ("426C", "target_date"), ("023B", "flow1", 1000), ("92013B", "max_flow", 1000),
        ("A2013B", "min_flow", 1000), ("06FF1B", "noise"), ("A1015B", "water_temperature"),
        ("91015B", "water_temperature"), ("A10167", "ambient_temperature"),
    ),
    "water32",
)  # fmt: skip
FLOWIQ3100 = MeterKind(  # [0905]
    "flowIQ 3100", "KAW", 0x3C, 0x16, "water",
    _fields(
        ("04FF23", "info"), ("4413", "target_v1", 1000), ("523B", "max_flow", 1000),
        ("06FF1B", "noise"), ("426C", "target_date"), ("6167", "ambient_temperature"),
        ("5167", "ambient_temperature"), ("023B", "flow1", 1000), ("0413", "v1", 1000),
        ("8101E7FF0F", "ambient_temperature"),
    ),
    "water32",
)  # fmt: skip
OMNIPOWER = MeterKind(  # [8C13]
    "OMNIPOWER", "KAM", 0x30, 0x02, "electricity",
    _fields(
        ("0404", "a_pos", _KWH // 100), ("04843C", "a_neg", _KWH // 100),
        ("042B", "p_pos"), ("04AB3C", "p_neg"),
    ),
    "none",
)  # fmt: skip

KINDS: tuple[MeterKind, ...] = (
    MC403, MC603, MC602, MC302, MC302_GJ, MC803_GJ, MC303, MC603_CLOCK, MC403_COOLING,
    MC21, MC21_UNLISTED, FLOWIQ2200, FLOWIQ3100, OMNIPOWER,
)  # fmt: skip
