"""The meters that a person ticked in the list: some by name, or all that its address finds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from meters import listing
from meters.models import Meter
from ready.web.lists import ListState

# Ticked one by one; who wants more takes all that match.
TICKED_MAX = 5000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection as forms carry it on: `ids` ("1,2,3"), or `everything` of the list `query`.

    query is also the list to go back to.
    """

    ids: str
    everything: bool
    query: str

    @classmethod
    def of(cls, data: QueryDict) -> "Chosen":
        """Read what a form posted. Whatever is no number is as if it were not there."""
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
        )

    def meters(self, now: datetime) -> QuerySet[Any]:
        """The meters themselves; ids of another utility are nobody's."""
        if self.everything:
            return listing.matching(state_of(QueryDict(self.query[1:])), now)
        return Meter.objects.filter(pk__in=[int(one) for one in self.ids.split(",") if one])


def state_of(data: QueryDict, layout: list[str] | None = None) -> ListState:
    """The meter list that an address asks for."""
    return ListState.parse(
        data,
        listing.LIST_COLUMNS,
        sort=listing.DEFAULT_SORT,
        filters=listing.FILTERS,
        layout=layout or (),
    )
