"""What every list page shares: search, filter, sort and page, all of it in the address.

The address is the state: a link reproduces the list, the back button works, and a CSV link is
the same address with another path. Whatever is left at its default is left out, so that one list
has one address:

>>> state = ListState.parse(QueryDict("q=holm&sort=-serial&page=2"), COLUMNS, sort="address")
>>> state.url(page=1)
'?q=holm&sort=-serial'

Knows no model: a `queries.py` turns the state into rows.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from ready.web.formats import decimal_sign, number

PAGE_SIZE = 50
# A search of more letters than any name has is a mistake, and work for nothing.
QUERY_MAX = 100
# 32-bit, as PostgreSQL's OFFSET of a product must stay far below its bigint.
PAGE_MAX = 2**31 - 1
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list. `key` is its name in the address and in exports."""

    key: str
    label: Promise | str
    sortable: bool = True
    searchable: bool = False
    numeric: bool = False
    # Shown until a person chooses their own columns.
    default: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head as it is drawn: the link that sorts by it, and how it is sorted now."""

    key: str
    label: Promise | str
    numeric: bool
    url: str  # "" where the column cannot be sorted by
    direction: str  # "ascending", "descending" or "" (aria-sort)


@dataclass(frozen=True)
class ListState:
    """What the address of a list says; what it says wrongly is as if it were not there.

    query, search_in: the words searched for, and the one column to look in ("" for all).
    sort, descending: a column's key. page: from 1. filters: name → value, non-empty only.
    layout: the keys of the columns the person wants to see, in order; chosen: those that the
    address itself asks for (?cols=…), which come first, so that a link shows what its sender saw.
    """

    columns: Sequence[Column]
    default_sort: str
    query: str = ""
    search_in: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    filters: Mapping[str, str] = field(default_factory=dict)
    layout: Sequence[str] = ()
    chosen: Sequence[str] = ()

    @classmethod
    def parse(
        cls,
        data: QueryDict,
        columns: Sequence[Column],
        *,
        sort: str,
        filters: Sequence[str] = (),
        layout: Sequence[str] = (),
    ) -> "ListState":
        """Read an address. `sort` is the default ("-key" for descending)."""
        wanted = data.get("sort", sort)
        key = wanted.removeprefix("-")
        if key not in {column.key for column in columns if column.sortable}:
            wanted, key = sort, sort.removeprefix("-")
        search_in = data.get("in", "")
        if search_in not in {column.key for column in columns if column.searchable}:
            search_in = ""
        return cls(
            columns=columns,
            default_sort=sort,
            query=data.get("q", "").replace("\x00", "").strip()[:QUERY_MAX],
            search_in=search_in,
            sort=key,
            descending=wanted.startswith("-"),
            page=_whole(data.get("page", "")) or 1,
            filters={
                name: value
                for name in filters
                if (value := data.get(name, "").replace("\x00", "").strip())
            },
            layout=known_keys(columns, layout),
            chosen=known_keys(columns, data.get("cols", "").split(",")),
        )

    def url(self, *, page: int = 1, sort: str | None = None, **filters: str) -> str:
        """The address of this list with a change, from "?" on; a change begins at page 1."""
        pairs: dict[str, str] = {
            name: value for name, value in {**self.filters, **filters}.items() if value
        }
        if self.query:
            pairs["q"] = self.query
            if self.search_in:
                pairs["in"] = self.search_in
        order = self.order if sort is None else sort
        if order != self.default_sort:
            pairs["sort"] = order
        if self.chosen:
            pairs["cols"] = ",".join(self.chosen)
        if page > 1:
            pairs["page"] = str(page)
        return "?" + urlencode(pairs)

    def without(self, name: str) -> str:
        """The address without one of its filters."""
        kept = {key: value for key, value in self.filters.items() if key != name}
        return replace(self, filters=kept).url()

    def without_search(self) -> str:
        """The address without the words searched for."""
        return replace(self, query="", search_in="").url()

    @property
    def order(self) -> str:
        """The sort as the address writes it: "key" or "-key"."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def here(self) -> str:
        """The address of this very page of the list."""
        return self.url(page=self.page)

    @cached_property
    def visible(self) -> list[Column]:
        """The columns that are shown, in order."""
        by_key = {column.key: column for column in self.columns}
        wanted = self.chosen or self.layout
        if not wanted:
            return [column for column in self.columns if column.default]
        return [by_key[key] for key in wanted]

    @property
    def hidden_columns(self) -> list[Column]:
        """The columns that are not shown; what a person may add."""
        return [column for column in self.columns if column not in self.visible]

    @property
    def what(self) -> str:
        """Which rows: the address without order, columns and page."""
        return replace(
            self,
            sort=self.default_sort.removeprefix("-"),
            descending=self.default_sort.startswith("-"),
            chosen=(),
        ).url()

    @property
    def shared_url(self) -> str:
        """The address with the columns in it: shows anybody what this person sees."""
        return replace(self, chosen=[column.key for column in self.visible]).url()

    @cached_property
    def heads(self) -> list[Head]:
        """The table's head. A click sorts; a second one turns the order round."""
        heads = []
        for column in self.visible:
            mine = column.key == self.sort
            direction = ("descending" if self.descending else "ascending") if mine else ""
            turned = f"-{column.key}" if mine and not self.descending else column.key
            heads.append(
                Head(
                    key=column.key,
                    label=column.label,
                    numeric=column.numeric,
                    url=self.url(sort=turned) if column.sortable else "",
                    direction=direction,
                )
            )
        return heads

    @property
    def searchable(self) -> list[Column]:
        """The columns a search may be narrowed to."""
        return [column for column in self.columns if column.searchable]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What a search form must carry along besides its own fields."""
        pairs = list(self.filters.items())
        if self.order != self.default_sort:
            pairs.append(("sort", self.order))
        if self.chosen:
            pairs.append(("cols", ",".join(self.chosen)))
        return pairs

    @property
    def offset(self) -> int:
        """How many rows lie before this page."""
        return (self.page - 1) * PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list that can be counted. `total` rows in all, `number` from 1.

    exact: False for a list that is not counted to its end: it has more rows than `total`, and
    another page follows.
    """

    rows: Sequence[Row]
    total: int
    state: ListState
    size: int = PAGE_SIZE
    exact: bool = True

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def number(self) -> int:
        return self.state.page

    @property
    def told(self) -> str:
        """How many rows there are, in words where only that there are more is known."""
        if self.exact:
            return number(self.total)
        return _("more than %(count)s") % {"count": number(self.total)}

    @property
    def count(self) -> int:
        """Number of pages; an empty list has one. Of a list that is not counted, of those known."""
        known = max(1, -(-self.total // self.size))
        return known if self.exact else max(known, self.number + 1)

    @property
    def first(self) -> int:
        """The first row's number in the list, 0 where there is none."""
        return self.state.offset + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.state.offset + len(self.rows) if self.rows else 0

    @property
    def previous_url(self) -> str:
        if self.number <= 1:
            return ""
        return self.state.url(page=min(self.number - 1, self.count))

    @property
    def next_url(self) -> str:
        return self.state.url(page=self.number + 1) if self.number < self.count else ""


@dataclass(frozen=True, slots=True)
class KeyedPage(Generic[Row]):
    """One page of a list too long to count: the next page begins after a key.

    next_key: the last row's key as the address writes it, "" on the last page.
    """

    rows: Sequence[Row]
    next_key: str = ""

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def known_keys(columns: Sequence[Column], keys: Iterable[object]) -> tuple[str, ...]:
    """Those keys that name a column, each once, in their order."""
    known = {column.key for column in columns}
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and key in known))


def _whole(text: str) -> int:
    """A page number from an address; 0 for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return 0
    return min(int(text), PAGE_MAX // PAGE_SIZE)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part to put into a page; going back wants the whole page."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers


def list_part(
    request: HttpRequest, template: str, context: Mapping[str, Any], address: str
) -> HttpResponse:
    """A list's part for htmx, and the one address that the list has, whatever form asked."""
    response = render(request, template, context)
    response["HX-Push-Url"] = request.path + (address if address != "?" else "")
    return response


def csv_file(name: str, head: Sequence[object], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV file for people and their spreadsheets.

    UTF-8 with a mark, without which Excel mistakes æ, ø and å; a semicolon where the comma is the
    decimal sign. A text that a spreadsheet would run as a formula gets an apostrophe before it
    (OWASP, CSV injection).
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if decimal_sign() == "," else ",")
    writer.writerow([str(cell) for cell in head])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    # A number may begin with a minus; only text is dangerous.
    if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
