"""The meters that a person ticked in the list: some by name, or all that its address finds."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from meters import listing, narrowing
from meters.models import Meter
from ready.web.lists import ListState

# Ticked one by one; who wants more takes all that match.
TICKED_MAX = 5000
# More lines beside each other nobody tells apart (Data comparison).
COMPARED_MAX = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection as forms carry it on: `ids` ("1,2,3"), or `everything` of the list `query`.

    query is also the list to go back to.
    """

    ids: str
    everything: bool
    query: str
    customers: bool = True

    @classmethod
    def of(cls, data: QueryDict, *, customers: bool) -> "Chosen":
        """Read what a form posted. Whatever is no number is as if it were not there.

        customers: whether the person's list knows customers; all that match are then the same.
        """
        ticked = [
            text
            for field in data.getlist("meters")
            for text in field.split(",")
            if text.isascii() and text.isdigit() and len(text) <= 9
        ]
        query = data.get("query", "")
        return cls(
            ids=",".join(dict.fromkeys(ticked[:TICKED_MAX])),
            everything=bool(data.get("everything")),
            query=query if query.startswith("?") else "?",
            customers=customers,
        )

    def meters(self, now: datetime) -> QuerySet[Any]:
        """The meters themselves; ids of another utility are nobody's."""
        if self.everything:
            state = state_of(QueryDict(self.query[1:]), customers=self.customers)
            return listing.matching(state, now)
        return Meter.objects.filter(pk__in=[int(one) for one in self.ids.split(",") if one])


# Filters that name a column: who narrows by it wants to see it, and the worst first.
_SEEN = ("cooling", "signal")
# Columns that say least about why a meter is in such a list.
_YIELDING = ("customer_number", "label")


def state_of(
    data: QueryDict, layout: list[str] | None = None, *, customers: bool = True
) -> ListState:
    """The meter list that an address asks for. customers: whether who asks may see them.

    A list narrowed by cooling or signal begins with the worst, and shows the column; among READY's
    own columns it takes the place of others, so that the table is no wider.
    """
    narrowed = {
        one.key for one, _words in narrowing.in_force({key: data.get(key, "") for key in _SEEN})
    }
    state = ListState.parse(
        data,
        listing.columns_for(customers=customers),
        sort=next((key for key in _SEEN if key in narrowed), listing.DEFAULT_SORT),
        filters=listing.FILTERS,
        layout=layout or (),
    )
    shown = [column.key for column in state.visible]
    missing = [key for key in _SEEN if (key in narrowed or key == state.sort) and key not in shown]
    if not missing or state.chosen:
        return state
    if not state.layout:
        shown = [key for key in shown if key not in _YIELDING]
    at = shown.index("state") if "state" in shown else len(shown)
    return replace(state, layout=[*shown[:at], *missing, *shown[at:]])
