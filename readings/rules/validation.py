"""What is said about a reading when it arrives: rules with a name, a limit and a value. Pure.

A rule never changes a value and never keeps a reading out. WARN only leaves a finding; FAIL also
makes the reading suspect (`readings.models.Status.SUSPECT`). The pipeline, with the meters' state
rows locked, for every reading in order of time:

    found = check(reading.values, at=reading.at, received_at=reading.received_at,
                  heard_at=item.heard_at if reading.own_time else None,
                  current=reading.kind is Kind.NOW,
                  previous=known.values, previous_at=known.read_at, peaks=peaks.get(meter_id))
    if suspect(found): reading.status = Status.SUSPECT

and after `store`, for readings that were stored or merged, all findings of the batch at once:

    readings.findings.note((reading.meter_id, reading.at, found) …)

For a conflict (`Stored.CONFLICT`) it notes `conflict(values, stored)`. Where a batch holds several
readings of one meter, each is the next one's `previous`. A fine reading costs some two
microseconds: nothing is built before something is wrong.

Sources: ../shared/product/domain.md §1 (constants, consistency ratio), §6.1 (list of rules), §7
(overflow); MULTICAL 403 for sensor sentinels (S45 there).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters.registers import BY_COLUMN, COLUMNS, REGISTERS
from readings.rules.points import FUTURE_TOLERANCE, MICROSECOND
from readings.rules.steps import MICROS_PER_HOUR

Values = Sequence[int | None]


class Severity(IntEnum):
    """How loud a rule is."""

    WARN = 1
    FAIL = 2


class Rule(IntEnum):
    """The rules by the number the database keeps; never renumbered."""

    SENSOR_ERROR = 1
    TEMPERATURE_RANGE = 2
    ENERGY_ABOVE_VOLUME = 3
    ENERGY_BELOW_VOLUME = 4
    INCONSISTENT = 5
    SPIKE = 6
    NEGATIVE = 7
    OVERFLOW = 8
    FUTURE_CLOCK = 9
    STALE_CLOCK = 10
    CONFLICT = 11
    STANDS_STILL = 12
    SIBLING_MISSING = 13

    @property
    def code(self) -> str:
        """The stable name, for exports and addresses."""
        return self.name.lower()


# What a rule's value and limit are: the register's base units, seconds, or thousandths of a ratio.
Measure = Literal["register", "seconds", "ratio"]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule in words: its name, what it means, and what its value and limit measure."""

    name: Promise | str
    explanation: Promise | str
    measure: Measure
    severity: Severity


RULES: Mapping[Rule, RuleText] = {
    Rule.SENSOR_ERROR: RuleText(
        _("Sensor error"),
        _("The meter sends exactly 0.00 or 185.00 °C, which means that its sensor is broken."),
        "register",
        Severity.FAIL,
    ),
    Rule.TEMPERATURE_RANGE: RuleText(
        _("Impossible temperature"),
        _("The temperature lies outside what the medium can have."),
        "register",
        Severity.FAIL,
    ),
    Rule.ENERGY_ABOVE_VOLUME: RuleText(
        _("More energy than the volume can carry"),
        _("So little water cannot have given so much energy at any cooling."),
        "register",
        Severity.FAIL,
    ),
    Rule.ENERGY_BELOW_VOLUME: RuleText(
        _("Volume without energy"),
        _("The water was cooled by less than 1 K: a by-pass, a swapped sensor or a wrong unit."),
        "register",
        Severity.WARN,
    ),
    Rule.INCONSISTENT: RuleText(
        _("Energy and temperatures disagree"),
        _("Energy does not fit volume × temperatures (E8, E9): configuration or sensor."),
        "ratio",
        Severity.WARN,
    ),
    Rule.SPIKE: RuleText(
        _("Spike"),
        _("More was counted than one and a half times the meter's greatest day."),
        "register",
        Severity.FAIL,
    ),
    Rule.NEGATIVE: RuleText(
        _("Negative consumption"),
        _("The register fell and had not run full: an exchange not entered, a reset, a fault."),
        "register",
        Severity.FAIL,
    ),
    Rule.OVERFLOW: RuleText(
        _("Register overflow"),
        _("The register ran full and began again at zero."),
        "register",
        Severity.WARN,
    ),
    Rule.FUTURE_CLOCK: RuleText(
        _("Clock ahead"),
        _("The reading's own time lies in the future."),
        "seconds",
        Severity.FAIL,
    ),
    Rule.STALE_CLOCK: RuleText(
        _("Clock behind"),
        _("The meter's time lies far behind the time at which it was heard."),
        "seconds",
        Severity.WARN,
    ),
    Rule.CONFLICT: RuleText(
        _("Two values for one instant"),
        _("Another value is stored for the same instant; the first one stays."),
        "register",
        Severity.WARN,
    ),
    Rule.STANDS_STILL: RuleText(
        _("Register stands still"),
        _("The meter tells of flow, but its volume does not move."),
        "register",
        Severity.WARN,
    ),
    Rule.SIBLING_MISSING: RuleText(
        _("Energy without volume"),
        _("The telegram tells energy but not the volume that belongs to it."),
        "register",
        Severity.WARN,
    ),
}


class Finding(NamedTuple):
    """What a rule found. column: the register, "" where the whole reading is meant. value, limit:
    as the rule's `RuleText.measure` says."""

    rule: Rule
    column: str
    value: int | None
    limit: int | None

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity


FINE: tuple[Finding, ...] = ()

_AT = {column: place for place, column in enumerate(COLUMNS)}
_COUNTING = tuple(_AT[one.column] for one in REGISTERS if one.cumulative)
_E1, _E3, _V1, _E8, _E9 = (_AT[column] for column in ("e1", "e3", "v1", "e8", "e9"))
_T1, _FLOW1, _POWER1 = _AT["t1"], _AT["flow1"], _AT["power1"]
# Thousandths of a degree: place, the lowest and the highest that can be; sensors of a heat meter
# also have the two sentinels.
_SENSORS = tuple((_AT[column], -20_000, 180_000) for column in ("t1", "t2", "t3", "t4"))
_OTHERS = ((_AT["t_water"], -5_000, 100_000), (_AT["t_ambient"], -50_000, 100_000))
_SENTINELS = (0, 185_000)

# The heat that 1 mL of water takes for 0.001 K is at most 4.1868 mJ (k = 1.163 kWh/m³K).
_HEAT = (41_868, 10_000_000)
_HOTTEST = 185_000
_RETURN_MARGIN = 5_000  # a return below zero, a sensor a little off
_LEAST_COOLING = 1_000
# k lies between 1.123 (90 °C) and 1.160 (20 °C) kWh/m³K; r may be 0.97 to 1.03 on top of that.
# In joule a m³·K, in the middle; r in thousandths.
_K_MIDDLE = 4_109_400
RATIO_LOW, RATIO_HIGH = 954, 1047
# E8 and E9 count m³·°C times this, by the meter's volume resolution (domain §1.3).
_FACTORS = ((10, 1), (1, 1), (1, 10), (1, 100))
_ENOUGH_COUNTS = 20
_ENOUGH_EVER = 1000
# A day is greater than any before by so much before it is a spike, and never below these.
_SPIKE = (3, 2)
_SPIKE_FLOOR = {"energy": 50 * 3_600_000, "volume": 2_000_000, "reactive": 50 * 3_600_000}
_DAY = timedelta(days=1)
STALE_AFTER = timedelta(hours=26)
_STILL_ML = 100_000
_FULL = (10**8, 10**7)  # 8 or 7 digits
# Steps in which meters count, coarsest first, in base units.
_STEPS = {
    "energy": (10**9, 36 * 10**7, 36 * 10**6, 10**8, 36 * 10**5, 10**7, 36 * 10**4, 10**6)
    + (36 * 10**3, 3600),
    "volume": (10**7, 10**6, 10**5, 10**4, 10**3, 10**2, 10, 1),
    "reactive": (36 * 10**6, 36 * 10**5, 36 * 10**4, 3600),
    "count": (1,),
}
# 10 kWh and 100 L.
_COARSEST = {"energy": 36 * 10**6, "volume": 10**5}


def check(
    values: Values,
    *,
    at: datetime,
    received_at: datetime,
    heard_at: datetime | None = None,
    current: bool = True,
    previous: Values | None = None,
    previous_at: datetime | None = None,
    peaks: Values | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong with a reading; `FINE` for nearly every one.

    values, previous: base units in the order of `meters.registers.COLUMNS`. heard_at: when the
    telegram was received, where `at` is the meter's own time. current: it tells of now, not of a
    target date or a log. previous: the meter's newest values before this reading came, told at
    previous_at (a late reading is compared with them the other way round). peaks: the greatest
    day's consumption of each register so far, base units; None where not known.
    """
    found: list[Finding] | None = None
    for place, low, high in _SENSORS:
        value = values[place]
        if value is not None and not (low < value < high and value):
            found = found or []
            found += _sensor(values, place, value, low, high)
    for place, low, high in _OTHERS:
        value = values[place]
        if value is not None and not low <= value <= high:
            found = found or []
            found.append(_outside(place, value, low, high))
    if at > received_at + FUTURE_TOLERANCE:
        found = found or []
        found.append(_clock(Rule.FUTURE_CLOCK, at - received_at, FUTURE_TOLERANCE))
    elif current and heard_at is not None and heard_at - at > STALE_AFTER:
        found = found or []
        found.append(_clock(Rule.STALE_CLOCK, heard_at - at, STALE_AFTER))
    if previous is None or previous_at is None or at == previous_at:
        return FINE if found is None else tuple(found)
    if at < previous_at:
        for place in _COUNTING:
            value, newest = values[place], previous[place]
            if value is not None and newest is not None and value > newest:
                found = found or []
                found.append(_fall(place, value, newest, None, previous_at - at))
        return FINE if found is None else tuple(found)
    moved = False
    for place in _COUNTING:
        value, before = values[place], previous[place]
        if value is None or before is None or value == before:
            continue
        if value < before:
            found = found or []
            found.append(_fall(place, before, value, peaks, at - previous_at))
        else:
            moved = True
            if peaks is not None:
                peak = peaks[place]
                if peak is not None and value - before > peak:
                    found = found or []
                    found += _spike(place, value - before, peak, at - previous_at)
    if moved or values[_FLOW1]:
        together = _together(values, previous, at, previous_at)
        if together:
            found = [*(found or FINE), *together]
    if current and values[_V1] is None and values[_E1] is not None and previous[_V1] is not None:
        found = found or []
        found.append(Finding(Rule.SIBLING_MISSING, "v1", None, previous[_V1]))
    return FINE if found is None else tuple(found)


def suspect(found: Sequence[Finding]) -> bool:
    """Whether a reading with these findings is not to be believed as it stands."""
    return any(RULES[one.rule].severity is Severity.FAIL for one in found)


def conflict(values: Values, stored: Values) -> tuple[Finding, ...]:
    """What a second, different telling of an instant says: value told, limit the one stored."""
    return tuple(
        Finding(Rule.CONFLICT, column, value, there)
        for column, value, there in zip(COLUMNS, values, stored, strict=True)
        if value is not None and there is not None and value != there
    )


def _sensor(values: Values, place: int, value: int, low: int, high: int) -> Iterator[Finding]:
    # 0.00 °C is also what ice water has, so it counts as a sentinel only where nothing flows.
    if value in _SENTINELS:
        if value or not (values[_FLOW1] or values[_POWER1]):
            yield Finding(Rule.SENSOR_ERROR, COLUMNS[place], value, value)
    elif not low < value < high:
        yield _outside(place, value, low, high)


def _outside(place: int, value: int, low: int, high: int) -> Finding:
    return Finding(Rule.TEMPERATURE_RANGE, COLUMNS[place], value, low if value <= low else high)


def _clock(rule: Rule, by: timedelta, limit: timedelta) -> Finding:
    return Finding(rule, "", int(by.total_seconds()), int(limit.total_seconds()))


def _fall(place: int, higher: int, lower: int, peaks: Values | None, elapsed: timedelta) -> Finding:
    """A register that told `higher` and later `lower`: it ran full, or something is wrong."""
    column = COLUMNS[place]
    peak = None if peaks is None else peaks[place]
    capacity = overflow(column, higher, lower)
    if capacity is not None and (
        peak is None or not _too_much(lower - higher + capacity, peak, elapsed)
    ):
        return Finding(Rule.OVERFLOW, column, lower, capacity)
    return Finding(Rule.NEGATIVE, column, lower, higher)


def overflow(column: str, higher: int, lower: int) -> int | None:
    """The capacity (base units) at which a register that fell from higher to lower has begun
    again; None where it hardly did.

    It did where the old value lies in the last tenth and the new one in the first tenth of what 7
    or 8 digits of a usual step hold, and both are whole steps.
    """
    for step in _STEPS.get(BY_COLUMN[column].quantity, ()):
        if higher % step or lower % step:
            continue
        for full in _FULL:
            capacity = step * full
            if 9 * capacity <= 10 * higher < 10 * capacity and 10 * lower <= capacity:
                return capacity
    return None


def _too_much(step: int, peak: int, elapsed: timedelta) -> bool:
    above, below = _SPIKE
    # Whole microseconds: a timedelta times a register overflows.
    return step * below * (_DAY // MICROSECOND) > peak * above * (max(elapsed, _DAY) // MICROSECOND)


def _spike(place: int, step: int, peak: int, elapsed: timedelta) -> Iterator[Finding]:
    floor = _SPIKE_FLOOR.get(BY_COLUMN[COLUMNS[place]].quantity)
    if floor is not None and step > floor and _too_much(step, peak, elapsed):
        yield Finding(Rule.SPIKE, COLUMNS[place], step, peak * _SPIKE[0] // _SPIKE[1])


def _together(
    values: Values, previous: Values, at: datetime, previous_at: datetime
) -> Sequence[Finding]:
    """Registers against each other, over the time since the newest reading."""
    volume, volume_before = values[_V1], previous[_V1]
    if volume is None or volume_before is None or volume < volume_before:
        return FINE
    passed = volume - volume_before
    found: Sequence[Finding] = FINE
    if not passed:
        found = _still(values[_FLOW1], previous[_FLOW1], at - previous_at)
    energy, energy_before = values[_E1], previous[_E1]
    if energy is None or energy_before is None or energy < energy_before:
        return found
    used = energy - energy_before
    if used or passed:
        over, under = _HEAT
        inlet, inlet_before = values[_T1], previous[_T1]
        hottest = _HOTTEST
        if inlet is not None and inlet_before is not None and 0 < inlet < _HOTTEST:
            hottest = (inlet if inlet > inlet_before else inlet_before) + _RETURN_MARGIN
        carried = over * passed
        if not carried * _LEAST_COOLING <= used * under <= carried * hottest:
            found = [*found, *_heat(values, previous, used, passed, hottest)]
    e8, e9, e8_before, e9_before = values[_E8], values[_E9], previous[_E8], previous[_E9]
    if e8 is None or e9 is None or e8_before is None or e9_before is None:
        return found
    # What was counted since is seldom enough to compare; all that ever was, once a day.
    if (e8 - e8_before) - (e9 - e9_before) >= _ENOUGH_COUNTS:
        found = [*found, *_ratio(used, e8 - e8_before, e9 - e9_before)]
    elif e8 > _ENOUGH_EVER and at.date() != previous_at.date():
        found = [*found, *_ratio(energy, e8, e9)]
    return found


def _still(flow: int | None, before: int | None, elapsed: timedelta) -> Sequence[Finding]:
    if not flow or not before or flow < 0 or before < 0:
        return FINE
    should = min(flow, before) * (elapsed // MICROSECOND) // MICROS_PER_HOUR
    return [Finding(Rule.STANDS_STILL, "v1", 0, should)] if should > _STILL_ML else FINE


def _heat(
    values: Values, previous: Values, energy: int, passed: int, hottest: int
) -> Iterator[Finding]:
    """Whether energy (J) can come out of so much water (mL) that enters at most so hot; limit:
    what it can be at most or must be at least."""
    over, under = _HEAT
    # A register jumps by whole steps: one step of each is no contradiction.
    e_step, v_step = _step("e1", values, previous), _step("v1", values, previous)
    most = over * (passed + v_step) * hottest // under + e_step
    least = over * (passed - v_step) * _LEAST_COOLING // under - e_step
    if energy > most:
        yield Finding(Rule.ENERGY_ABOVE_VOLUME, "e1", energy, most)
    elif energy < least and values[_E3] == previous[_E3]:
        yield Finding(Rule.ENERGY_BELOW_VOLUME, "e1", energy, least)


def _step(column: str, values: Values, previous: Values) -> int:
    """The step in which a register seems to count: the coarsest that both values are whole in, up
    to what meters have (values may be round by chance)."""
    value, before = values[_AT[column]] or 0, previous[_AT[column]] or 0
    quantity = BY_COLUMN[column].quantity
    most = _COARSEST[quantity]
    steps = (step for step in _STEPS[quantity] if step <= most)
    return next((step for step in steps if value % step == before % step == 0), 1)


def _ratio(energy: int, e8: int, e9: int) -> Iterator[Finding]:
    """r = ΔE / (k · (ΔE8 − ΔE9) / f), for the f that brings it nearest to 1 (domain §1.5)."""
    if energy <= 0:
        return
    difference = e8 - e9
    if difference <= 0:
        yield Finding(Rule.INCONSISTENT, "e1", 0, RATIO_LOW)
        return
    ratios = [energy * 1000 * over // (_K_MIDDLE * difference * under) for over, under in _FACTORS]
    if any(RATIO_LOW <= ratio <= RATIO_HIGH for ratio in ratios):
        return
    # By proportion, so that 500 and 2000 are equally far off.
    nearest = min(ratios, key=lambda ratio: max(ratio, 1) / 1000 + 1000 / max(ratio, 1))
    yield Finding(
        Rule.INCONSISTENT, "e1", nearest, RATIO_LOW if nearest < RATIO_LOW else RATIO_HIGH
    )
