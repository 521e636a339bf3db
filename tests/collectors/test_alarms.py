"""Alarms overtake the bulk: opened and put into the outbox by decoding alone, once each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import wmbus
from collectors import pipeline
from collectors.models import FrameFormat, PendingWork
from collectors.pipeline.claims import Turns
from meters.models import MeterState
from notifications.models import InfoCodePeriod, OutboxEntry
from readings.models import Reading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.collectors.boxes import KEY, Box
from tests.conftest import as_admin
from wmbus import encode

pytestmark = pytest.mark.usefixtures("committed")

# Info code, volume in litres, its target, two temperatures, as a MULTICAL 21 tells them.
WATER = bytes.fromhex("02FF2004134413615B6167")
FLOW_IQ = bytes.fromhex("04FF2304134413615B6167")
LEAK, BURST, REVERSE, DRY, TAMPER = 1 << 2, 1 << 3, 1 << 1, 1 << 0, 1 << 4
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)


def water(number: str, info: int, litres: int) -> bytes:
    """A MULTICAL 21's full telegram."""
    return encode.kamstrup_full(
        wmbus.Address("KAM", number, 0x1B, 0x16),
        wmbus.Key(KEY),
        encode.records(WATER, [info, litres, 0, 12, 21]),
        session=litres,
        access=litres & 255,
    )


def wait_a_little() -> None:
    """As if all that waits had waited for longer than the lane leaves to the bulk."""
    with as_admin() as link:
        link.execute("UPDATE collectors_pendingwork SET not_before = not_before - interval '1 min'")


def look() -> int:
    """The lane's work; how many batches it looked at."""
    wait_a_little()
    turns = Turns()
    looked = 0
    while pipeline.look_for_alarms(turns):
        looked += 1
    return looked


def work() -> None:
    turns = Turns()
    while pipeline.work_one(turns):
        pass


def alarms(tenant: Tenant) -> list[tuple[str, datetime, datetime | None]]:
    with tenant_context(tenant.pk):
        return [
            (period.code, period.starts_at, period.ends_at)
            for period in InfoCodePeriod.objects.order_by("starts_at", "code")
        ]


def told(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return [entry.payload["code"] for entry in OutboxEntry.objects.order_by("pk")]


@pytest.fixture
def box(aalund: Tenant) -> Box:
    made = Box(aalund, start=NOW)
    with tenant_context(aalund.pk):
        for number in ("68000001", "68000002"):
            factories.meter(number=number, key=KEY, interval_s=60)
    return made


def test_an_alarm_is_told_before_the_bulk_is_worked_on(box: Box, aalund: Tenant) -> None:
    for place in range(5):
        box.hand_in(water("68000002", 0, 100 + place), minute=place)
    box.hand_in(water("68000001", LEAK | DRY, 7), minute=60)
    assert look() == 6
    assert alarms(aalund) == [("leak", NOW + timedelta(minutes=60), None)]
    assert told(aalund) == ["leak"]
    with tenant_context(aalund.pk):
        assert PendingWork.objects.count() == 6
        assert not Reading.objects.exists()
        assert not FrameFormat.objects.exists()
        assert not MeterState.objects.exclude(read_at=None).exists()
        (entry,) = OutboxEntry.objects.all()
        assert entry.delivered_at is None
        assert entry.attempts == 0
        assert entry.payload["starts_at"] == (NOW + timedelta(minutes=60)).isoformat()
    work()
    assert [code for code, _, _ in alarms(aalund)] == ["dry", "leak"]
    assert told(aalund) == ["leak"]


def flow_iq(info: int, litres: int, *, compact: bool) -> bytes:
    """A flowIQ's telegram: a wider info code, which knows of tampering; in full, or without its
    headers as it comes seven times of eight."""
    address, key = wmbus.Address("KAM", "68000001", 0x1B, 0x16), wmbus.Key(KEY)
    told: dict[str, Any] = {"session": litres, "access": litres & 255}
    values = [info, litres, 0, 12, 21]
    if compact:
        return encode.kamstrup_compact(address, key, FLOW_IQ, values, **told)
    return encode.kamstrup_full(address, key, encode.records(FLOW_IQ, values), **told)


@pytest.mark.parametrize("compact", [False, True], ids=["full", "compact"])
@pytest.mark.parametrize(
    ("bit", "code"), [(LEAK, "leak"), (BURST, "burst"), (REVERSE, "reverse"), (TAMPER, "tamper")]
)
def test_each_alarm_of_each_frame_becomes_a_period_and_an_outbox_row(
    box: Box, aalund: Tenant, compact: bool, bit: int, code: str
) -> None:
    box.hand_in(flow_iq(0, 1, compact=False))
    work()
    box.hand_in(flow_iq(bit, 2, compact=compact), minute=30)
    assert look() == 1
    half_past = NOW + timedelta(minutes=30)
    assert alarms(aalund) == [(code, half_past, None)]
    assert told(aalund) == [code]
    work()
    assert alarms(aalund) == [(code, half_past, None)]
    assert told(aalund) == [code]


def test_the_bulk_tells_it_alone_where_it_is_first(box: Box, aalund: Tenant) -> None:
    box.hand_in(water("68000001", BURST, 7))
    work()
    assert told(aalund) == ["burst"]
    assert look() == 0
    assert told(aalund) == ["burst"]


def test_a_batch_that_does_not_wait_is_left_to_the_bulk(box: Box) -> None:
    box.hand_in(water("68000001", BURST, 7))
    assert not pipeline.look_for_alarms(Turns())


def test_a_batch_is_looked_at_once(box: Box) -> None:
    box.hand_in(water("68000001", LEAK, 7))
    assert look() == 1
    assert look() == 0


def test_what_the_backlog_says_of_the_past_comes_out_right(box: Box, aalund: Tenant) -> None:
    """Leak at 0, over at 10, again at 20: the lane hears of the last alone."""
    box.hand_in(water("68000001", LEAK, 1), minute=0)
    box.hand_in(water("68000001", 0, 2), minute=10)
    with as_admin() as link:
        link.execute("UPDATE collectors_pendingwork SET looked = true")
    box.hand_in(water("68000001", LEAK, 3), minute=20)
    look()
    assert alarms(aalund) == [("leak", NOW + timedelta(minutes=20), None)]
    work()
    ten, twenty = NOW + timedelta(minutes=10), NOW + timedelta(minutes=20)
    assert alarms(aalund) == [("leak", NOW, ten), ("leak", twenty, None)]


def test_old_news_is_no_alarm(box: Box, aalund: Tenant) -> None:
    box.hand_in(water("68000001", LEAK, 1), minute=-60 * 24 * 3)
    look()
    assert alarms(aalund) == []
    box.hand_in(water("68000001", 0, 2), minute=0)
    box.hand_in(water("68000001", REVERSE, 1), minute=-5)
    with as_admin() as link:
        link.execute("UPDATE collectors_pendingwork SET looked = true")
    work()
    assert [code for code, _, ends in alarms(aalund) if ends is None] == []


def test_what_was_recorded_and_sent_again_is_no_alarm(box: Box, aalund: Tenant) -> None:
    box.hand_in(water("68000001", LEAK, 1), minute=-120)
    box.hand_in(water("68000001", 0, 500))
    work()
    before = alarms(aalund)
    assert before == [("leak", NOW - timedelta(minutes=120), NOW)]
    box.hand_in(water("68000001", LEAK, 1), minute=100)
    assert look() == 1
    assert alarms(aalund) == before
    assert told(aalund) == ["leak"]


def test_what_cannot_be_opened_does_not_stop_the_lane(box: Box, aalund: Tenant) -> None:
    box.hand_in(water("68000002", LEAK, 1))
    box.hand_in(water("68000001", LEAK, 2), minute=1)
    with as_admin() as link:
        link.execute(
            """UPDATE collectors_inboundbatch SET content_type = 'image/png'
               WHERE id = (SELECT max(id) FROM collectors_inboundbatch)"""
        )
    assert look() == 2
    assert told(aalund) == ["leak"]


def test_neighbours_hear_nothing(box: Box, aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(birkelse.pk):
        factories.meter(number="68000001", key=KEY)
    box.hand_in(water("68000001", LEAK, 1))
    look()
    assert told(aalund) == ["leak"]
    assert told(birkelse) == []
