"""Erasing a former resident's data (GDPR art. 17), in one transaction with its certificate.

A place and one of its occupancy periods name what is erased: everything that the meters mounted
there told in that time, as readings and all that is made of them (`readings.erasure`), as kept
telegrams and pushed bodies, quarantined ones included, as info codes, in the outbox, in mails and
in the audit log; and who they are, once nothing keeps their name. Looked at first (`preview`), then
done (`erase_period`); the certificate says what went and what stays and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from collectors.models import InboundBatch, Telegram
from meters.models import Customer, Meter, Occupancy, SupplyPoint
from meters.occupancy import NOBODY, anonymise
from notifications.models import InfoCodePeriod, OutboxEntry, OutgoingMail
from notifications.outbox import MAIL
from readings import erasure
from readings.erasure import Part
from readings.models import ErasureCertificate
from ready.audit.erasure import entries_telling_of, request_erasure
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant

# A box may hand in what it heard this much later.
_LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would take, and what stays: counts by the keys of `readings.erasure.LABELS`,
    and how many billed values; fate: what becomes of the customer's own row; forgets: whether
    their name goes now; certified: whether the period was erased before."""

    parts: Sequence[Part]
    counts: dict[str, int]
    billed: int
    fate: ErasureCertificate.Fate
    forgets: bool
    certified: bool

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do: of a period without any data a certificate is made once,
        since the customer's name goes when all their periods have one."""
        return not any(self.counts.values()) and not self.forgets and self.certified


def preview(occupancy: Occupancy) -> Preview:
    """What `erase_period` would take; changes nothing. Raises ValidationError as that does."""
    parts = erasure.parts_of(occupancy.supply_point_id, occupancy.starts_at, _ended(occupancy))
    counts = erasure.count(parts, _zone())
    counts["telegrams"] = sum(telegrams_of(part).count() for part in parts)
    counts["batches"] = _batches(parts).count() if parts else 0
    counts["info_codes"] = sum(_info_codes(part).count() for part in parts)
    counts["outbox"] = sum(_outbox(part).count() for part in parts)
    counts["mails"] = sum(_mails(part, occupancy.customer).count() for part in parts)
    counts["trail"] = sum(len(_trail(part, occupancy.customer)) for part in parts)
    billed = erasure.billed(parts)
    fate = _fate(occupancy, billed)
    forgets = fate is ErasureCertificate.Fate.ERASED and occupancy.customer.name != NOBODY
    return Preview(parts, counts, billed, fate, forgets, _certified(occupancy))


def erase_period(
    *, occupancy: Occupancy, request: str, actor: Actor, now: datetime
) -> ErasureCertificate:
    """Erase what is known of a former resident's time at a place; the certificate.

    request: the utility's own reference of the resident's wish. Raises ValidationError while the
    period lasts, without a reference, or where it was erased and nothing came since. Of several
    who do it at one moment the first gets the certificate.
    """
    if not request.strip():
        raise ValidationError(
            _("Say which request this is: a case number or a date."), code="request"
        )
    # Whoever else erases it now is waited for. The customer may be nobody by then.
    occupancy = Occupancy.objects.select_for_update(of=("self",)).get(pk=occupancy.pk)
    ended = _ended(occupancy)
    place, customer = occupancy.supply_point, occupancy.customer
    parts = erasure.parts_of(place.pk, occupancy.starts_at, ended)
    kept = erasure.billed(parts)
    # Locks the meters before anything of theirs, as whoever stores readings does.
    counts = erasure.erase(parts, _zone())
    # Before the telegrams that tell which they are.
    counts["batches"] = _batches(parts).update(body=None) if parts else 0
    counts["telegrams"] = sum(telegrams_of(part).delete()[0] for part in parts)
    counts["info_codes"] = sum(_info_codes(part).delete()[0] for part in parts)
    counts["outbox"] = sum(_outbox(part).delete()[0] for part in parts)
    counts["mails"] = sum(_forget_mails(part, customer) for part in parts)
    counts["trail"] = sum(_empty_trail(part, customer, actor) for part in parts)
    fate = _fate(occupancy, kept)
    forgets = fate is ErasureCertificate.Fate.ERASED and customer.name != NOBODY
    if not any(counts.values()) and not forgets and _certified(occupancy):
        raise ValidationError(
            _("Nothing is left of this time: somebody erased it already."), code="nothing"
        )
    if forgets:
        anonymise(customer=customer, actor=actor)
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
        customer_fate=fate,
        parts=erasure.noted(parts),
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
            "customer": str(fate),
        },
    )
    return made


def _certified(occupancy: Occupancy) -> bool:
    return bool(
        ErasureCertificate.objects.filter(
            supply_point_id=occupancy.supply_point_id,
            customer_number=occupancy.customer.number,
            starts_at=occupancy.starts_at,
            ends_at=occupancy.ends_at,
        ).exists()
    )


def _fate(occupancy: Occupancy, billed: int) -> ErasureCertificate.Fate:
    """What becomes of the customer's own row once this period is erased."""
    customer = occupancy.customer
    others = Occupancy.objects.filter(customer=customer).exclude(pk=occupancy.pk)
    if (
        others.filter(ends_at=None).exists()
        or SupplyPoint.objects.filter(customer=customer).exists()
    ):
        return ErasureCertificate.Fate.LIVES
    made = list(
        ErasureCertificate.objects.filter(customer_number=customer.number).values_list(
            "supply_point_id", "starts_at", "ends_at", "kept_billed"
        )
    )
    erased = {(place, start, end) for place, start, end, _kept in made}
    if any((one.supply_point_id, one.starts_at, one.ends_at) not in erased for one in others):
        return ErasureCertificate.Fate.PERIODS
    if billed or any(kept for _place, _start, _end, kept in made):
        return ErasureCertificate.Fate.BILLED
    return ErasureCertificate.Fate.ERASED


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


def telegrams_of(part: Part) -> QuerySet[Telegram]:
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


def _outbox(part: Part) -> QuerySet[OutboxEntry]:
    """What is to be told, or was, of the meter's info codes."""
    told: QuerySet[OutboxEntry] = OutboxEntry.objects.filter(
        event="info_code.began",
        payload__meter=part.meter_id,
        payload__starts_at__gte=part.start.isoformat(),
        payload__starts_at__lt=part.end.isoformat(),
    )
    return told


def _mails(part: Part, customer: Customer) -> QuerySet[OutgoingMail]:
    """Reports of the meter that were sent in the time, or to the former resident later."""
    whose = Q(created_at__gte=part.start, created_at__lt=part.end)
    if customer.email:
        whose |= Q(recipient__iexact=customer.email)
    found: QuerySet[OutgoingMail] = OutgoingMail.objects.filter(whose, meter_id=part.meter_id)
    return found


def _forget_mails(part: Part, customer: Customer) -> int:
    gone = list(_mails(part, customer).values_list("pk", flat=True))
    OutboxEntry.objects.filter(event=MAIL, key__in=[str(pk) for pk in gone]).delete()
    OutgoingMail.objects.filter(pk__in=gone).delete()
    return len(gone)


def _trail(part: Part, customer: Customer) -> list[int]:
    return entries_telling_of("meter", part.meter_id, part.start, part.end, customer.email)


def _empty_trail(part: Part, customer: Customer, actor: Actor) -> int:
    entries = _trail(part, customer)
    if entries:
        request_erasure(object_type="meter", object_id=part.meter_id, actor=actor, entries=entries)
    return len(entries)
