"""Push bodies of a made-up town, encrypted beforehand and kept in a file.

Each meter sends once an hour, seven compact telegrams to one full, under a key of its own. A body
has 500 telegrams of one collector; one in five is a telegram that a neighbouring collector has
handed in just before. Hours follow each other, so all others become readings.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import wmbus
from collectors.simulator.sealing import MeterCipher
from wmbus import encode

# E1 kWh, E8, E9, V1 0.01 m³, T1, T2, flow, info: what a MULTICAL 603 sends.
HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
# Its info code "input A1: leak in the system", and meters that tell nothing else.
LEAK = 1 << 12
LEAKING = range(90_000_000, 90_000_020)
PER_BODY = 500
COPIES = PER_BODY // 5
FRESH = PER_BODY - COPIES
_HEAD = struct.Struct("<HI")  # collector, bytes of the body


@dataclass(frozen=True)
class Size:
    """How large the town is; telegrams: fresh ones and copies together."""

    meters: int
    tenants: int
    collectors: int
    telegrams: int

    @property
    def bodies(self) -> int:
        """Push bodies, whole ones."""
        return -(-self.telegrams // PER_BODY)

    def numbers(self, tenant: int) -> range:
        """The serial numbers of a utility's meters."""
        each = self.meters // self.tenants
        return range(10_000_000 + tenant * each, 10_000_000 + (tenant + 1) * each)


def key_of(number: int) -> bytes:
    """A meter's own key."""
    return hashlib.sha256(f"load {number}".encode()).digest()[:16]


class Town:
    """Makes telegrams, the next hour of each meter in turn."""

    def __init__(self, size: Size, start: datetime) -> None:
        self._size = size
        self._start = start
        self._next = [0] * size.tenants  # how many telegrams each utility's meters have sent
        self._last: list[list[dict[str, object]]] = [[] for _ in range(size.tenants)]
        self._ciphers: dict[int, MeterCipher] = {}

    def body(self, index: int) -> tuple[int, bytes]:
        """The collector (0 … collectors − 1; utilities in turn) and the body it pushes."""
        collector = index % self._size.collectors
        tenant = collector % self._size.tenants
        fresh = [self._telegram(tenant) for _ in range(FRESH)]
        copies = self._last[tenant][:COPIES] or [self._telegram(tenant) for _ in range(COPIES)]
        self._last[tenant] = fresh
        told = {"gateway": f"load-{collector}", "batch": str(index), "telegrams": fresh + copies}
        return collector, json.dumps(told, separators=(",", ":")).encode()

    def _telegram(self, tenant: int) -> dict[str, object]:
        numbers = self._size.numbers(tenant)
        turn, place = divmod(self._next[tenant], len(numbers))
        self._next[tenant] += 1
        number = numbers[place]
        cipher = self._ciphers.get(number)
        if cipher is None:
            cipher = self._ciphers[number] = MeterCipher(key_of(number))
        address = wmbus.Address("KAM", str(number), 0x34, 0x04)
        energy = 1000 + turn * 3
        values = [energy, energy * 2, energy, energy * 3, 120, 6512, 3456, 0]
        session, access = turn + 1, (turn + 1) & 255
        if (turn + place) % 8 and self._next[tenant] > PER_BODY:
            frame = encode.kamstrup_compact(
                address, cipher, HEADERS, values, session=session, access=access
            )
        else:
            frame = encode.kamstrup_full(
                address, cipher, encode.records(HEADERS, values), session=session, access=access
            )
        heard = self._start + timedelta(hours=turn, milliseconds=place * 3_500_000 // len(numbers))
        return {
            "telegram": frame.hex().upper(),
            "timestamp": f"{heard:%Y-%m-%dT%H:%M:%S}.{heard.microsecond // 1000:03d}Z",
            "rssi_dbm": -60 - place % 40,
        }


def leak(number: int) -> bytes:
    """The body that tells a leak of one of the LEAKING."""
    frame = encode.kamstrup_full(
        wmbus.Address("KAM", str(number), 0x34, 0x04),
        MeterCipher(key_of(number)),
        encode.records(HEADERS, [1000, 2000, 1000, 3000, 120, 6512, 3456, LEAK]),
        session=1,
        access=1,
    )
    told = {"telegram": frame.hex(), "timestamp": datetime.now(UTC).isoformat(timespec="seconds")}
    return json.dumps({"telegrams": [told]}).encode()


def write(path: Path, size: Size) -> None:
    """Make the bodies; the last hour is the one before this."""
    hours = -(-size.telegrams * FRESH // PER_BODY // size.meters) + 2
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    town = Town(size, now - timedelta(hours=hours))
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        for index in range(size.bodies):
            collector, body = town.body(index)
            file.write(_HEAD.pack(collector, len(body)) + body)
    draft.rename(path)


def read(path: Path, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Bodies first … first + count − 1, with the collector of each."""
    with path.open("rb") as file:
        for index in range(first + count):
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            collector, length = _HEAD.unpack(head)
            if index < first:
                file.seek(length, 1)
            else:
                yield collector, file.read(length)
