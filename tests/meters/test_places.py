"""Places and customers: their pages, corrections, and who moves in or out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from meters import services
from meters.models import Customer, Meter, MeterGroup, Occupancy, SupplyPoint
from ready.accounts.models import RolePermission, User
from ready.audit.models import AuditEntry
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(aalund: Tenant) -> SupplyPoint:
    """A place with a customer and a meter."""
    with tenant_context(aalund.pk):
        customer = services.register_customer(number="4711", name="Åse Holm", actor=factories.ACTOR)
        made: SupplyPoint = factories.place(street="Lærkevej 4", customer=customer)
        services.install_meter(
            meter=factories.meter(number="71000001"),
            supply_point=made,
            at=datetime(2024, 1, 1, tzinfo=UTC),
            registers={},
            actor=factories.ACTOR,
        )
    return made


def shown(client: Client, who: User, address: str) -> str:
    client.force_login(who)
    answer = client.get(f"/t/aalund/{address}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(client: Client, who: User, address: str, **data: str) -> Any:
    client.force_login(who)
    return client.post(f"/t/aalund/{address}", data)


class TestPlace:
    def test_tells_whose_it_is_and_which_meter_is_there(
        self, client: Client, bob: User, place: SupplyPoint
    ) -> None:
        page = shown(client, bob, f"places/{place.pk}/")
        assert "Åse Holm" in page
        assert "71000001" in page

    def test_a_correction_is_kept_with_what_was_there_before(
        self, client: Client, alice: User, aalund: Tenant, place: SupplyPoint
    ) -> None:
        data = {"street": "Lærkevej 4A", "postal_code": "9440", "city": "Aalund"}
        answer = post(
            client, alice, f"places/{place.pk}/edit/", latitude="57,1", longitude="9.5", **data
        )
        assert answer.status_code == 302
        with tenant_context(aalund.pk):
            row = SupplyPoint.objects.get(pk=place.pk)
            entry = AuditEntry.objects.get(event="supply_point.changed")
        assert (row.street, row.latitude, row.longitude) == ("Lærkevej 4A", 57_100_000, 9_500_000)
        assert entry.before["street"] == "Lærkevej 4"

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("street", "", "This field is required"),
            ("latitude", "91", "between −90 and 90"),
            ("latitude", "north", "Type a number"),
            ("latitude", "57", "both latitude and longitude"),
        ],
    )
    def test_what_cannot_be_is_said(
        self, client: Client, alice: User, place: SupplyPoint, name: str, value: str, says: str
    ) -> None:
        data = {"street": "Lærkevej 4"} | {name: value}
        answer = post(client, alice, f"places/{place.pk}/edit/", **data)
        assert answer.status_code == 400
        assert says in answer.content.decode()


class TestMove:
    def move(self, client: Client, alice: User, place: SupplyPoint, **data: str) -> Any:
        return post(client, alice, f"places/{place.pk}/move/", **data)

    def test_a_new_customer_moves_in_and_the_old_ones_time_is_noted(
        self, client: Client, alice: User, aalund: Tenant, place: SupplyPoint
    ) -> None:
        answer = self.move(client, alice, place, day="01-06-2025", number="4712", name="Bo Dam")
        assert answer.status_code == 302
        with tenant_context(aalund.pk):
            periods = list(Occupancy.objects.select_related("customer").order_by("starts_at"))
            assert SupplyPoint.objects.get(pk=place.pk).customer.number == "4712"
        assert [one.customer.number for one in periods] == ["4711", "4712"]
        assert periods[0].ends_at == periods[1].starts_at == datetime(2025, 5, 31, 22, tzinfo=UTC)
        page = shown(client, alice, f"places/{place.pk}/")
        assert page.index("Bo Dam") < page.index("Åse Holm")

    def test_a_number_nobody_has_needs_a_name(
        self, client: Client, alice: User, aalund: Tenant, place: SupplyPoint
    ) -> None:
        answer = self.move(client, alice, place, day="01-06-2025", number="4712")
        assert answer.status_code == 400
        assert "No customer has number 4712" in answer.content.decode()
        with tenant_context(aalund.pk):
            assert Customer.objects.count() == 1

    def test_a_place_may_stand_empty(
        self, client: Client, alice: User, aalund: Tenant, place: SupplyPoint
    ) -> None:
        assert self.move(client, alice, place, day="01-06-2025").status_code == 302
        with tenant_context(aalund.pk):
            assert SupplyPoint.objects.get(pk=place.pk).customer is None

    def test_before_the_one_who_lives_there_is_refused(
        self, client: Client, alice: User, place: SupplyPoint
    ) -> None:
        self.move(client, alice, place, day="01-06-2025", number="4712", name="Bo Dam")
        answer = self.move(client, alice, place, day="01-06-2025", number="4711")
        assert answer.status_code == 400
        assert "a move lies after that" in answer.content.decode()


class TestCustomers:
    def test_are_listed_searched_and_exported(
        self, client: Client, bob: User, place: SupplyPoint
    ) -> None:
        assert "Åse Holm" in shown(client, bob, "customers/?q=471")
        assert "Nothing found" in shown(client, bob, "customers/?q=999")
        client.force_login(bob)
        file = client.get("/t/aalund/customers/export.csv").content.decode("utf-8-sig")
        assert file.splitlines()[1] == "4711,Åse Holm,,,1"

    def test_a_page_has_the_places(self, client: Client, bob: User, place: SupplyPoint) -> None:
        page = shown(client, bob, f"customers/{place.customer_id}/")
        assert "Lærkevej 4" in page
        assert "71000001" in page

    def test_a_number_stays_one_customers(
        self, client: Client, alice: User, aalund: Tenant, place: SupplyPoint
    ) -> None:
        with tenant_context(aalund.pk):
            services.register_customer(number="4712", name="Bo Dam", actor=factories.ACTOR)
        address = f"customers/{place.customer_id}/edit/"
        answer = post(client, alice, address, number="4712", name="Åse Holm")
        assert answer.status_code == 400
        assert "belongs to another customer" in answer.content.decode()
        saved = post(client, alice, address, number="4711", name="Åse Holm-Dam", phone="98 12")
        assert saved.status_code == 302
        with tenant_context(aalund.pk):
            assert Customer.objects.get(number="4711").name == "Åse Holm-Dam"

    def test_neighbours_do_not_exist(
        self, client: Client, charlie: User, birkelse: Tenant, place: SupplyPoint
    ) -> None:
        client.force_login(charlie)
        for address in (f"places/{place.pk}/", f"customers/{place.customer_id}/"):
            assert client.get(f"/t/birkelse/{address}").status_code == 404
            assert client.get(f"/t/aalund/{address}").status_code == 404

    def test_who_only_looks_changes_nothing(
        self, client: Client, bob: User, place: SupplyPoint
    ) -> None:
        for address in (f"places/{place.pk}/edit/", f"customers/{place.customer_id}/edit/"):
            assert post(client, bob, address).status_code == 403


class TestWithoutTheRightToSeeCustomers:
    """Somebody who may see meters, but not who lives where: no page and no file names them."""

    PAGES = (
        "meters/",
        "meters/?cols=customer,customer_number,address,serial",
        "meters/?q=71000001",
        "meters/{meter}/",
        "meters/{meter}/drawer/",
        "meters/map/list/",
        "search/?q=71000001",
        "analysis/comparison/find/?q=71000001",
        "analysis/consumption/",
        "analysis/consumption/export.csv",
        "meters/export.csv",
        "meters/export.csv?cols=customer,serial",
    )

    @pytest.fixture
    def seen(
        self, client: Client, aalund: Tenant, bob: User, place: SupplyPoint
    ) -> Callable[[str], str]:
        with tenant_context(aalund.pk):
            meter = Meter.objects.get().pk
            SupplyPoint.objects.update(latitude=56_000_000, longitude=9_000_000)

        def look(address: str) -> str:
            return shown(client, bob, address.format(meter=meter))

        return look

    @pytest.fixture
    def refused(self, aalund: Tenant, bob: User) -> None:
        with tenant_context(aalund.pk):
            RolePermission.objects.create(role=Role.USER, code="customers.view", held=False)

    @pytest.mark.parametrize("address", PAGES)
    def test_nobody_is_named(self, seen: Callable[[str], str], refused: None, address: str) -> None:
        text = seen(address)
        assert "71000001" in text, "the page shows the meter at all"
        assert "Åse" not in text
        assert "4711" not in text

    def test_with_the_right_they_are(self, seen: Callable[[str], str]) -> None:
        for address in (*self.PAGES, "search/?q=Holm"):
            if "cols=customer,serial" not in address and "search/?q=7" not in address:
                assert "Åse" in seen(address), address

    def test_a_name_finds_nothing(self, seen: Callable[[str], str], refused: None) -> None:
        for address in ("meters/?q=Holm", "meters/?q=Holm&in=customer", "meters/?q=4711"):
            assert "71000001" not in seen(address), address

    @pytest.mark.parametrize(
        "rule", ["?q=Holm", "?q=Holm&in=customer", "q=4711&in=customer_number"]
    )
    def test_no_group_follows_a_name(
        self,
        client: Client,
        aalund: Tenant,
        bob: User,
        place: SupplyPoint,
        refused: None,
        rule: str,
    ) -> None:
        with tenant_context(aalund.pk):
            RolePermission.objects.create(role=Role.USER, code="groups.edit", held=True)
        answer = post(client, bob, "meters/groups/new/", name="X", colour="blue", rule=rule)
        assert answer.status_code == 400
        assert "choose the column that is searched" in answer.content.decode()
        with tenant_context(aalund.pk):
            assert not MeterGroup.objects.exists()
        in_serials = "?q=71000001&in=serial"
        answer = post(client, bob, "meters/groups/new/", name="X", colour="blue", rule=in_serials)
        assert answer.status_code == 302

    def test_a_group_of_others_tells_no_name(
        self,
        client: Client,
        aalund: Tenant,
        alice: User,
        bob: User,
        place: SupplyPoint,
        refused: None,
    ) -> None:
        post(client, alice, "meters/groups/new/", name="X", colour="blue", rule="?q=Holm")
        assert "“Holm”" in shown(client, alice, "meters/groups/")
        text = shown(client, bob, "meters/groups/")
        assert "words searched for" in text
        assert "Holm" not in text

    def test_the_list_of_customers_is_no_file_either(
        self, client: Client, bob: User, place: SupplyPoint, refused: None
    ) -> None:
        client.force_login(bob)
        assert client.get("/t/aalund/customers/export.csv").status_code == 403
