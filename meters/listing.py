"""Reading the meter list.

The list must be quick at 100,000 meters. A page is two statements: the ids in order, then the
rows of those ids. The order is read off an index of the sorted column's own table, because the
rows that have a value there are fetched apart from (and before) those that have none: inner joins
let PostgreSQL walk the index and stop after a page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
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
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from meters import narrowing, searching
from meters.conditions import ALARMS
from meters.counting import OF_STATE, selected
from meters.models import (
    GroupMember,
    Medium,
    Meter,
    MeterGroup,
    MeterState,
)
from meters.registers import MAIN_REGISTERS
from meters.standing import Sign, signs
from meters.values import RegisterValue, main_value
from ready.tenancy.context import current_tenant_id
from ready.web.lists import PAGE_SIZE, Column, ListState, Page
from ready.web.units import UnitChoice

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
    Column("read_at", _("Reading time"), default=False),
    Column("city", _("City"), searchable=True, default=False),
    Column("medium", _("Medium"), default=False),
    Column("manufacturer", _("Manufacturer"), searchable=True, default=False),
    Column("heard_at", _("Last heard"), default=False),
    Column("signal", _("Signal (dBm)"), numeric=True, default=False),
    Column("cooling", _("Cooling (K)"), numeric=True, default=False),
    Column("interval", _("Reading interval (min)"), numeric=True, default=False),
)
DEFAULT_SORT = "address"
# Who lives there; for those only who may view customers.
_OF_CUSTOMERS = frozenset({"customer", "customer_number"})
LIST_KEY = "meters"  # under which a person's columns and saved filters are kept
# What an address may narrow the list by, besides the words searched for.
FILTERS = ("show", "group", *narrowing.KEYS)


def columns_for(*, customers: bool) -> Sequence[Column]:
    """The list's columns for somebody who may, or may not, see customers. What is no column is
    not searched, sorted by, shown or exported either."""
    return [one for one in LIST_COLUMNS if customers or one.key not in _OF_CUSTOMERS]


# Columns that the main registers of all media need.
_MAIN_COLUMNS = tuple(dict.fromkeys(c for columns in MAIN_REGISTERS.values() for c in columns))


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
    city: str
    medium: str
    manufacturer: str
    heard_at: datetime | None
    signal: int | None
    cooling: Fraction | None
    interval: int


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
_TIES = {
    "postal_code": (_PLACE, "pk"),
    "label": (_PLACE, "pk"),
    # Who is sorted by city wants streets in order.
    "city": ("open__supply_point__street_key", "pk"),
}
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
    "city": ("open__supply_point__city", ""),
    "medium": ("medium", None),
    "manufacturer": ("manufacturer", None),
    "heard_at": ("state__heard_at", None),
    "signal": ("state__rssi_dbm", None),
    "cooling": ("cooling", None),
    "interval": ("interval_s", None),
}
# Sorted by what no column holds.
_COMPUTED: dict[str, Any] = {
    "loudness": _LOUDNESS,
    "cooling": F("state__t1") - F("state__t2"),
}


def _meters() -> QuerySet[Any]:
    """All meters, `open` being where each is mounted now."""
    return Meter.objects.alias(
        open=FilteredRelation("installations", condition=Q(installations__ends_at=None))
    )


def _group(filters: Mapping[str, str]) -> int:
    """The group that an address names; 0 where it names none."""
    text = filters.get("group", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _which(state: ListState, now: datetime, found: searching.Found | None = None) -> Q:
    """The meters that an address asks for. found: the first look for its words."""
    wanted = selected(state.filters.get("show", ""), now) & narrowing.condition(state.filters)
    if "group" in state.filters:
        members = GroupMember.objects.filter(group=_group(state.filters))
        wanted &= Q(pk__in=members.values("meter_id"))
    return wanted & searching.matching(state, found)


def matching(state: ListState, now: datetime) -> QuerySet[Any]:
    """The meters of a list, in no order: what is done to all of them is done to these."""
    return _meters().filter(_which(state, now))


def find(rule: str, now: datetime) -> QuerySet[Any]:
    """The meters that a group's filter finds (`meters.groups.Finder`)."""
    return matching(
        ListState.parse(QueryDict(rule), LIST_COLUMNS, sort=DEFAULT_SORT, filters=FILTERS), now
    )


def _by_loudness(meters: QuerySet[Any], descending: bool) -> list[QuerySet[Any]]:
    """The list by state, in three parts: the few of which there is something to say, found by
    the indexes of these few, then those that are fine, then those in stock."""
    # Looked up in their own table: an OR over a joined row would have all of it joined first.
    loud = MeterState.objects.filter(
        Q(has_codes=True) | Q(trouble__isnull=False) | Q(heard_on__isnull=True)
    )
    order = F("loudness").desc() if descending else F("loudness").asc()
    parts = [
        meters.filter(pk__in=loud.values("meter"))
        .alias(loudness=_LOUDNESS)
        .filter(loudness__lt=4)
        .order_by(order, "pk"),
        meters.filter(
            in_stock=False,
            state__has_codes=False,
            state__trouble__isnull=True,
            state__heard_on__isnull=False,
        ).order_by("pk"),
        meters.filter(in_stock=True).alias(loudness=_LOUDNESS).filter(loudness=5).order_by("pk"),
    ]
    return parts[::-1] if descending else parts


# Sorted by what stands in the newest state alone.
_OF_STATE_ROW: dict[str, Any] = {
    "read_at": F("read_at"),
    "heard_at": F("heard_at"),
    "signal": F("rssi_dbm"),
    "cooling": F("t1") - F("t2"),
}


def _by_state_row(state: ListState, which: Q, meters: QuerySet[Any]) -> list[QuerySet[Any]]:
    """The list by a value of the newest state, which no index has (a telegram changes it, and
    would have to change the index): that table is read alone, no other is joined to it."""
    order = _OF_STATE_ROW[state.sort]
    known = MeterState.objects.alias(order=order).filter(order__isnull=False)
    if which:
        known = known.filter(meter__in=Meter.objects.filter(which).values("pk"))
    by = F("order").desc() if state.descending else F("order").asc()
    lacking = MeterState.objects.alias(order=order).filter(order__isnull=True)
    return [
        known.order_by(by, "pk"),
        meters.filter(pk__in=lacking.values("meter")).order_by("number", "pk"),
    ]


# A selection by state of no more meters is looked up first, so that no order's index is walked in
# search of the few.
_FEW = 2000


def _ordered(
    state: ListState, now: datetime, counted: Mapping[str, int]
) -> Sequence[QuerySet[Any]]:
    """The list in order, in parts: meters that have the sorted column, then those without.

    Empty ones come last in either direction.
    """
    which = _which(state, now)
    show = state.filters.get("show", "")
    if show in OF_STATE and "group" not in state.filters and counted[show] <= _FEW:
        which = Q(pk__in=list(Meter.objects.filter(which).values_list("pk", flat=True)))
    meters = _meters().filter(which)
    path, empty = _SORTS[state.sort]
    if path == "loudness":
        return _by_loudness(meters, state.descending)
    if state.sort in _OF_STATE_ROW:
        return _by_state_row(state, which, meters)
    if path in _COMPUTED:
        meters = meters.alias(**{path: _COMPUTED[path]})
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
    state: ListState, now: datetime, units: UnitChoice, counted: Mapping[str, int]
) -> Page[MeterRow]:
    """One page of the list. counted: what `counts` said, so as not to count again; a group's
    size under its id."""
    counted_as = _counted_as(state)
    if counted_as is None:
        ids, total, exact = _searched(state, now)
        return Page(_rows(ids, now, units), total, state, exact=exact)
    ids = _page_ids(state, now, counted)
    total = counted.get(counted_as, 0 if "group" in state.filters else counted[""])
    return Page(_rows(ids, now, units), total, state)


def how_many(state: ListState, now: datetime) -> int:
    """The length of a list to the last meter, however long it takes."""
    length: int = matching(state, now).count()
    return length


def _counted_as(state: ListState) -> str | None:
    """Which of the pane's lines the list is, so that its length is known; None for none."""
    if state.query or narrowing.in_force(state.filters):
        return None
    if "group" in state.filters:
        return None if "show" in state.filters else str(_group(state.filters))
    return state.filters.get("show", "")


def _page_ids(state: ListState, now: datetime, counted: Mapping[str, int]) -> list[int]:
    ids: list[int] = []
    skip = state.offset
    for part in _ordered(state, now, counted):
        some = list(part.values_list("pk", flat=True)[skip : skip + PAGE_SIZE - len(ids)])
        ids += some
        if len(ids) == PAGE_SIZE:
            break
        # Past the part's end: only where nothing of it was seen is it not known how long it is.
        skip = 0 if some or not skip else max(0, skip - part.count())
    return ids


def _searched(state: ListState, now: datetime) -> tuple[list[int], int, bool]:
    """A page of what was found, how many there are, and whether that is all: of words that very
    many have only a part is counted where another page follows."""
    first = searching.look_for(state) if state.query else None
    if first and first.meters is None and first.least > searching.FEW and _unfiltered(state):
        near = _walked(state, now)
        if near is not None:
            end = state.offset + PAGE_SIZE
            if len(near) > end:
                return near[state.offset : end], max(searching.FEW, end), False
            return near[state.offset :], len(near), True
    found = _found(state, now, first).annotate(total=Window(Count("*"))).values_list("pk", "total")
    page = list(found[state.offset : state.offset + PAGE_SIZE])
    return [pk for pk, _total in page], page[0][1] if page else 0, True


def _unfiltered(state: ListState) -> bool:
    """Whether the words are all that an address narrows the list by."""
    bare = replace(state, query="", search_in="")
    return _counted_as(bare) == ""


# So many of the order's first meters are looked at for words that many have: where the page is
# not full then, they stand elsewhere, and all of them are looked up.
_STEPS = ((0, 500), (500, 5000))


def _walked(state: ListState, now: datetime) -> list[int] | None:
    """The first meters of the order that have the words, up to this page's end and one more;
    None where the walk would be long."""
    wanted = state.offset + PAGE_SIZE + 1
    furthest = _STEPS[-1][1]
    if wanted > furthest:
        return None
    having: list[int] = []
    seen = 0
    for part in _ordered(replace(state, query="", search_in=""), now, {}):
        for start, end in _STEPS:
            ids = list(part.values_list("pk", flat=True)[start:end])
            seen += len(ids)
            texts = _meters().filter(pk__in=ids).values_list("pk", *searching.texts(state))
            words = state.query.lower()
            found = {pk for pk, *told in texts if any(words in text for text in told if text)}
            having += [pk for pk in ids if pk in found]
            if len(having) >= wanted:
                return having
            if seen >= furthest:
                return None
            if len(ids) < end - start:
                break
    return having


def _found(state: ListState, now: datetime, first: searching.Found | None = None) -> QuerySet[Any]:
    """The same list in one piece: for searches, which look at everything anyway, and exports."""
    meters = _meters().filter(_which(state, now, first))
    path, empty = _SORTS[state.sort]
    if path in _COMPUTED:
        meters = meters.alias(**{path: _COMPUTED[path]})
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
    "open__supply_point__city",
    "manufacturer",
    "state__rssi_dbm",
    "state__t1",
    "state__t2",
    "interval_s",
    *(f"state__{column}" for column in _MAIN_COLUMNS),
)


def _row(values: Sequence[Any], now: datetime, units: UnitChoice) -> MeterRow:
    customer, address, postal_code, customer_number, meter_type, serial, label = (
        text or "" for text in values[1:8]
    )
    in_stock, medium, heard_at, conditions, trouble, read_at = values[8:14]
    city, manufacturer, rssi_dbm, t1, t2, interval_s, *registers = values[14:]
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
        value=main_value(medium, dict(zip(_MAIN_COLUMNS, registers, strict=True)), units),
        read_at=read_at,
        city=city or "",
        medium=str(Medium(medium).label),
        manufacturer=manufacturer,
        heard_at=heard_at,
        signal=rssi_dbm,
        cooling=None if t1 is None or t2 is None else Fraction(t1 - t2, 1000),
        interval=interval_s // 60,
    )


def _rows(ids: Sequence[int], now: datetime, units: UnitChoice) -> list[MeterRow]:
    by_id = {
        values[0]: _row(values, now, units)
        for values in _meters().filter(pk__in=ids).values_list(*_ROW_PATHS)
    }
    return [by_id[pk] for pk in ids if pk in by_id]


def rows_of(ids: Sequence[int], *paths: str) -> QuerySet[Any]:
    """Some columns of some meters, in no order; `open__…` is where each is mounted."""
    return _meters().filter(pk__in=ids).values_list(*paths)


def exported_meters(state: ListState, now: datetime, units: UnitChoice) -> Iterator[MeterRow]:
    """Every row of the list, whatever the page."""
    for values in _found(state, now).values_list(*_ROW_PATHS).iterator(chunk_size=2000):
        yield _row(values, now, units)


def groups() -> list[MeterGroup]:
    """The utility's own groups by name, with their sizes."""
    return list(MeterGroup.objects.order_by("name_key", "pk"))


def meter_types() -> list[str]:
    """The types that there are meters of: hops from one to the next in the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE kinds AS (
                (SELECT meter_type FROM meters_meter WHERE tenant_id = %(tenant)s
                 AND meter_type > '' ORDER BY meter_type LIMIT 1)
                UNION ALL
                SELECT (SELECT m.meter_type FROM meters_meter m WHERE m.tenant_id = %(tenant)s
                        AND m.meter_type > kinds.meter_type ORDER BY m.meter_type LIMIT 1)
                FROM kinds WHERE kinds.meter_type IS NOT NULL
            )
            SELECT meter_type FROM kinds WHERE meter_type IS NOT NULL LIMIT 200
            """,
            {"tenant": current_tenant_id()},
        )
        return [kind for (kind,) in cursor.fetchall()]
