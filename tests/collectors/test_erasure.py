"""A former resident's data go, all of them, and nothing else does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from collectors.erasure import certificates_of, erase_period, preview
from collectors.models import InboundBatch, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline import import_readings
from meters.models import Customer, Meter, MeterState, Occupancy, SupplyPoint
from meters.occupancy import change_occupant, occupancies_of
from meters.registers import BY_CODE
from meters.services import install_meter, register_customer
from notifications.models import InfoCodePeriod, OutboxEntry, OutgoingMail
from readings import billing, findings
from readings.billing import Billed
from readings.edits import Why, edit_reading
from readings.estimates import fill_gap
from readings.models import (
    BilledValue,
    DailyReading,
    ErasureCertificate,
    Finding,
    GreatestDay,
    PerformanceDay,
    Reading,
    Status,
    Version,
)
from readings.quality import Reason
from readings.rules.validation import Finding as Found
from readings.rules.validation import Rule
from readings.rules.values import Quality
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading, refresh_all

Fate = ErasureCertificate.Fate
HOUR = timedelta(hours=1)
# Telegrams and batches have partitions for the days around today only.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MOVED_IN = TODAY - timedelta(days=4)
MOVED_OUT = MOVED_IN + timedelta(days=3, hours=10)
NOW = TODAY + timedelta(hours=12)


class Scene:
    """A place, its meter told by the hour for five days, a former and a present resident; and a
    neighbour of whom the same is known."""

    def __init__(self) -> None:
        self.place: SupplyPoint = factories.place()
        self.meter, self.neighbour = factories.meter(), factories.meter()
        start = MOVED_IN - timedelta(days=1)
        install_meter(
            meter=self.meter, supply_point=self.place, at=start, registers={}, actor=ACTOR
        )
        install_meter(
            meter=self.neighbour,
            supply_point=factories.place(),
            at=start,
            registers={},
            actor=ACTOR,
        )
        former = register_customer(number="1001", name="Former", actor=ACTOR)
        present = register_customer(number="1002", name="Present", actor=ACTOR)
        change_occupant(supply_point=self.place, customer=former, at=MOVED_IN, actor=ACTOR)
        change_occupant(supply_point=self.place, customer=present, at=MOVED_OUT, actor=ACTOR)
        for meter in (self.meter, self.neighbour):
            import_readings(
                [reading(meter, start + hour * HOUR, v1=1_000 + hour) for hour in range(120)]
            )
            self.leave_traces(meter)
        refresh_all(NOW)

    def leave_traces(self, meter: Meter) -> None:
        at = MOVED_IN + 5 * HOUR
        findings.note([(meter.pk, at, [Found(Rule.STANDS_STILL, "v1", 0, 5)])])
        edit_reading(
            meter=meter, at=at, values={"v1": 1_028}, why=Why(Reason.MISREAD), actor=ACTOR, now=NOW
        )
        InfoCodePeriod.objects.create(meter=meter, code="leak", starts_at=at, ends_at=at + HOUR)
        batch = InboundBatch.objects.create(
            tenant_id=meter.tenant_id,
            received_on=TODAY.date(),
            id=meter.pk,
            collector_id=1,
            received_at=TODAY,
            request_id="x",
            digest=b"x",
            content_type="text/plain",
            body=b"body",
            items=1,
            answer={},
            settled_at=TODAY,
        )
        for number, (meter_id, outcome) in enumerate(
            [(meter.pk, Outcome.STORED), (None, Outcome.UNKNOWN_METER)]
        ):
            Telegram.objects.create(
                tenant_id=meter.tenant_id,
                received_on=TODAY.date(),
                batch_id=batch.id,
                item=number,
                collector_id=1,
                meter_id=meter_id,
                received_at=TODAY,
                heard_at=at,
                manufacturer=meter.manufacturer,
                number=meter.number,
                frame=b"frame",
                outcome=outcome,
                detail="",
            )

    def period(self) -> Occupancy:
        found: Occupancy = Occupancy.objects.get(customer__number="1001")
        return found

    def known(self, meter: Meter) -> dict[str, int]:
        return {
            "readings": Reading.objects.filter(meter_id=meter.pk).count(),
            "daily": DailyReading.objects.filter(meter_id=meter.pk).count(),
            "findings": Finding.objects.filter(meter_id=meter.pk).count(),
            "versions": Version.objects.filter(meter_id=meter.pk).count(),
            "statistics": PerformanceDay.objects.filter(meter_id=meter.pk).count(),
            "telegrams": Telegram.objects.filter(number=meter.number).count(),
            "info_codes": InfoCodePeriod.objects.filter(meter=meter).count(),
        }


@pytest.fixture
def scene(db: None, aalund: Tenant) -> Iterator[Scene]:
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone="UTC")
        yield Scene()


def erase(scene: Scene) -> dict[str, int]:
    made = erase_period(occupancy=scene.period(), request="case 17", actor=ACTOR, now=NOW)
    counts: dict[str, int] = made.counts
    return counts


class TestErasure:
    def test_takes_all_of_the_period_and_only_that(self, scene: Scene) -> None:
        neighbour = scene.known(scene.neighbour)
        before = scene.known(scene.meter)
        erase(scene)
        inside = Reading.objects.filter(meter_id=scene.meter.pk, ts__gte=MOVED_IN, ts__lt=MOVED_OUT)
        assert not inside.exists()
        left = scene.known(scene.meter)
        assert left["readings"] == before["readings"] - 82
        assert left["findings"] == left["versions"] == left["telegrams"] == left["info_codes"] == 0
        assert scene.known(scene.neighbour) == neighbour

    def test_leaves_the_next_residents_part_of_the_day(self, scene: Scene) -> None:
        erase(scene)
        refresh_all(NOW)
        days = DailyReading.objects.filter(meter_id=scene.meter.pk).order_by("day")
        assert days.values_list("day", flat=True)[1] == MOVED_OUT.date()
        shared = days[1]
        assert (shared.first_at, shared.readings) == (MOVED_OUT, 14)

    def test_leaves_no_estimate_that_nobody_could_take_back(self, scene: Scene) -> None:
        """The gap reaches beyond the period: what was estimated goes on both sides of its end."""
        gap = Reading.objects.filter(
            meter_id=scene.meter.pk,
            ts__gt=MOVED_OUT - 6 * HOUR,
            ts__lt=MOVED_OUT + 6 * HOUR,
        )
        gap.delete()
        fill_gap(
            meter=scene.meter,
            register=BY_CODE["V1"],
            inside=MOVED_OUT,
            zone=ZoneInfo("UTC"),
            reason=Reason.COMMUNICATION,
            actor=ACTOR,
            now=NOW,
        )
        assert gap.filter(status=Status.ESTIMATED, ts__gt=MOVED_OUT).exists()
        erase(scene)
        assert not gap.exists()

    def test_does_what_the_preview_said(self, scene: Scene) -> None:
        said = preview(scene.period())
        assert not said.nothing
        assert erase(scene) == said.counts
        assert said.counts["readings"] == 82
        assert said.counts["telegrams"] == 2
        assert preview(scene.period()).nothing

    def test_empties_the_pushed_bodies_of_the_time(self, scene: Scene) -> None:
        erase(scene)
        assert not InboundBatch.objects.filter(body__isnull=False).exists()

    def test_leaves_a_certificate_and_an_entry_in_the_trail(self, scene: Scene) -> None:
        erase(scene)
        (certificate,) = certificates_of(scene.place.pk)
        assert (certificate.customer_number, certificate.request) == ("1001", "case 17")
        assert (certificate.starts_at, certificate.ends_at) == (MOVED_IN, MOVED_OUT)
        entry = AuditEntry.objects.get(event="readings.erased")
        assert (entry.object_id, entry.actor_name) == (str(scene.place.pk), ACTOR.name)

    def test_keeps_what_was_billed_and_says_so(self, scene: Scene) -> None:
        at = MOVED_IN + HOUR
        billing.note_billed(
            export_id=1,
            values=[Billed(scene.meter.pk, "v1", at, 1_025, Quality.MEASURED, at)],
        )
        erase(scene)
        assert BilledValue.objects.get().value == 1_025
        assert not Reading.objects.filter(meter_id=scene.meter.pk, ts=at).exists()
        assert certificates_of(scene.place.pk)[0].kept_billed == 1

    def test_takes_the_newest_values_where_they_are_of_the_period(self, scene: Scene) -> None:
        erase(scene)
        assert MeterState.objects.get(meter=scene.meter).v1 == 1_119
        import_readings([reading(scene.meter, MOVED_IN + HOUR, v1=1_025)])
        MeterState.objects.filter(meter=scene.meter).update(read_at=MOVED_IN + HOUR)
        erase(scene)
        assert MeterState.objects.get(meter=scene.meter).v1 is None

    def test_takes_the_greatest_day_the_outbox_and_mails(self, scene: Scene) -> None:
        for meter in (scene.meter, scene.neighbour):
            GreatestDay.objects.create(
                tenant_id=meter.tenant_id,
                meter_id=meter.pk,
                days=40,
                through=MOVED_OUT.date(),
                greatest=[1],
            )
            for at in (MOVED_IN, MOVED_OUT):
                OutboxEntry.objects.create(
                    event="info_code.began",
                    key=f"{meter.pk} {at}",
                    payload={"meter": meter.pk, "code": "leak", "starts_at": at.isoformat()},
                )
            mail = OutgoingMail.objects.create(meter=meter, recipient="x@example.org", subject="s")
            OutgoingMail.objects.filter(pk=mail.pk).update(created_at=MOVED_IN + HOUR)
            OutboxEntry.objects.create(
                event="mail.asked", key=str(mail.pk), payload={"mail": mail.pk}
            )
        counts = erase(scene)
        assert (counts["peaks"], counts["outbox"], counts["mails"]) == (1, 1, 1)
        assert GreatestDay.objects.get().meter_id == scene.neighbour.pk
        assert OutgoingMail.objects.get().meter_id == scene.neighbour.pk
        assert OutboxEntry.objects.count() == 4

    def test_empties_the_trail_of_the_times_values_alone(self, scene: Scene) -> None:
        later = edit_reading(
            meter=scene.meter,
            at=MOVED_OUT + 5 * HOUR,
            values={"v1": 1_113},
            why=Why(Reason.MISREAD),
            actor=ACTOR,
            now=NOW,
        )
        assert erase(scene)["trail"] == 1
        (wish,) = AuditEntry.objects.filter(event="audit.erased", object_type="meter")
        edited = AuditEntry.objects.filter(event="reading.edited", object_id=str(scene.meter.pk))
        meant = edited.get(pk__in=wish.details["entries"])
        assert meant.before["at"] == (MOVED_IN + 5 * HOUR).isoformat()
        assert edited.exclude(pk=meant.pk).get().before["at"] == later.ts.isoformat()

    def test_forgets_who_the_customer_is_once_nothing_keeps_it(self, scene: Scene) -> None:
        other = factories.place()
        former = Customer.objects.get(number="1001")
        Customer.objects.filter(pk=former.pk).update(email="f@example.org", phone="1")
        change_occupant(supply_point=other, customer=former, at=MOVED_IN, actor=ACTOR)
        here = scene.place.occupancies.get(customer=former)
        assert preview(here).fate is Fate.LIVES
        change_occupant(supply_point=other, customer=None, at=MOVED_OUT, actor=ACTOR)
        first, second = Occupancy.objects.filter(customer=former).order_by("supply_point_id")
        for period, fate in ((first, Fate.PERIODS), (second, Fate.ERASED)):
            assert preview(period).fate is fate
            made = erase_period(occupancy=period, request="17", actor=ACTOR, now=NOW)
            assert made.customer_fate == fate
        former.refresh_from_db()
        assert (former.name, former.email, former.phone) == ("–", "", "")
        assert AuditEntry.objects.filter(
            event="audit.erased", object_type="customer", object_id=str(former.pk)
        ).exists()

    def test_of_a_time_without_data_is_certified_once(self, scene: Scene) -> None:
        """Else the name could never go: it waits for all of the customer's times."""
        bare = factories.place()
        former = Customer.objects.get(number="1001")
        change_occupant(supply_point=bare, customer=former, at=MOVED_IN, actor=ACTOR)
        change_occupant(supply_point=bare, customer=None, at=MOVED_OUT, actor=ACTOR)
        empty = bare.occupancies.get(customer=former)
        found = preview(empty)
        assert not any(found.counts.values())
        assert (found.fate, found.nothing) == (Fate.PERIODS, False)
        erase_period(occupancy=empty, request="17", actor=ACTOR, now=NOW)
        assert preview(empty).nothing
        here = scene.place.occupancies.get(customer=former)
        made = erase_period(occupancy=here, request="17", actor=ACTOR, now=NOW)
        assert made.customer_fate == Fate.ERASED

    def test_twice_is_told_and_makes_no_second_certificate(self, scene: Scene) -> None:
        erase(scene)
        with pytest.raises(ValidationError) as caught:
            erase(scene)
        assert caught.value.code == "nothing"
        assert len(certificates_of(scene.place.pk)) == 1
        # What came since goes with a certificate of its own.
        import_readings([reading(scene.meter, MOVED_IN + HOUR, v1=1_025)])
        assert erase(scene)["readings"] == 1

    def test_keeps_the_name_where_bills_do(self, scene: Scene) -> None:
        at = MOVED_IN + HOUR
        value = Billed(scene.meter.pk, "v1", at, 1_025, Quality.MEASURED, at)
        billing.note_billed(export_id=1, values=[value])
        erase(scene)
        assert certificates_of(scene.place.pk)[0].customer_fate == Fate.BILLED
        assert Customer.objects.get(number="1001").name == "Former"

    def test_of_a_period_that_lasts_is_refused(self, scene: Scene) -> None:
        lasting = Occupancy.objects.get(ends_at=None)
        with pytest.raises(ValidationError) as caught:
            erase_period(occupancy=lasting, request="case 17", actor=ACTOR, now=NOW)
        assert caught.value.code == "lasts"

    def test_without_a_request_is_refused(self, scene: Scene) -> None:
        with pytest.raises(ValidationError) as caught:
            erase_period(occupancy=scene.period(), request=" ", actor=ACTOR, now=NOW)
        assert caught.value.code == "request"
        assert not preview(scene.period()).nothing


class TestOccupancy:
    def test_periods_follow_one_another(self, scene: Scene) -> None:
        periods = occupancies_of(scene.place.pk)
        assert [(one.customer_number, one.starts_at, one.ends_at) for one in periods] == [
            ("1002", MOVED_OUT, None),
            ("1001", MOVED_IN, MOVED_OUT),
        ]
        scene.place.refresh_from_db()
        assert scene.place.customer_id == periods[0].customer_id

    def test_a_move_before_the_last_one_is_refused(self, scene: Scene) -> None:
        with pytest.raises(ValidationError) as caught:
            change_occupant(supply_point=scene.place, customer=None, at=MOVED_IN, actor=ACTOR)
        assert caught.value.code == "order"

    def test_a_customer_noted_long_ago_lived_there_from_the_first_meter(self, scene: Scene) -> None:
        customer = register_customer(number="1003", name="Old", actor=ACTOR)
        place = factories.place(customer=customer)
        install_meter(
            meter=factories.meter(), supply_point=place, at=MOVED_IN, registers={}, actor=ACTOR
        )
        change_occupant(supply_point=place, customer=None, at=MOVED_OUT, actor=ACTOR)
        (period,) = occupancies_of(place.pk)
        assert (period.customer_number, period.starts_at) == ("1003", MOVED_IN)
        place.refresh_from_db()
        assert place.customer_id is None
