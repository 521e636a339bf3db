"""The words that a list is searched for: in which meters they stand.

Under row-level security no text index may be used (LIKE is not leakproof), so a search reads its
tables' texts through. Where few rows have the words, which is what a search is for, they are
looked up first, and what follows is about these few; no plan depends on a guess how many there are.
Where many have them, looking stops as soon as that is known: joining all of them to count them
costs more than the rest of the page, and nobody reads such a list to its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Collate, Lower

from meters.models import Customer, Installation, SupplyPoint
from meters.sorting import COLLATION
from ready.tenancy.context import current_tenant_id
from ready.web.lists import ListState

# Of more rows than these in one table it is no longer said which they are, and of more meters no
# longer how many.
FEW = 2000
# Column of the list → the column of its table that is searched.
_OF_CUSTOMERS = {"customer": "name", "customer_number": "number"}
_OF_PLACES = {"address": "street", "postal_code": "postal_code", "label": "label", "city": "city"}
_OF_METERS = {"serial": "number", "meter_type": "meter_type", "manufacturer": "manufacturer"}
_TABLES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("open__supply_point__customer__", _OF_CUSTOMERS),
    ("open__supply_point__", _OF_PLACES),
    ("", _OF_METERS),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look for the words told. meters: all that have them, None where many rows do;
    least: so many meters have them at least."""

    meters: Sequence[int] | None
    least: int


def matching(state: ListState, found: Found | None = None) -> Q:
    """Meters in which the words searched for stand, in one column or in any.

    Looks through customers, places and meters each by itself: joining them first costs more than
    the search. found: what `look_for` said, so as not to look again.
    """
    words, column = state.query, state.search_in
    if not words:
        return Q()
    found = found or look_for(state)
    if found.meters is not None:
        return Q(pk__in=found.meters)
    known = {one.key for one in state.columns}

    def any_of(paths: Mapping[str, str]) -> Q | None:
        if not column:
            # Customers' columns may be unknown, all of them; of the others none ever is.
            return Q(search_text__contains=words.lower()) if known.issuperset(paths) else None
        path = paths.get(column)
        return Q(**{f"{path}__icontains": words}) if path and column in known else None

    customers, places, meters = any_of(_OF_CUSTOMERS), any_of(_OF_PLACES), any_of(_OF_METERS)
    if customers is not None:
        living = Q(customer__in=Customer.objects.filter(customers).values("pk"))
        places = living if places is None else places | living
    if places is not None:
        there = Q(
            pk__in=Installation.objects.filter(
                ends_at=None, supply_point__in=SupplyPoint.objects.filter(places).values("pk")
            ).values("meter")
        )
        meters = there if meters is None else meters | there
    return meters if meters is not None else Q()


def texts(state: ListState) -> list[Any]:
    """What of a meter is searched, in small letters, where `open__` is its place of now: for a
    look at a few meters by themselves. Any may be NULL."""
    column = state.search_in
    if column:
        path = next(f"{table}{paths[column]}" for table, paths in _TABLES if column in paths)
        return [Lower(Collate(F(path), COLLATION))]
    known = {one.key for one in state.columns}
    return [F(f"{table}search_text") for table, paths in _TABLES if known.issuperset(paths)]


def _in(columns: Mapping[str, str]) -> str:
    """SQL: whether a row of a table has the words in the column asked for, or in any."""
    cases = "".join(
        f" WHEN '{key}' THEN lower({text} COLLATE \"{COLLATION}\") LIKE %(like)s"
        for key, text in columns.items()
    )
    # The text of all columns first: it is stored in small letters.
    return f"search_text LIKE %(like)s AND CASE %(column)s WHEN '' THEN true{cases} END"


# Each table by itself, and none further than is needed to know that many rows have the words.
_LOOK = f"""
    WITH who AS MATERIALIZED (
        SELECT id FROM meters_customer
        WHERE tenant_id = %(tenant)s AND %(customers)s AND {_in(_OF_CUSTOMERS)} LIMIT %(most)s
    ), there AS MATERIALIZED (
        SELECT id FROM meters_supplypoint
        WHERE tenant_id = %(tenant)s AND %(places)s AND {_in(_OF_PLACES)} LIMIT %(most)s
    ), itself AS MATERIALIZED (
        SELECT id FROM meters_meter
        WHERE tenant_id = %(tenant)s AND %(meters)s AND {_in(_OF_METERS)} LIMIT %(most)s
    )
    SELECT greatest((SELECT count(*) FROM who), (SELECT count(*) FROM there),
                    (SELECT count(*) FROM itself)),
        ARRAY(
            SELECT id FROM itself
            UNION
            SELECT i.meter_id FROM (
                SELECT id FROM there
                UNION
                SELECT p.id FROM who JOIN meters_supplypoint p
                    ON p.tenant_id = %(tenant)s AND p.customer_id = who.id
            ) place JOIN meters_installation i
                ON i.tenant_id = %(tenant)s AND i.supply_point_id = place.id
            WHERE i.ends_at IS NULL
        )
"""  # noqa: S608  our own columns


def look_for(state: ListState) -> Found:
    """The meters, mounted there or not, that have the words in the column or in any text."""
    known = {one.key for one in state.columns}
    column = state.search_in
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK,
            {
                "tenant": current_tenant_id(),
                "column": column,
                # A table of which no column is asked for is not read.
                "customers": known.issuperset(_OF_CUSTOMERS)
                and (not column or column in _OF_CUSTOMERS),
                "places": not column or column in _OF_PLACES,
                "meters": not column or column in _OF_METERS,
                "like": f"%{connection.ops.prep_for_like_query(state.query.lower())}%",
                "most": FEW + 1,
            },
        )
        most, found = cursor.fetchone()
    return Found(found if most <= FEW else None, len(found))
