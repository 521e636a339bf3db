"""What is sent: a seeded truth, known to the last digit before READY hears of it."""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import wmbus
from wmbus import encode

TENANTS = ("alfa", "beta")
COLLECTORS = 2  # a tenant
METERS = 40  # a tenant's own
SHARED = 10  # known to both tenants, each in its own right
TELEGRAMS = 40  # a batch
MINUTE = timedelta(minutes=1)
# E1 in kWh, E8, E9, V1 in 0.01 m³, T1, T2, information.
_HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
E1_UNIT, V1_UNIT = 3_600_000, 10_000


def numbers_of(tenant: str) -> list[str]:
    """The meters that a tenant knows."""
    first = 71_000_000 if tenant == TENANTS[0] else 72_000_000
    own = [f"{first + place:08d}" for place in range(METERS)]
    return own + [f"{73_000_000 + place:08d}" for place in range(SHARED)]


def key_of(seed: int, number: str) -> bytes:
    """A meter's key."""
    return hashlib.sha256(f"key {seed} {number}".encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class Told:
    """One item of a batch: a reading to come, or what else must become of it.

    expect: reading | unknown | broken | wrong_key. Registers in base units.
    """

    expect: str
    number: str = ""
    at: str = ""
    e1: int = 0
    v1: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A push: its body, and the truth about its items."""

    tenant: str
    collector: int
    body: bytes
    told: tuple[Told, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the body, as READY files it."""
        return hashlib.sha256(self.body).hexdigest()


class Meter:
    """A meter that counts up, a telegram a minute."""

    def __init__(self, seed: int, number: str, start: datetime) -> None:
        self.number = number
        self._key = wmbus.Key(key_of(seed, number))
        self._random = random.Random(f"{seed} {number}")
        self._at = start
        self._session = 0
        self._e1 = self._random.randrange(1000, 90_000)
        self._v1 = self._random.randrange(1000, 90_000)

    def send(self) -> tuple[bytes, Told]:
        """The next telegram and what it says."""
        self._at += MINUTE
        self._session += 1
        self._e1 += self._random.randrange(2)
        self._v1 += self._random.randrange(3)
        values = [self._e1, self._e1 * 2, self._e1, self._v1, 40, 6512, 3456, 0]
        frame = encode.kamstrup_full(
            wmbus.Address("KAM", self.number, 0x34, 0x04),
            self._key,
            encode.records(_HEADERS, values),
            session=self._session,
            access=self._session & 255,
        )
        told = Told(
            "reading",
            self.number,
            self._at.isoformat(),
            self._e1 * E1_UNIT,
            self._v1 * V1_UNIT,
        )
        return frame, told


def batches(seed: int, tenant: str, collector: int, start: datetime) -> Iterator[Batch]:
    """What a collector hands in, without end: its own meters, neighbours' and poison between.

    Each collector hears meters of its own, so that the truth does not hang on who comes first;
    one telegram in twenty was also in an earlier batch, as heard by the other collector of old.
    """
    chance = random.Random(f"{seed} {tenant} {collector}")
    numbers = numbers_of(tenant)[collector::COLLECTORS]
    meters = [Meter(seed, number, start) for number in numbers]
    other = next(one for one in TENANTS if one != tenant)
    strangers = [
        Meter(seed, number, start) for number in numbers_of(other)[:METERS][collector::COLLECTORS]
    ]
    heard: list[tuple[str, Told]] = []
    while True:
        items: list[dict[str, Any]] = []
        told: list[Told] = []
        for _ in range(TELEGRAMS):
            dice = chance.random()
            if dice < 0.01:
                frame, what = _poison(chance, chance.choice(meters))
            elif dice < 0.04:
                sent, what = chance.choice(strangers).send()
                frame, what = sent.hex(), Told("unknown", what.number, what.at)
            elif dice < 0.09 and heard:
                frame, what = chance.choice(heard)
            else:
                sent, what = chance.choice(meters).send()
                frame = sent.hex()
                heard = [*heard[-200:], (frame, what)]
            items.append({"telegram": frame, "timestamp": what.at or start.isoformat()})
            told.append(what)
        yield Batch(tenant, collector, json.dumps(items).encode(), tuple(told))


def _poison(chance: random.Random, meter: Meter) -> tuple[str, Told]:
    kind = chance.randrange(3)
    if kind == 0:
        return "not hexadecimal", Told("broken")
    sent, what = meter.send()
    if kind == 1:
        return sent[:30].hex(), Told("broken")
    return (sent[:-4] + bytes(4)).hex(), Told("wrong_key", what.number, what.at)


def first_instant(now: datetime) -> datetime:
    """From when on the meters send: long enough ago that nothing lies in the future."""
    return now.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(days=20)
