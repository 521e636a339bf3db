"""Telegrams recorded and sent again, or altered on the way: they fit their checksum."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

import wmbus
from collectors import pipeline
from collectors.models import FrameFormat, InboundBatch, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.claims import Turns
from meters.models import Meter, MeterState
from meters.registers import BY_CODE
from meters.services import set_key
from readings.models import Reading
from readings.queries import consumption
from readings.rules.buckets import BucketSize
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.collectors.boxes import KEY, Box
from wmbus import encode

pytestmark = pytest.mark.usefixtures("committed")

HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=40)


def telegram(energy: int, counter: int) -> bytes:
    """A MULTICAL 603's telegram: `energy` in kWh; it tells no time."""
    values = [energy, energy * 2, energy, energy * 3, 120, 6512, 3456, 0]
    return encode.kamstrup_full(
        wmbus.Address("KAM", "63000001", 0x34, 0x04),
        wmbus.Key(KEY),
        encode.records(HEADERS, values),
        session=counter,
        access=counter & 255,
    )


@pytest.fixture
def box(aalund: Tenant) -> Box:
    with tenant_context(aalund.pk):
        factories.meter(number="63000001", key=KEY)
    return Box(aalund, start=START)


def outcomes(box: Box) -> list[Outcome]:
    turns = Turns()
    while pipeline.work_one(turns):
        pass
    with tenant_context(box.tenant.pk):
        return [
            Outcome(byte)
            for batch in InboundBatch.objects.order_by("id")
            for byte in bytes(batch.outcomes)
        ]


def stored(box: Box) -> list[int]:
    with tenant_context(box.tenant.pk):
        return [(reading.e1 or 0) // 3_600_000 for reading in Reading.objects.order_by("ts")]


def test_a_telegram_of_yesterday_sent_again_is_no_reading_of_today(box: Box) -> None:
    box.hand_in(telegram(10, 100), telegram(11, 116))
    box.hand_in(telegram(10, 100), minute=60 * 24)
    assert outcomes(box) == [Outcome.STORED, Outcome.STORED, Outcome.IMPLAUSIBLE]
    assert stored(box) == [10, 11]
    with tenant_context(box.tenant.pk):
        (kept,) = Telegram.objects.filter(outcome=Outcome.IMPLAUSIBLE)
        assert "recorded and sent again" in kept.detail


def test_a_telegram_sent_again_stays_out_of_what_is_billed(box: Box) -> None:
    """An old register under today's time would take back the consumption since."""
    box.hand_in(telegram(10, 100), telegram(30, 300), telegram(50, 500), apart=60)
    outcomes(box)
    with tenant_context(box.tenant.pk):
        meter_id = Reading.objects.values_list("meter_id", flat=True)[0]
    before = used(box, meter_id)
    box.hand_in(telegram(10, 100), telegram(30, 300), minute=180, apart=60)
    outcomes(box)
    assert used(box, meter_id) == before == 40 * 3_600_000
    with tenant_context(box.tenant.pk):
        assert MeterState.objects.get(meter=meter_id).e1 == 50 * 3_600_000
        kept = Telegram.objects.filter(outcome=Outcome.IMPLAUSIBLE)
        assert [one.meter_id for one in kept] == [meter_id] * 2, "they show as suspect"


def used(box: Box, meter_id: int) -> Fraction:
    """What the meter counted on the days that the test is about, as a report has it."""
    with tenant_context(box.tenant.pk):
        buckets = consumption(
            meter_id,
            BY_CODE["E1"],
            START,
            START + timedelta(hours=30),
            BucketSize.HOUR,
            ZoneInfo("UTC"),
        )
    return sum((one.value for one in buckets if one.value is not None), Fraction(0))


def test_in_one_batch_as_well(box: Box) -> None:
    box.hand_in(telegram(10, 100), telegram(12, 200), telegram(10, 100), apart=120)
    assert outcomes(box) == [Outcome.STORED, Outcome.STORED, Outcome.IMPLAUSIBLE]


def test_one_that_was_altered_on_the_way_is_set_aside(box: Box) -> None:
    """The cipher flips bit by bit: another value under the same counter, and a fitting checksum."""
    box.hand_in(telegram(10, 100))
    box.hand_in(telegram(4, 100), minute=61)
    box.hand_in(telegram(11, 117), minute=120)
    assert outcomes(box) == [Outcome.STORED, Outcome.IMPLAUSIBLE, Outcome.STORED]
    assert stored(box) == [10, 11]


def test_two_who_heard_it_are_no_forgers(box: Box) -> None:
    other = Box(box.tenant, start=START + timedelta(seconds=40))
    box.hand_in(telegram(10, 100))
    other.hand_in(telegram(10, 100))
    assert outcomes(box) == [Outcome.STORED, Outcome.CONDENSED]


def test_what_comes_late_is_no_forgery(box: Box) -> None:
    box.hand_in(telegram(12, 300), minute=60 * 20)
    box.hand_in(telegram(10, 100), telegram(11, 200))
    assert outcomes(box) == [Outcome.STORED] * 3
    assert stored(box) == [10, 11, 12]


def test_a_new_key_lets_the_counter_begin_anew(box: Box) -> None:
    box.hand_in(telegram(10, 5000))
    assert outcomes(box) == [Outcome.STORED]
    with tenant_context(box.tenant.pk):
        reading = Reading.objects.get()
        meter = Meter.objects.get(pk=reading.meter_id)
        set_key(meter=meter, key=KEY, actor=factories.ACTOR)
    box.hand_in(telegram(11, 3), minute=60 * 10)
    assert outcomes(box) == [Outcome.STORED, Outcome.STORED]


def test_plaintext_teaches_nothing_where_there_is_a_key(box: Box) -> None:
    """Anyone can send it: a false layout would misread the compact frames of all such meters."""
    address = wmbus.Address("KAM", "63000001", 0x34, 0x04)
    new_layout = encode.records(HEADERS[:2] + HEADERS[8:10], [1, 2])
    box.hand_in(encode.frame(address, b"\x78" + new_layout))
    assert outcomes(box) == [Outcome.IMPLAUSIBLE]
    with tenant_context(box.tenant.pk):
        assert not FrameFormat.objects.exists()
