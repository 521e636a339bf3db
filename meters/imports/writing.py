"""A plan written in bulk, with what is needed to take it back; and taking it back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from meters import groups
from meters.editing import NEVER_HEARD, delete_meters
from meters.imports.facts import Facts
from meters.imports.planning import Plan, place_changes
from meters.models import (
    Customer,
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterGroup,
    MeterState,
    Occupancy,
    SupplyPoint,
)
from meters.replays import want_replay
from ready.audit.services import Actor
from ready.tenancy.context import current_tenant_id

_CHUNK = 1000
Progress = Callable[[int], None]


@dataclass(slots=True)
class Made:
    """What an import made and changed. changed: [kind, id, {field: the value
    before}, {field: the value it was given}]."""

    meters: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    changed: list[list[Any]] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """For a JSON column."""
        return {name: getattr(self, name) for name in self.__slots__}


def write(plan: Plan, *, at: datetime, actor: Actor, progress: Progress) -> Made:
    """Write a plan without faults. at: the instant that all its meters bear."""
    made = Made()
    customers = _write_customers(plan, made)
    places = _write_places(plan, customers, made)
    _correct_known(plan, made)
    written = 0
    for some in _chunks(plan.new):
        meters = Meter.objects.bulk_create(
            [
                Meter(
                    manufacturer=row.manufacturer,
                    number=row.number,
                    meter_type=row.meter_type,
                    medium=Medium(row.medium or Medium.OTHER),
                    in_stock=not row.street,
                    imported_at=at,
                )
                for row in some
            ]
        )
        made.meters += [meter.pk for meter in meters]
        MeterState.objects.bulk_create([MeterState(meter=meter) for meter in meters])
        MeterAddress.objects.bulk_create(
            [
                MeterAddress(
                    tenant_id=current_tenant_id(),
                    meter=meter,
                    manufacturer=meter.manufacturer,
                    number=meter.number,
                )
                for meter in meters
            ]
        )
        Installation.objects.bulk_create(
            [
                Installation(
                    meter=meter,
                    supply_point=places[_place_key(row)],
                    starts_at=_midnight(row.mounted_on or timezone.localdate(at)),
                )
                for row, meter in zip(some, meters, strict=True)
                if row.street
            ]
        )
        want_replay([(meter.manufacturer, meter.number) for meter in meters])
        written += len(some)
        progress(written)
    _fill_groups(plan, made, actor)
    return made


def _chunks(rows: Sequence[Facts]) -> Iterator[Sequence[Facts]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _write_customers(plan: Plan, made: Made) -> dict[str, Customer]:
    """New customers, and corrections of known ones; by number."""
    told: dict[str, dict[str, str]] = {}
    for row in plan.rows:
        if row.customer_number:
            facts = told.setdefault(row.customer_number, {})
            for name, value in (
                ("name", row.customer),
                ("email", row.email),
                ("phone", row.phone),
            ):
                if value:
                    facts.setdefault(name, value)
    customers = dict(plan.customers)
    new = Customer.objects.bulk_create(
        [
            Customer(number=number, **{"name": number, **facts})
            for number, facts in told.items()
            if number not in customers
        ],
        batch_size=_CHUNK,
    )
    made.customers = [one.pk for one in new]
    customers |= {one.number: one for one in new}
    corrected = []
    for number, facts in told.items():
        known = plan.customers.get(number)
        if known is None:
            continue
        before = {
            name: getattr(known, name)
            for name, value in facts.items()
            if getattr(known, name) != value
        }
        if before:
            made.changed.append(
                ["customer", known.pk, before, {name: facts[name] for name in before}]
            )
            for name in before:
                setattr(known, name, facts[name])
            corrected.append(known)
    Customer.objects.bulk_update(corrected, ["name", "email", "phone"], batch_size=_CHUNK)
    return customers


def _place_key(row: Facts) -> tuple[str, str, str, str]:
    return row.street, row.postal_code, row.label, row.customer_number


def _write_places(
    plan: Plan, customers: dict[str, Customer], made: Made
) -> dict[tuple[str, str, str, str], SupplyPoint]:
    """The places of new meters: known ones are used, the others made."""
    wanted = {_place_key(row): row for row in plan.new if row.street}
    streets = sorted({street for street, *_rest in wanted})
    found: dict[tuple[str, str, str, str], SupplyPoint] = {}
    for start in range(0, len(streets), 5 * _CHUNK):
        some = streets[start : start + 5 * _CHUNK]
        for place in SupplyPoint.objects.select_related("customer").filter(street__in=some):
            number = place.customer.number if place.customer else ""
            found.setdefault((place.street, place.postal_code, place.label, number), place)
    made_now = SupplyPoint.objects.bulk_create(
        [
            SupplyPoint(
                street=row.street,
                postal_code=row.postal_code,
                city=row.city,
                label=row.label,
                latitude=row.latitude,
                longitude=row.longitude,
                customer=customers.get(row.customer_number),
            )
            for key, row in wanted.items()
            if key not in found
        ],
        batch_size=_CHUNK,
    )
    made.places = [place.pk for place in made_now]
    new = [key for key in wanted if key not in found]
    found |= dict(zip(new, made_now, strict=True))
    return found


def _correct_known(plan: Plan, made: Made) -> None:
    meters = []
    places: dict[int, SupplyPoint] = {}
    for row, meter in plan.known:
        wanted = {"meter_type": row.meter_type, "medium": row.medium}
        before = {
            name: getattr(meter, name)
            for name, value in wanted.items()
            if value and value != getattr(meter, name)
        }
        if before:
            made.changed.append(
                ["meter", meter.pk, before, {name: wanted[name] for name in before}]
            )
            for name in before:
                setattr(meter, name, wanted[name])
            meters.append(meter)
        place = plan.places.get(meter.pk)
        if place is None:
            continue
        place = places.get(place.pk, place)
        changes = place_changes(row, place)
        if changes:
            made.changed.append(
                ["place", place.pk, {name: getattr(place, name) for name in changes}, changes]
            )
            for name, value in changes.items():
                setattr(place, name, value)
            places[place.pk] = place
    Meter.objects.bulk_update(meters, ["meter_type", "medium"], batch_size=_CHUNK)
    SupplyPoint.objects.bulk_update(
        list(places.values()),
        ["postal_code", "city", "label", "latitude", "longitude"],
        batch_size=_CHUNK,
    )


def _fill_groups(plan: Plan, made: Made, actor: Actor) -> None:
    wanted: dict[str, list[int]] = {}
    ids = dict(zip((row.line for row in plan.new), made.meters, strict=True))
    ids |= {row.line: meter.pk for row, meter in plan.known}
    for row in plan.rows:
        for name in row.groups:
            if row.line in ids:
                wanted.setdefault(name, []).append(ids[row.line])
    by_name = {group.name.casefold(): group for group in MeterGroup.objects.all()}
    for name, meters in wanted.items():
        group = by_name.get(name.casefold())
        if group is None:
            group = groups.create_group(name=name, actor=actor)
            by_name[name.casefold()] = group
            made.groups.append(group.pk)
        inside = groups.members_among(group=group, meter_ids=meters)
        coming = [pk for pk in meters if pk not in inside]
        groups.add_to_group(group=group, meters=Meter.objects.filter(pk__in=coming), actor=actor)
        made.members += [[group.pk, pk] for pk in coming]


_MODELS: dict[str, Any] = {"customer": Customer, "place": SupplyPoint, "meter": Meter}


def take_back(made: dict[str, Any], actor: Actor) -> None:
    """Undo an import, all or nothing. Raises ValidationError where something depends on it."""
    new = Meter.objects.filter(pk__in=made["meters"])
    heard = new.exclude(NEVER_HEARD).count()
    if heard:
        raise ValidationError(
            _("%(count)s of its meters were heard since; their readings are kept.")
            % {"count": heard},
            code="heard",
        )
    exchanged = Installation.objects.filter(meter__in=made["meters"], ends_at__isnull=False)
    if exchanged.exists():
        raise ValidationError(
            _("Meters of this import were exchanged since; undo that first."), code="exchanged"
        )
    for group in MeterGroup.objects.filter(
        pk__in={group for group, _meter in made["members"]}, kind=MeterGroup.Kind.HAND
    ):
        gone = [pk for number, pk in made["members"] if number == group.pk]
        groups.remove_from_group(group=group, meters=Meter.objects.filter(pk__in=gone), actor=actor)
    delete_meters(meters=new, actor=actor)
    # A place or customer that something else points to by now stays; so does what was corrected
    # again since, for the value before is then not what the import found.
    used = Installation.objects.filter(supply_point__in=made["places"]).values("supply_point")
    lived = Occupancy.objects.filter(supply_point__in=made["places"]).values("supply_point")
    SupplyPoint.objects.filter(pk__in=made["places"]).exclude(pk__in=used).exclude(
        pk__in=lived
    ).delete()
    housed = SupplyPoint.objects.filter(customer__in=made["customers"]).values("customer")
    noted = Occupancy.objects.filter(customer__in=made["customers"]).values("customer")
    Customer.objects.filter(pk__in=made["customers"]).exclude(pk__in=housed).exclude(
        pk__in=noted
    ).delete()
    for kind, pk, before, given in reversed(made["changed"]):
        for name, value in before.items():
            still = {"pk": pk, name: given[name]}
            _MODELS[kind].objects.filter(**still).update(**{name: value})
    for group in MeterGroup.objects.filter(pk__in=made["groups"], size=0):
        groups.delete_group(group=group, actor=actor)
