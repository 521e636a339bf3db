"""Info codes in words. The decoder names conditions by slugs; these are READY's words for them.

A slug such as "leak" is in force; "leak@7" was seen within the last 30 days and is over, 7 being
how long it lasted (levels of MULTICAL 21, technical description 5512-897, 11.4).
"""

from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

Severity = Literal["alarm", "attention"]

LABELS: dict[str, Promise | str] = {
    "dry": _l("Dry"),
    "reverse": _l("Reverse flow"),
    "leak": _l("Leak"),
    "burst": _l("Burst"),
    "tamper": _l("Tampering"),
    "battery": _l("Low battery level"),
    "ambient_low": _l("Low ambient temperature"),
    "flow_high": _l("Flow above Q4"),
    "no_consumption": _l("No consumption"),
    "supply": _l("Supply voltage interrupted"),
    "sensor": _l("Sensor error or external alarm"),
    "t1_above": _l("T1 above range or disconnected"),
    "t2_above": _l("T2 above range or disconnected"),
    "t1_below": _l("T1 below range or short-circuited"),
    "t2_below": _l("T2 below range or short-circuited"),
    "polarity": _l("Temperature difference has wrong sign"),
    "air_v1": _l("V1: air or weak signal"),
    "direction_v1": _l("V1: wrong flow direction"),
    "flow_high_v1": _l("V1: flow above qs"),
    "leak_in_a1": _l("Input A1: leak in the system"),
    "leak_in_b1": _l("Input B1: leak in the system"),
    "alarm_in_a": _l("Input A1/A2: external alarm"),
    "alarm_in_b": _l("Input B1/B2: external alarm"),
    "communication_v1": _l("V1: communication error"),
    "pulse_v1": _l("V1: wrong pulse figure"),
    "leak_in_a2": _l("Input A2: leak in the system"),
    "leak_in_b2": _l("Input B2: leak in the system"),
    "t3_above": _l("T3 above range or disconnected"),
    "t3_below": _l("T3 below range or short-circuited"),
    "communication_v2": _l("V2: communication error"),
    "pulse_v2": _l("V2: wrong pulse figure"),
    "air_v2": _l("V2: air or weak signal"),
    "direction_v2": _l("V2: wrong flow direction"),
    "flow_high_v2": _l("V2: flow above qs"),
    "burst_loss": _l("V1/V2: burst, water loss"),
    "burst_penetration": _l("V1/V2: burst, water penetration"),
    "leak_loss": _l("V1/V2: leak, water loss"),
    "leak_penetration": _l("V1/V2: leak, water penetration"),
    "t2": _l("T2 outside range or disconnected"),
    "t1": _l("T1 outside range or disconnected"),
    "t3": _l("T3 outside range or disconnected"),
    "leak_cold": _l("Leak, cold water"),
    "leak_heat": _l("Leak, heating"),
    "burst_heat": _l("Burst, heating"),
    "pressure_drop": _l("Pressure drop"),
    "pressure_surge": _l("Pressure surge"),
    "pressure_high": _l("High pressure"),
    "pressure_low": _l("Low pressure"),
    "pressure_transient": _l("Pressure transient"),
    "communication": _l("Communication error"),
    "overflow_u1": _l("Voltage of phase 1 too high"),
    "overflow_u2": _l("Voltage of phase 2 too high"),
    "overflow_u3": _l("Voltage of phase 3 too high"),
    "overflow_i1": _l("Current of phase 1 too high"),
    "overflow_i2": _l("Current of phase 2 too high"),
    "overflow_i3": _l("Current of phase 3 too high"),
    "frequency": _l("Frequency out of range"),
}
# Leaks, bursts, tampering and reverse flow (seed R54): what someone should look at today.
ALARMS = frozenset(
    {
        "reverse",
        "leak",
        "burst",
        "tamper",
        "direction_v1",
        "leak_in_a1",
        "leak_in_b1",
        "leak_in_a2",
        "leak_in_b2",
        "direction_v2",
        "burst_loss",
        "burst_penetration",
        "leak_loss",
        "leak_penetration",
        "leak_cold",
        "leak_heat",
        "burst_heat",
    }
)
# Past conditions: how long, by level.
SPANS: tuple[Promise | str, ...] = (
    "",
    _l("for 1 to 8 hours"),
    _l("for 9 to 24 hours"),
    _l("for 2 to 3 days"),
    _l("for 4 to 7 days"),
    _l("for 8 to 14 days"),
    _l("for 15 to 21 days"),
    _l("for more than 21 days"),
)


def is_current(code: str) -> bool:
    """Whether a stored code is in force (else it tells of the last 30 days)."""
    return "@" not in code


def severity(code: str) -> Severity:
    """How loud a code is."""
    return "alarm" if code in ALARMS else "attention"


def describe(code: str) -> str:
    """A stored code in the reader's language."""
    slug, _at, level = code.partition("@")
    if slug.startswith("bit_"):
        name = _("Unknown info code, bit %(bit)s") % {"bit": slug.removeprefix("bit_")}
    else:
        name = str(LABELS.get(slug, slug))
    if not level:
        return name
    return _("%(condition)s has been recorded %(span)s within the last 30 days") % {
        "condition": name,
        "span": SPANS[int(level)],
    }
