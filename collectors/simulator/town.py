"""The town: places, customers, meters, and where its collectors hang. The simulator's front door.

`Town(seed)` says everything about a utility that does not exist. It asks no clock and keeps no
hidden state: two towns of the same seed, size and anchor are equal, today and in ten years.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from collectors.simulator import kinds
from collectors.simulator.clock import DAY_S, EPOCH_S, HOUR_S, seconds
from collectors.simulator.houses import Houses, Story
from collectors.simulator.kinds import MeterKind
from collectors.simulator.meters import SimulatedMeter
from collectors.simulator.people import BUILDINGS, STREETS, person
from collectors.simulator.seeded import between, draw, key
from collectors.simulator.streams import streams_of

DEFAULT_ANCHOR = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of utility a town has.

    shares: percent of its meters that count cooling, water and electricity; the rest is heat.
    latitude, longitude: the south-west corner, in millionths of a degree.
    """

    utility: str
    slug: str
    city: str
    postal_code: str
    latitude: int
    longitude: int
    number_prefix: int
    shares: tuple[int, int, int]
    collectors: int


AALUND = Plan("Aalund Varme", "aalund", "Aalund", "7599", 56_243_000, 9_312_000, 7, (2, 15, 6), 3)
BIRKELSE = Plan(
    "Birkelse Vandværk", "birkelse", "Birkelse", "9449", 56_402_000, 9_651_000, 6, (0, 100, 0), 1
)


@dataclass(frozen=True, slots=True)
class Place:
    """A supply point and its customer, both invented."""

    index: int
    customer_number: str
    customer: str
    street: str
    house_number: int
    postal_code: str
    city: str
    label: str
    latitude: int
    longitude: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where a collector hangs; `clock_offset_ms` is what its clock is ahead."""

    name: str
    latitude: int
    longitude: int
    clock_offset_ms: int


# Characters that a town has once each, as far as it has meters for them.
_HEAT_TALES = (
    "exchange", "turned bad", "dead", "sensor broken", "bypass", "no key", "wrong key",
    "reversed", "low battery", "power cut", "silent today", "exchange of units", "long dead",
)  # fmt: skip
_WATER_TALES = (
    "leak", "burst", "reverse flow", "rollover", "tamper", "unlisted", "old leak", "dead",
)  # fmt: skip
# Who is who among the others, and what meters they have: both repeat.
_HEAT_STYLES = (
    "old", "new", "old", "setback", "old", "bad cooler", "new", "old", "winter", "old",
    "setback", "old", "new",
)  # fmt: skip
_HEAT_KINDS = (
    kinds.MC403, kinds.MC603, kinds.MC302, kinds.MC303, kinds.MC403, kinds.MC602, kinds.MC603,
    kinds.MC302_GJ, kinds.MC403, kinds.MC603, kinds.MC403,
)  # fmt: skip
_LARGE_KINDS = (kinds.MC803_GJ, kinds.MC603_CLOCK)
_WATER_KINDS = (kinds.MC21, kinds.FLOWIQ2200, kinds.MC21, kinds.FLOWIQ3100)
_WATER_TALE_KINDS = {
    "rollover": kinds.FLOWIQ3100,
    "tamper": kinds.FLOWIQ2200,
    "burst": kinds.FLOWIQ2200,
    "unlisted": kinds.MC21_UNLISTED,
}


class Town:
    """A utility's meters, with the keys they encrypt with.

    seed: everything follows from it. meters: how many are installed today (taken-down ones and
    those in stock come on top). anchor: the instant around which leaks, faults and exchanges are
    arranged; use the day on which the town is first set up.
    """

    def __init__(
        self,
        seed: int,
        meters: int = 500,
        anchor: datetime = DEFAULT_ANCHOR,
        plan: Plan = AALUND,
    ) -> None:
        if meters < 1:
            raise ValueError("a town needs at least one meter")
        self.seed = draw(seed, plan.slug)
        self.plan = plan
        self.anchor = seconds(anchor) // DAY_S * DAY_S
        if self.anchor < EPOCH_S + 120 * DAY_S:
            raise ValueError("the anchor must lie at least 120 days after 2024-01-01")
        self.streams = streams_of(self.seed)
        self._houses = Houses(self.seed, self.streams, self.anchor)
        cooling, water, electricity = (meters * share // 100 for share in plan.shares)
        heat = meters - cooling - water - electricity
        self.places = self._build_places(max(heat, water, 1))
        self._numbers: set[str] = set()
        self.meters: list[SimulatedMeter] = []
        self._heat_meters(heat)
        self._water_meters(water, heat)
        for index in range(cooling):
            self._add(kinds.MC403_COOLING, index, self._houses.cooling(index, self._aged(index)))
        for index in range(electricity):
            house = (index * 7 + 3) % len(self.places)
            story = self._houses.electricity(house, self._aged(house), panels=index % 3 == 0)
            self._add(kinds.OMNIPOWER, house, story)
        self._choose_priority_meters()
        self.by_number = {meter.number: meter for meter in self.meters}
        self.neighbours = [self._neighbour(index) for index in range(min(6, 1 + meters // 20))]
        self.stock = [
            (self._number("stock", index), kinds.MC403) for index in range(min(5, meters // 50))
        ]
        self.sites = self._build_sites()

    # Places

    def _build_places(self, count: int) -> list[Place]:
        """Houses on both sides of parallel streets, 24 m apart; larger buildings come first.

        Ten streets lie north of each other, the next ten east of them.
        """
        streets = max(1, min(len(STREETS), -(-count // 14)))
        large = self._large_count(count)
        places = []
        for index in range(count):
            position, row = divmod(index, streets)
            side = position % 2
            latitude = self.plan.latitude + row % 10 * 1_150 + side * 260
            longitude = self.plan.longitude + row // 10 * 5_200 + position // 2 * 390
            name = (
                BUILDINGS[index % len(BUILDINGS)].format(town=self.plan.city)
                if index < large
                else person(self.seed, index)
            )
            places.append(
                Place(
                    index=index,
                    customer_number=f"{100_000 + index * 7 + draw(self.seed, 'no', index) % 7}",
                    customer=name,
                    street=STREETS[row],
                    house_number=position + 1,
                    postal_code=self.plan.postal_code,
                    city=self.plan.city,
                    label="Storkunde" if index < large else "",
                    latitude=latitude + between(-30, 30, self.seed, "lat", index),
                    longitude=longitude + between(-50, 50, self.seed, "lon", index),
                )
            )
        return places

    @staticmethod
    def _large_count(places: int) -> int:
        return min(len(BUILDINGS), max(2, places // 40))

    def _build_sites(self) -> list[Site]:
        """Collectors spread along the town, on roofs, each with a clock of its own."""
        north = max(place.latitude for place in self.places)
        east = max(place.longitude for place in self.places)
        count = self.plan.collectors
        return [
            Site(
                name=f"{self.plan.slug}-{number + 1}",
                latitude=(self.plan.latitude + north) // 2
                + (north - self.plan.latitude) * (2 * number + 1 - count) // (2 * count),
                longitude=(self.plan.longitude + east) // 2 + (number % 2) * 800,
                clock_offset_ms=(0, 340, -120)[number % 3],
            )
            for number in range(count)
        ]

    # Meters

    def _number(self, *parts: object) -> str:
        """An 8-digit meter number that no other meter of the town has."""
        attempt = 0
        while True:
            tail = draw(self.seed, "number", *parts, attempt) % 10_000_000
            number = f"{self.plan.number_prefix}{tail:07d}"
            if number not in self._numbers:
                self._numbers.add(number)
                return number
            attempt += 1

    def _aged(self, house: int) -> int:
        """When a meter that is older than the epoch was installed."""
        return EPOCH_S - between(200, 2200, self.seed, "installed", house) * DAY_S + 9 * HOUR_S

    def _add(
        self,
        kind: MeterKind,
        place: int,
        story: Story,
        *,
        installed: int | None = None,
        removed: int | None = None,
        trait: str = "",
    ) -> None:
        where = self.places[place]
        number = self._number(kind.medium, place, kind.name, removed)
        own = key(self.seed, number)
        known: bytes | None = own
        if trait == "no key":
            known = None
        elif trait == "wrong key":
            known = key(self.seed, number, "as a supplier mistyped it")
        self.meters.append(
            SimulatedMeter(
                number=number,
                kind=kind,
                curve=story.curve,
                key=own,
                known_key=known,
                place=place,
                latitude=where.latitude,
                longitude=where.longitude,
                installed=self._aged(place) if installed is None else installed,
                removed=removed,
                silent_from=story.silent_from,
                export=story.export,
                faults=story.faults,
                traits=frozenset({trait} if trait else ()),
                weak_signal=between(0, 14, self.seed, "cellar", number),
            )
        )

    def _shuffled(self, first: int, count: int, what: str) -> list[int]:
        houses = range(first, max(first, count))
        return sorted(houses, key=lambda house: draw(self.seed, "order", what, house))

    def _heat_meters(self, count: int) -> None:
        large = min(self._large_count(len(self.places)), count)
        for house in range(large):
            story = self._houses.heat(house, self._aged(house), "office", large=True)
            self._add(_LARGE_KINDS[house % 2], house, story)
        for rank, house in enumerate(self._shuffled(large, count, "heat")):
            tale = _HEAT_TALES[rank] if rank < len(_HEAT_TALES) else ""
            installed = self._aged(house)
            if tale.startswith("exchange"):
                self._exchange(house, tale)
                continue
            style = tale or _HEAT_STYLES[rank % len(_HEAT_STYLES)]
            # A told mishap needs a meter whose info code can tell it.
            kind = kinds.MC603 if tale else _HEAT_KINDS[rank % len(_HEAT_KINDS)]
            self._add(kind, house, self._houses.heat(house, installed, style, False), trait=style)

    def _exchange(self, house: int, tale: str) -> None:
        """An old meter taken down and a new one put up an hour later, from zero."""
        old, new = kinds.MC602, kinds.MC603
        when = self._houses.ago(40) + 10 * HOUR_S
        if tale == "exchange of units":
            old, new = kinds.MC302_GJ, kinds.MC403
            when = self._houses.ago(110) + 12 * HOUR_S
        begun = self._aged(house)
        before = self._houses.heat(house, begun, "old", False)
        self._add(old, house, before, installed=begun, removed=when, trait=tale)
        after = self._houses.heat(house, when + HOUR_S, "old", False)
        self._add(new, house, after, installed=when + HOUR_S, trait=tale)

    def _water_meters(self, count: int, heat: int) -> None:
        large = min(2, count) if heat == 0 else 0
        for rank, house in enumerate(self._shuffled(0, min(count, len(self.places)), "water")):
            tale = _WATER_TALES[rank] if rank < len(_WATER_TALES) else ""
            kind = _WATER_TALE_KINDS.get(tale, kinds.MC21)
            if not tale:
                kind = _WATER_KINDS[rank % len(_WATER_KINDS)]
            big = tale == "rollover" or (large > 0 and house < large)
            story = self._houses.water(house, self._aged(house), tale, big)
            self._add(kind, house, story, trait=tale)

    def _choose_priority_meters(self) -> None:
        """A sixtieth of the meters, at least one, is read every five minutes."""
        ordered = sorted(
            (meter for meter in self.meters if meter.removed is None),
            key=lambda meter: draw(self.seed, "priority", meter.number),
        )
        for meter in ordered[: max(1, len(ordered) // 60)]:
            meter.interval_s = 300

    def _neighbour(self, index: int) -> SimulatedMeter:
        """A meter of somebody else that the collectors overhear; its utility is not ours."""
        number = self._number("neighbour", index)
        installed = EPOCH_S - 900 * DAY_S
        return SimulatedMeter(
            number=number,
            kind=kinds.MC21,
            curve=self._houses.water(9_000 + index, installed, "", False).curve,
            key=key(self.seed, number),
            known_key=None,
            place=-1,
            latitude=self.plan.latitude - 600 - index * 90,
            longitude=self.plan.longitude + index * 350,
            installed=installed,
        )
