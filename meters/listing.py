"""Reading the meter list.

The list must be quick at 100,000 meters. A page is two statements: the ids in order, then the
rows of those ids. The order is read off an index of the sorted column's own table, because the
rows that have a value there are fetched apart from (and before) those that have none: inner joins
let PostgreSQL walk the index and stop after a page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Count,
    F,
    FilteredRelation,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters.conditions import ALARMS
from meters.models import (
    PRIORITY_INTERVAL_S,
    Customer,
    Installation,
    Meter,
    SupplyPoint,
)
from meters.registers import MAIN_REGISTERS
from meters.standing import SILENCE, Sign, signs
from meters.values import RegisterValue, main_value
from ready.tenancy.context import current_tenant_id
from ready.web.lists import PAGE_SIZE, Column, ListState, Page

LIST_COLUMNS = (
    Column("customer", _("Customer"), searchable=True),
    Column("address", _("Address"), searchable=True),
    Column("postal_code", _("Postal code"), searchable=True),
    Column("customer_number", _("Customer number"), searchable=True),
    Column("meter_type", _("Meter type"), searchable=True),
    Column("serial", _("Serial number"), searchable=True),
    Column("label", _("Label"), searchable=True),
    Column("state", _("State")),
    Column("value", _("Newest value"), sortable=False, numeric=True),
    Column("read_at", _("Reading time")),
)
DEFAULT_SORT = "address"

# Columns that the main registers of all media need.
_MAIN_COLUMNS = tuple(dict.fromkeys(c for columns in MAIN_REGISTERS.values() for c in columns))


def not_heard(now: datetime) -> Q:
    """Mounted meters that were not heard for a day, or never."""
    return Q(in_stock=False) & (
        Q(state__heard_at__lt=now - SILENCE) | Q(state__heard_at__isnull=True)
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """One line of the left pane. `key` is its name in the address: ?show=key."""

    key: str
    label: Promise | str


SELECTIONS = (
    Selection("", _("All meters")),
    Selection("stock", _("Meters in stock")),
    Selection("priority", _("Priority meters")),
    Selection("not_heard", _("Not heard for a day")),
    Selection("info_codes", _("With info codes")),
    Selection("unreadable", _("Cannot be read")),
)


def _selected(key: str, now: datetime) -> Q:
    """The condition of a line of the pane; an unknown key selects all."""
    return {
        "stock": Q(in_stock=True),
        "priority": Q(interval_s=PRIORITY_INTERVAL_S),
        "not_heard": not_heard(now),
        "info_codes": Q(state__has_codes=True),
        "unreadable": Q(state__trouble__isnull=False),
    }.get(key, Q())


def counts(now: datetime) -> dict[str, int]:
    """How many meters each line of the left pane has; one statement, from indexes only."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                (SELECT count(*) FROM meters_meter WHERE tenant_id = %(tenant)s),
                (SELECT count(*) FROM meters_meter WHERE tenant_id = %(tenant)s AND in_stock),
                (SELECT count(*) FROM meters_meter
                 WHERE tenant_id = %(tenant)s AND interval_s = %(priority)s),
                -- All silent ones less those in stock: both sides are few, the mounted are not.
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND (heard_at < %(since)s OR heard_at IS NULL))
                - (SELECT count(*) FROM meters_meter m
                   JOIN meters_meterstate s ON s.tenant_id = m.tenant_id AND s.meter_id = m.id
                   WHERE m.tenant_id = %(tenant)s AND m.in_stock
                     AND (s.heard_at < %(since)s OR s.heard_at IS NULL)),
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND has_codes),
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND trouble IS NOT NULL)
            """,
            {
                "tenant": current_tenant_id(),
                "priority": PRIORITY_INTERVAL_S,
                "since": now - SILENCE,
            },
        )
        return dict(zip((one.key for one in SELECTIONS), cursor.fetchone(), strict=True))


@dataclass(frozen=True, slots=True)
class MeterRow:
    """A row of the list. Texts are "" where there is nothing; signs[0] is the loudest."""

    id: int
    customer: str
    address: str
    postal_code: str
    customer_number: str
    meter_type: str
    serial: str
    label: str
    signs: Sequence[Sign]
    value: RegisterValue | None
    read_at: datetime | None


_LOUDNESS = Case(
    When(state__conditions__has_any_keys=sorted(ALARMS), then=Value(0)),
    When(state__trouble__isnull=False, then=Value(1)),
    When(in_stock=True, then=Value(5)),
    When(state__heard_at__isnull=True, then=Value(2)),
    When(state__has_codes=True, then=Value(3)),
    default=Value(4),
    output_field=IntegerField(),
)
# Many places share a postal code or label: equal ones stand in the order that their index has.
_PLACE = "open__supply_point__pk"
_TIES = {"postal_code": (_PLACE, "pk"), "label": (_PLACE, "pk")}
# Column → what it is sorted by, and the value that stands for "empty" besides NULL.
_SORTS: dict[str, tuple[str, str | None]] = {
    "customer": ("open__supply_point__customer__name_key", None),
    "address": ("open__supply_point__street_key", None),
    "postal_code": ("open__supply_point__postal_code", ""),
    "customer_number": ("open__supply_point__customer__number_key", None),
    "meter_type": ("meter_type", ""),
    "serial": ("number", None),
    "label": ("open__supply_point__label", ""),
    "state": ("loudness", None),
    "read_at": ("state__read_at", None),
}


def _meters() -> QuerySet[Any]:
    """All meters, `open` being where each is mounted now."""
    return Meter.objects.alias(
        open=FilteredRelation("installations", condition=Q(installations__ends_at=None))
    )


def _matching(state: ListState) -> Q:
    """Meters in which the words searched for stand, in one column or in any.

    Looks through customers, places and meters each by itself: joining them first costs more than
    the search.
    """
    words, column = state.query, state.search_in
    if not words:
        return Q()

    def any_of(**paths: str) -> Q | None:
        wanted = [path for key, path in paths.items() if column in ("", key)]
        found = Q()
        for path in wanted:
            found |= Q(**{f"{path}__icontains": words})
        return found if wanted else None

    customers = any_of(customer="name", customer_number="number")
    places = any_of(address="street", postal_code="postal_code", label="label")
    if customers is not None:
        living = Q(customer__in=Customer.objects.filter(customers).values("pk"))
        places = living if places is None else places | living
    meters = any_of(serial="number", meter_type="meter_type")
    if places is not None:
        there = Q(
            pk__in=Installation.objects.filter(
                ends_at=None, supply_point__in=SupplyPoint.objects.filter(places).values("pk")
            ).values("meter")
        )
        meters = there if meters is None else meters | there
    return meters if meters is not None else Q()


def _ordered(state: ListState, now: datetime) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """The list in order, in two parts: meters that have the sorted column, and those without.

    Empty ones come last in either direction.
    """
    meters = _meters().filter(_selected(state.filters.get("show", ""), now), _matching(state))
    path, empty = _SORTS[state.sort]
    if path == "loudness":
        meters = meters.alias(loudness=_LOUDNESS)
    order = F(path).desc() if state.descending else F(path).asc()
    has = Q(**{f"{path}__isnull": False})
    if empty is not None:
        has &= Q(**{f"{path}__gt": empty})
        lacks = Q(**{f"{path}__isnull": True}) | Q(**{path: empty})
    else:
        lacks = Q(**{f"{path}__isnull": True})
    ties = _TIES.get(state.sort, ("pk",))
    return meters.filter(has).order_by(order, *ties), meters.filter(lacks).order_by("number", "pk")


def meter_list(
    state: ListState, now: datetime, energy_unit: str, counted: Mapping[str, int]
) -> Page[MeterRow]:
    """One page of the list. counted: what `counts` said, so as not to count again."""
    if state.query:
        ids, total = _searched(state, now)
    else:
        ids = _page_ids(state, now)
        show = state.filters.get("show", "")
        total = counted.get(show, counted[""])
    return Page(_rows(ids, now, energy_unit), total, state)


def _page_ids(state: ListState, now: datetime) -> list[int]:
    having, lacking = _ordered(state, now)
    first, last = state.offset, state.offset + PAGE_SIZE
    ids = list(having.values_list("pk", flat=True)[first:last])
    if len(ids) < PAGE_SIZE:
        # On the border between the parts, or past it.
        before = first + len(ids) if ids or not first else having.count()
        start = max(0, first - before)
        ids += lacking.values_list("pk", flat=True)[start : start + PAGE_SIZE - len(ids)]
    return ids


def _searched(state: ListState, now: datetime) -> tuple[list[int], int]:
    """A page of what was found and how many there are, in one look through the tables."""
    found = _found(state, now).annotate(total=Window(Count("*"))).values_list("pk", "total")
    page = list(found[state.offset : state.offset + PAGE_SIZE])
    return [pk for pk, _total in page], page[0][1] if page else 0


def _found(state: ListState, now: datetime) -> QuerySet[Any]:
    """The same list in one piece: for searches, which look at everything anyway, and exports."""
    meters = _meters().filter(_selected(state.filters.get("show", ""), now), _matching(state))
    path, empty = _SORTS[state.sort]
    if path == "loudness":
        meters = meters.alias(loudness=_LOUDNESS)
    key: Any = F(path)
    if empty is not None:
        key = Func(key, Value(empty), function="NULLIF")
    order = key.desc(nulls_last=True) if state.descending else key.asc(nulls_last=True)
    return meters.order_by(order, *_TIES.get(state.sort, ("pk",)))


_ROW_PATHS = (
    "pk",
    "open__supply_point__customer__name",
    "open__supply_point__street",
    "open__supply_point__postal_code",
    "open__supply_point__customer__number",
    "meter_type",
    "number",
    "open__supply_point__label",
    "in_stock",
    "medium",
    "state__heard_at",
    "state__conditions",
    "state__trouble",
    "state__read_at",
    *(f"state__{column}" for column in _MAIN_COLUMNS),
)


def _row(values: Sequence[Any], now: datetime, energy_unit: str) -> MeterRow:
    customer, address, postal_code, customer_number, meter_type, serial, label = (
        text or "" for text in values[1:8]
    )
    in_stock, medium, heard_at, conditions, trouble, read_at, *registers = values[8:]
    return MeterRow(
        id=values[0],
        customer=customer,
        address=address,
        postal_code=postal_code,
        customer_number=customer_number,
        meter_type=meter_type,
        serial=serial,
        label=label,
        signs=signs(
            in_stock=in_stock,
            heard_at=heard_at,
            conditions=conditions or [],
            trouble=trouble,
            now=now,
        ),
        value=main_value(medium, dict(zip(_MAIN_COLUMNS, registers, strict=True)), energy_unit),
        read_at=read_at,
    )


def _rows(ids: Sequence[int], now: datetime, energy_unit: str) -> list[MeterRow]:
    by_id = {
        values[0]: _row(values, now, energy_unit)
        for values in _meters().filter(pk__in=ids).values_list(*_ROW_PATHS)
    }
    return [by_id[pk] for pk in ids if pk in by_id]


def exported_meters(state: ListState, now: datetime, energy_unit: str) -> Iterator[MeterRow]:
    """Every row of the list, whatever the page."""
    for values in _found(state, now).values_list(*_ROW_PATHS).iterator(chunk_size=2000):
        yield _row(values, now, energy_unit)
