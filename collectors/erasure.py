"""Erasing a former resident's data (GDPR art. 17), in one transaction with its certificate.

A place and one of its occupancy periods name what is erased: everything that the meters mounted
there told in that time, as readings and all that is made of them (`readings.erasure`), as kept
telegrams and pushed bodies, quarantined ones included, and as info codes. Looked at first
(`preview`), then done (`erase_period`); the certificate says what went and what stays and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from collectors.models import InboundBatch, Telegram
from meters.models import Meter, Occupancy
from notifications.models import InfoCodePeriod
from readings import erasure
from readings.erasure import Part
from readings.models import ErasureCertificate
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant

# A box may hand in what it heard this much later.
_LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would take, and what stays: counts by the keys of `readings.erasure.LABELS`,
    and how many billed values."""

    parts: Sequence[Part]
    counts: dict[str, int]
    billed: int

    @property
    def nothing(self) -> bool:
        """Whether there is nothing of the period."""
        return not any(self.counts.values())


def preview(occupancy: Occupancy) -> Preview:
    """What `erase_period` would take; changes nothing. Raises ValidationError as that does."""
    parts = erasure.parts_of(occupancy.supply_point_id, occupancy.starts_at, _ended(occupancy))
    counts = erasure.count(parts, _zone())
    counts["telegrams"] = sum(_telegrams(part).count() for part in parts)
    counts["batches"] = _batches(parts).count() if parts else 0
    counts["info_codes"] = sum(_info_codes(part).count() for part in parts)
    return Preview(parts, counts, erasure.billed(parts))


def erase_period(
    *, occupancy: Occupancy, request: str, actor: Actor, now: datetime
) -> ErasureCertificate:
    """Erase what is known of a former resident's time at a place; the certificate.

    request: the utility's own reference of the resident's wish. Raises ValidationError while the
    period lasts, or without a reference. Doing it twice erases what came since, if anything.
    """
    if not request.strip():
        raise ValidationError(
            _("Say which request this is: a case number or a date."), code="request"
        )
    ended = _ended(occupancy)
    place, customer = occupancy.supply_point, occupancy.customer
    parts = erasure.parts_of(place.pk, occupancy.starts_at, ended)
    kept = erasure.billed(parts)
    # Locks the meters first, as whoever stores readings does.
    counts = erasure.erase(parts, _zone())
    # Before the telegrams that tell which they are.
    counts["batches"] = _batches(parts).update(body=None) if parts else 0
    counts["telegrams"] = sum(_telegrams(part).delete()[0] for part in parts)
    counts["info_codes"] = sum(_info_codes(part).delete()[0] for part in parts)
    made: ErasureCertificate = ErasureCertificate.objects.create(
        supply_point_id=place.pk,
        place=", ".join(filter(None, (place.street, place.postal_code, place.city))),
        customer_number=customer.number,
        starts_at=occupancy.starts_at,
        ends_at=ended,
        request=request.strip(),
        counts=counts,
        kept_billed=kept,
        erased_at=now,
        actor_name=actor.name,
    )
    record(
        event="readings.erased",
        actor=actor,
        object_type="supply point",
        object_id=place.pk,
        object_label=str(place),
        after={
            "certificate": made.pk,
            "from": occupancy.starts_at.isoformat(),
            "to": ended.isoformat(),
            "counts": counts,
            "kept_billed": kept,
        },
    )
    return made


def certificates_of(supply_point_id: int) -> list[ErasureCertificate]:
    """The certificates of a place, the newest first."""
    rows = ErasureCertificate.objects.filter(supply_point_id=supply_point_id)
    return list(rows.order_by("-erased_at", "-pk"))


def _ended(occupancy: Occupancy) -> datetime:
    if occupancy.ends_at is None:
        raise ValidationError(
            _("Only a former resident's time can be erased; this period lasts."), code="lasts"
        )
    return occupancy.ends_at


def _zone() -> str:
    return str(Tenant.objects.get(pk=current_tenant_id()).zone)


def _telegrams(part: Part) -> QuerySet[Telegram]:
    """Kept telegrams of a meter, also those that came before anyone knew whose they were."""
    meter = Meter.objects.get(pk=part.meter_id)
    its_own = Q(meter_id=meter.pk) | Q(
        meter_id=None, manufacturer=meter.manufacturer, number=meter.number
    )
    told: QuerySet[Telegram] = (
        Telegram.objects.filter(
            its_own,
            received_on__gte=part.start.date(),
        )
        .alias(at=Coalesce("reading_at", "heard_at", "received_at"))
        .filter(at__gte=part.start, at__lt=part.end)
    )
    return told


def _batches(parts: Sequence[Part]) -> QuerySet[InboundBatch]:
    """Pushed bodies that may hold the meters' telegrams: those of the time, worked on already.

    A body holds the telegrams of many meters, and what was condensed left no row of its own; what
    is needed of a body later was taken out of it when it was worked on.
    """
    start, end = min(part.start for part in parts), max(part.end for part in parts) + _LATE
    found: QuerySet[InboundBatch] = InboundBatch.objects.filter(
        received_on__gte=start.date(),
        received_on__lte=end.date(),
        received_at__gte=start,
        received_at__lt=end,
        settled_at__isnull=False,
        body__isnull=False,
    )
    return found


def _info_codes(part: Part) -> QuerySet[InfoCodePeriod]:
    found: QuerySet[InfoCodePeriod] = InfoCodePeriod.objects.filter(
        meter_id=part.meter_id, starts_at__gte=part.start, starts_at__lt=part.end
    )
    return found
