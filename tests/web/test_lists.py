"""ready.web.lists: the address is the state."""

import csv
import io

import pytest
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import translation

from ready.web.lists import (
    PAGE_SIZE,
    QUERY_MAX,
    Column,
    KeyedPage,
    ListState,
    Page,
    csv_file,
    is_fragment,
    list_part,
)

COLUMNS = (
    Column("name", "Name", searchable=True),
    Column("serial", "Serial number", searchable=True),
    Column("value", "Value", sortable=False, numeric=True),
)


def state(query: str = "", sort: str = "name") -> ListState:
    return ListState.parse(QueryDict(query), COLUMNS, sort=sort, filters=("show",))


class TestParse:
    def test_an_empty_address_is_all_defaults(self) -> None:
        found = state()
        assert (found.query, found.search_in, found.sort, found.descending, found.page) == (
            "",
            "",
            "name",
            False,
            1,
        )
        assert found.filters == {}

    def test_everything_is_read(self) -> None:
        found = state("q=+holm+&in=serial&sort=-serial&page=3&show=stock")
        assert (found.query, found.search_in, found.order, found.page) == (
            "holm",
            "serial",
            "-serial",
            3,
        )
        assert found.filters == {"show": "stock"}

    @pytest.mark.parametrize(
        "wrong",
        [
            "sort=value",  # a column that cannot be sorted by
            "sort=--name",
            "sort=password",
            "in=value",  # a column that cannot be searched
            "page=0",
            "page=-2",
            "page=two",
            "page=٣",  # a digit, but none of ours
            "page=99999999999",
            "show=",
        ],
    )
    def test_what_is_wrong_is_as_if_it_were_not_there(self, wrong: str) -> None:
        assert state(wrong) == state()

    def test_a_nul_never_reaches_the_database(self) -> None:
        assert state("q=a%00b&show=a%00b").query == "ab"
        assert state("show=a%00b").filters == {"show": "ab"}

    def test_a_query_is_cut(self) -> None:
        assert len(state("q=" + "x" * 1000).query) == QUERY_MAX

    def test_a_far_page_stays_within_what_an_offset_may_be(self) -> None:
        assert state("page=9999999999").offset < 2**31


class TestUrl:
    def test_defaults_are_left_out(self) -> None:
        assert state("sort=name&page=1").url() == "?"

    def test_reproduces_the_state(self) -> None:
        address = "?show=stock&q=holm&in=name&sort=-serial&page=2"
        assert state(address[1:]).here == address

    def test_a_change_begins_at_the_first_page(self) -> None:
        assert state("page=4&q=holm").url(show="stock") == "?show=stock&q=holm"

    def test_a_filter_is_removed_by_nothing(self) -> None:
        assert state("show=stock&q=holm").url(show="") == "?q=holm"

    def test_without_search_keeps_filter_and_order(self) -> None:
        assert state("show=a&q=b&in=name&sort=serial").without_search() == "?show=a&sort=serial"

    def test_the_search_form_carries_the_rest_along(self) -> None:
        assert state("show=a&q=b&sort=-serial&page=3").hidden == [
            ("show", "a"),
            ("sort", "-serial"),
        ]

    def test_is_escaped(self) -> None:
        assert state("q=a%26b%3D%22").url() == "?q=a%26b%3D%22"


class TestHeads:
    def test_a_second_click_turns_the_order_round(self) -> None:
        name, serial, value = state().heads
        assert (name.direction, name.url) == ("ascending", "?sort=-name")
        assert (serial.direction, serial.url) == ("", "?sort=serial")
        assert (value.direction, value.url, value.numeric) == ("", "", True)

    def test_a_third_click_turns_it_back(self) -> None:
        name = state("sort=-name").heads[0]
        assert (name.direction, name.url) == ("descending", "?")


class TestPage:
    def page(self, total: int, query: str = "") -> "Page[int]":
        found = state(query)
        last = min(total, found.offset + PAGE_SIZE)
        return Page(range(found.offset + 1, last + 1), total, found)

    def test_a_middle_page(self) -> None:
        page = self.page(120, "page=2")
        assert (page.first, page.last, page.count) == (51, 100, 3)
        assert (page.previous_url, page.next_url) == ("?", "?page=3")

    def test_the_last_page_has_no_next(self) -> None:
        page = self.page(100, "page=2")
        assert (page.last, page.next_url) == (100, "")

    def test_an_empty_list_has_one_page(self) -> None:
        page = self.page(0)
        assert (page.first, page.last, page.count, page.previous_url, page.next_url) == (
            0,
            0,
            1,
            "",
            "",
        )

    def test_beyond_the_end_leads_back_to_the_last(self) -> None:
        assert self.page(60, "page=9").previous_url == "?page=2"

    def test_pages_are_walked_row_by_row(self) -> None:
        assert list(self.page(3)) == [1, 2, 3]
        assert list(KeyedPage([1, 2])) == [1, 2]


class TestIsFragment:
    def test_a_browser_gets_the_page(self) -> None:
        assert not is_fragment(RequestFactory().get("/"))

    def test_htmx_gets_the_fragment(self) -> None:
        assert is_fragment(RequestFactory().get("/", headers={"HX-Request": "true"}))

    def test_going_back_wants_the_whole_page(self) -> None:
        headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
        assert not is_fragment(RequestFactory().get("/", headers=headers))


class TestCsvFile:
    def rows(self, language: str, *cells: object) -> list[list[str]]:
        with translation.override(language):
            response = csv_file("list.csv", ["A", "B"], [cells])
        text = response.content.decode("utf-8-sig")
        delimiter = ";" if language == "da" else ","
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))

    def test_reads_back(self) -> None:
        assert self.rows("da", "Østergade 4; 2. th", '"x"') == [
            ["A", "B"],
            ["Østergade 4; 2. th", '"x"'],
        ]
        assert self.rows("en", "a,b", None)[1] == ["a,b", ""]

    def test_is_utf_8_with_a_mark_and_has_a_name(self) -> None:
        response = csv_file("måned.csv", ["A"], [])
        assert response.content.startswith(b"\xef\xbb\xbf")
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert "filename*=utf-8''m%C3%A5ned.csv" in response["Content-Disposition"]

    @pytest.mark.parametrize("formula", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\rx"])
    def test_no_text_becomes_a_formula(self, formula: str) -> None:
        with translation.override("da"):
            assert f"'{formula[0]}".encode() in csv_file("x.csv", ["A"], [[formula]]).content

    @pytest.mark.parametrize("number", ["-12,5", "-3", "+4.25"])
    def test_numbers_keep_their_sign(self, number: str) -> None:
        assert self.rows("da", number, "")[1] == [number, ""]


class TestListPart:
    @pytest.mark.parametrize(
        ("address", "pushed"), [("?q=holm", "/t/a/meters/?q=holm"), ("?", "/t/a/meters/")]
    )
    def test_tells_the_browser_the_lists_own_address(self, address: str, pushed: str) -> None:
        # A form sends empty fields along; the address leaves them out.
        request = RequestFactory().get("/t/a/meters/", {"q": "holm", "in": ""})
        response = list_part(request, "lists/_search.html", {"state": state("q=holm")}, address)
        assert response["HX-Push-Url"] == pushed
        assert b'value="holm"' in response.content
