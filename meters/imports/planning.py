"""What a file's facts mean beside what is known already; reads in bulk, changes nothing.

A known meter is corrected (type, medium, label, position, groups), but never moved: a row that
puts it at another address or customer is wrong, because an exchange or a move says when.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from meters.imports.facts import Facts, Wrong
from meters.models import Customer, Installation, Meter, MeterGroup, SupplyPoint

_CHUNK = 5000
_PLACE_FIELDS = ("postal_code", "city", "label", "latitude", "longitude")


@dataclass(slots=True)
class Plan:
    """Rows that make a meter, rows about a known one, and what is wrong with any."""

    rows: Sequence[Facts]
    new: list[Facts] = field(default_factory=list)
    known: list[tuple[Facts, Meter]] = field(default_factory=list)
    # Where known meters are mounted: meter → place.
    places: dict[int, SupplyPoint] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """What will happen, in numbers."""
        numbers = {row.customer_number for row in self.rows if row.customer_number}
        return {
            "new_meters": len(self.new),
            "known_meters": len(self.known),
            "new_customers": len(numbers - set(self.customers)),
            "known_customers": len(numbers & set(self.customers)),
        }


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


def plan(rows: Sequence[Facts]) -> Plan:
    """Sort the rows by what they mean, and find what contradicts the file or what is known."""
    found = Plan(rows)
    meters = _meters({row.number for row in rows if row.number})
    found.customers = _customers({row.customer_number for row in rows if row.customer_number})
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        if not row.number:
            continue
        identity = (row.manufacturer, row.number)
        if identity in seen:
            found.wrong.append(
                Wrong(
                    row.line,
                    "number",
                    row.number,
                    _("This meter stands in line %(line)s already.") % {"line": seen[identity]},
                )
            )
            continue
        seen[identity] = row.line
        meter = meters.get(identity)
        if meter is None:
            found.new.append(row)
        else:
            found.known.append((row, meter))
    found.places = _places([meter.pk for _row, meter in found.known])
    for row, meter in found.known:
        found.wrong += _moved(row, found.places.get(meter.pk), found.customers)
    names: dict[str, Facts] = {}
    for row in rows:
        if row.customer_number and row.customer:
            first = names.setdefault(row.customer_number, row)
            if first.customer != row.customer:
                found.wrong.append(
                    Wrong(
                        row.line,
                        "customer",
                        row.customer,
                        _("Customer %(number)s is called “%(name)s” in line %(line)s.")
                        % {
                            "number": row.customer_number,
                            "name": first.customer,
                            "line": first.line,
                        },
                    )
                )
    found.wrong += _by_filter(rows)
    return found


def _moved(
    row: Facts, place: SupplyPoint | None, customers: dict[str, Customer]
) -> Iterator[Wrong]:
    if place is None:
        if row.street:
            yield Wrong(
                row.line,
                "street",
                row.street,
                _("The meter is known and lies in stock; mount it on its page instead."),
            )
        return
    if row.street and row.street != place.street:
        yield Wrong(
            row.line,
            "street",
            row.street,
            _("The meter is mounted at %(street)s; exchange or move it instead.")
            % {"street": place.street},
        )
    living = customers.get(row.customer_number)
    if row.customer_number and (living is None or living.pk != place.customer_id):
        yield Wrong(
            row.line,
            "customer_number",
            row.customer_number,
            _("Another customer lives at %(street)s; note the move there instead.")
            % {"street": place.street},
        )


def _by_filter(rows: Sequence[Facts]) -> Iterator[Wrong]:
    """Groups that follow a filter take no meters by hand."""
    following = {
        group.name.casefold() for group in MeterGroup.objects.filter(kind=MeterGroup.Kind.FILTER)
    }
    for row in rows:
        for name in row.groups:
            if name.casefold() in following:
                words = _("This group follows a filter; meters cannot be put into it.")
                yield Wrong(row.line, "group", name, words)


def _meters(numbers: set[str]) -> dict[tuple[str, str], Meter]:
    return {
        (meter.manufacturer, meter.number): meter
        for some in _chunks(sorted(numbers))
        for meter in Meter.objects.filter(number__in=some)
    }


def _customers(numbers: set[str]) -> dict[str, Customer]:
    return {
        customer.number: customer
        for some in _chunks(sorted(numbers))
        for customer in Customer.objects.filter(number__in=some)
    }


def _places(meter_ids: Sequence[int]) -> dict[int, SupplyPoint]:
    return {
        one.meter_id: one.supply_point
        for some in _chunks(meter_ids)
        for one in Installation.objects.select_related("supply_point").filter(
            meter__in=some, ends_at=None
        )
    }


def place_changes(row: Facts, place: SupplyPoint) -> dict[str, Any]:
    """What a row says of a place that is not so yet."""
    return {
        name: value
        for name in _PLACE_FIELDS
        if (value := getattr(row, name)) not in ("", None) and value != getattr(place, name)
    }
