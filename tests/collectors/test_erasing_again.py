"""The maintenance, in its own role, erases what came of an erased time since."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from collectors import erasing_again, maintenance
from collectors.erasing_again import EraseAgain
from collectors.models import InboundBatch, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline import import_readings
from meters.models import Meter, Occupancy
from meters.occupancy import change_occupant
from meters.registers import BY_CODE
from meters.services import install_meter, register_customer
from readings import findings
from readings.erasure import Part, noted
from readings.estimates import fill_gap
from readings.models import (
    DailyReading,
    ErasureCertificate,
    Estimation,
    GreatestDay,
    Kind,
    PerformanceDay,
    Reading,
)
from readings.quality import Reason
from readings.rules.validation import Finding as Found
from readings.rules.validation import Rule
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.collectors import test_erasure
from tests.collectors.test_erasure import MOVED_IN, MOVED_OUT, Scene, erase, scene
from tests.factories import ACTOR
from tests.readings.test_daily import reading, refresh_all
from tests.readings.test_maintenance import as_maintainer

__all__ = ["as_maintainer", "scene"]
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
# When the scene's time is erased, and a moment when something of it comes afterwards.
ERASED = test_erasure.NOW
SINCE = ERASED + timedelta(hours=3)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def tell_late(meter: Meter, at: datetime, kind: Kind = Kind.TARGET) -> None:
    late = reading(meter, at, v1=1_025)
    late.kind, late.received_at = kind, SINCE
    import_readings([late])


def look(now: datetime = SINCE) -> int:
    """What the maintenance does; how many certificates had something due."""
    due = erasing_again.plan(now)
    for work in due:
        work.carry_out(now)
    return len(due)


def lines() -> int:
    return int(AuditEntry.objects.filter(event="readings.erased_again").count())


class TestAgain:
    def test_what_the_meter_tells_afterwards_goes(self, scene: Scene) -> None:
        """The value of a target date comes in every telegram for a year."""
        erase(scene)
        assert look() == 0
        for meter in (scene.meter, scene.neighbour):
            tell_late(meter, MOVED_IN + HOUR)
        findings.note([(scene.meter.pk, MOVED_IN + HOUR, [Found(Rule.STANDS_STILL, "v1", 0, 5)])])
        left, others = scene.known(scene.meter), scene.known(scene.neighbour)
        assert look() == 1
        left["readings"] -= 1
        left["findings"] -= 1
        assert scene.known(scene.meter) == left
        assert scene.known(scene.neighbour) == others
        told = AuditEntry.objects.get(event="readings.erased_again")
        assert told.after["counts"]["readings"] == 1
        assert (told.actor_name, told.object_id) == ("READY", str(scene.place.pk))

    def test_goes_by_what_the_certificate_noted(self, scene: Scene) -> None:
        """A meter said later to have been mounted here all the time keeps its household's data."""
        erase(scene)
        stock = factories.meter()
        import_readings([reading(stock, MOVED_IN + n * HOUR, v1=n) for n in range(50)])
        Reading.objects.filter(meter_id=stock.pk).update(received_at=SINCE)
        install_meter(
            meter=stock,
            supply_point=scene.place,
            at=MOVED_IN - HOUR,
            registers={"v1": 0},
            actor=ACTOR,
        )
        assert look() == 0
        tell_late(scene.meter, MOVED_IN + HOUR)
        assert look() == 1
        assert Reading.objects.filter(meter_id=stock.pk).count() == 50

    @pytest.mark.parametrize("known", [True, False])
    def test_by_a_certificate_that_noted_no_parts_nothing_goes(
        self, scene: Scene, *, known: bool
    ) -> None:
        """One from before they were noted."""
        ErasureCertificate.objects.create(
            supply_point_id=scene.place.pk,
            customer_number="1001",
            starts_at=MOVED_IN,
            ends_at=MOVED_OUT,
            request="17",
            counts={},
            kept_billed=0,
            erased_at=MOVED_IN,
            actor_name="x",
            parts=noted([Part(scene.meter.pk, MOVED_IN, MOVED_OUT)]) if known else None,
        )
        assert look() == known

    def test_what_was_received_long_before_stays(self, scene: Scene) -> None:
        erase(scene)
        tell_late(scene.meter, MOVED_IN + HOUR)
        Reading.objects.filter(ts=MOVED_IN + HOUR).update(received_at=ERASED - 3 * DAY)
        assert look() == 0

    def test_leaves_the_present_residents_day_statistics_and_peak(self, scene: Scene) -> None:
        erase(scene)
        refresh_all(SINCE)
        GreatestDay.objects.create(
            tenant_id=scene.meter.tenant_id,
            meter_id=scene.meter.pk,
            days=5,
            through=MOVED_OUT.date() + DAY,
            greatest=[1],
        )
        PerformanceDay.objects.filter(meter_id=scene.meter.pk).delete()
        PerformanceDay.objects.create(
            tenant_id=scene.meter.tenant_id,
            meter_id=scene.meter.pk,
            day=MOVED_OUT.date(),
            interval_s=3600,
            expected=14,
            received=14,
        )
        tell_late(scene.meter, MOVED_OUT - HOUR)
        edge = DailyReading.objects.get(meter_id=scene.meter.pk, day=MOVED_OUT.date())
        assert look() == 1
        assert DailyReading.objects.filter(meter_id=scene.meter.pk, day=edge.day).exists()
        refresh_all(SINCE)
        anew = DailyReading.objects.get(meter_id=scene.meter.pk, day=edge.day)
        assert (anew.first_at, anew.readings) == (MOVED_OUT, 14)
        assert GreatestDay.objects.filter(meter_id=scene.meter.pk).exists()
        assert PerformanceDay.objects.filter(meter_id=scene.meter.pk).exists()

    def test_leaves_an_estimate_that_reaches_out_and_takes_one_within(self, scene: Scene) -> None:
        erase(scene)
        later = MOVED_OUT + 3 * HOUR
        Reading.objects.filter(meter_id=scene.meter.pk, ts__gte=MOVED_OUT, ts__lt=later).delete()
        for at in (MOVED_IN + HOUR, MOVED_IN + 5 * HOUR, MOVED_OUT - 4 * HOUR):
            tell_late(scene.meter, at)
        for inside in (MOVED_IN + 2 * HOUR, MOVED_OUT - HOUR):
            Reading.objects.filter(meter_id=scene.meter.pk, ts__gt=inside, v1=1_025).update(
                v1=1_030
            )
            fill_gap(
                meter=scene.meter,
                register=BY_CODE["V1"],
                inside=inside,
                zone=ZoneInfo("UTC"),
                reason=Reason.COMMUNICATION,
                actor=ACTOR,
                now=SINCE,
            )
        assert look() == 1
        assert Estimation.objects.get(undone_at=None).ends_at == later
        told = Reading.objects.filter(meter_id=scene.meter.pk, ts__lt=later, ts__gte=MOVED_IN)
        assert list(told.order_by("ts").values_list("ts", flat=True)) == [
            MOVED_OUT + n * HOUR for n in range(-3, 3)
        ]

    def test_once_a_day_with_a_line_where_something_went(self, scene: Scene) -> None:
        erase(scene)
        now = datetime.now(UTC)
        for hour in (*range(24), 25):
            tell_late(scene.meter, MOVED_IN + HOUR)
            assert look(now + hour * HOUR) == (hour in (0, 25))
        assert lines() == 2
        assert not Reading.objects.filter(meter_id=scene.meter.pk, ts=MOVED_IN + HOUR).exists()

    def test_what_is_planned_and_gone_by_then_leaves_no_line(self, scene: Scene) -> None:
        erase(scene)
        tell_late(scene.meter, MOVED_IN + HOUR)
        (work,) = erasing_again.plan(SINCE)
        Reading.objects.filter(ts=MOVED_IN + HOUR).delete()
        work.carry_out(SINCE)
        assert lines() == 0

    @pytest.mark.parametrize("known", [True, False])
    def test_takes_telegrams_and_their_bodies(self, scene: Scene, *, known: bool) -> None:
        erase(scene)
        mine = batch(scene.meter, 1, SINCE)
        Telegram.objects.create(
            tenant_id=scene.meter.tenant_id,
            received_on=mine.received_on,
            batch_id=mine.id,
            item=0,
            collector_id=1,
            meter_id=scene.meter.pk if known else None,
            received_at=SINCE,
            heard_at=MOVED_IN + HOUR,
            manufacturer=scene.meter.manufacturer,
            number=scene.meter.number,
            frame=b"frame",
            outcome=Outcome.STORED if known else Outcome.UNKNOWN_METER,
            detail="",
        )
        batch(scene.meter, 2, SINCE + HOUR)
        assert look() == 1
        assert not Telegram.objects.filter(batch_id=1).exists()
        assert list(with_body()) == [2]
        told = AuditEntry.objects.get(event="readings.erased_again").after["counts"]
        assert (told["telegrams"], told["batches"]) == (1, 1)

    def test_takes_the_body_that_handed_a_reading_in_late(self, scene: Scene) -> None:
        """Its telegram may not be kept. One that told a target date is of its own day."""
        erase(scene)
        batch(scene.meter, 1, SINCE)
        tell_late(scene.meter, MOVED_IN + HOUR)
        assert look() == 1
        assert list(with_body()) == [1]
        tell_late(scene.meter, MOVED_IN + HOUR, Kind.NOW)
        assert look(SINCE + 2 * DAY) == 1
        assert list(with_body()) == []


def batch(meter: Meter, number: int, at: datetime) -> InboundBatch:
    made: InboundBatch = InboundBatch.objects.create(
        tenant_id=meter.tenant_id,
        received_on=at.date(),
        id=number,
        collector_id=1,
        received_at=at,
        request_id="x",
        digest=b"x",
        content_type="text/plain",
        body=b"body",
        items=1,
        answer={},
        settled_at=at,
    )
    return made


def with_body() -> list[int]:
    found = InboundBatch.objects.filter(body__isnull=False, id__in=(1, 2)).order_by("id")
    return list(found.values_list("id", flat=True))


@pytest.mark.usefixtures("as_maintainer")
def test_as_the_role_of_the_maintenance(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter, place = factories.meter(), factories.place()
        came, left = NOW - 9 * DAY, NOW - 4 * DAY
        install_meter(meter=meter, supply_point=place, at=came, registers={}, actor=ACTOR)
        former = register_customer(number="1001", name="Former", actor=ACTOR)
        change_occupant(supply_point=place, customer=former, at=came, actor=ACTOR)
        change_occupant(supply_point=place, customer=None, at=left, actor=ACTOR)
        period = Occupancy.objects.get(customer=former)
        ErasureCertificate.objects.create(
            supply_point_id=place.pk,
            customer_number="1001",
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            request="17",
            counts={},
            kept_billed=0,
            erased_at=NOW - DAY,
            actor_name="x",
            parts=noted([Part(meter.pk, came, left)]),
        )
        told = [reading(meter, at, v1=1_000) for at in (left - DAY, left)]
        told[0].kind, told[0].received_at = Kind.TARGET, NOW
        import_readings(told)
    shown = StringIO()
    call_command("partitions", stdout=shown)
    assert "erase what came of the time of certificate" in shown.getvalue()
    due = [one for one in maintenance.upkeep(NOW) if isinstance(one, EraseAgain)]
    assert len(due) == 1
    due[0].carry_out(NOW)
    with tenant_context(aalund.pk):
        assert list(Reading.objects.values_list("ts", flat=True)) == [left]
        assert AuditEntry.objects.filter(event="readings.erased_again").count() == 1
    assert not [one for one in maintenance.upkeep(NOW) if isinstance(one, EraseAgain)]
