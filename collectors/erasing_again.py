"""What comes of an erased time afterwards is erased, too.

A meter goes on telling the value of its last target date for a year, and a box may hand in a month
late: such readings are stored as any, and go with the next look of the maintenance, as the
certificate promised. What is meant are the meters and times that the certificate noted when it was
made, whatever is said of the place since; and of these what was received since. Values that were
billed stay as at the erasure itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from collectors.erasure import telegrams_of
from collectors.models import InboundBatch, Telegram
from collectors.outcomes import QUARANTINE
from meters.models import Meter
from readings import erasure
from readings.erasure import Part
from readings.giving_way import READY
from readings.models import ErasureCertificate
from ready.audit.models import AuditEntry
from ready.audit.services import record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

_EVENT = "readings.erased_again"
# A target date is told in every telegram: so much time lies between two looks that take something.
PAUSE = timedelta(days=1)
# What waited so long to be worked on when the time was erased came since. Nothing of the noted
# times was left then, so this takes nothing that was there.
_WAITED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class EraseAgain:
    """What came of a certificate's time since."""

    tenant_id: int
    certificate: int

    def describe(self) -> str:
        """One line for the plan."""
        return (
            f"erase what came of the time of certificate {self.certificate} "
            f"of utility {self.tenant_id} since"
        )

    def carry_out(self, now: datetime) -> None:
        """Erase it, with a line in the trail where something went."""
        with tenant_context(self.tenant_id):
            made = ErasureCertificate.objects.get(pk=self.certificate)
            parts, since = erasure.noted_parts(made.parts), _since(made)
            gone = erasure.erase_again(parts, since)
            kept = [telegrams_since(part, since) for part in parts]
            counts = {
                **gone.counts,
                # Before the telegrams that tell which they are.
                "batches": _empty_batches(kept, gone.late),
                "telegrams": sum(telegrams.delete()[0] for telegrams in kept),
            }
            if any(counts.values()):
                record(
                    event=_EVENT,
                    actor=READY,
                    object_type="supply point",
                    object_id=made.supply_point_id,
                    object_label=made.place,
                    after={"certificate": made.pk, "counts": counts},
                )


def _since(made: ErasureCertificate) -> datetime:
    since: datetime = made.erased_at - _WAITED
    return since


def telegrams_since(part: Part, since: datetime) -> QuerySet[Telegram]:
    """Kept telegrams of an erased time, quarantined ones included, received since an instant."""
    return telegrams_of(part).filter(received_on__gte=since.date(), received_at__gte=since)


def _empty_batches(kept: list[QuerySet[Telegram]], late: list[datetime]) -> int:
    """Empty the pushed bodies that handed these in late: those of the telegrams, and those that
    came when readings did whose telegrams are not kept."""
    whole = InboundBatch.objects.filter(settled_at__isnull=False, body__isnull=False)
    emptied = 0
    for telegrams in kept:
        for received_on, batch in telegrams.values_list("received_on", "batch_id").distinct():
            emptied += whole.filter(received_on=received_on, id=batch).update(body=None)
    if late:
        emptied += whole.filter(
            received_on__gte=late[0].date() - PAUSE,
            received_on__lte=late[-1].date() + PAUSE,
            received_at__in=late,
        ).update(body=None)
    return emptied


def plan(now: datetime) -> list[EraseAgain]:
    """The certificates of whose time something came, none that was done within the last day."""
    before = now - PAUSE
    due = []
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        with tenant_context(tenant_id):
            due += [
                EraseAgain(tenant_id, made.pk)
                for made in ErasureCertificate.objects.filter(parts__isnull=False)
                .exclude(pk__in=_done_since(before))
                .order_by("pk")
                if _something_came(made)
            ]
    return due


def _done_since(before: datetime) -> list[int]:
    """The certificates for which the trail tells of it later than an instant."""
    lines = AuditEntry.objects.filter(event=_EVENT, occurred_at__gt=before, after__isnull=False)
    return [told["certificate"] for told in lines.values_list("after", flat=True)]


def _something_came(made: ErasureCertificate) -> bool:
    since = _since(made)
    return any(
        erasure.came_since(part, since) or _telegrams_came(part, since)
        for part in erasure.noted_parts(made.parts)
    )


def _telegrams_came(part: Part, since: datetime) -> bool:
    """Whether there are such telegrams. Asked every hour, so each half by its index: the meter's
    own, and those set aside for its number; what was another utility's goes with them."""
    found = telegrams_since(part, since)
    number = Meter.objects.values_list("number", flat=True).get(pk=part.meter_id)
    return bool(
        found.filter(meter_id=part.meter_id).exists()
        or found.filter(number=number, outcome__gte=QUARANTINE).exists()
    )
