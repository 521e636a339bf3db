"""What comes of an erased time afterwards is erased, too.

A meter goes on telling the value of its last target date for a year, and a box may hand in a month
late: such readings are stored as any, and go with the next look of the maintenance, as the
certificate promised. Values that were billed stay as at the erasure itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from collectors.erasure import telegrams_of
from readings import erasure
from readings.giving_way import READY
from readings.models import ErasureCertificate, Reading
from ready.audit.services import record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class EraseAgain:
    """The readings that came of a certificate's time since."""

    tenant_id: int
    certificate: int

    def describe(self) -> str:
        """One line for the plan."""
        return (
            f"erase what came of the time of certificate {self.certificate} "
            f"of utility {self.tenant_id} since"
        )

    def carry_out(self, now: datetime) -> None:
        """Erase them, with a line in the trail."""
        with tenant_context(self.tenant_id):
            made = ErasureCertificate.objects.get(pk=self.certificate)
            parts = _parts(made)
            counts = erasure.erase(parts, str(Tenant.objects.get(pk=self.tenant_id).zone))
            counts["telegrams"] = sum(telegrams_of(part).delete()[0] for part in parts)
            record(
                event="readings.erased_again",
                actor=READY,
                object_type="supply point",
                object_id=made.supply_point_id,
                object_label=made.place,
                after={"certificate": made.pk, "counts": counts},
            )


def _parts(made: ErasureCertificate) -> list[erasure.Part]:
    return erasure.parts_of(made.supply_point_id, made.starts_at, made.ends_at)


def plan() -> Iterator[EraseAgain]:
    """The certificates of whose time there are readings."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        with tenant_context(tenant_id):
            due = [
                made.pk
                for made in ErasureCertificate.objects.order_by("pk")
                if any(
                    Reading.objects.filter(
                        meter_id=part.meter_id, ts__gte=part.start, ts__lt=part.end
                    ).exists()
                    for part in _parts(made)
                )
            ]
        yield from (EraseAgain(tenant_id, pk) for pk in due)
