"""Places and customers: what their pages show, and correcting what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.models import Customer, Installation, Occupancy, SupplyPoint
from meters.occupancy import Period, occupancies_of
from ready.audit.services import Actor, record
from ready.web.lists import PAGE_SIZE, Column, ListState, Page

CUSTOMER_COLUMNS = (
    Column("number", _l("Customer number")),
    Column("name", _l("Customer")),
    Column("email", _l("E-mail")),
    Column("phone", _l("Telephone")),
    Column("places", _l("Places"), numeric=True, searchable=False),
)
_SORTS = {
    "number": ("number_key", "pk"),
    "name": ("name_key", "pk"),
    "email": ("email", "pk"),
    "phone": ("phone", "pk"),
    "places": ("places", "name_key", "pk"),
}
_PLACE_FIELDS = ("street", "postal_code", "city", "label", "latitude", "longitude")
_CUSTOMER_FIELDS = ("number", "name", "email", "phone")


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PlacePage:
    """A place with the meters at it, the present ones first, and who lived there."""

    place: SupplyPoint
    customer: Customer | None
    installations: Sequence[Installation]
    periods: Sequence[Period]

    @property
    def mounted(self) -> list[Installation]:
        """The meters that are there now."""
        return [one for one in self.installations if one.ends_at is None]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer in the list; places: how many are the customer's now."""

    id: int
    number: str
    name: str
    email: str
    phone: str
    places: int


@dataclass(frozen=True, slots=True)
class Home:
    """A place that is or was a customer's. ends_at None: it is so still."""

    place: SupplyPoint
    starts_at: datetime | None
    ends_at: datetime | None
    meters: Sequence[Installation]


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A customer and every place that is or was theirs, the present ones first."""

    customer: Customer
    homes: Sequence[Home]


def place_page(pk: int) -> PlacePage:
    """One place of this utility. Raises SupplyPoint.DoesNotExist."""
    place = SupplyPoint.objects.select_related("customer").get(pk=pk)
    installations = Installation.objects.select_related("meter").filter(supply_point=pk)
    newest_first = sorted(
        installations.order_by("-starts_at", "pk"), key=lambda one: one.ends_at is not None
    )
    return PlacePage(place, place.customer, newest_first, occupancies_of(pk))


def customer_page(pk: int) -> CustomerPage:
    """One customer of this utility. Raises Customer.DoesNotExist."""
    customer = Customer.objects.get(pk=pk)
    periods = list(
        Occupancy.objects.select_related("supply_point")
        .filter(customer=pk)
        .order_by("-starts_at", "pk")
    )
    noted = {one.supply_point_id for one in periods if one.ends_at is None}
    places = [(one.supply_point, one.starts_at, one.ends_at) for one in periods]
    # A place that never changed hands has no period: it is the customer's from its first meter on.
    places += [
        (place, None, None)
        for place in SupplyPoint.objects.filter(customer=pk).exclude(pk__in=noted)
    ]
    there: dict[int, list[Installation]] = {}
    mounted = Installation.objects.select_related("meter").filter(
        supply_point__in=[place.pk for place, _start, _end in places], ends_at=None
    )
    for one in mounted.order_by("pk"):
        there.setdefault(one.supply_point_id, []).append(one)
    homes = [
        Home(place, start, end, there.get(place.pk, []) if end is None else [])
        for place, start, end in places
    ]
    return CustomerPage(customer, sorted(homes, key=lambda one: one.ends_at is not None))


def customer_list(state: ListState) -> Page[CustomerRow]:
    """One page of the customers."""
    found = _matching(state)
    rows = _ordered(found, state)[state.offset : state.offset + PAGE_SIZE]
    return Page([_row(one) for one in rows], found.count(), state)


def exported_customers(state: ListState) -> list[CustomerRow]:
    """Every row of the list, whatever the page."""
    return [_row(one) for one in _ordered(_matching(state), state)]


def _matching(state: ListState) -> QuerySet[Any]:
    customers: QuerySet[Any] = Customer.objects.all()
    if state.query:
        names = [state.search_in] if state.search_in else list(_CUSTOMER_FIELDS)
        wanted = Q()
        for name in names:
            wanted |= Q(**{f"{name}__icontains": state.query})
        customers = customers.filter(wanted)
    return customers


def _ordered(found: QuerySet[Any], state: ListState) -> QuerySet[Any]:
    first, *ties = _SORTS[state.sort]
    order = [f"-{first}" if state.descending else first, *ties]
    theirs = SupplyPoint.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    counted = Subquery(theirs.annotate(counted=Count("pk")).values("counted"))
    ordered: QuerySet[Any] = found.annotate(places=Coalesce(counted, 0)).order_by(*order)
    return ordered


def _row(one: Any) -> CustomerRow:
    return CustomerRow(one.pk, one.number, one.name, one.email, one.phone, one.places)


# ── Changing ────────────────────────────────────────────────────────────────────────────────────
def change_supply_point(*, place: SupplyPoint, actor: Actor, **facts: Any) -> bool:
    """Correct what is known of a place; whether anything was different.

    facts: street, postal_code, city, label; latitude and longitude in millionths of a degree.
    """
    return _change(place, _PLACE_FIELDS, facts, "supply_point.changed", "supply point", actor)


def change_customer(*, customer: Customer, actor: Actor, **facts: Any) -> bool:
    """Correct what is known of a customer: number, name, email, phone; whether anything was
    different. Raises ValidationError for a number that is another customer's."""
    if Customer.objects.filter(number=facts["number"]).exclude(pk=customer.pk).exists():
        raise ValidationError(
            _("Customer number %(number)s belongs to another customer.")
            % {"number": facts["number"]},
            code="number",
        )
    return _change(customer, _CUSTOMER_FIELDS, facts, "customer.changed", "customer", actor)


def _change(
    row: Any, names: Sequence[str], facts: dict[str, Any], event: str, kind: str, actor: Actor
) -> bool:
    current = type(row).objects.select_for_update().get(pk=row.pk)
    changed = [name for name in names if name in facts and getattr(current, name) != facts[name]]
    if not changed:
        return False
    before = {name: getattr(current, name) for name in changed}
    for name in changed:
        setattr(current, name, facts[name])
    current.save(update_fields=changed)
    record(
        event=event,
        actor=actor,
        object_type=kind,
        object_id=current.pk,
        object_label=str(current) if kind == "supply point" else current.number,
        before=before,
        after={name: facts[name] for name in changed},
    )
    return True
