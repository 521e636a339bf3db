"""One meter of the town: what its registers show at any instant, and what befell it."""

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from collectors.simulator.clock import (
    EPOCH_S,
    HOUR_S,
    hour_of,
    local,
    local_midnight,
    start_of,
)
from collectors.simulator.kinds import INFO_BITS, MeterKind
from collectors.simulator.seeded import draw
from collectors.simulator.streams import Curve, Totals

Row = tuple[int, ...]

# A stuck sensor shows the end of its range (Kamstrup: 185.00 °C), in 0.001 °C.
SENSOR_BROKEN = 185_000
_DIGITS_8 = 100_000_000
_THIRTY_DAYS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Fault:
    """A condition that an info code tells: from one Unix second to another (None: still)."""

    name: str
    start: int
    end: int | None = None

    def hours_within(self, low: int, high: int) -> int:
        """Full hours for which it was in force between two Unix seconds."""
        end = high if self.end is None else min(high, self.end)
        return max(0, end - max(low, self.start)) // HOUR_S


# How long in the last 30 days, as MULTICAL 21 tells it: upper limits in hours of codes 0 … 6.
_DURATION_CODES = (0, 8, 24, 72, 168, 336, 504)


@dataclass(slots=True)
class SimulatedMeter:
    """A meter with its key, place and history.

    number: 8 digits. kind: family and layout. curve: what passed it since the epoch (the base of
    its registers). key: what it encrypts with; known_key: what its utility believes (None: lost).
    place: index of its supply point; latitude and longitude in millionths of a degree.
    installed, removed, silent_from: Unix seconds. interval_s: how often READY keeps a reading.
    """

    number: str
    kind: MeterKind
    curve: Curve
    key: bytes
    known_key: bytes | None
    place: int
    latitude: int
    longitude: int
    installed: int
    removed: int | None = None
    silent_from: int | None = None
    interval_s: int = 3600
    export: Curve | None = None
    faults: tuple[Fault, ...] = ()
    traits: frozenset[str] = frozenset()
    weak_signal: int = 0  # extra path loss in dB
    _targets: dict[date, dict[str, int]] = field(default_factory=dict)
    _wobble: int = 0
    _recent: tuple[int, Totals] | None = None  # a meter is asked many times within an hour

    def __post_init__(self) -> None:
        self._wobble = draw(0, "wobble", self.number)

    def on_air(self, unix_s: int) -> bool:
        """Whether it transmits: installed, not taken down, not dead."""
        if unix_s < self.installed or (self.removed is not None and unix_s >= self.removed):
            return False
        return self.silent_from is None or unix_s < self.silent_from

    def at(self, unix_s: int) -> dict[str, int]:
        """The registers that its telegrams carry, by READY's column, in base units."""
        hour = hour_of(unix_s)
        recent = self._recent
        if recent is None or recent[0] != hour:
            recent = self._recent = hour, self.curve.totals(hour, hour + 2)
        columns = self._columns(hour, hour + 1, unix_s - start_of(hour), recent[1])
        values = [column[0] for column in columns]
        return dict(zip(self.kind.registers, values, strict=True))

    def hourly(self, first: int, end: int, second: int) -> list[Row]:
        """Registers at `second` (0 to 3599) of each hour of the epoch in first … end − 1.

        A row has the kind's `registers` in order, in base units, cut to the digits that the
        meter shows.
        """
        return list(zip(*self.hourly_columns(first, end, second), strict=True))

    def hourly_columns(self, first: int, end: int, second: int) -> list[list[int]]:
        """The same, a list for each of the kind's `registers`.

        History is made column by column: several times faster than row by row.
        """
        return self._columns(first, end, second, self.curve.totals(first, end + 1))

    def _columns(self, first: int, end: int, second: int, totals: Totals) -> list[list[int]]:
        energy, volume, inlet, outlet = totals
        rest = HOUR_S - second
        columns: list[list[int]] = []
        for name in self.kind.registers:
            match name:
                case "e1" | "e3":  # 0.01 Wh are 36 J
                    column = self._counted(name, energy, second, 1, 36)
                case "a_pos":
                    column = self._counted(name, energy, second, 1, 36)
                case "a_neg":
                    column = self._counted(name, self._exported(first, end), second, 1, 36)
                case "v1":  # µL to mL
                    column = self._counted(name, volume, second, 1000, 1)
                case "e8" | "e9":
                    total = inlet if name == "e8" else outlet
                    # µL·0.01 °C to m³·°C is 10^11; counted in tenths of that.
                    divisor, tenths = 1_000_000_000_000, self.kind.count_tenths
                    column = [
                        (low * rest + high * second) // HOUR_S * tenths // divisor
                        for low, high in pairwise(total)
                    ]
                case "flow1" | "power1" | "p_pos" | "p_neg":
                    column = self._rate(name, first, second, energy, volume, end)
                case "t1" | "t2":
                    column = self._temperature(name, first, second, volume, inlet, outlet)
                case "hours":
                    begun = (start_of(first) + second - self.installed) // HOUR_S
                    column = list(range(begun, begun + end - first))
                case "in_a" | "in_b":  # nothing is connected to the pulse inputs
                    column = [0] * (end - first)
                case _:  # info, the last of them
                    column = self._info_codes(first, end, second)
            columns.append(column)
        return columns

    def _exported(self, first: int, end: int) -> list[int]:
        if self.export is None:
            return [0] * (end - first + 1)
        return self.export.totals(first, end + 1)[0]

    def _counted(
        self, name: str, totals: list[int], second: int, divisor: int, factor: int
    ) -> list[int]:
        """A counter at a second of each hour, straight between the hours, rolled over."""
        step = self.kind.steps[name]
        rest = HOUR_S - second
        # One division each: floor(floor(x / a) / b) is floor(x / (a·b)).
        whole = HOUR_S * divisor * step
        return [
            (low * rest + high * second) * factor // whole % _DIGITS_8 * step
            for low, high in pairwise(totals)
        ]

    def _rate(
        self,
        name: str,
        first: int,
        second: int,
        energy: list[int],
        volume: list[int],
        end: int,
    ) -> list[int]:
        """Flow in mL/h or power in W during each hour, a little unsteady as real ones are."""
        if name == "flow1":
            totals, divisor = volume, 1_000
        elif name == "p_neg":
            totals, divisor = self._exported(first, end), 100
        else:
            totals, divisor = energy, 100
        step = self.kind.steps[name]
        whole = divisor * step * 1000
        start = start_of(first) + second
        return [
            (high - low) * (1000 + self._unsteady(start + number * HOUR_S)) // whole * step
            for number, (low, high) in enumerate(pairwise(totals))
        ]

    def _unsteady(self, unix_s: int) -> int:
        """−64 to 63 thousandths, the same for flow and power of one instant."""
        return ((unix_s * 2_654_435_761 ^ self._wobble) >> 9 & 127) - 64

    def _temperature(
        self,
        name: str,
        first: int,
        second: int,
        volume: list[int],
        inlet: list[int],
        outlet: list[int],
    ) -> list[int]:
        """Temperature in 0.001 °C: that of the water that passed, else of the pipe at rest."""
        if name == "t1":
            total, resting, broken = inlet, 24_300, "t1_high"
        else:
            total, resting, broken = outlet, 23_100, "t2_high"
        start = start_of(first) + second
        column = []
        for number, (low, high) in enumerate(pairwise(total)):
            passed = volume[number + 1] - volume[number]
            unsteady = self._unsteady(start + number * HOUR_S) // 8 * 10
            column.append(((high - low) // passed * 10 if passed > 0 else resting) + unsteady)
        faults = [fault for fault in self.faults if fault.name == broken]
        if faults:
            instants = self._instants(first, first + len(column), second)
            column = [
                SENSOR_BROKEN if self._in_force(faults, unix_s) else value
                for unix_s, value in zip(instants, column, strict=True)
            ]
        return column

    @staticmethod
    def _instants(first: int, end: int, second: int) -> range:
        return range(start_of(first) + second, start_of(end) + second, HOUR_S)

    @staticmethod
    def _in_force(faults: list[Fault], unix_s: int) -> bool:
        return any(f.start <= unix_s and (f.end is None or unix_s < f.end) for f in faults)

    def _info_codes(self, first: int, end: int, second: int) -> list[int]:
        if not self.faults:
            return [0] * (end - first)
        return [self.info_code(unix_s) for unix_s in self._instants(first, end, second)]

    def info_code(self, unix_s: int) -> int:
        """The info code of an instant in the family's own bits.

        The 16-bit code of MULTICAL 21 also tells for how long in the last 30 days.
        """
        bits = INFO_BITS[self.kind.info]
        code = 0
        for fault in self.faults:
            if self._in_force([fault], unix_s):
                code |= bits.get(fault.name, 0)
        if self.kind.info == "water16":
            for number, name in enumerate(("dry", "reverse", "leak", "burst")):
                hours = sum(
                    fault.hours_within(unix_s - _THIRTY_DAYS, unix_s)
                    for fault in self.faults
                    if fault.name == name
                )
                duration = sum(1 for limit in _DURATION_CODES if hours > limit)
                code |= duration << (4 + 3 * number)
        return code

    def target(self, unix_s: int) -> tuple[int, dict[str, int]] | None:
        """The newest target date (the first of the month) and the registers it kept.

        (Unix second of the date's beginning in Denmark, registers by column), or None when the
        meter was not yet installed then.
        """
        today = local(unix_s).date()
        day = today.replace(day=1)
        instant = local_midnight(day)
        if instant < max(self.installed, EPOCH_S):
            return None
        if day not in self._targets:
            now = self.at(instant)
            kept = {
                field.name.removeprefix("target_")
                for field in self.kind.fields
                if field.name.startswith("target_") and field.name != "target_date"
            }
            self._targets[day] = {name: now[name] for name in sorted(kept)}
        return instant, self._targets[day]
