"""What a person does with the meter list: columns, saved filters, groups, many meters at once."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from meters import groups, listing
from meters.models import (
    GroupMember,
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterGroup,
    MeterState,
    SavedFilter,
)
from meters.services import install_meter
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/t/aalund/meters/"


@pytest.fixture
def three(aalund: Tenant) -> list[Meter]:
    """Two meters of Storegade and one of Lillegade; the first was heard."""
    made = []
    with tenant_context(aalund.pk):
        for street, number in (("Storegade 1", 1), ("Storegade 2", 2), ("Lillegade 1", 3)):
            meter = factories.meter(number=f"7000000{number}")
            install_meter(
                meter=meter,
                supply_point=factories.place(street=street),
                at=datetime(2026, 1, 1, tzinfo=UTC),
                registers={},
                actor=factories.ACTOR,
            )
            made.append(meter)
        MeterState.objects.filter(meter=made[0]).update(
            heard_at=timezone.now(), t1=70_000, t2=60_000, rssi_dbm=-98
        )
    return made


@pytest.fixture
def west(aalund: Tenant) -> MeterGroup:
    with tenant_context(aalund.pk):
        return groups.create_group(name="West area", actor=factories.ACTOR)


def at(client: Client, who: User, address: str) -> str:
    client.force_login(who)
    answer = client.get(address)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def post(client: Client, who: User, address: str, **data: Any) -> Any:
    client.force_login(who)
    return client.post(LIST + address, data)


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def serials(text: str) -> list[str]:
    return [f"7000000{n}" for n in (1, 2, 3) if f'serial">7000000{n}<' in text]


class TestFilters:
    @pytest.mark.parametrize(
        ("address", "found"),
        [
            ("?cooling=20", [1]),
            ("?cooling=10", []),
            ("?cooling=nonsense", [1, 2, 3]),
            ("?medium=heat", [1, 2, 3]),
            ("?medium=water", []),
            ("?signal=-95", [1]),
            ("?postal=9440&q=store", [1, 2]),
            ("?type=MULTICAL+603", [1, 2, 3]),
            ("?code=leak", []),
            ("?show=ungrouped", [1, 2, 3]),
            ("?show=imported", []),
            ("?group=999", []),
            ("?group=nonsense", []),
            ("?sort=cooling", [1, 2, 3]),
        ],
    )
    def test_narrow_the_list(
        self, client: Client, bob: User, three: list[Meter], address: str, found: list[int]
    ) -> None:
        text = at(client, bob, LIST + address)
        assert serials(text) == [f"7000000{number}" for number in found]

    def test_are_said_and_taken_away(self, client: Client, bob: User, three: list[Meter]) -> None:
        text = at(client, bob, LIST + "?cooling=20&medium=heat")
        assert "Cooling below 20 K" in text
        assert 'href="?medium=heat"' in text
        assert 'href="?cooling=20"' in text


class TestColumns:
    def test_are_kept_for_the_person_alone(
        self, client: Client, alice: User, bob: User, three: list[Meter]
    ) -> None:
        post(client, bob, "columns/", column=["serial", "nonsense", "cooling"], query="?q=7")
        heads = ["Serial number", "Cooling (K)"]
        assert self.exported(client, bob, "") == heads
        assert self.exported(client, alice, "")[0] == "Customer"
        post(client, bob, "columns/", reset="1", column=["serial"])
        assert self.exported(client, bob, "")[0] == "Customer"

    def test_in_the_address_come_first(self, client: Client, bob: User, three: list[Meter]) -> None:
        post(client, bob, "columns/", column=["serial"])
        assert self.exported(client, bob, "?cols=label,address") == ["Label", "Address"]

    def exported(self, client: Client, who: User, query: str) -> list[str]:
        text = at(client, who, LIST + "export.csv" + query)
        return next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_workbook_has_what_is_shown(client: Client, bob: User, three: list[Meter]) -> None:
    client.force_login(bob)
    answer = client.get(LIST + "export.xlsx?q=store&sort=-serial&cols=serial,address")
    (sheet,) = load_workbook(io.BytesIO(answer.content)).worksheets
    rows = list(sheet.iter_rows(values_only=True))
    assert rows == [
        ("Serial number", "Address"),
        ("70000002", "Storegade 2"),
        ("70000001", "Storegade 1"),
    ]


class TestSavedFilters:
    def test_are_ones_own_unless_shared(
        self, client: Client, alice: User, bob: User, three: list[Meter]
    ) -> None:
        post(client, alice, "filters/", name="Cold", query="?cooling=20")
        post(client, alice, "filters/", name="Everybody's", query="?q=store", shared="1")
        assert "Cold" in at(client, alice, LIST)
        text = at(client, bob, LIST)
        assert "Cold" not in text
        assert "Everybody&#x27;s" in text

    def test_of_a_user_are_not_shared(
        self, client: Client, aalund: Tenant, bob: User, three: list[Meter]
    ) -> None:
        post(client, bob, "filters/", name="Mine", query="?q=a", shared="1")
        with tenant_context(aalund.pk):
            assert not SavedFilter.objects.get().shared

    def test_never_lead_elsewhere(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        for name, query in (("A", "https://evil.example/"), ("B", "javascript:alert(1)")):
            post(client, alice, "filters/", name=name, query=query, shared="1")
        with tenant_context(aalund.pk):
            assert set(SavedFilter.objects.values_list("query", flat=True)) == {"?"}

    def test_only_their_owner_deletes_them(
        self, client: Client, aalund: Tenant, alice: User, bob: User, three: list[Meter]
    ) -> None:
        post(client, alice, "filters/", name="Shared", query="?q=a", shared="1")
        with tenant_context(aalund.pk):
            kept = SavedFilter.objects.get().pk
        post(client, bob, "filters/delete/", filter=kept)
        with tenant_context(aalund.pk):
            assert SavedFilter.objects.exists()
        post(client, alice, "filters/delete/", filter=kept)
        with tenant_context(aalund.pk):
            assert not SavedFilter.objects.exists()


class TestGroups:
    def test_ticked_meters_are_added_and_removed(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter], west: MeterGroup
    ) -> None:
        ids = f"{three[0].pk},{three[1].pk},x,999999"
        answer = post(client, alice, "selection/add/", meters=ids, group=west.pk, query="?q=store")
        assert answer["Location"] == LIST + "?q=store"
        assert told(answer) == ["2 meters are added to “West area”."]
        text = at(client, alice, f"{LIST}?group={west.pk}")
        assert serials(text) == ["70000001", "70000002"]
        post(client, alice, "selection/remove/", meters=str(three[0].pk), group=west.pk)
        assert serials(at(client, alice, f"{LIST}?group={west.pk}")) == ["70000002"]

    def test_all_that_match_are_added(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        post(
            client,
            alice,
            "selection/add/",
            everything="1",
            query="?q=store",
            new_group="Observation list A",
        )
        with tenant_context(aalund.pk):
            group = MeterGroup.objects.get()
            assert (group.name, group.size) == ("Observation list A", 2)

    def test_a_list_becomes_a_group_that_follows_it(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        assert "Cooling below 20 K" in at(client, alice, LIST + "groups/?rule=%3Fcooling%3D20")
        query = "cooling=20&sort=-serial&cols=label&group=7&page=3"
        answer = post(client, alice, "groups/new/", name="Cold", colour="blue", rule=query)
        assert answer.status_code == 302
        with tenant_context(aalund.pk):
            group = MeterGroup.objects.get()
            assert (group.rule, group.size, group.colour) == ("cooling=20", 1, "blue")
            MeterState.objects.update(t1=70_000, t2=60_000)
            groups.refresh_groups(find=listing.find, now=timezone.now())
            assert GroupMember.objects.filter(group=group).count() == 3

    def test_a_group_cannot_follow_everything(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        answer = post(client, alice, "groups/new/", name="All", colour="blue", rule="group=7")
        assert answer.status_code == 400
        assert "cannot follow all meters" in answer.content.decode()

    def test_what_makes_no_group_is_said(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        rule = "type=" + "x" * 600
        answer = post(client, alice, "groups/new/", name="Long", colour="blue", rule=rule)
        assert answer.status_code == 400
        assert "too long to be saved" in answer.content.decode()
        ids = str(three[0].pk)
        for odd in ("²", "٣", "9" * 5000):
            answer = post(client, alice, "selection/add/", meters=ids, group=odd)
            assert answer.status_code == 404
        post(client, alice, "selection/add/", meters=ids, new_group="Ea\0st")
        with tenant_context(aalund.pk):
            assert [one.name for one in MeterGroup.objects.all()] == ["East"]

    def test_are_renamed_and_deleted(
        self, client: Client, aalund: Tenant, alice: User, west: MeterGroup
    ) -> None:
        at(client, alice, f"{LIST}groups/{west.pk}/")
        post(client, alice, f"groups/{west.pk}/", name="West", colour="red")
        text = at(client, alice, LIST + "groups/")
        assert "West area" not in text
        assert "dot-red" in text
        answer = post(client, alice, f"groups/{west.pk}/", name="", colour="red")
        assert answer.status_code == 400
        post(client, alice, f"groups/{west.pk}/delete/")
        assert "No groups yet" in at(client, alice, LIST + "groups/")

    def test_a_taken_name_is_said_at_the_field(
        self, client: Client, alice: User, west: MeterGroup
    ) -> None:
        answer = post(client, alice, "groups/new/", name="west AREA", colour="red")
        assert answer.status_code == 400
        assert "There is a group called “west AREA” already." in answer.content.decode()

    @pytest.mark.parametrize(
        "path", ["selection/add/", "selection/remove/", "groups/new/", "groups/{}/delete/"]
    )
    def test_a_user_changes_none(
        self, client: Client, bob: User, west: MeterGroup, path: str
    ) -> None:
        answer = post(client, bob, path.format(west.pk), group=west.pk, name="x", colour="red")
        assert answer.status_code == 403

    def test_a_neighbours_group_is_not_found(
        self, client: Client, alice: User, birkelse: Tenant, three: list[Meter]
    ) -> None:
        with tenant_context(birkelse.pk):
            theirs = groups.create_group(name="Theirs", actor=factories.ACTOR)
        ids = str(three[0].pk)
        for path in ("selection/add/", "selection/remove/"):
            assert post(client, alice, path, meters=ids, group=theirs.pk).status_code == 404
        assert post(client, alice, f"groups/{theirs.pk}/", name="x").status_code == 404
        assert post(client, alice, f"groups/{theirs.pk}/delete/").status_code == 404


class TestManyMeters:
    def test_are_corrected_together(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        answer = post(client, alice, "selection/edit/", everything="1", query="?q=store")
        assert "Edit 2 meters" in answer.content.decode()
        post(
            client,
            alice,
            "selection/edit/",
            everything="1",
            query="?q=store",
            confirm="1",
            medium="cooling",
            label="Block 4",
        )
        with tenant_context(aalund.pk):
            assert Meter.objects.filter(medium=Medium.COOLING).count() == 2
            entry = AuditEntry.objects.get(event="meters.changed")
            assert entry.after == {
                "count": 2,
                "medium": "cooling",
                "label": "Block 4",
                "meters": [three[0].pk, three[1].pk],
            }
        assert at(client, alice, LIST).count("Block 4") == 2

    def test_are_not_corrected_to_nothing(
        self, client: Client, alice: User, three: list[Meter]
    ) -> None:
        answer = post(client, alice, "selection/edit/", meters=str(three[0].pk), confirm="1")
        assert answer.status_code == 400
        assert "Fill in at least one field." in answer.content.decode()

    def test_only_those_never_heard_are_deleted(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter], west: MeterGroup
    ) -> None:
        post(client, alice, "selection/add/", everything="1", query="?", group=west.pk)
        asked = post(client, alice, "selection/delete/", everything="1", query="?")
        text = asked.content.decode()
        assert "Delete 2 meters" in text
        assert "1 of them was heard and stays" in text
        with tenant_context(aalund.pk):
            assert Meter.objects.count() == 3
        answer = post(client, alice, "selection/delete/", everything="1", query="?", confirm="1")
        assert told(answer)[0] == "2 meters are deleted."
        with tenant_context(aalund.pk):
            assert list(Meter.objects.all()) == [three[0]]
            assert Installation.objects.count() == 1
            assert MeterAddress.objects.count() == 1
            assert MeterGroup.objects.get().size == 1
            assert AuditEntry.objects.get(event="meters.deleted").after["count"] == 2

    def test_a_user_changes_none(self, client: Client, bob: User, three: list[Meter]) -> None:
        for act in ("edit", "delete"):
            answer = post(client, bob, f"selection/{act}/", everything="1", query="?", confirm="1")
            assert answer.status_code == 403


class TestNew:
    FIELDS = {"manufacturer": "kam", "number": "63000001", "meter_type": "X", "medium": "heat"}

    def test_a_meter_in_stock(self, client: Client, aalund: Tenant, alice: User) -> None:
        at(client, alice, LIST + "new/")
        answer = post(client, alice, "new/", **self.FIELDS)
        assert answer.status_code == 302
        with tenant_context(aalund.pk):
            meter = Meter.objects.get()
            assert (str(meter), meter.in_stock) == ("KAM 63000001", True)

    def test_a_mounted_meter_with_its_customer(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        post(
            client,
            alice,
            "new/",
            **self.FIELDS,
            street="Storegade 1",
            customer_number="12",
            customer="Ida",
            mounted_on="01-02-2026",
        )
        with tenant_context(aalund.pk):
            mounted = Installation.objects.select_related("supply_point__customer").get()
            assert mounted.supply_point.customer.name == "Ida"
            assert mounted.starts_at == datetime(2026, 1, 31, 23, tzinfo=UTC)
            assert not Meter.objects.get().in_stock

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"number": "123"}, "A meter number has 8 digits."),
            ({"manufacturer": "K1"}, "A manufacturer&#x27;s code has three letters"),
            ({"city": "Aalund"}, "Give the address, too"),
            ({"street": "A 1", "customer": "Ida"}, "A customer needs a customer number."),
            ({"street": "A 1", "mounted_on": "01-01-2099"}, "cannot be mounted in the future"),
            ({"street": "A 1", "mounted_on": "soon"}, "Type a day as in 18-04-2024."),
        ],
    )
    def test_says_what_is_wrong_and_makes_nothing(
        self, client: Client, aalund: Tenant, alice: User, changed: dict[str, str], words: str
    ) -> None:
        answer = post(client, alice, "new/", **{**self.FIELDS, **changed})
        assert answer.status_code == 400
        assert words in answer.content.decode()
        with tenant_context(aalund.pk):
            assert not Meter.objects.exists()

    def test_a_known_meter_is_said_at_its_number(
        self, client: Client, alice: User, three: list[Meter]
    ) -> None:
        answer = post(client, alice, "new/", **{**self.FIELDS, "number": "70000001"})
        assert "is registered already" in answer.content.decode()


class TestOneMeter:
    def test_is_corrected(
        self, client: Client, aalund: Tenant, alice: User, three: list[Meter]
    ) -> None:
        path = f"{three[0].pk}/edit/"
        at(client, alice, LIST + path)
        post(client, alice, path, meter_type="MULTICAL 803", medium="heat")
        with tenant_context(aalund.pk):
            assert Meter.objects.get(pk=three[0].pk).meter_type == "MULTICAL 803"
            entry = AuditEntry.objects.get(event="meter.changed")
            assert entry.before == {"meter_type": "MULTICAL 603", "medium": "heat"}

    def test_stands_beside_the_list(self, client: Client, bob: User, three: list[Meter]) -> None:
        text = at(client, bob, f"{LIST}{three[0].pk}/drawer/")
        assert "Storegade 1" in text
        assert "−98 dBm" in text
        assert f"{LIST}{three[0].pk}/month/" in text
        assert "No consumption is known" in at(client, bob, f"{LIST}{three[0].pk}/month/")

    def test_of_a_neighbour_is_not_found(
        self, client: Client, alice: User, birkelse: Tenant
    ) -> None:
        with tenant_context(birkelse.pk):
            theirs = factories.meter()
        client.force_login(alice)
        for part in ("edit", "drawer", "month"):
            assert client.get(f"{LIST}{theirs.pk}/{part}/").status_code == 404
