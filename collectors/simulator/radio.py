"""What is in the air: when each meter sends, who hears it how well, and how it reaches READY."""

from collections.abc import Iterator
from dataclasses import dataclass

from collectors.simulator.clock import EPOCH_S, HOUR_S
from collectors.simulator.frames import Contents, Writer, frame
from collectors.simulator.meters import SimulatedMeter
from collectors.simulator.seeded import draw, mixed
from collectors.simulator.town import Site, Town

EPOCH_MS = EPOCH_S * 1000
WEAKEST_DBM = -102  # what a collector just hears
FULL_EVERY = 8  # one telegram in so many is a full frame, the others are compact
_OUTAGE_MS = 600_000  # a collector's way to READY fails for whole spells of ten minutes
_CACHED_FRAMES = 20_000


@dataclass(frozen=True, slots=True)
class Transmission:
    """A telegram that leaves a meter: its number, when (Unix milliseconds), full or compact."""

    meter: SimulatedMeter
    number: int
    sent_ms: int

    @property
    def full(self) -> bool:
        """Meters of open metering always send full frames, the others every eighth time."""
        start = int(self.meter.number) % FULL_EVERY
        return self.meter.kind.security != "ell" or self.number % FULL_EVERY == start


@dataclass(frozen=True, slots=True)
class Heard:
    """A telegram as one collector heard it.

    heard_ms: Unix milliseconds by the collector's clock. ours: False for a neighbour's meter.
    """

    site: str
    meter: SimulatedMeter
    heard_ms: int
    rssi_dbm: int
    frame: bytes
    full: bool
    contents: Contents
    ours: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch that reaches READY at `at_ms`; the same `batch` may come twice."""

    at_ms: int
    site: str
    batch: str
    heard: tuple[Heard, ...]


def _decibel(square_mm: int) -> int:
    """10·log10 of a squared distance in m², given in mm²; whole numbers, right to 1 dB."""
    exponent = square_mm.bit_length() - 1
    fraction = (square_mm << 8 >> exponent) & 255
    return (exponent * 256 + fraction) * 771 // 65_536 - 60


class Radio:
    """The air over a town.

    interval_s: a meter sends so often; it must divide an hour (really 16 s, or 96 s in a fixed
    network). loss_permille: telegrams lost even at short distance. Everything is a pure function
    of the town's seed and the time, so any stretch of time can be asked for, in any order.
    """

    def __init__(self, town: Town, interval_s: int = 16, loss_permille: int = 20) -> None:
        if interval_s < 4 or HOUR_S % interval_s:
            raise ValueError(
                f"an interval of {interval_s} s does not divide an hour into telegrams"
            )
        self.town = town
        self.interval_ms = interval_s * 1000
        self.loss_permille = loss_permille
        self.writer = Writer(town.streams)
        self._phases: dict[str, int] = {}
        self._levels: dict[tuple[str, str], int] = {}
        self._frames: dict[tuple[str, int], tuple[Contents, bytes]] = {}
        self._everyone = [*town.meters, *town.neighbours]
        self._strangers = {meter.number for meter in town.neighbours}

    def phase_ms(self, meter: SimulatedMeter) -> int:
        """How long after each full interval (so: after each full hour) a meter sends."""
        phase = self._phases.get(meter.number)
        if phase is None:
            phase = draw(self.town.seed, "phase", meter.number) % self.interval_ms
            self._phases[meter.number] = phase
        return phase

    def transmissions(self, start_ms: int, end_ms: int) -> list[Transmission]:
        """What all meters send from `start_ms` until before `end_ms`, in order of time."""
        found = []
        interval = self.interval_ms
        for meter in self._everyone:
            first = EPOCH_MS + self.phase_ms(meter)
            number = -((first - start_ms) // interval)
            sent_ms = first + number * interval
            while sent_ms < end_ms:
                if meter.on_air(sent_ms // 1000):
                    found.append(Transmission(meter, number, sent_ms))
                number += 1
                sent_ms += interval
        found.sort(key=lambda sent: sent.sent_ms)
        return found

    def level(self, meter: SimulatedMeter, site: Site) -> int:
        """How strong a site usually hears a meter, in dBm."""
        found = self._levels.get((meter.number, site.name))
        if found is None:
            north = (meter.latitude - site.latitude) * 111
            east = (meter.longitude - site.longitude) * 62
            path = _decibel(max(north * north + east * east, 25_000_000)) * 5 // 4
            shade = draw(self.town.seed, "shade", meter.number, site.name) % 9
            found = -20 - path - shade - meter.weak_signal
            self._levels[meter.number, site.name] = found
        return found

    def best_site(self, meter: SimulatedMeter) -> Site:
        """The site that hears a meter best."""
        return max(self.town.sites, key=lambda site: self.level(meter, site))

    def _hears(self, sent: Transmission, site: Site, luck: int) -> int | None:
        """The level at which a site hears a telegram, or None when it does not."""
        level = self.level(sent.meter, site) + luck % 7 - 3
        if level < WEAKEST_DBM:
            return None
        lost = self.loss_permille + max(0, -92 - level) * 45
        return None if (luck >> 8) % 1000 < lost else level

    def content(self, sent: Transmission) -> tuple[Contents, bytes]:
        """What a transmission says, and its frame as sent (from L, without link checksums)."""
        key = (sent.meter.number, sent.number)
        found = self._frames.get(key)
        if found is None:
            contents = self.writer.contents(sent.meter, sent.sent_ms // 1000)
            found = contents, frame(sent.meter, contents, sent.number, sent.sent_ms, sent.full)
            if len(self._frames) >= _CACHED_FRAMES:
                self._frames.clear()
            self._frames[key] = found
        return found

    def heard_by(self, site: Site, start_ms: int, end_ms: int) -> Iterator[Heard]:
        """What one site hears of that which is sent from `start_ms` until before `end_ms`."""
        salt = draw(self.town.seed, "luck", site.name)
        for sent in self.transmissions(start_ms, end_ms):
            luck = mixed(salt ^ int(sent.meter.number) << 32 ^ sent.number)
            level = self._hears(sent, site, luck)
            if level is not None:
                contents, frame_ = self.content(sent)
                yield Heard(
                    site=site.name,
                    meter=sent.meter,
                    heard_ms=sent.sent_ms + site.clock_offset_ms + (luck >> 20) % 9,
                    rssi_dbm=level,
                    frame=frame_,
                    full=sent.full,
                    contents=contents,
                    ours=sent.meter.number not in self._strangers,
                )

    def telegrams(self, start_ms: int, end_ms: int) -> list[Heard]:
        """What all sites hear in a stretch of time, in order of hearing (Unix milliseconds)."""
        heard = [item for site in self.town.sites for item in self.heard_by(site, start_ms, end_ms)]
        heard.sort(key=lambda item: item.heard_ms)
        return heard

    def deliveries(self, start_ms: int, end_ms: int, batch_s: int = 5) -> list[Delivery]:
        """The batches that reach READY in a stretch of time, in order of arrival.

        Every site sends what it heard each `batch_s` seconds. Its way to READY fails now and
        then for ten minutes: then what has waited comes at once, newest first. One batch in
        fifty comes a second time, as from a box that did not hear READY's answer.
        """
        window = batch_s * 1000
        found: list[Delivery] = []
        for site in self.town.sites:
            salt = draw(self.town.seed, "way", site.name)
            oldest = (start_ms - _OUTAGE_MS - 60_000) // window
            for number in range(oldest, end_ms // window + 1):
                arrivals = [
                    at for at in self._arrivals(salt, number, window) if start_ms <= at < end_ms
                ]
                if not arrivals:
                    continue
                heard = tuple(self.heard_by(site, number * window, (number + 1) * window))
                if heard:
                    batch = f"{site.name}-{number:x}"
                    found.extend(Delivery(at, site.name, batch, heard) for at in arrivals)
        found.sort(key=lambda delivery: delivery.at_ms)
        return found

    @staticmethod
    def _arrivals(salt: int, number: int, window: int) -> list[int]:
        """When a site's batch of a window arrives: usually once, just after the window."""
        luck = mixed(salt + number)
        ready = (number + 1) * window
        spell = ready // _OUTAGE_MS
        if mixed(salt ^ spell * 7919) % 40 == 0:
            back = (spell + 1) * _OUTAGE_MS
            ready = back + (back - ready) * 9 // 200
        else:
            ready += luck % 900
        return [ready, ready + 7_000] if (luck >> 12) % 50 == 0 else [ready]
