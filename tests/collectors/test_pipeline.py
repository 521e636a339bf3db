"""What keeps one batch, one telegram or one utility from holding up the others."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error, connection

import wmbus
from collectors import pipeline
from collectors.formats import EnvelopeError, parse
from collectors.models import InboundBatch, PendingWork, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.claims import Lost, Turns, begin, claim, settle
from collectors.services import LIMITS, request_replay
from meters.models import ReplayWanted
from meters.services import set_key
from readings.models import HeardDay, Reading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.collectors.boxes import KEY, Box
from tests.conftest import as_admin
from wmbus import encode

pytestmark = pytest.mark.usefixtures("committed")

HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)


def telegram(number: str, energy: int, *, key: bytes = KEY) -> bytes:
    """A MULTICAL 603's full telegram: `energy` in kWh."""
    values = [energy, energy * 2, energy, energy * 3, 120, 6512, 3456, 0]
    return encode.kamstrup_full(
        wmbus.Address("KAM", number, 0x34, 0x04),
        wmbus.Key(key),
        encode.records(HEADERS, values),
        session=energy,
        access=energy & 255,
    )


@pytest.fixture
def box(aalund: Tenant) -> Box:
    return Box(aalund, start=HOUR)


def work() -> None:
    """What workers do, time between attempts apart, until nothing is left."""
    turns = Turns()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            while pipeline.work_one(turns) or pipeline.replay_some(turns):
                pass
        except Error:
            connection.close()
        except (EnvelopeError, ObjectDoesNotExist):
            pass  # as the worker, which only logs it
        with as_admin() as link:
            link.execute("UPDATE collectors_pendingwork SET not_before = now()")
        if not PendingWork.objects.exists() and not factories.replays_wanted():
            return
    raise AssertionError("batches still wait")


def outcomes(tenant: Tenant) -> list[list[Outcome]]:
    with tenant_context(tenant.pk):
        return [
            [Outcome(byte) for byte in bytes(batch.outcomes or b"")]
            for batch in InboundBatch.objects.order_by("id")
        ]


@pytest.fixture
def poison() -> Iterator[None]:
    """The database refuses to store a reading of e1 = 13 kWh, as `app.poison` says.

    check: a constraint of this row; kill: the connection ends over it; busy: trouble that passes.
    """
    with as_admin() as link:
        link.execute(
            """CREATE TABLE poison (kind text, times int);
               GRANT SELECT, UPDATE ON poison TO ready_app;
               CREATE SEQUENCE poison_seen; GRANT USAGE ON poison_seen TO ready_app;
               CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$
               DECLARE what text; most int;
               BEGIN
                 IF NEW.e1 = 13 * 3600000 THEN
                   SELECT kind, times INTO what, most FROM poison;
                   IF nextval('poison_seen') <= most THEN
                     IF what = 'kill' THEN PERFORM pg_terminate_backend(pg_backend_pid());
                     ELSIF what = 'busy' THEN RAISE 'passing' USING ERRCODE = '40001';
                     ELSE RAISE 'poison' USING ERRCODE = '23514'; END IF;
                   END IF;
                 END IF;
                 RETURN NEW;
               END $$;
               CREATE TRIGGER poisoned BEFORE INSERT ON readings_reading
                   FOR EACH ROW EXECUTE FUNCTION poisoned();"""
        )
    yield
    with as_admin() as link:
        link.execute(
            """DROP TRIGGER poisoned ON readings_reading; DROP FUNCTION poisoned;
               DROP TABLE poison; DROP SEQUENCE poison_seen"""
        )


def spoil(kind: str, times: int = 1_000_000) -> None:
    with as_admin() as link:
        link.execute("INSERT INTO poison VALUES (%s, %s)", [kind, times])


class TestPoisonBatch:
    def test_of_a_collector_that_is_gone_is_set_aside_whole(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        box.hand_in(telegram("63000001", 1), telegram("63000001", 2))
        with as_admin() as link:
            link.execute("DELETE FROM collectors_collector")
        work()
        assert outcomes(aalund) == [[Outcome.UNREADABLE, Outcome.UNREADABLE]]
        with tenant_context(aalund.pk):
            (kept,) = Telegram.objects.all()
            assert (kept.item, kept.outcome) == (-1, Outcome.UNREADABLE)
            assert "Collector" in kept.detail

    def test_that_no_longer_parses_holds_up_nobody_and_can_be_replayed(
        self, box: Box, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        box.hand_in(telegram("63000001", 1))
        with as_admin() as link:
            link.execute("UPDATE collectors_inboundbatch SET content_type = 'image/png'")
        box.hand_in(telegram("63000001", 2), minute=300)
        work()
        assert outcomes(aalund) == [[Outcome.UNREADABLE], [Outcome.STORED]]
        with as_admin() as link:
            link.execute("UPDATE collectors_inboundbatch SET content_type = 'application/json'")
        with tenant_context(aalund.pk):
            asked = request_replay(actor=factories.ACTOR, outcome=Outcome.UNREADABLE)
        assert asked == 1
        work()
        assert outcomes(aalund) == [[Outcome.STORED], [Outcome.STORED]]
        with tenant_context(aalund.pk):
            assert not Telegram.objects.filter(outcome=Outcome.UNREADABLE).exists()

    def test_limits_that_shrank_meanwhile_do_not_count(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        frames = [telegram("63000001", energy) for energy in range(1, 4)]
        box.hand_in(*frames)
        with tenant_context(aalund.pk):
            batch = InboundBatch.objects.get()
        assert len(parse(batch.content_type, bytes(batch.body), limits=LIMITS).items) == 3
        work()
        assert outcomes(aalund) == [[Outcome.STORED] * 3]

    def test_comes_again_later_each_time(self, box: Box) -> None:
        box.hand_in("XX")
        for attempt in (1, 2, 3):
            claimed = claim(Turns())
            assert claimed is not None
            assert claimed.attempt == attempt
            assert claim(Turns()) is None  # it is not free
            with as_admin() as link:
                (left,) = link.execute(
                    "SELECT not_before - now() FROM collectors_pendingwork"
                ).fetchone() or (None,)
                assert left > timedelta(seconds=2 * attempt - 1)
                link.execute("UPDATE collectors_pendingwork SET not_before = now()")


@pytest.mark.usefixtures("poison")
class TestPoisonTelegram:
    FRAMES = (1, 2, 13, 14)

    def hand_in(self, box: Box) -> None:
        with tenant_context(box.tenant.pk):
            factories.meter(number="63000001", key=KEY)
        box.hand_in(*(telegram("63000001", energy) for energy in self.FRAMES), "XYZ")

    def stored(self, tenant: Tenant) -> list[int]:
        with tenant_context(tenant.pk):
            assert HeardDay.objects.count() <= 2
            return [
                reading.e1 // 3_600_000
                for reading in Reading.objects.order_by("ts")
                if reading.e1 is not None
            ]

    @pytest.mark.parametrize("kind", ["check", "kill"])
    def test_is_found_and_set_aside_alone(self, box: Box, aalund: Tenant, kind: str) -> None:
        spoil(kind)
        self.hand_in(box)
        work()
        assert outcomes(aalund) == [
            [Outcome.STORED, Outcome.STORED, Outcome.FAILED, Outcome.STORED, Outcome.BROKEN]
        ]
        assert self.stored(aalund) == [1, 2, 14]
        with tenant_context(aalund.pk):
            told = {kept.item: kept.detail for kept in Telegram.objects.all()}
            assert told[4]
            assert ("IntegrityError" if kind == "check" else "the worker stopped") in told[2]
            heard = sum(day.telegrams for day in HeardDay.objects.all())
            assert heard == 3

    def test_that_was_mended_can_be_replayed(self, box: Box, aalund: Tenant) -> None:
        spoil("check")
        self.hand_in(box)
        work()
        with as_admin() as link:
            link.execute("DELETE FROM poison")
        with tenant_context(aalund.pk):
            assert request_replay(actor=factories.ACTOR, number="63000001") == 1
        work()
        assert self.stored(aalund) == [1, 2, 13, 14]

    def test_trouble_of_the_database_is_not_its_fault(self, box: Box, aalund: Tenant) -> None:
        spoil("busy", times=5)
        self.hand_in(box)
        work()
        assert outcomes(aalund) == [[Outcome.STORED] * 4 + [Outcome.BROKEN]]
        assert self.stored(aalund) == [1, 2, 13, 14]

    def test_is_not_what_workers_are_killed_over_from_outside(
        self, box: Box, aalund: Tenant
    ) -> None:
        """Two of the whole batch, one of a slice, three of the telegram alone."""
        spoil("kill", times=6)
        self.hand_in(box)
        work()
        assert outcomes(aalund) == [[Outcome.STORED] * 4 + [Outcome.BROKEN]]
        assert self.stored(aalund) == [1, 2, 13, 14]

    def test_does_not_stop_its_replay(self, box: Box, aalund: Tenant) -> None:
        """Three that wait for a key, the second of them poison: the others get through."""
        spoil("kill")
        with tenant_context(aalund.pk):
            meter = factories.meter(number="63000001")
        box.hand_in(*(telegram("63000001", energy) for energy in (1, 13, 3)))
        work()
        assert outcomes(aalund) == [[Outcome.NO_KEY] * 3]
        with tenant_context(aalund.pk):
            set_key(meter=meter, key=KEY, actor=factories.ACTOR)
        work()
        assert outcomes(aalund) == [[Outcome.STORED, Outcome.NO_KEY, Outcome.STORED]]
        with tenant_context(aalund.pk):
            assert not ReplayWanted.objects.exists()


class TestClaim:
    def test_goes_round_among_utilities_and_collectors(
        self, aalund: Tenant, birkelse: Tenant
    ) -> None:
        boxes = [Box(tenant, start=HOUR) for tenant in (aalund, aalund, birkelse)]
        for box in boxes:
            for place in range(3):
                box.hand_in("XX", minute=60 * place)
        turns = Turns()
        served = []
        for _ in range(6):
            claimed = claim(turns)
            assert claimed is not None
            with tenant_context(claimed.tenant_id):
                batch = InboundBatch.objects.get(pk=claimed.key)
            served.append(batch.collector_id)
        one, two, three = (box.collector.pk for box in boxes)
        assert served == [one, three, two, three, one, three]

    def test_takes_the_oldest_of_a_queue(self, box: Box) -> None:
        for place in range(3):
            box.hand_in("XX", minute=60 * place)
        taken = [claim(Turns()) for _ in range(4)]
        ids = [claimed.batch_id for claimed in taken if claimed is not None]
        assert len(ids) == 3
        assert ids == sorted(ids)

    def test_of_a_sleeper_cannot_write(self, box: Box, aalund: Tenant) -> None:
        box.hand_in("XX")
        sleeper = claim(Turns())
        with as_admin() as link:
            link.execute("UPDATE collectors_pendingwork SET not_before = now()")
        other = claim(Turns())
        assert sleeper is not None
        assert other is not None
        with pytest.raises(Lost), tenant_context(aalund.pk):
            begin(sleeper)
        with tenant_context(aalund.pk):
            begin(other)
            settle(other)
        for late in (sleeper, other):
            with pytest.raises(Lost), tenant_context(aalund.pk):
                begin(late)

    @pytest.mark.parametrize(("lasting", "setting"), [(True, "on"), (False, "off")])
    def test_waits_for_the_disk_where_it_must(
        self, box: Box, aalund: Tenant, lasting: bool, setting: str
    ) -> None:
        box.hand_in(telegram("63000001", 1))
        claimed = claim(Turns())
        assert claimed is not None
        with tenant_context(aalund.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            begin(claimed, lasting=lasting)
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == (setting,)


class TestReplay:
    def test_comes_with_the_meter_and_with_the_key(self, box: Box, aalund: Tenant) -> None:
        box.hand_in(telegram("63000001", 1), telegram("63000002", 1))
        work()
        assert outcomes(aalund) == [[Outcome.UNKNOWN_METER] * 2]
        with tenant_context(aalund.pk):
            meter = factories.meter(number="63000001")
        work()
        assert outcomes(aalund) == [[Outcome.NO_KEY, Outcome.UNKNOWN_METER]]
        with tenant_context(aalund.pk):
            set_key(meter=meter, key=bytes(16), actor=factories.ACTOR)
        work()
        assert outcomes(aalund) == [[Outcome.WRONG_KEY, Outcome.UNKNOWN_METER]]
        with tenant_context(aalund.pk):
            set_key(meter=meter, key=KEY, actor=factories.ACTOR)
        work()
        assert outcomes(aalund) == [[Outcome.STORED, Outcome.UNKNOWN_METER]]
        with tenant_context(aalund.pk):
            # Counted once as heard, however often it was tried.
            assert [day.telegrams for day in HeardDay.objects.all()] == [1]

    def test_has_no_bound(self, box: Box, aalund: Tenant) -> None:
        for batch in range(3):
            box.hand_in(
                *(telegram("63000001", 1 + batch * 250 + place) for place in range(250)),
                minute=60 * 250 * (batch - 3),
            )
        work()
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        work()
        assert outcomes(aalund) == [[Outcome.STORED] * 250] * 3

    def test_goes_on_by_pieces_once_the_one_that_did_the_harm_is_past(
        self, box: Box, aalund: Tenant
    ) -> None:
        box.hand_in(*(telegram("63000001", 1 + place) for place in range(6)))
        work()
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
            ReplayWanted.objects.update(attempts=502)  # two failures, and a piece one by one
        left: list[int] = []
        while left[-1:] != [0]:
            pipeline.replay_some(Turns())
            with tenant_context(aalund.pk):
                left.append(Telegram.objects.filter(outcome=Outcome.UNKNOWN_METER).count())
        assert set(left) - {6} == {5, 0}

    def test_waits_for_those_who_may_not_have_seen_the_key(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter(number="63000001")
        box.hand_in(telegram("63000001", 1))
        while pipeline.work_one(Turns()):
            pass
        with as_admin() as running:
            with running.transaction():
                running.execute("SELECT pg_current_xact_id()")
                with tenant_context(aalund.pk):
                    set_key(meter=meter, key=KEY, actor=factories.ACTOR)
                assert not pipeline.replay_some(Turns())
            work()
            assert outcomes(aalund) == [[Outcome.STORED]]

    def test_asked_for_names_what_it_means(self, box: Box, aalund: Tenant) -> None:
        box.hand_in(telegram("63000001", 1), "XX", telegram("63000002", 1))
        work()
        with tenant_context(aalund.pk):
            key = Telegram.objects.get(number="63000002")
            actor = factories.ACTOR
            assert request_replay(actor=actor) == 3
            assert request_replay(actor=actor, outcome=Outcome.BROKEN) == 1
            assert request_replay(actor=actor, number="63000002") == 1
            assert request_replay(actor=actor, number="99999999") == 0
            assert request_replay(actor=actor, collector_id=box.collector.pk + 1) == 0
            assert request_replay(actor=actor, only=(key.received_on, key.batch_id, key.item)) == 1
            assert request_replay(actor=actor, received_to=HOUR.date() - timedelta(days=9)) == 0
            assert ReplayWanted.objects.filter(because="asked").count() == 4
        work()
        assert outcomes(aalund) == [[Outcome.UNKNOWN_METER, Outcome.BROKEN, Outcome.UNKNOWN_METER]]

    def test_of_a_neighbours_meter_stays_the_neighbours(
        self, box: Box, aalund: Tenant, birkelse: Tenant
    ) -> None:
        box.hand_in(telegram("63000001", 1))
        work()
        with tenant_context(birkelse.pk):
            factories.meter(number="63000001", key=KEY)
        work()
        assert outcomes(aalund) == [[Outcome.UNKNOWN_METER]]


def test_a_context_does_not_hide_what_the_database_said(aalund: Tenant) -> None:
    with (
        pytest.raises(Error, match="division by zero"),
        tenant_context(aalund.pk),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 / 0")
