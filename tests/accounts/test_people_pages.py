"""People of a utility: the pages, and what is open meanwhile."""

import pytest
from django.test import Client
from django.urls import reverse

from ready.accounts.models import Membership, User
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.accounts.test_people import PASSWORD, address, role_of, text_of
from tests.people import log_in


@pytest.mark.django_db
class TestPages:
    def test_a_super_user_looks_and_is_told_why_not_more(
        self, client: Client, aalund: Tenant, alice: User, bob: User
    ) -> None:
        with tenant_context(aalund.pk):
            Membership.objects.filter(user=bob).update(role=Role.SUPER_USER)
        log_in(client, bob)
        text = text_of(client.get(address("users")))
        assert alice.email in text
        assert "Only an administrator" in text
        assert client.post(address("disable_user", alice.pk)).status_code == 403

    def test_a_user_does_not_look(self, client: Client, bob: User) -> None:
        log_in(client, bob)
        assert client.get(address("users")).status_code == 403
        assert client.get(address("roles")).status_code == 403

    def test_neighbours_people_are_absent(
        self, client: Client, alice: User, bob: User, charlie: User
    ) -> None:
        log_in(client, alice)
        assert charlie.email not in text_of(client.get(address("users"))), "leaked"
        foreign = client.get(address("user", charlie.pk))
        absent = client.get(address("user", 999_999))
        assert (foreign.status_code, absent.status_code) == (404, 404)
        for act in (
            "disable_user",
            "enable_user",
            "remove_user",
            "end_user_sessions",
            "limit_user",
        ):
            assert client.post(address(act, charlie.pk)).status_code == 404

    def test_each_act_of_the_page(
        self, client: Client, aalund: Tenant, alice: User, bob: User
    ) -> None:
        log_in(client, alice)
        client.post(address("change_role", bob.pk), {"role": "super_user"})
        assert role_of(bob, aalund) == Role.SUPER_USER
        assert "Let in again" in text_of(client.post(address("disable_user", bob.pk), follow=True))
        assert "Shut out" in text_of(client.post(address("enable_user", bob.pk), follow=True))
        client.post(address("remove_user", bob.pk))
        assert bob.email not in text_of(client.get(address("users")))

    def test_an_act_wants_a_fresh_proof_and_comes_back(
        self, client: Client, aalund: Tenant, alice: User, bob: User
    ) -> None:
        log_in(client, alice, ago=301)
        page = f"http://testserver{address('user', bob.pk)}"
        response = client.post(
            address("change_role", bob.pk), {"role": "super_user"}, headers={"referer": page}
        )
        assert response.status_code == 302
        assert role_of(bob, aalund) == Role.USER
        back = client.post(response["Location"], {"password": PASSWORD})
        assert back["Location"] == address("user", bob.pk)
        client.post(address("change_role", bob.pk), {"role": "super_user"})
        assert role_of(bob, aalund) == Role.SUPER_USER

    def test_a_fresh_proof_leads_nowhere_else(self, client: Client, alice: User, bob: User) -> None:
        log_in(client, alice, ago=301)
        response = client.post(
            address("disable_user", bob.pk), headers={"referer": "https://evil.example/x"}
        )
        assert "evil" not in response["Location"]
        assert (
            "evil" not in client.get(reverse("accounts:prove") + "?next=//evil.example")["Location"]
        )

    def test_htmx_is_led_there_too(self, client: Client, alice: User, bob: User) -> None:
        log_in(client, alice, ago=301)
        response = client.post(address("disable_user", bob.pk), headers={"HX-Request": "true"})
        assert response.status_code == 204
        assert response["HX-Redirect"].startswith("/accounts/reauthenticate/")


@pytest.mark.django_db
class TestOpenSessions:
    @pytest.mark.parametrize("act", ["disable_user", "remove_user"])
    def test_who_is_shut_out_is_out_at_once(
        self, client: Client, alice: User, bob: User, act: str
    ) -> None:
        his = Client()
        log_in(his, bob)
        assert his.get("/t/aalund/").status_code == 200
        log_in(client, alice)
        client.post(address(act, bob.pk))
        gone, nowhere = his.get("/t/aalund/"), his.get("/t/nowhere/")
        assert (gone.status_code, nowhere.status_code) == (404, 404)
        assert "Aalund" not in text_of(his.get(reverse("accounts:switch")))

    @pytest.mark.parametrize("act", ["end_user_sessions", "change_role"])
    def test_an_older_log_in_does_not_open_it_any_more(
        self, client: Client, aalund: Tenant, alice: User, bob: User, act: str
    ) -> None:
        his = Client()
        log_in(his, bob, ago=5)
        log_in(client, alice)
        client.post(address(act, bob.pk), {"role": "super_user"})
        assert his.get("/t/aalund/")["Location"].startswith("/accounts/login/")
        log_in(his, bob)
        assert his.get("/t/aalund/").status_code == 200

    def test_a_neighbours_session_goes_on(
        self, client: Client, aalund: Tenant, alice: User, charlie: User
    ) -> None:
        with tenant_context(aalund.pk):
            Membership.objects.create(tenant=aalund, user=charlie, role=Role.USER)
        hers = Client()
        log_in(hers, charlie, ago=5)
        log_in(client, alice)
        client.post(address("end_user_sessions", charlie.pk))
        assert hers.get("/t/birkelse/").status_code == 200
