"""Demand of one kind, as running totals over the hours: what every house is mixed from.

A stream tells for one unit of demand (1 W/K of a house, 100 Wh of hot water a day …) how much
energy, volume and volume-times-temperature passed the meter since the epoch. A house is a sum
of a few streams with whole-number factors, so any register of any house at any instant is a few
look-ups, whatever the order in which instants are asked for, and what holds for a stream
(E = V·k·ΔT) holds for every house.

Units of the totals: energy 0.01 Wh, volume µL, inlet and outlet µL·0.01 °C.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice
from threading import RLock

from collectors.simulator.clock import EPOCH_S, HOUR_S, is_summer_time
from collectors.simulator.seeded import draw, mixed
from collectors.simulator.weather import YEAR_H, Weather, cosine

# Heat coefficient of water at 16 bar in Wh/(m³·K) at 0, 10 … 100 °C, as in EN 1434-1 but to
# 0.2 %: near enough for a town that does not exist.
_HEAT_COEFFICIENT = (1167, 1165, 1162, 1158, 1154, 1149, 1144, 1138, 1131, 1123, 1115)

Step = tuple[int, int, int, int]
_NOTHING: Step = (0, 0, 0, 0)


def heat_coefficient(temperature: int) -> int:
    """k in Wh/(m³·K) at a temperature in 0.01 °C, 0 to 100 °C."""
    number, past = divmod(temperature, 1000)
    low = _HEAT_COEFFICIENT[number]
    high = _HEAT_COEFFICIENT[min(number + 1, 10)]
    return (low * (1000 - past) + high * past) // 1000


_BY_TENTH = tuple(heat_coefficient(10 * tenth) for tenth in range(1001))


class Stream:
    """Running totals of one kind of demand; element h is the total when hour h begins.

    Threads may read while another makes more hours known: columns only grow, and the last of
    them grows last. `lock` is held while they grow.
    """

    def __init__(self, steps: Callable[[int, int], Iterator[Step]], lock: RLock) -> None:
        self._steps = steps  # what each hour of a span adds
        self._lock = lock
        self.energy: array[int] = array("q", [0])
        self.volume: array[int] = array("q", [0])
        self.inlet: array[int] = array("q", [0])
        self.outlet: array[int] = array("q", [0])
        self.columns = (self.energy, self.volume, self.inlet, self.outlet)

    def reach(self, hour: int) -> None:
        """Make the totals up to and including `hour` known."""
        if len(self.outlet) > hour:
            return
        with self._lock:
            known = len(self.outlet) - 1
            if known >= hour:
                return
            steps = zip(*self._steps(known, hour + 24), strict=True)
            for column, mores in zip(self.columns, steps, strict=True):
                column.extend(islice(accumulate(mores, initial=column[-1]), 1, None))


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
        self._lock = RLock()
        self._salt = draw(seed, "luck")
        # By hour of the epoch: local hour of the day, local weekday (Monday 0), and the
        # network's flow temperature in 0.01 °C, which is higher when it is cold outside.
        self._hour_of_day: array[int] = array("b")
        self._weekday: array[int] = array("b")
        self._supply: array[int] = array("q")
        self._ground: array[int] = array("q")  # by day: temperature of cold water
        self._draws: dict[int, array[int]] = {}
        # Radiators of a well-kept, a neglected and a new house; a night setback; a block
        # whose supply is closed in summer; offices and schools.
        self.radiators = self._stream(self._heating(1700, 3000, 300))
        self.neglected = self._stream(self._heating(1700, 4700, 500))
        self.floors = self._stream(self._heating(1450, 2700, 150))
        self.setback = self._stream(self._heating(1700, 3100, 400, night=True))
        self.winter_only = self._stream(self._heating(1650, 3200, 350, winter_only=True))
        self.office = self._stream(self._heating(1650, 3400, 300, office=True))
        # Hot water: exchangers and tanks, with two rhythms each; unit 100 Wh a day.
        self.hot_water = tuple(
            self._stream(self._hot_water(number, outlet))
            for number, outlet in enumerate((2400, 2600, 3900, 4400))
        )
        # Unit 1 W the whole year: losses of tank and pipes; a bypass that hardly cools.
        self.losses = self._stream(self._steady(2000))
        self.bypass = self._stream(self._steady(700))
        self.cooling = self._stream(self._cooling)
        # Unit 1 L a day; and 1 L an hour without pause, which is what a leak is.
        self.cold_water = tuple(self._stream(self._cold_water(number)) for number in range(3))
        self.running_water = self._stream(self._running_water)
        # Unit 1 W as a year's mean; and 1 W of panels.
        self.household = self._stream(self._household)
        self.panels = self._stream(self._panels)

    def _stream(self, steps: Callable[[int, int], Iterator[Step]]) -> Stream:
        return Stream(steps, self._lock)

    def _reach(self, hour: int) -> None:
        """Know clock, network and ground of every hour before `hour`."""
        self.weather.reach(hour)
        for number in range(len(self._supply), len(self.weather.hourly)):
            if number % 24 == 0:
                cold = max(0, 1000 - self.weather.daily[number // 24])
                supply = 6600 + cold * 7 // 8
                self._supply.extend([supply] * 24)
                self._ground.append(1000 - 450 * cosine(number - 2040, YEAR_H) // 1000)
            summer = is_summer_time(EPOCH_S + number * HOUR_S)
            shifted = number + (2 if summer else 1)
            self._hour_of_day.append(shifted % 24)
            self._weekday.append(shifted // 24 % 7)  # the epoch is a Monday

    def water_temperature(self, hour: int) -> int:
        """Of cold water, in 0.01 °C: the ground follows the season by two months."""
        with self._lock:
            self._reach(hour + 1)
        return self._ground[hour // 24]

    def _heating(
        self,
        balance: int,
        outlet: int,
        per_load: int,
        *,
        night: bool = False,
        office: bool = False,
        winter_only: bool = False,
    ) -> Callable[[int, int], Iterator[Step]]:
        """Space heating of 1 W/K below a balance temperature.

        The return rises by `per_load` (0.01 °C) for each 10 K that is heated.
        """

        def steps(first: int, end: int) -> Iterator[Step]:
            self._reach(end)
            weather, supplies = self.weather, self._supply
            daily, hourly, sun = weather.daily, weather.hourly, weather.sun
            for hour in range(first, end):
                outside = (3 * daily[hour // 24] + hourly[hour]) // 4
                degrees = balance - outside - sun[hour] * 3 // 10
                if degrees <= 0 or (winter_only and cosine(hour - 600, YEAR_H) < -150):
                    yield _NOTHING
                    continue
                if night or office:
                    degrees = degrees * self._share(hour, night) // 100
                supply = supplies[hour]
                back = min(outlet + degrees * per_load // 1000, supply - 600)
                yield _carried(degrees, supply, back)

        return steps

    def _share(self, hour: int, night: bool) -> int:
        """Percent of the plain demand in an hour: with a night setback, or in an office."""
        hour_of_day = self._hour_of_day[hour]
        if night:
            if 5 <= hour_of_day < 8:
                return 200
            return 35 if hour_of_day >= 22 or hour_of_day < 5 else 125
        return 120 if self._weekday[hour] < 5 and 5 <= hour_of_day < 16 else 60

    def _drawn(self, number: int, first: int, end: int) -> Sequence[int]:
        """How much water is drawn in each hour, in ten-thousandths of a day's mean."""
        self._reach(end)
        drawn = self._draws.setdefault(number, array("q"))
        salt = self._salt + number * 1_000_003
        for hour in range(len(drawn), end):
            weekend = self._weekday[hour] >= 5
            share = (_WEEKEND if weekend else _WEEKDAY)[self._hour_of_day[hour]]
            luck = mixed(salt + hour * 64)
            # Most nights nobody draws water, and a leak shows.
            quiet = share <= 40 and luck & 1023 > 100
            drawn.append(0 if quiet else share * (luck >> 10 & 1023) // 512)
        return drawn[first:end]

    def _hot_water(self, number: int, outlet: int) -> Callable[[int, int], Iterator[Step]]:
        def steps(first: int, end: int) -> Iterator[Step]:
            drawn = self._drawn(number % 2, first, end)
            for energy, supply in zip(drawn, self._supply[first:end], strict=True):
                yield _carried(energy, supply, outlet) if energy else _NOTHING

        return steps

    def _steady(self, cooled: int) -> Callable[[int, int], Iterator[Step]]:
        def steps(first: int, end: int) -> Iterator[Step]:
            self._reach(end)
            for supply in self._supply[first:end]:
                yield _carried(100, supply, supply - cooled)

        return steps

    def _cooling(self, first: int, end: int) -> Iterator[Step]:
        self._reach(end)
        for hour in range(first, end):
            open_now = self._weekday[hour] < 5 and 6 <= self._hour_of_day[hour] < 18
            warm = max(0, self.weather.hourly[hour] - 1400) * (3 if open_now else 1) // 2
            yield _carried(60 + warm, 700, 1300 + min(warm, 400))

    def _cold_water(self, number: int) -> Callable[[int, int], Iterator[Step]]:
        def steps(first: int, end: int) -> Iterator[Step]:
            for hour, drawn in enumerate(self._drawn(10 + number, first, end), first):
                volume = drawn * 100
                yield 0, volume, volume * self._ground[hour // 24], 0

        return steps

    def _running_water(self, first: int, end: int) -> Iterator[Step]:
        self._reach(end)
        for hour in range(first, end):
            yield 0, 1_000_000, 1_000_000 * self._ground[hour // 24], 0

    def _household(self, first: int, end: int) -> Iterator[Step]:
        self._reach(end)
        for hour in range(first, end):
            season = 1000 + 180 * cosine(hour, YEAR_H) // 1000
            luck = 70 + mixed(self._salt + hour * 64 + 63) % 61
            yield _ELECTRICITY[self._hour_of_day[hour]] * season * luck // 100_000, 0, 0, 0

    def _panels(self, first: int, end: int) -> Iterator[Step]:
        self._reach(end)
        for sun in self.weather.sun[first:end]:
            yield sun // 10, 0, 0, 0


@lru_cache(maxsize=8)
def streams_of(seed: int) -> Streams:
    """The streams of a seed, once for all towns that have it: they take a second to make."""
    return Streams(seed)


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
