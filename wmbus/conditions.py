"""Info codes as named conditions, by meter family, in English and Danish.

    for condition in conditions_of(register.unit, value): condition.english …

`register.unit` of an INFO register names the table. A condition is current, or past where the
meter keeps how long it lasted ("Leak has been recorded for more than 21 days within the last 30
days").
A bit that no public description names is reported by its number, never dropped.

Sources: MULTICAL 21 technical description 5512-897, 11.3 and 11.4; MULTICAL 602 5512-931, 6.11;
MULTICAL 403 (low bits of the heat table); public bit lists for the rest.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Condition(NamedTuple):
    """One finding of a meter about itself.

    `slug` is the same for the same finding in all families. `bit` is its place in the info code.
    `current` is False for a condition of the last 30 days that is over. `duration` is the level
    0..7 of its length there (None where the family keeps none), `hours` the span in hours that
    the level stands for, both ends included.
    """

    slug: str
    bit: int
    english: str
    danish: str
    current: bool = True
    duration: int | None = None
    hours: tuple[int, int] | None = None


class Name(NamedTuple):
    """Slug and wording of a bit."""

    slug: str
    english: str
    danish: str


# Level → hours, and the words for "recorded for … within the last 30 days" (5512-897, 11.4).
DURATIONS: tuple[tuple[int, int], ...] = (
    (0, 0),
    (1, 8),
    (9, 24),
    (25, 72),
    (73, 168),
    (169, 336),
    (337, 504),
    (505, 744),
)
_SPANS = (
    ("", ""),
    ("for 1 to 8 hours", "i 1 til 8 timer"),
    ("for 9 to 24 hours", "i 9 til 24 timer"),
    ("for 2 to 3 days", "i 2 til 3 dage"),
    ("for 4 to 7 days", "i 4 til 7 dage"),
    ("for 8 to 14 days", "i 8 til 14 dage"),
    ("for 15 to 21 days", "i 15 til 21 dage"),
    ("for more than 21 days", "i mere end 21 dage"),
)

_DRY = Name("dry", "Dry", "Tør")
_REVERSE = Name("reverse", "Reverse flow", "Modsat flowretning")
_LEAK = Name("leak", "Leak", "Lækage")
_BURST = Name("burst", "Burst", "Brud")
_WATER = {0: _DRY, 1: _REVERSE, 2: _LEAK, 3: _BURST}

_SUPPLY = Name("supply", "Supply voltage interrupted", "Forsyningsspænding afbrudt")
_BATTERY = Name("battery", "Low battery level", "Lavt batteriniveau")
_AIR_1 = Name("air_v1", "V1: air or weak signal", "V1: luft eller svagt signal")
_AIR_2 = Name("air_v2", "V2: air or weak signal", "V2: luft eller svagt signal")
_DIRECTION_1 = Name("direction_v1", "V1: wrong flow direction", "V1: forkert flowretning")
_DIRECTION_2 = Name("direction_v2", "V2: wrong flow direction", "V2: forkert flowretning")
_COMM_1 = Name("communication_v1", "V1: communication error", "V1: kommunikationsfejl")
_COMM_2 = Name("communication_v2", "V2: communication error", "V2: kommunikationsfejl")
_PULSE_1 = Name("pulse_v1", "V1: wrong pulse figure", "V1: forkert pulstal")
_PULSE_2 = Name("pulse_v2", "V2: wrong pulse figure", "V2: forkert pulstal")

TABLES: Mapping[str, Mapping[int, Name]] = {
    "kamstrup water 16": _WATER,
    "kamstrup water 32": {
        **_WATER,
        4: Name("tamper", "Tampering", "Manipulation"),
        5: _BATTERY,
        6: Name("ambient_low", "Low ambient temperature", "Lav omgivelsestemperatur"),
        7: Name("flow_high", "Flow above Q4", "Flow over Q4"),
        9: Name("no_consumption", "No consumption", "Intet forbrug"),
    },
    "kamstrup heat": {
        0: _SUPPLY,
        1: _BATTERY,
        2: Name("sensor", "Sensor error or external alarm", "Følerfejl eller ekstern alarm"),
        3: Name("t1_above", "T1 above range or disconnected", "T1 over måleområde eller afbrudt"),
        4: Name("t2_above", "T2 above range or disconnected", "T2 over måleområde eller afbrudt"),
        5: Name(
            "t1_below", "T1 below range or short-circuited", "T1 under måleområde eller kortsluttet"
        ),
        6: Name(
            "t2_below", "T2 below range or short-circuited", "T2 under måleområde eller kortsluttet"
        ),
        7: Name(
            "polarity",
            "Temperature difference has wrong sign",
            "Temperaturdifferens har forkert fortegn",
        ),
        8: _AIR_1,
        9: _DIRECTION_1,
        11: Name("flow_high_v1", "V1: flow above qs", "V1: flow over qs"),
        12: Name("leak_in_a1", "Input A1: leak in the system", "Indgang A1: lækage i anlægget"),
        13: Name("leak_in_b1", "Input B1: leak in the system", "Indgang B1: lækage i anlægget"),
        14: Name("alarm_in_a", "Input A1/A2: external alarm", "Indgang A1/A2: ekstern alarm"),
        15: Name("alarm_in_b", "Input B1/B2: external alarm", "Indgang B1/B2: ekstern alarm"),
        16: _COMM_1,
        17: _PULSE_1,
        18: Name("leak_in_a2", "Input A2: leak in the system", "Indgang A2: lækage i anlægget"),
        19: Name("leak_in_b2", "Input B2: leak in the system", "Indgang B2: lækage i anlægget"),
        20: Name("t3_above", "T3 above range or disconnected", "T3 over måleområde eller afbrudt"),
        21: Name(
            "t3_below", "T3 below range or short-circuited", "T3 under måleområde eller kortsluttet"
        ),
        22: _COMM_2,
        23: _PULSE_2,
        24: _AIR_2,
        25: _DIRECTION_2,
        27: Name("flow_high_v2", "V2: flow above qs", "V2: flow over qs"),
        28: Name("burst_loss", "V1/V2: burst, water loss", "V1/V2: brud, vandtab"),
        29: Name(
            "burst_penetration",
            "V1/V2: burst, water penetration",
            "V1/V2: brud, vandindtrængning",
        ),
        30: Name("leak_loss", "V1/V2: leak, water loss", "V1/V2: lækage, vandtab"),
        31: Name(
            "leak_penetration", "V1/V2: leak, water penetration", "V1/V2: lækage, vandindtrængning"
        ),
    },
    "kamstrup heat 402": {
        0: _SUPPLY,
        2: Name("t2", "T2 outside range or disconnected", "T2 uden for måleområde eller afbrudt"),
        3: Name("t1", "T1 outside range or disconnected", "T1 uden for måleområde eller afbrudt"),
        4: _COMM_1,
        5: Name("t3", "T3 outside range or disconnected", "T3 uden for måleområde eller afbrudt"),
        6: Name("leak_cold", "Leak, cold water", "Lækage, koldt vand"),
        7: _PULSE_2,
        8: Name("leak_heat", "Leak, heating", "Lækage, varme"),
        9: Name("burst_heat", "Burst, heating", "Brud, varme"),
        10: _COMM_2,
        11: _PULSE_1,
        12: _AIR_1,
        13: _AIR_2,
        14: _DIRECTION_1,
        15: _DIRECTION_2,
    },
    "kamstrup pressure": {
        0: Name("pressure_drop", "Pressure drop", "Trykfald"),
        1: Name("pressure_surge", "Pressure surge", "Trykstigning"),
        2: Name("pressure_high", "High pressure", "Højt tryk"),
        3: Name("pressure_low", "Low pressure", "Lavt tryk"),
        4: Name("pressure_transient", "Pressure transient", "Trykstød"),
        5: Name("communication", "Communication error", "Kommunikationsfejl"),
    },
    "em24": {
        0: Name("overflow_u1", "Voltage of phase 1 too high", "Spænding på fase 1 for høj"),
        1: Name("overflow_u2", "Voltage of phase 2 too high", "Spænding på fase 2 for høj"),
        2: Name("overflow_u3", "Voltage of phase 3 too high", "Spænding på fase 3 for høj"),
        3: Name("overflow_i1", "Current of phase 1 too high", "Strøm på fase 1 for høj"),
        4: Name("overflow_i2", "Current of phase 2 too high", "Strøm på fase 2 for høj"),
        5: Name("overflow_i3", "Current of phase 3 too high", "Strøm på fase 3 for høj"),
        6: Name("frequency", "Frequency out of range", "Frekvens uden for område"),
    },
}

_DURATION_TABLE = "kamstrup water 16"
_DURATION_SHIFT = {0: 4, 1: 7, 2: 10, 3: 13}
_DURATION_BITS = 0xFFF0


def conditions_of(table: str, value: int) -> tuple[Condition, ...]:
    """The conditions in the info code `value`, current ones first, each by rising bit.

    `table` is the unit of the INFO register; a name without table reports all bits by number.
    """
    names = TABLES.get(table, {})
    past: list[Condition] = []
    levels: dict[int, int] = {}
    if table == _DURATION_TABLE:
        levels = {bit: value >> shift & 7 for bit, shift in _DURATION_SHIFT.items()}
        value &= ~_DURATION_BITS
        past = [
            _past(names[bit], bit, level)
            for bit, level in levels.items()
            if level and not value >> bit & 1
        ]
    current = [
        _current(names.get(bit), bit, levels.get(bit))
        for bit in range(value.bit_length())
        if value >> bit & 1
    ]
    return tuple(current + past)


def _current(name: Name | None, bit: int, level: int | None) -> Condition:
    if name is None:
        name = Name(f"bit_{bit}", f"Unknown bit {bit}", f"Ukendt bit {bit}")
    hours = DURATIONS[level] if level is not None else None
    return Condition(name.slug, bit, name.english, name.danish, True, level, hours)


def _past(name: Name, bit: int, level: int) -> Condition:
    english, danish = _SPANS[level]
    return Condition(
        name.slug,
        bit,
        f"{name.english} has been recorded {english} within the last 30 days",
        f"{name.danish} er registreret {danish} inden for de seneste 30 dage",
        False,
        level,
        DURATIONS[level],
    )


# TPL status byte (EN 13757-7, table 8); bits 5 to 7 are the manufacturer's.
_STATUS = {
    2: Name("battery", "Low power", "Lav strømforsyning"),
    3: Name("permanent_error", "Permanent error", "Permanent fejl"),
    4: Name("temporary_error", "Temporary error", "Midlertidig fejl"),
}
_APPLICATION_STATUS = {
    1: Name("busy", "Application busy", "Applikationen er optaget"),
    2: Name("application_error", "Application error", "Applikationsfejl"),
    3: Name("abnormal", "Abnormal condition", "Unormal tilstand"),
}


def conditions_of_status(status: int) -> tuple[Condition, ...]:
    """The conditions in the status byte of the transport layer (0..255)."""
    found = []
    if status & 3:
        name = _APPLICATION_STATUS[status & 3]
        found.append(Condition(name.slug, 0, name.english, name.danish))
    found += [_current(_STATUS.get(bit), bit, None) for bit in range(2, 8) if status >> bit & 1]
    return tuple(found)
