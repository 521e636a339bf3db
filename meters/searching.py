"""The words that a list is searched for: in which meters they stand.

Under row-level security no text index may be used (LIKE is not leakproof), so a search reads its
tables' texts through. Where few rows have the words, which is what a search is for, they are
looked up first, and what follows is about these few; no plan depends on a guess how many there are.
"""

from django.db import connection
from django.db.models import Q

from meters.models import Customer, Installation, SupplyPoint
from ready.tenancy.context import current_tenant_id
from ready.web.lists import ListState

# Of more rows than these in one table it is no longer said which they are.
_FEW = 2000


def matching(state: ListState) -> Q:
    """Meters in which the words searched for stand, in one column or in any.

    Looks through customers, places and meters each by itself: joining them first costs more than
    the search.
    """
    words, column = state.query, state.search_in
    if not words:
        return Q()
    known = {one.key for one in state.columns}
    if not column:
        # Customers' columns may be unknown, all of them; of the others none ever is.
        found = _few(words, customers="customer" in known)
        if found is not None:
            return Q(pk__in=found)

    def any_of(**paths: str) -> Q | None:
        if not column:
            # Customers' columns may be unknown, all of them; of the others none ever is.
            return Q(search_text__contains=words.lower()) if known.issuperset(paths) else None
        wanted = [path for key, path in paths.items() if column == key and key in known]
        found = Q()
        for path in wanted:
            found |= Q(**{f"{path}__icontains": words})
        return found if wanted else None

    customers = any_of(customer="name", customer_number="number")
    places = any_of(address="street", postal_code="postal_code", label="label", city="city")
    if customers is not None:
        living = Q(customer__in=Customer.objects.filter(customers).values("pk"))
        places = living if places is None else places | living
    meters = any_of(serial="number", meter_type="meter_type", manufacturer="manufacturer")
    if places is not None:
        there = Q(
            pk__in=Installation.objects.filter(
                ends_at=None, supply_point__in=SupplyPoint.objects.filter(places).values("pk")
            ).values("meter")
        )
        meters = there if meters is None else meters | there
    return meters if meters is not None else Q()


def _few(words: str, *, customers: bool) -> list[int] | None:
    """The meters, mounted there or not, that have the words in any text; None where many have."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH who AS MATERIALIZED (
                SELECT id FROM meters_customer
                WHERE tenant_id = %(tenant)s AND %(customers)s AND search_text LIKE %(like)s
                LIMIT %(most)s
            ), there AS MATERIALIZED (
                SELECT id FROM meters_supplypoint
                WHERE tenant_id = %(tenant)s AND search_text LIKE %(like)s LIMIT %(most)s
            ), itself AS MATERIALIZED (
                SELECT id FROM meters_meter
                WHERE tenant_id = %(tenant)s AND search_text LIKE %(like)s LIMIT %(most)s
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
            """,
            {
                "tenant": current_tenant_id(),
                "customers": customers,
                "like": f"%{connection.ops.prep_for_like_query(words.lower())}%",
                "most": _FEW + 1,
            },
        )
        most, found = cursor.fetchone()
    few: list[int] | None = found if most <= _FEW else None
    return few
