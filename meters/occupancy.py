"""Who lived where and when: the periods that consumption belongs to a person in.

A supply point's `customer` is the one of the open period, kept in step here.
"""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meters.models import Customer, Installation, Occupancy, SupplyPoint
from meters.services import register_customer
from ready.audit.erasure import request_erasure
from ready.audit.services import Actor, record
from ready.web import formats

# The name of a customer whose name was erased.
NOBODY = "–"


@dataclass(frozen=True, slots=True)
class Period:
    """A customer's time at a place; ends_at: None while it lasts."""

    id: int
    customer_id: int
    customer_number: str
    customer_name: str
    starts_at: datetime
    ends_at: datetime | None


def occupancies_of(supply_point_id: int) -> list[Period]:
    """Who lived at a place, the newest first."""
    rows = Occupancy.objects.select_related("customer").filter(supply_point_id=supply_point_id)
    return [
        Period(
            one.pk,
            one.customer_id,
            one.customer.number,
            one.customer.name,
            one.starts_at,
            one.ends_at,
        )
        for one in rows.order_by("-starts_at")
    ]


def change_occupant(
    *, supply_point: SupplyPoint, customer: Customer | None, at: datetime, actor: Actor
) -> Occupancy | None:
    """Let a place be another customer's from an instant on; None: it stands empty.

    The period before ends then. Where none was ever noted, but the place had a customer, that
    customer's began with the first meter at the place. Raises ValidationError for an instant
    before the period that lasts.
    """
    place = SupplyPoint.objects.select_for_update().get(pk=supply_point.pk)
    last = Occupancy.objects.filter(supply_point=place).order_by("-starts_at").first()
    if last is None and place.customer_id is not None:
        last = _began_with_the_first_meter(place, at)
    if last is not None and at <= (last.ends_at or last.starts_at):
        raise ValidationError(
            _("Somebody is noted here until %(until)s; a move lies after that.")
            % {"until": formats.moment(last.ends_at or last.starts_at)},
            code="order",
        )
    if last is not None and last.ends_at is None:
        Occupancy.objects.filter(pk=last.pk).update(ends_at=at)
    began: Occupancy | None = None
    if customer is not None:
        began = Occupancy.objects.create(supply_point=place, customer=customer, starts_at=at)
    before = place.customer_id
    SupplyPoint.objects.filter(pk=place.pk).update(customer=customer)
    record(
        event="supply_point.occupant_changed",
        actor=actor,
        object_type="supply point",
        object_id=place.pk,
        object_label=place.street,
        before={"customer": before},
        after={"customer": None if customer is None else customer.pk, "at": at.isoformat()},
    )
    return began


def _began_with_the_first_meter(place: SupplyPoint, at: datetime) -> Occupancy | None:
    first = Installation.objects.filter(supply_point=place, starts_at__lt=at)
    began = first.order_by("starts_at").values_list("starts_at", flat=True).first()
    if began is None:
        return None
    noted: Occupancy = Occupancy.objects.create(
        supply_point=place, customer_id=place.customer_id, starts_at=began
    )
    return noted


def move_in(
    *, supply_point: SupplyPoint, number: str, name: str, at: datetime, actor: Actor
) -> Occupancy | None:
    """As `change_occupant`, by customer number; a number nobody has is a new customer.

    number "": the place stands empty. Raises ValidationError for a new number without a name.
    """
    customer = Customer.objects.filter(number=number).first() if number else None
    if number and customer is None:
        if not name:
            raise ValidationError(
                _("No customer has number %(number)s; write the new customer's name.")
                % {"number": number},
                code="unknown",
            )
        customer = register_customer(number=number, name=name, actor=actor)
    return change_occupant(supply_point=supply_point, customer=customer, at=at, actor=actor)


def anonymise(*, customer: Customer, actor: Actor) -> None:
    """Forget who a customer is; the number stays, as papers name it. The trail follows within the
    hour (`ready.audit.erasure`). Raises ValidationError for one who lives somewhere."""
    lives = SupplyPoint.objects.filter(customer=customer).exists()
    if lives or Occupancy.objects.filter(customer=customer, ends_at=None).exists():
        raise ValidationError(_("This customer lives somewhere still."), code="lives")
    Customer.objects.filter(pk=customer.pk).update(name=NOBODY, email="", phone="")
    record(
        event="customer.erased",
        actor=actor,
        object_type="customer",
        object_id=customer.pk,
        object_label="",
    )
    request_erasure(object_type="customer", object_id=customer.pk, actor=actor)
