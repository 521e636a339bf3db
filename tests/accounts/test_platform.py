"""Operators of the platform: a realm of their own, and visits that a utility sees."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from ready.accounts import platform
from ready.accounts.models import Membership, User, Visit
from ready.audit.models import AuditEntry
from ready.audit.services import Actor
from ready.policy import PERMISSIONS, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.conftest import as_admin
from tests.people import log_in

pytestmark = pytest.mark.usefixtures("committed")
TERMS = {"licence": "drive_by", "priority_meters": "7", "alarm_meters": "70"}
WHY = {"reason": "They rang about a red lamp", "minutes": "30"}


@pytest.fixture
def olga(committed: None) -> User:
    """Runs the platform."""
    user = User.objects.create_user("olga@platform.example", "Kobberkedel-1", name="Olga")
    with as_admin() as link:
        link.execute(
            "INSERT INTO accounts_platformoperator (user_id, created_at) VALUES (%s, now())",
            [user.pk],
        )
    return user


@pytest.fixture
def hers(olga: User) -> Client:
    client = Client()
    log_in(client, olga)
    return client


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


def events(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(AuditEntry.objects.order_by("id").values_list("event", flat=True))


def test_the_web_process_cannot_make_an_operator(alice: User) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_platformoperator (user_id, created_at) VALUES (%s, now())",
            [alice.pk],
        )


def test_for_everybody_else_there_is_no_platform(alice: User) -> None:
    client = Client()
    log_in(client, alice)
    assert client.get("/platform/").status_code == 404
    assert client.get("/platform/aalund/").status_code == 404
    assert client.post("/platform/aalund/enter/", WHY).status_code == 404


def test_an_operator_sees_no_utility_from_inside(hers: Client, aalund: Tenant) -> None:
    assert "Aalund Varme" in text_of(hers.get("/platform/"))
    assert hers.get("/t/aalund/").status_code == 404


def test_a_membership_of_an_operator_counts_for_nothing(
    hers: Client, olga: User, aalund: Tenant
) -> None:
    with tenant_context(aalund.pk):
        Membership.objects.create(tenant=aalund, user=olga, role=Role.ADMINISTRATOR)
    assert hers.get("/t/aalund/").status_code == 404


def test_a_new_utility_begins_with_an_invitation(hers: Client, mailoutbox: list[object]) -> None:
    response = hers.post(
        "/platform/new/",
        {**TERMS, "name": "Cirkel", "slug": "cirkel", "email": "first@cirkel.example"},
    )
    assert response.status_code == 302
    made = Tenant.objects.get(slug="cirkel")
    assert (made.licence, made.priority_meters, made.alarm_meters) == ("drive_by", 7, 70)
    assert "/invitation/cirkel/" in mailoutbox[0].body  # type: ignore[attr-defined]
    assert events(made)[:2] == ["tenant.created", "person.invited"]
    again = hers.post(
        "/platform/new/", {**TERMS, "name": "C", "slug": "cirkel", "email": "x@cirkel.example"}
    )
    assert again.status_code == 400


def test_terms_are_changed_and_told(hers: Client, aalund: Tenant) -> None:
    hers.post("/platform/aalund/terms/", TERMS)
    aalund.refresh_from_db()
    assert platform.terms_of(aalund) == platform.Terms("drive_by", 7, 70)
    assert hers.post("/platform/aalund/terms/", {**TERMS, "licence": "x"}).status_code == 400
    assert "tenant.terms_changed" in events(aalund)


def test_a_suspended_utility_is_closed_and_opens_again(
    hers: Client, alice: User, aalund: Tenant
) -> None:
    client = Client()
    log_in(client, alice)
    hers.post("/platform/aalund/suspend/", {"suspended": "yes"})
    closed = client.get("/t/aalund/")
    assert closed.status_code == 403
    assert "suspended" in text_of(closed)
    hers.post("/platform/aalund/suspend/", {"suspended": "no"})
    assert client.get("/t/aalund/").status_code == 200


class TestVisit:
    def test_it_wants_a_reason_and_is_short(self, hers: Client, olga: User, aalund: Tenant) -> None:
        assert hers.post("/platform/aalund/enter/", {**WHY, "reason": "x"}).status_code == 400
        assert hers.post("/platform/aalund/enter/", {**WHY, "minutes": "61"}).status_code == 400
        with pytest.raises(platform.NotAllowed):
            platform.enter(
                tenant=aalund,
                operator=olga,
                reason=WHY["reason"],
                lasts=timedelta(hours=2),
                actor=Actor(olga.pk, olga.email),
            )
        assert hers.get("/t/aalund/").status_code == 404

    def test_it_is_for_looking_and_the_utility_sees_it(
        self, hers: Client, alice: User, aalund: Tenant
    ) -> None:
        hers.post("/platform/aalund/enter/", WHY)
        page = hers.get("/t/aalund/")
        assert page.status_code == 200
        assert WHY["reason"] in text_of(page)
        refused = hers.post(
            "/t/aalund/configuration/change/",
            {"name": "Mine", "zone": "UTC", "language": "da", "energy_unit": "MWh"},
        )
        assert refused.status_code == 403
        assert "looking only" in text_of(refused)
        client = Client()
        log_in(client, alice)
        told = text_of(client.get("/t/aalund/configuration/"))
        assert "olga@platform.example" in told
        assert WHY["reason"] in told
        assert "platform.entered" in events(aalund)

    def test_it_opens_one_utility_only(
        self, hers: Client, aalund: Tenant, birkelse: Tenant
    ) -> None:
        hers.post("/platform/aalund/enter/", WHY)
        assert hers.get("/t/birkelse/").status_code == 404

    @pytest.mark.parametrize("how", ["left", "expired", "shut out"])
    def test_it_ends(self, hers: Client, olga: User, aalund: Tenant, how: str) -> None:
        hers.post("/platform/aalund/enter/", WHY)
        assert hers.get("/t/aalund/").status_code == 200
        if how == "left":
            hers.post("/platform/aalund/leave/")
        elif how == "expired":
            with tenant_context(aalund.pk):
                Visit.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        else:
            with as_admin() as link:
                link.execute("UPDATE accounts_platformoperator SET disabled_at = now()")
        assert hers.get("/t/aalund/").status_code == 404

    def test_it_wants_a_fresh_proof_and_a_second_factor(
        self, olga: User, aalund: Tenant, settings: Settings
    ) -> None:
        stale = Client()
        log_in(stale, olga, ago=400)
        assert stale.post("/platform/aalund/enter/", WHY).status_code == 302
        with tenant_context(aalund.pk):
            assert not Visit.objects.exists()
        settings.REQUIRE_SECOND_FACTOR = True
        assert stale.get("/platform/")["Location"] == "/accounts/second-factor/"


def test_no_visitor_holds_what_changes() -> None:
    assert not any(one.visit and one.step_up for one in PERMISSIONS.values())
