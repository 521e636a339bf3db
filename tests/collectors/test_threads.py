"""The threads of a worker share the meters' keys."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

import wmbus
from collectors.outcomes import Outcome
from collectors.pipeline.decoding import decode_each
from collectors.pipeline.items import Item, Source
from collectors.pipeline.known import KnownFormats, KnownMeter
from readings.models import Origin
from wmbus import encode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADDRESS = wmbus.Address("KAM", "71234567", 0x34, 0x04)
RECORDS = bytes.fromhex("04060100000004140200000004FF0703000000")


@pytest.fixture
def _switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    was = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(was)


@pytest.mark.usefixtures("_switching")
def test_one_key_in_several_threads_opens_every_telegram() -> None:
    key = wmbus.Key(bytes(range(16)))
    meter = KnownMeter(id=1, interval_s=3600, key=key, version=0x34)
    source = Source(
        tenant_id=1,
        received_on=NOW.date(),
        batch_id=1,
        received_at=NOW,
        collector_id=1,
        origin=Origin.FIXED_NETWORK,
        decrypts=False,
        zone=ZoneInfo("Europe/Copenhagen"),
    )
    frames = [
        encode.kamstrup_full(ADDRESS, wmbus.Key(bytes(range(16))), RECORDS, session=n, access=1)
        for n in range(500)
    ]
    formats = KnownFormats(dict(wmbus.SHIPPED_FORMATS), set())

    def batch(_thread: int) -> list[Item]:
        items = [Item(place, source, frame, NOW) for place, frame in enumerate(frames)]
        for item in items:
            item.meter = meter
        decode_each(items, formats)
        return items

    with ThreadPoolExecutor(4) as threads:
        told = [item for items in threads.map(batch, range(16)) for item in items]

    assert {item.outcome for item in told} <= {Outcome.PENDING, Outcome.WAITING}
