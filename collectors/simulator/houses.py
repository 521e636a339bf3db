"""What a house is made of, and the mishaps of the town: regimes and faults by character."""

from collections.abc import Callable
from dataclasses import dataclass

from collectors.simulator.clock import DAY_S, HOUR_S, hour_of
from collectors.simulator.meters import Fault
from collectors.simulator.seeded import between, draw
from collectors.simulator.streams import Curve, Part, Regime, Step, Streams
from collectors.simulator.weather import YEAR_H

_WEEK_H = 168


@dataclass(frozen=True, slots=True)
class Story:
    """What happens at a meter: its curve, the faults it tells and since when it is silent."""

    curve: Curve
    faults: tuple[Fault, ...] = ()
    silent_from: int | None = None
    export: Curve | None = None


class Houses:
    """Builds the stories of one town's meters.

    anchor: the Unix second around which mishaps are arranged, so that a town looks the same
    whenever it is first set up. Instants lie on whole hours.
    """

    def __init__(self, seed: int, streams: Streams, anchor: int) -> None:
        self.seed = seed
        self.streams = streams
        self.anchor = anchor - anchor % HOUR_S

    def ago(self, days: int, hours: int = 0) -> int:
        """The Unix second so long before the anchor."""
        return self.anchor - days * DAY_S - hours * HOUR_S

    def _regime(self, unix_s: int, parts: tuple[Part, ...]) -> Regime:
        return Regime(hour_of(unix_s), parts)

    def _aged(self, parts: tuple[Part, ...], months: int) -> Step:
        """Totals of a meter that has counted for some months before the epoch.

        So many twelfths of its first year, so that energy, volume and temperatures agree.
        """
        curve = Curve((Regime(0, parts),))
        year = zip(curve.totals(0, 1), curve.totals(YEAR_H, YEAR_H + 1), strict=True)
        grown = [(after[0] - before[0]) * months // 12 for before, after in year]
        return grown[0], grown[1], grown[2], grown[3]

    def _curve(
        self, installed: int, normal: tuple[Part, ...], later: tuple[Regime, ...] = ()
    ) -> Curve:
        """A meter's curve: aged when it was installed before the epoch, else from zero."""
        hour = hour_of(installed)
        if hour <= 0:
            months = -hour // 730
            return Curve((Regime(0, normal), *later), self._aged(normal, months))
        return Curve((Regime(hour, normal), *later))

    # Heat

    def heat_parts(self, house: int, large: bool, bad: int, style: str) -> tuple[Part, ...]:
        """A building's streams; `bad` percent of its heating runs through neglected radiators."""
        draws = self.streams
        size = (
            between(2200, 9000, self.seed, "size", house)
            if large
            else (between(70, 260, self.seed, "size", house))
        )
        good = {
            "setback": draws.setback,
            "new": draws.floors,
            "office": draws.office,
            "winter": draws.winter_only,
        }.get(style, draws.radiators)
        if style == "winter":
            return (Part(good, size),)
        parts = [Part(good, size * (100 - bad) // 100 + 1)]
        if bad:
            parts.append(Part(draws.neglected, size * bad // 100))
        number = draw(self.seed, "hot water", house) % 4
        if bad >= 60:
            number |= 2  # a tank that hardly cools goes with it
        share = 25 if large else 1
        people = between(15, 75, self.seed, "people", house) * share
        shift = draw(self.seed, "weeks", house) % 4 * _WEEK_H
        parts.append(Part(draws.hot_water[number], people, shift))
        parts.append(Part(draws.losses, between(25, 90, self.seed, "losses", house) * share))
        return tuple(parts)

    def heat(self, house: int, installed: int, character: str, large: bool) -> Story:
        """A heat meter's story by its character."""
        bad = between(0, 25, self.seed, "bad", house)
        style = character if character in ("setback", "new", "office", "winter") else "old"
        if character == "bad cooler":
            bad = between(80, 100, self.seed, "bad", house)
        normal = self.heat_parts(house, large, bad, style)
        later: tuple[Regime, ...] = ()
        faults: tuple[Fault, ...] = ()
        silent: int | None = None
        match character:
            case "turned bad":
                since = self.ago(38)
                later = (self._regime(since, self.heat_parts(house, large, 95, style)),)
            case "bypass":
                since = self.ago(52)
                leak = Part(self.streams.bypass, 1400)
                later = (self._regime(since, (*normal, leak)),)
            case "sensor broken":
                since = self.ago(4, 7)
                blind = tuple(Part(p.stream, p.factor, p.shift, False) for p in normal)
                later = (self._regime(since, blind),)
                faults = (Fault("t1_high", since),)
            case "reversed":
                since = self.ago(19)
                later = (self._regime(since, ()),)
                faults = (Fault("wrong_direction", since),)
            case "low battery":
                faults = (Fault("low_battery", self.ago(11)),)
            case "power cut":
                faults = (Fault("no_supply", self.ago(1, 5), self.ago(1, 2)),)
            case "dead":
                silent = self.ago(9, 3)
            case "long dead":
                silent = self.ago(64)
            case "silent today":
                silent = self.ago(0, 20)
            case _:
                pass
        return Story(self._curve(installed, normal, later), faults, silent)

    def cooling(self, house: int, installed: int) -> Story:
        """A cooling meter: water comes at 7 °C and leaves warmer."""
        parts = (Part(self.streams.cooling, between(8, 40, self.seed, "size", house)),)
        return Story(self._curve(installed, parts))

    # Water

    def water(self, house: int, installed: int, character: str, large: bool) -> Story:
        """A cold-water meter's story by its character."""
        litres = (
            between(900, 6000, self.seed, "litres", house)
            if large
            else (between(80, 420, self.seed, "litres", house))
        )
        stream = self.streams.cold_water[draw(self.seed, "rhythm", house) % 3]
        normal = (Part(stream, litres, draw(self.seed, "weeks", house) % 4 * _WEEK_H),)
        tale: dict[str, Callable[[tuple[Part, ...]], tuple[tuple[Regime, ...], tuple[Fault, ...]]]]
        tale = {
            "leak": self._leak,
            "burst": self._burst,
            "reverse flow": self._reverse,
            "tamper": lambda _normal: ((), (Fault("tamper", self.ago(6, 4)),)),
            "old leak": self._old_leak,
        }
        later, faults = tale[character](normal) if character in tale else ((), ())
        silent = self.ago(9, 3) if character == "dead" else None
        curve = self._curve(installed, normal, later)
        if character == "rollover":
            hour = hour_of(self.ago(5, 6))
            reached = curve.totals(hour, hour + 1)
            full = 100_000_000 * 1_000_000  # eight digits of litres, in µL
            missing = full - reached[1][0]
            initial = list(curve.initial)
            initial[1] += missing
            initial[2] += missing * 1000
            curve = Curve(curve.regimes, (initial[0], initial[1], initial[2], initial[3]))
        return Story(curve, faults, silent)

    def _running(self, litres_per_hour: int) -> Part:
        return Part(self.streams.running_water, litres_per_hour)

    def _leak(self, normal: tuple[Part, ...]) -> tuple[tuple[Regime, ...], tuple[Fault, ...]]:
        """A leak that grows week by week and is told a day after it began."""
        begins = self.ago(30)
        regimes = tuple(
            self._regime(begins + week * 7 * DAY_S, (*normal, self._running(4 + 5 * week)))
            for week in range(9)
        )
        return regimes, (Fault("leak", begins + DAY_S),)

    def _old_leak(self, normal: tuple[Part, ...]) -> tuple[tuple[Regime, ...], tuple[Fault, ...]]:
        """A leak that was mended, so that only its duration is still told."""
        begins, ends = self.ago(22), self.ago(13)
        regimes = (self._regime(begins, (*normal, self._running(9))), self._regime(ends, normal))
        return regimes, (Fault("leak", begins + DAY_S, ends + HOUR_S),)

    def _burst(self, normal: tuple[Part, ...]) -> tuple[tuple[Regime, ...], tuple[Fault, ...]]:
        begins, ends = self.ago(2, 9), self.ago(2, 4)
        regimes = (self._regime(begins, (*normal, self._running(1650))), self._regime(ends, normal))
        return regimes, (Fault("burst", begins + HOUR_S // 2, ends),)

    def _reverse(self, normal: tuple[Part, ...]) -> tuple[tuple[Regime, ...], tuple[Fault, ...]]:
        """Water runs back for two hours of some nights: the register goes down."""
        regimes: list[Regime] = []
        faults: list[Fault] = []
        midnight = self.anchor - self.anchor % DAY_S
        for nights in (17, 12, 9, 6, 4, 2, 1):
            begins = midnight - nights * DAY_S + HOUR_S
            ends = begins + 2 * HOUR_S
            regimes.append(self._regime(begins, (self._running(-35),)))
            regimes.append(self._regime(ends, normal))
            faults.append(Fault("reverse", begins, ends))
        return tuple(regimes), tuple(faults)

    # Electricity

    def electricity(self, house: int, installed: int, panels: bool) -> Story:
        """An electricity meter; with panels it also counts what the house gives away."""
        watts = between(180, 900, self.seed, "watts", house)
        shift = draw(self.seed, "weeks", house) % 4 * _WEEK_H
        curve = self._curve(installed, (Part(self.streams.household, watts, shift),))
        if not panels:
            return Story(curve)
        export = self._curve(
            installed, (Part(self.streams.panels, between(15, 40, self.seed, "panels", house)),)
        )
        return Story(curve, export=export)
