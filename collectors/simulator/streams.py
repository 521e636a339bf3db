"""Demand of one kind, as running totals over the hours: what every house is mixed from.

A stream tells for one unit of demand (1 W/K of a house, 100 Wh of hot water a day …) how much
energy, volume and volume-times-temperature passed the meter since the epoch. A house is a sum
of a few streams with whole-number factors, so any register of any house at any instant is a few
look-ups, whatever the order in which instants are asked for, and what holds for a stream
(E = V·k·ΔT) holds for every house.

Units of the totals: energy 0.01 Wh, volume µL, inlet and outlet µL·0.01 °C.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from collectors.simulator.clock import EPOCH_S, HOUR_S, is_summer_time
from collectors.simulator.seeded import draw, mixed
from collectors.simulator.weather import YEAR_H, Weather, cosine

# Heat coefficient of water at 16 bar in Wh/(m³·K) at 0, 10 … 100 °C, as in EN 1434-1 but to
# 0.2 %: near enough for a town that does not exist.
_HEAT_COEFFICIENT = (1167, 1165, 1162, 1158, 1154, 1149, 1144, 1138, 1131, 1123, 1115)

Step = tuple[int, int, int, int]


def heat_coefficient(temperature: int) -> int:
    """k in Wh/(m³·K) at a temperature in 0.01 °C, 0 to 100 °C."""
    number, past = divmod(temperature, 1000)
    low = _HEAT_COEFFICIENT[number]
    high = _HEAT_COEFFICIENT[min(number + 1, 10)]
    return (low * (1000 - past) + high * past) // 1000


_BY_TENTH = tuple(heat_coefficient(10 * tenth) for tenth in range(1001))


class Stream:
    """Running totals of one kind of demand; element h is the total when hour h begins."""

    def __init__(self, step: Callable[[int], Step]) -> None:
        self._step = step
        self.energy: array[int] = array("q", [0])
        self.volume: array[int] = array("q", [0])
        self.inlet: array[int] = array("q", [0])
        self.outlet: array[int] = array("q", [0])
        self.columns = (self.energy, self.volume, self.inlet, self.outlet)

    def reach(self, hour: int) -> None:
        """Make the totals up to and including `hour` known."""
        known = len(self.energy) - 1
        if known >= hour:
            return
        steps = [self._step(number) for number in range(known, hour + 24)]
        for column, mores in zip(self.columns, zip(*steps, strict=True), strict=True):
            column.extend(accumulate(mores, initial=column.pop()))


def _carried(energy: int, inlet: int, outlet: int) -> Step:
    """What carries an energy (0.01 Wh) at two temperatures (0.01 °C); cooling when inlet < outlet.

    The flow sensor sits in the return, so k is the return's.
    """
    volume = energy * 1_000_000_000 // (_BY_TENTH[outlet // 10] * abs(inlet - outlet))
    return energy, volume, volume * inlet, volume * outlet


# Share of a day's hot or cold water in each local hour, in ten-thousandths.
_WEEKDAY = (40, 20, 20, 20, 60, 300, 1050, 1150, 500, 300, 250, 250,
            350, 250, 250, 350, 500, 850, 900, 800, 700, 600, 350, 140)  # fmt: skip
_WEEKEND = (80, 40, 20, 20, 30, 80, 250, 550, 950, 1050, 850, 600,
            600, 450, 350, 350, 450, 700, 750, 600, 500, 400, 250, 130)  # fmt: skip
# Electricity by local hour, in percent of the mean.
_ELECTRICITY = (55, 50, 48, 46, 48, 60, 95, 110, 95, 85, 85, 90,
                100, 90, 85, 95, 125, 175, 190, 175, 150, 130, 95, 70)  # fmt: skip


class Streams:
    """The streams of one town: every kind of demand that its houses are made of."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.weather = Weather(seed)
        self._salt = draw(seed, "luck")
        # By hour of the epoch: local hour of the day, local weekday (Monday 0), and the
        # network's temperature.
        self._hour_of_day: array[int] = array("b")
        self._weekday: array[int] = array("b")
        self._supply: array[int] = array("q")
        # Radiators of a well-kept, a neglected and a new house; a night setback; a block
        # whose supply is closed in summer; offices and schools.
        self.radiators = Stream(self._heating(1700, 3000, 300))
        self.neglected = Stream(self._heating(1700, 4700, 500))
        self.floors = Stream(self._heating(1450, 2700, 150))
        self.setback = Stream(self._heating(1700, 3100, 400, night=True))
        self.winter_only = Stream(self._heating(1650, 3200, 350, winter_only=True))
        self.office = Stream(self._heating(1650, 3400, 300, office=True))
        # Hot water: exchangers and tanks, with two rhythms each; unit 100 Wh a day.
        self.hot_water = tuple(
            Stream(self._hot_water(number, outlet))
            for number, outlet in enumerate((2400, 2600, 3900, 4400))
        )
        # Unit 1 W the whole year: losses of tank and pipes; a bypass that hardly cools.
        self.losses = Stream(self._steady(2000))
        self.bypass = Stream(self._steady(700))
        self.cooling = Stream(self._cooling)
        # Unit 1 L a day; and 1 L an hour without pause, which is what a leak is.
        self.cold_water = tuple(Stream(self._cold_water(number)) for number in range(3))
        self.running_water = Stream(self._running_water)
        # Unit 1 W as a year's mean; and 1 W of panels.
        self.household = Stream(self._household)
        self.panels = Stream(self._panels)

    def _reach(self, hour: int) -> None:
        """Know clock and network temperature of every hour up to `hour`."""
        self.weather.reach(hour + 1)
        for number in range(len(self._supply), len(self.weather.hourly)):
            summer = is_summer_time(EPOCH_S + number * HOUR_S)
            shifted = number + (2 if summer else 1)
            self._hour_of_day.append(shifted % 24)
            self._weekday.append(shifted // 24 % 7)  # the epoch is a Monday
            cold = max(0, 1000 - self.weather.daily[number // 24])
            self._supply.append(6600 + cold * 7 // 8)

    def supply(self, hour: int) -> int:
        """The network's flow temperature in 0.01 °C: warmer when it is cold outside."""
        if hour >= len(self._supply):
            self._reach(hour)
        return self._supply[hour]

    def _heating(
        self,
        balance: int,
        outlet: int,
        per_load: int,
        *,
        night: bool = False,
        office: bool = False,
        winter_only: bool = False,
    ) -> Callable[[int], Step]:
        """Space heating of 1 W/K below a balance temperature.

        The return rises by `per_load` (0.01 °C) for each 10 K that is heated.
        """

        def step(hour: int) -> Step:
            supply = self.supply(hour)
            outside = (3 * self.weather.daily[hour // 24] + self.weather.hourly[hour]) // 4
            if winter_only and cosine(hour - 600, YEAR_H) < -150:
                return 0, 0, 0, 0
            degrees = balance - outside - self.weather.sun[hour] * 3 // 10
            if degrees <= 0:
                return 0, 0, 0, 0
            if night or office:
                hour_of_day, weekday = self._hour_of_day[hour], self._weekday[hour]
                if night:
                    share = 35 if hour_of_day >= 22 or hour_of_day < 5 else 125
                    share = 200 if 5 <= hour_of_day < 8 else share
                else:
                    share = 120 if weekday < 5 and 5 <= hour_of_day < 16 else 60
                degrees = degrees * share // 100
            return _carried(degrees, supply, min(outlet + degrees * per_load // 1000, supply - 600))

        return step

    def _events(self, hour: int, number: int) -> int:
        """How much water is drawn in an hour, in ten-thousandths of a day's mean."""
        if hour >= len(self._supply):
            self._reach(hour)
        weekend = self._weekday[hour] >= 5
        share = (_WEEKEND if weekend else _WEEKDAY)[self._hour_of_day[hour]]
        luck = mixed(self._salt + number * 1_000_003 + hour * 64)
        if share <= 40 and luck & 1023 > 100:
            return 0  # most nights nobody draws water, and a leak shows
        return share * (luck >> 10 & 1023) // 512

    def _hot_water(self, number: int, outlet: int) -> Callable[[int], Step]:
        def step(hour: int) -> Step:
            drawn = self._events(hour, number % 2)
            return _carried(drawn, self.supply(hour), outlet) if drawn else (0, 0, 0, 0)

        return step

    def _steady(self, cooled: int) -> Callable[[int], Step]:
        def step(hour: int) -> Step:
            supply = self.supply(hour)
            return _carried(100, supply, supply - cooled)

        return step

    def _cooling(self, hour: int) -> Step:
        if hour >= len(self._supply):
            self._reach(hour)
        open_now = self._weekday[hour] < 5 and 6 <= self._hour_of_day[hour] < 18
        warm = max(0, self.weather.hourly[hour] - 1400) * (3 if open_now else 1) // 2
        return _carried(60 + warm, 700, 1300 + min(warm, 400))

    def _cold_water(self, number: int) -> Callable[[int], Step]:
        def step(hour: int) -> Step:
            volume = self._events(hour, 10 + number) * 100
            return 0, volume, volume * self.water_temperature(hour), 0

        return step

    def water_temperature(self, hour: int) -> int:
        """Cold water in the ground follows the season with two months' delay; 0.01 °C."""
        return 1000 - 450 * cosine(hour - 2040, YEAR_H) // 1000

    def _running_water(self, hour: int) -> Step:
        return 0, 1_000_000, 1_000_000 * self.water_temperature(hour), 0

    def _household(self, hour: int) -> Step:
        if hour >= len(self._supply):
            self._reach(hour)
        season = 1000 + 180 * cosine(hour, YEAR_H) // 1000
        luck = 70 + mixed(self._salt + hour * 64 + 63) % 61
        return _ELECTRICITY[self._hour_of_day[hour]] * season * luck // 100_000, 0, 0, 0

    def _panels(self, hour: int) -> Step:
        if hour >= len(self._supply):
            self._reach(hour)
        return self.weather.sun[hour] // 10, 0, 0, 0


@dataclass(frozen=True, slots=True)
class Part:
    """A stream's share in a house: totals of `stream` times `factor`, `shift` hours later.

    `energy_counts` is False while the meter has no sound temperature to count energy with.
    """

    stream: Stream
    factor: int
    shift: int = 0
    energy_counts: bool = True


@dataclass(frozen=True, slots=True)
class Regime:
    """What a house is made of from an hour on."""

    start: int
    parts: tuple[Part, ...]


Totals = tuple[list[int], list[int], list[int], list[int]]


class Curve:
    """The totals of one meter: its regimes strung together without a jump.

    Before the first regime the totals rest at `initial` (energy, volume, inlet, outlet).
    """

    def __init__(self, regimes: tuple[Regime, ...], initial: Step = (0, 0, 0, 0)) -> None:
        self.regimes = regimes
        self.initial = initial
        self._offsets: list[Step] | None = None

    def _parts(self, parts: tuple[Part, ...], first: int, end: int) -> Totals:
        """Sums of the parts' totals at the hours first … end − 1."""
        count = end - first
        sums: Totals = ([0] * count, [0] * count, [0] * count, [0] * count)
        for part in parts:
            stream, factor = part.stream, part.factor
            low, high = first + part.shift, end + part.shift
            stream.reach(high)
            for number, column in enumerate(stream.columns):
                if part.energy_counts or number > 0:
                    total = sums[number]
                    more = column[low:high]
                    total[:] = [a + factor * b for a, b in zip(total, more, strict=True)]
        return sums

    def _start_values(self) -> list[Step]:
        """What to add to the parts' sums in each regime, so that totals go on where they were."""
        offsets: list[Step] = []
        for number, regime in enumerate(self.regimes):
            if number == 0:
                reached = self.initial
            else:
                before = self._parts(self.regimes[number - 1].parts, regime.start, regime.start + 1)
                reached = _plus(offsets[-1], before)
            begins = self._parts(regime.parts, regime.start, regime.start + 1)
            offsets.append(_minus(reached, begins))
        return offsets

    def totals(self, first: int, end: int) -> Totals:
        """Energy, volume, inlet and outlet when the hours first … end − 1 begin."""
        if self._offsets is None:
            self._offsets = self._start_values()
        result: Totals = ([], [], [], [])
        begun = self.regimes[0].start
        if first < begun:
            still = min(end, begun) - first
            for column, value in zip(result, self.initial, strict=True):
                column.extend([value] * still)
        for number, regime in enumerate(self.regimes):
            last = number + 1 == len(self.regimes)
            low = max(first, regime.start)
            high = end if last else min(end, self.regimes[number + 1].start)
            if low < high:
                sums = self._parts(regime.parts, low, high)
                offsets = self._offsets[number]
                for column, total, offset in zip(result, sums, offsets, strict=True):
                    column.extend([offset + value for value in total] if offset else total)
        return result


def _plus(offset: Step, one: Totals) -> Step:
    return (
        offset[0] + one[0][0],
        offset[1] + one[1][0],
        offset[2] + one[2][0],
        offset[3] + one[3][0],
    )


def _minus(reached: Step, one: Totals) -> Step:
    return (
        reached[0] - one[0][0],
        reached[1] - one[1][0],
        reached[2] - one[2][0],
        reached[3] - one[3][0],
    )
