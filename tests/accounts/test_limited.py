"""A member limited to groups of meters: the database itself shows them nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from meters import groups, services
from meters.models import Customer, Meter, MeterGroup, SupplyPoint
from ready.accounts import api_tokens, people
from ready.accounts.models import User
from ready.accounts.rights import rights_of, seen_with
from ready.audit.services import Actor
from ready.policy import EVERYTHING, WITHIN_GROUPS, Role
from ready.tenancy.context import UnscopedQuery, groups_context, tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.matrix.sites import Site, sites
from tests.people import log_in
from tests.rules.test_walls import rows

pytestmark = pytest.mark.django_db
THEIRS, HIDDEN = "71000001", "71000002"


@pytest.fixture
def split(aalund: Tenant, bob: User) -> dict[str, Any]:
    """Two mounted meters; bob is limited to the group of one of them."""
    with tenant_context(aalund.pk):
        made: dict[str, Any] = {}
        for number, name in ((THEIRS, "Jens"), (HIDDEN, "Mette")):
            customer = services.register_customer(number=f"C{number}", name=name, actor=ACTOR)
            place = factories.place(street=f"{name}vej 1", customer=customer)
            meter = factories.meter(number=number, key=bytes(16))
            services.install_meter(
                meter=meter,
                supply_point=place,
                at=meter.created_at,
                registers={},
                actor=ACTOR,
            )
            group = groups.create_group(name=f"{name}s", actor=ACTOR)
            groups.add_to_group(group=group, meters=Meter.objects.filter(pk=meter.pk), actor=ACTOR)
            made[number] = meter
            made[name] = group
            made[f"{name} place"], made[f"{name} customer"] = place, customer
        people.limit(user_id=bob.pk, groups=[made["Jens"].pk], actor=ACTOR, rights=EVERYTHING)
    return made


class TestTheDatabase:
    def test_shows_what_is_in_the_groups_whoever_asks(
        self, aalund: Tenant, split: dict[str, Any]
    ) -> None:
        with tenant_context(aalund.pk):
            with groups_context([split["Jens"].pk]):
                assert rows("SELECT number FROM meters_meter") == [(THEIRS,)]
                for table in ("installation", "meterstate", "meterkey", "meteraddress"):
                    assert rows(f"SELECT DISTINCT meter_id FROM meters_{table}") == [
                        (split[THEIRS].pk,)
                    ], table
                assert [one.street for one in SupplyPoint.objects.all()] == ["Jensvej 1"]
                assert [one.name for one in Customer.objects.all()] == ["Jens"]
                assert [one.name for one in MeterGroup.objects.all()] == ["Jenss"]
            assert Meter.objects.count() == 2
            assert rows("SELECT current_user") == [("ready_app",)]

    def test_no_group_is_no_meter(self, aalund: Tenant, split: dict[str, Any]) -> None:
        with tenant_context(aalund.pk), groups_context([]):
            assert not Meter.objects.exists()
            assert not Customer.objects.exists()

    def test_a_change_does_not_reach_past_them(self, aalund: Tenant, split: dict[str, Any]) -> None:
        with tenant_context(aalund.pk), groups_context([split["Jens"].pk]):
            assert Meter.objects.update(meter_type="X") == 1
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                Meter.objects.create(manufacturer="KAM", number="1", medium="heat")
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM meters_groupmember WHERE group_id <> 0")
                assert cursor.rowcount == 1

    def test_a_role_without_groups_is_an_error(self, aalund: Tenant, split: dict[str, Any]) -> None:
        with tenant_context(aalund.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE ready_limited")
            with pytest.raises(DatabaseError, match=r"app\.groups|malformed"), transaction.atomic():
                cursor.execute("SELECT count(*) FROM meters_meter")

    def test_needs_a_tenant(self) -> None:
        with pytest.raises(UnscopedQuery), groups_context([1]):
            pass

    def test_an_error_inside_takes_the_role_back(
        self, aalund: Tenant, split: dict[str, Any]
    ) -> None:
        with tenant_context(aalund.pk):
            with pytest.raises(ZeroDivisionError), groups_context([]):
                raise ZeroDivisionError
            assert rows("SELECT current_user") == [("ready_app",)]
            assert Meter.objects.count() == 2


# Every page of a utility that a limited member may open and that names no object.
PAGES = [
    site
    for site in sites()
    if site.parameters == ("tenant",) and site.needs.get("GET") in WITHIN_GROUPS
]


class TestPages:
    @pytest.mark.parametrize("site", PAGES, ids=[site.name for site in PAGES])
    def test_only_their_own_is_there(
        self, site: Site, client: Client, aalund: Tenant, bob: User, split: dict[str, Any]
    ) -> None:
        with tenant_context(aalund.pk):
            people.change_role(user_id=bob.pk, role=Role.SUPER_USER, actor=ACTOR, rights=EVERYTHING)
        log_in(client, bob)
        for query in ("", "?q=7100000", "?q=vej"):
            response = client.get(site.path({"tenant": "aalund"}) + query)
            assert response.status_code < 500
            text = response.content.decode(errors="replace")
            assert HIDDEN not in text
            assert "Mette" not in text

    def test_the_search_and_the_export_find_theirs(
        self, client: Client, bob: User, split: dict[str, Any]
    ) -> None:
        log_in(client, bob)
        for page in ("meters/export.csv", "meters/?q=7100000", "customers/"):
            found = client.get(f"/t/aalund/{page}").content.decode()
            assert THEIRS in found or "Jens" in found, page

    def test_the_list_shows_and_counts_theirs(
        self, client: Client, bob: User, split: dict[str, Any]
    ) -> None:
        log_in(client, bob)
        assert THEIRS in client.get("/t/aalund/meters/").content.decode()

    def test_the_others_are_not_found(
        self, client: Client, bob: User, split: dict[str, Any]
    ) -> None:
        log_in(client, bob)
        assert client.get(f"/t/aalund/meters/{split[THEIRS].pk}/").status_code == 200
        for path in (
            f"meters/{split[HIDDEN].pk}/",
            f"customers/{split['Mette customer'].pk}/",
            f"places/{split['Mette place'].pk}/",
        ):
            assert client.get(f"/t/aalund/{path}").status_code == 404, path

    def test_what_concerns_all_is_refused_with_its_reason(
        self, client: Client, aalund: Tenant, bob: User, split: dict[str, Any]
    ) -> None:
        with tenant_context(aalund.pk):
            people.change_role(user_id=bob.pk, role=Role.SUPER_USER, actor=ACTOR, rights=EVERYTHING)
        log_in(client, bob)
        response = client.get("/t/aalund/meters/new/", headers={"accept-language": "en"})
        assert response.status_code == 403
        assert "limited to groups of meters" in response.content.decode()

    def test_another_group_at_once(
        self, client: Client, aalund: Tenant, bob: User, split: dict[str, Any]
    ) -> None:
        log_in(client, bob)
        with tenant_context(aalund.pk):
            people.limit(user_id=bob.pk, groups=[split["Mette"].pk], actor=ACTOR, rights=EVERYTHING)
        page = client.get("/t/aalund/meters/").content.decode()
        assert HIDDEN in page
        assert THEIRS not in page


def test_a_token_is_limited_as_its_person_is(
    aalund: Tenant, bob: User, split: dict[str, Any]
) -> None:
    with tenant_context(aalund.pk):
        text = str(
            api_tokens.issue(
                name="x",
                scopes=["meters.view"],
                lasts=timedelta(days=1),
                user=bob,
                role=None,
                actor=Actor(None, "tests"),
                rights=EVERYTHING,
            )
        )
        caller = api_tokens.authenticate(f"Bearer {text}")
        assert caller is not None
        with seen_with(caller.rights):
            assert [one.number for one in Meter.objects.all()] == [THEIRS]
        rights = rights_of(bob.pk)
        assert rights is not None
        assert "meters.create" not in rights.codes
