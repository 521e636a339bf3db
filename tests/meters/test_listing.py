"""meters.listing: the list in every order, found and counted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries

from meters import counting, listing, searching, services
from meters.counting import SELECTIONS, counts
from meters.listing import DEFAULT_SORT, LIST_COLUMNS, MeterRow, exported_meters, meter_list
from meters.models import Meter, MeterState
from meters.queries import meter_page
from ready.tenancy.context import groups_context, tenant_context
from ready.tenancy.models import Tenant
from ready.web.lists import PAGE_SIZE, ListState, Page
from ready.web.units import UnitChoice
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOUNTED = NOW - timedelta(days=100)


@pytest.fixture
def here(aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


def mounted(
    street: str = "Møllevej 1",
    customer: str = "",
    customer_number: str = "",
    postal_code: str = "9440",
    label: str = "",
    **fields: object,
) -> Meter:
    """A meter at a place, heard a minute ago."""
    meter = factories.meter(**fields)
    person = None
    if customer:
        person = services.register_customer(
            number=customer_number or meter.number, name=customer, actor=factories.ACTOR
        )
    place = factories.place(street=street, postal_code=postal_code, label=label, customer=person)
    services.install_meter(
        meter=meter, supply_point=place, at=MOUNTED, registers={}, actor=factories.ACTOR
    )
    state(meter, heard_at=NOW - timedelta(minutes=1))
    return meter


def state(meter: Meter, **fields: object) -> None:
    MeterState.objects.filter(meter=meter).update(**fields)


def listing_state(address: str) -> ListState:
    return ListState.parse(QueryDict(address), LIST_COLUMNS, sort=DEFAULT_SORT, filters=("show",))


def listed(address: str = "") -> "Page[MeterRow]":
    found = listing_state(address)
    return meter_list(found, NOW, UnitChoice(), counts(NOW))


def exported(address: str = "") -> list[MeterRow]:
    found = ListState.parse(QueryDict(address), LIST_COLUMNS, sort=DEFAULT_SORT, filters=("show",))
    return list(exported_meters(found, NOW, UnitChoice()))


@pytest.mark.usefixtures("here")
class TestOrder:
    def test_danish_letters_come_last_and_numbers_in_their_own_order(self) -> None:
        for street in ("Åvej 1", "Østergade 12", "Ærøvej 3", "Østergade 4", "Zonen 1", "ærøvej 2"):
            mounted(street)
        assert [row.address for row in listed()] == [
            "Zonen 1",
            "ærøvej 2",
            "Ærøvej 3",
            "Østergade 4",
            "Østergade 12",
            "Åvej 1",
        ]

    @pytest.mark.parametrize("column", [one.key for one in LIST_COLUMNS if one.sortable])
    def test_every_column_sorts_both_ways_and_the_export_agrees(self, column: str) -> None:
        mounted("B 2", "Bo", "20", "9000", "b", meter_type="A")
        mounted("A 10", "Anna", "3", "8000", "a", meter_type="C")
        state(mounted("C 1", "Åse", "100", "", "", meter_type=""), conditions=["leak"], read_at=NOW)
        factories.meter(in_stock=True)
        up, down = listed(f"sort={column}"), listed(f"sort=-{column}")
        assert {row.id for row in up} == {row.id for row in down}
        assert len(up.rows) == 4
        assert [row.id for row in up] == [row.id for row in exported(f"sort={column}")]
        assert [row.id for row in down] == [row.id for row in exported(f"sort=-{column}")]

    def test_empty_ones_come_last_in_either_direction(self) -> None:
        mounted("A 1", customer="")
        mounted("B 1", customer="Bo")
        mounted("C 1", customer="Anna")
        assert [row.customer for row in listed("sort=customer")] == ["Anna", "Bo", ""]
        assert [row.customer for row in listed("sort=-customer")] == ["Bo", "Anna", ""]

    def test_the_loudest_state_comes_first(self) -> None:
        state(mounted("A"), conditions=["battery"])
        state(mounted("B"), trouble=18)
        mounted("C")
        state(mounted("D"), conditions=["leak"])
        assert [row.address for row in listed("sort=state")] == ["D", "B", "A", "C"]

    def test_pages_meet_without_gap_or_double_across_the_border_of_empty_ones(self) -> None:
        for count in range(PAGE_SIZE - 5):
            mounted(f"Vej {count}", customer=f"Kunde {count}")
        for count in range(15):
            mounted(f"Sti {count}")
        first, second = listed("sort=customer"), listed("sort=customer&page=2")
        ids = [row.id for row in (*first, *second)]
        assert len(first.rows) == PAGE_SIZE
        assert len(ids) == len(set(ids)) == PAGE_SIZE + 10
        assert ids == [row.id for row in exported("sort=customer")]
        assert not listed("sort=customer&page=3").rows


@pytest.mark.usefixtures("here")
class TestSearch:
    @pytest.fixture(autouse=True)
    def _town(self, here: Tenant) -> None:
        mounted(
            "Østergade 4",
            "Ben Taylor",
            "9645",
            "1234",
            "11",
            number="63006799",
            meter_type="MULTICAL 602",
        )
        mounted("Taylorvej 2", "Anna Holm", "700", "9440", number="70000001")
        factories.meter(in_stock=True, number="70000002")

    @pytest.mark.parametrize(
        ("address", "serials"),
        [
            ("q=taylor", ["63006799", "70000001"]),
            ("q=taylor&in=customer", ["63006799"]),
            ("q=taylor&in=address", ["70000001"]),
            ("q=TAYLORVEJ", ["70000001"]),
            ("q=%C3%98STERGADE", ["63006799"]),
            ("q=9645", ["63006799"]),
            ("q=9645&in=customer_number", ["63006799"]),
            ("q=9645&in=serial", []),
            ("q=1234&in=postal_code", ["63006799"]),
            ("q=602&in=meter_type", ["63006799"]),
            ("q=11&in=label", ["63006799"]),
            ("q=7000&in=serial", ["70000001", "70000002"]),
            ("q=70000002", ["70000002"]),
            ("q=100%25", []),
            ("q=_", []),
            ("q=nobody", []),
        ],
    )
    def test_finds_in_all_columns_or_one(self, address: str, serials: list[str]) -> None:
        page = listed(address)
        assert sorted(row.serial for row in page) == serials
        assert page.total == len(serials)

    @pytest.mark.parametrize("few", [0, 1, 2000])
    @pytest.mark.parametrize("words", ["7", "vej", "taylor", "nobody"])
    def test_finds_the_same_however_many_there_are(
        self, monkeypatch: pytest.MonkeyPatch, few: int, words: str
    ) -> None:
        expected = {row.serial for row in exported() if words in _texts(row)}
        monkeypatch.setattr(searching, "FEW", few)
        assert {row.serial for row in listed(f"q={words}")} == expected

    def test_of_words_that_many_have_each_page_is_the_same_and_the_end_is_counted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for count in range(PAGE_SIZE + 5):
            meter = mounted(f"Sti {count}", f"Kunde {count}" if count % 3 else "")
            state(meter, t1=count * 1000 if count % 4 else None, t2=0)
        searches = ("q=sti", "q=STI&in=address", "q=kunde", "q=nobody")
        orders = ("address", "-customer", "serial", "state", "-cooling", "label")
        addresses = [f"{search}&sort={order}" for search in searches for order in orders]
        counted = {one: (listed(one), listed(f"{one}&page=2")) for one in addresses}
        assert all(first.exact for first, _second in counted.values())
        monkeypatch.setattr(searching, "FEW", 2)
        cut = 0
        for steps in ((0, 7), (7, 300)), ((0, 3), (3, 9)), ((0, 500), (500, 5000)):
            monkeypatch.setattr(listing, "_STEPS", steps)
            for address, expected in counted.items():
                first, last = listed(address), listed(f"{address}&page=2")
                pages = zip((first, last), expected, strict=True)
                for page, whole in pages:
                    assert [row.id for row in page] == [row.id for row in whole], address
                assert last.exact
                assert not last.next_url
                if first.exact:
                    assert first.total == expected[0].total
                else:
                    assert first.total < expected[0].total
                    assert first.next_url
                    cut += 1
        assert cut

    def test_who_wants_all_that_match_gets_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for count in range(60):
            mounted(f"Sti {count}")
        monkeypatch.setattr(searching, "FEW", 20)
        monkeypatch.setattr(listing, "_STEPS", ((0, 100), (100, 200)))
        page = listed("q=sti")
        assert not page.exact
        assert page.told == "more than 50"
        found = listing_state("q=sti")
        assert listing.how_many(found, NOW) == 60
        assert listing.matching(found, NOW).count() == 60
        assert len(exported("q=sti")) == 60

    def test_a_filter_beside_such_words_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(60):
            factories.meter(in_stock=True)
        monkeypatch.setattr(searching, "FEW", 2)
        page = listed("q=kam&show=stock")
        assert page.exact
        assert page.total == 61

    def test_a_place_is_not_found_by_the_meter_that_left(self) -> None:
        meter = mounted("Gammelvej 1")
        services.remove_meter(
            installation=meter.installations.get(),
            at=NOW,
            registers={},
            actor=factories.ACTOR,
        )
        assert listed("q=gammelvej").total == 0

    def test_searches_within_a_selection(self) -> None:
        assert [row.serial for row in listed("q=7000&show=stock")] == ["70000002"]


def _texts(row: MeterRow) -> str:
    told = (row.customer, row.customer_number, row.address, row.postal_code, row.city, row.label)
    return "\n".join((*told, row.serial, row.meter_type, row.manufacturer)).lower()


@pytest.mark.usefixtures("here")
class TestSelections:
    def test_what_was_counted_of_many_is_told_again_for_seconds_to_whoever_sees_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "LARGE", 1)
        mounted("Vej 1"), mounted("Vej 2")
        assert counts(NOW, clock=lambda: 100.0)[""] == 2
        mounted("Vej 3")
        assert counts(NOW, clock=lambda: 104.0)[""] == 2
        with groups_context([]):
            assert counts(NOW, clock=lambda: 104.0)[""] == 0
        assert counts(NOW, clock=lambda: 106.0)[""] == 3

    def test_few_are_counted_anew_each_time(self) -> None:
        mounted("Vej 1")
        assert counts(NOW, clock=lambda: 100.0)[""] == 1
        mounted("Vej 2")
        assert counts(NOW, clock=lambda: 100.0)[""] == 2

    def test_each_line_counts_what_its_list_shows(self) -> None:
        mounted("Fine 1")
        mounted("Priority 1", interval_s=300)
        state(mounted("Silent 1"), heard_at=NOW - timedelta(days=2))
        state(mounted("Never 1"), heard_at=None)
        state(mounted("Leak 1"), conditions=["leak"])
        state(mounted("Over 1"), conditions=["leak@7"])
        state(mounted("Key 1"), trouble=17)
        factories.meter(in_stock=True)
        Meter.objects.filter(number__endswith="1").update(imported_at=NOW - timedelta(days=9))
        last = Meter.objects.order_by("pk")[:2].values("pk")
        Meter.objects.filter(pk__in=last).update(imported_at=NOW, grouped=True)
        assert counts(NOW) == {
            "": 8,
            "ungrouped": 6,
            "imported": 2,
            "stock": 1,
            "priority": 1,
            "not_heard": 2,
            "info_codes": 1,
            "unreadable": 1,
        }
        for one in SELECTIONS:
            page = listed(f"show={one.key}")
            assert len(page.rows) == page.total == counts(NOW)[one.key], one.key
        assert [row.address for row in listed("show=not_heard")] == ["Never 1", "Silent 1"]

    def test_an_unknown_selection_shows_all(self) -> None:
        mounted()
        assert listed("show=nonsense").total == 1


class TestRows:
    def test_a_row_tells_place_customer_meter_state_and_value(self, here: Tenant) -> None:
        meter = mounted(
            "Østergade 4",
            "Ben Taylor",
            "9645",
            "1234",
            "11",
            number="63006799",
            meter_type="MULTICAL 602",
        )
        state(meter, read_at=NOW, e1=12_345 * 3_600_000, v1=7)
        (row,) = listed()
        assert (row.id, row.customer, row.address, row.postal_code, row.customer_number) == (
            meter.pk,
            "Ben Taylor",
            "Østergade 4",
            "1234",
            "9645",
        )
        assert (row.meter_type, row.serial, row.label, row.read_at) == (
            "MULTICAL 602",
            "63006799",
            "11",
            NOW,
        )
        assert [sign.words for sign in row.signs] == ["Fine"]
        assert row.value is not None
        assert (row.value.register.code, row.value.text, row.value.unit.name) == (
            "E1",
            "12.345",
            "MWh",
        )

    def test_the_neighbours_meters_are_not_there(self, here: Tenant, birkelse: Tenant) -> None:
        with tenant_context(birkelse.pk):
            theirs = mounted("Østergade 4", "Ben Taylor", number="63006799")
        assert listed().total == 0
        assert listed("q=63006799").total == 0
        assert exported() == []
        assert set(counts(NOW).values()) == {0}
        with pytest.raises(Meter.DoesNotExist):
            meter_page(theirs.pk, NOW)

    @pytest.mark.parametrize(
        ("address", "statements"),
        [
            ("", 3),
            ("sort=customer", 4),
            ("q=m&in=address", 4),
            ("show=priority", 3),
            ("sort=customer&page=2", 5),
        ],
    )
    def test_takes_a_fixed_number_of_statements(
        self,
        here: Tenant,
        address: str,
        statements: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        # Counts, the page's ids (two more where the page reaches past those that have the sorted
        # column), their rows.
        for count in range(PAGE_SIZE + 2):
            mounted(f"Møllevej {count}", customer="" if count % 2 else f"Kunde {count}")
        with django_assert_num_queries(statements):
            listed(address)


class TestMeterPage:
    def test_tells_the_open_installation_and_the_key_in_force(self, here: Tenant) -> None:
        meter = mounted("Gammelvej 1", "Ben Taylor", interval_s=300)
        services.remove_meter(
            installation=meter.installations.get(),
            at=NOW - timedelta(days=5),
            registers={},
            actor=factories.ACTOR,
        )
        there = factories.place(street="Nyvej 1")
        services.install_meter(
            meter=meter, supply_point=there, at=NOW, registers={}, actor=factories.ACTOR
        )
        services.set_key(meter=meter, key=b"k" * 16, actor=factories.ACTOR)
        page = meter_page(meter.pk, NOW)
        assert page.place == there
        assert page.customer is None
        assert (page.installed_at, page.interval_min, page.is_priority) == (NOW, 5, True)
        assert page.key_since is not None

    def test_a_meter_in_stock_has_no_place(self, here: Tenant) -> None:
        page = meter_page(factories.meter(in_stock=True).pk, NOW)
        assert (page.place, page.customer, page.installed_at, page.key_since) == (
            None,
            None,
            None,
            None,
        )
        assert [sign.words for sign in page.signs] == ["In stock"]
