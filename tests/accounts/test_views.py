"""Logging in, choosing a utility and a language, and the Configuration page."""

import re
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import reverse

from ready.accounts.models import Membership, User
from ready.audit.models import AuditEntry
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

pytestmark = pytest.mark.django_db

PASSWORD = "Kobberkedel-1"
SETTINGS = {
    "name": "Aalund Fjernvarme",
    "zone": "Europe/Berlin",
    "language": "en",
    "energy_unit": "GJ",
    "volume_unit": "L",
    "flow_unit": "L/h",
    "power_unit": "kW",
    "pressure_unit": "bar",
}


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


class TestEntrance:
    def test_the_bare_address_leads_to_log_in(self, client: Client) -> None:
        response = client.get("/", follow=True)
        assert response.redirect_chain[-1][0].startswith("/accounts/login/")
        assert "Log in" in text_of(response)

    def test_a_password_opens_the_only_utility(self, client: Client, alice: User) -> None:
        response = client.post(
            reverse("account_login"), {"login": alice.email, "password": PASSWORD}, follow=True
        )
        assert response.redirect_chain[-1][0] == "/t/aalund/"
        assert "Aalund Varme" in text_of(response)

    def test_a_wrong_password_says_so_and_nothing_more(self, client: Client, alice: User) -> None:
        response = client.post(
            reverse("account_login"), {"login": alice.email, "password": "something else"}
        )
        assert response.status_code == 200
        assert "not correct" in text_of(response)

    def test_log_in_offers_no_sign_up(self, client: Client) -> None:
        assert "signup" not in text_of(client.get(reverse("account_login")))

    @pytest.mark.parametrize("path", ["signup/", "email/", "password/set/", "confirm-email/"])
    def test_what_the_library_offers_besides_is_not_there(
        self, client: Client, alice: User, path: str
    ) -> None:
        assert client.get(f"/accounts/{path}").status_code == 404
        client.force_login(alice)
        assert client.get(f"/accounts/{path}").status_code == 404

    def test_logging_out_is_a_post_and_ends_the_session(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        assert client.get(reverse("home", args=["aalund"])).status_code == 200
        client.post(reverse("account_logout"))
        assert client.get(reverse("home", args=["aalund"])).status_code == 302

    @pytest.mark.parametrize(
        "name", ["account_change_password", "account_logout", "account_reauthenticate"]
    )
    def test_pages_of_ones_own_account_stand_in_the_frame(
        self, client: Client, alice: User, name: str
    ) -> None:
        client.force_login(alice)
        assert 'class="entrance-card"' in text_of(client.get(reverse(name)))

    def test_a_forgotten_password_is_mailed_a_link(
        self, client: Client, alice: User, mailoutbox: list[object]
    ) -> None:
        response = client.post(reverse("account_reset_password"), {"email": alice.email})
        assert response.status_code == 302
        assert len(mailoutbox) == 1
        page = client.get(mailed_path(mailoutbox), follow=True)
        assert "Choose a new password" in text_of(page)

    @pytest.mark.parametrize("host", ["localhost:1337", "[::1]:1", "127.0.0.1"])
    def test_the_link_leads_to_ready_whatever_host_was_asked(
        self, client: Client, alice: User, mailoutbox: list[object], settings: Any, host: str
    ) -> None:
        settings.ALLOWED_HOSTS = ["localhost", "[::1]", "127.0.0.1"]
        settings.BASE_URL = "https://ready.example/"
        client.post(
            reverse("account_reset_password"), {"email": alice.email}, headers={"host": host}
        )
        assert mailed_path(mailoutbox, "https://ready.example").startswith("/accounts/")

    def test_an_unknown_address_gets_the_same_answer_and_no_sign_up(
        self, client: Client, mailoutbox: list[object]
    ) -> None:
        response = client.post(reverse("account_reset_password"), {"email": "no@one.example"})
        assert response.status_code == 302
        assert "signup" not in mailoutbox[0].body  # type: ignore[attr-defined]


def mailed_path(mailoutbox: list[object], base: str = "") -> str:
    """Where the link of the one mail leads; it must begin with READY's own address."""
    address = re.escape((base or configured.BASE_URL).rstrip("/"))
    (mail,) = mailoutbox
    link = re.search(address + r"(/\S+)", mail.body)  # type: ignore[attr-defined]
    assert link is not None
    return link[1]


class TestSwitch:
    def test_several_utilities_are_offered(
        self, client: Client, alice: User, birkelse: Tenant
    ) -> None:
        with tenant_context(birkelse.pk):
            Membership.objects.create(tenant=birkelse, user=alice, role=Role.USER)
        client.force_login(alice)
        text = text_of(client.get(reverse("accounts:switch")))
        assert "/t/aalund/" in text
        assert "/t/birkelse/" in text

    def test_nobody_elses_utility_is_offered(
        self, client: Client, alice: User, charlie: User
    ) -> None:
        client.force_login(alice)
        text = text_of(client.get(reverse("accounts:switch") + "?stay"))
        assert "/t/birkelse/" not in text, "leaked"

    def test_who_has_no_utility_is_told_what_to_do(self, client: Client) -> None:
        client.force_login(User.objects.create_user("new@aalund.example", PASSWORD))
        assert "An administrator" in text_of(client.get(reverse("accounts:switch")))


class TestLanguage:
    def test_a_person_keeps_the_language(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        response = client.post(
            reverse("accounts:language"), {"language": "da", "next": "/t/aalund/"}
        )
        assert response["Location"] == "/t/aalund/"
        alice.refresh_from_db()
        assert alice.language == "da"
        assert 'lang="da"' in text_of(client.get("/t/aalund/"))

    def test_a_visitor_keeps_it_in_a_cookie(self, client: Client) -> None:
        client.post(reverse("accounts:language"), {"language": "da"})
        assert '<html lang="da"' in text_of(client.get(reverse("account_login")))

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:1"])
    def test_it_leads_nowhere_else(self, client: Client, target: str) -> None:
        response = client.post(reverse("accounts:language"), {"language": "da", "next": target})
        assert response["Location"] == "/"

    @pytest.mark.parametrize("target", ["home", "²", "a\0b", "login"])
    def test_what_has_no_slash_is_no_view(self, client: Client, target: str) -> None:
        response = client.post(reverse("accounts:language"), {"language": "da", "next": target})
        assert response.status_code == 302

    def test_an_unknown_language_changes_nothing(self, client: Client) -> None:
        response = client.post(reverse("accounts:language"), {"language": "xx"})
        assert "language" not in response.cookies


class TestFrame:
    def test_navigation_shows_what_the_role_may_open(
        self, client: Client, alice: User, bob: User
    ) -> None:
        for person, shown in ((alice, True), (bob, False)):
            client.force_login(person)
            text = text_of(client.get("/t/aalund/"))
            assert ("/t/aalund/configuration/" in text) is shown
            assert "/t/aalund/meters/" in text

    def test_the_current_section_is_marked(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        text = text_of(client.get("/t/aalund/configuration/"))
        marked = re.findall(r'<a class="rail-item" href="([^"]+)"[^>]*aria-current', text)
        assert marked == ["/t/aalund/configuration/"]

    def test_what_is_not_there_answers_404_in_the_frame(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        response = client.get("/t/aalund/no-such-page/")
        assert response.status_code == 404
        assert "There is nothing here" in text_of(response)

    def test_a_stranger_cannot_tell_a_utility_from_none(
        self, client: Client, alice: User, charlie: User
    ) -> None:
        client.force_login(charlie)
        there, nowhere = client.get("/t/aalund/"), client.get("/t/nowhere/")
        assert there.status_code == nowhere.status_code == 404
        assert "Aalund" not in text_of(there), "leaked"


class TestConfiguration:
    def test_an_administrator_sees_the_settings(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        text = text_of(client.get(reverse("configuration", args=["aalund"])))
        assert 'value="Aalund Varme"' in text

    def test_a_super_user_reads_but_is_told_who_may_change(
        self, client: Client, aalund: Tenant, bob: User
    ) -> None:
        with tenant_context(aalund.pk):
            Membership.objects.filter(user=bob).update(role=Role.SUPER_USER)
        client.force_login(bob)
        response = client.get(reverse("configuration", args=["aalund"]))
        assert "An administrator of your utility can grant it" in text_of(response)
        assert "<select" not in text_of(response)
        assert (
            client.post(reverse("change_configuration", args=["aalund"]), SETTINGS).status_code
            == 403
        )

    def test_a_user_may_not_even_look(self, client: Client, bob: User) -> None:
        client.force_login(bob)
        response = client.get(reverse("configuration", args=["aalund"]))
        assert response.status_code == 403
        assert "You may not do this" in text_of(response)

    def test_a_stranger_gets_404(self, client: Client, alice: User, charlie: User) -> None:
        client.force_login(charlie)
        assert client.get(reverse("configuration", args=["aalund"])).status_code == 404
        address = reverse("change_configuration", args=["aalund"])
        assert client.post(address, SETTINGS).status_code == 404

    def test_saving_changes_the_utility_and_writes_the_trail(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        client.force_login(alice)
        response = client.post(
            reverse("change_configuration", args=["aalund"]), SETTINGS, follow=True
        )
        assert "Saved." in text_of(response)
        aalund.refresh_from_db()
        assert (aalund.name, aalund.zone, aalund.energy_unit) == (
            "Aalund Fjernvarme",
            "Europe/Berlin",
            "GJ",
        )
        with tenant_context(aalund.pk):
            entry = AuditEntry.objects.get(event="tenant.customs_changed")
        assert entry.actor_name == alice.email
        assert entry.before == {
            "name": "Aalund Varme",
            "zone": "Europe/Copenhagen",
            "language": "da",
            "energy_unit": "MWh",
            "volume_unit": "m³",
        }
        assert entry.after == {name: SETTINGS[name] for name in entry.before}

    def test_a_wrong_value_changes_nothing_and_is_named(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        client.force_login(alice)
        response = client.post(
            reverse("change_configuration", args=["aalund"]), {**SETTINGS, "zone": "Mars/Base"}
        )
        assert response.status_code == 400
        assert 'aria-invalid="true"' in text_of(response)
        aalund.refresh_from_db()
        assert aalund.name == "Aalund Varme"

    def test_saving_the_same_says_so_and_leaves_no_trail(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        client.force_login(alice)
        same = {
            "name": "Aalund Varme",
            "zone": "Europe/Copenhagen",
            "language": "da",
            "energy_unit": "MWh",
            "volume_unit": "m³",
            "flow_unit": "L/h",
            "power_unit": "kW",
            "pressure_unit": "bar",
        }
        response = client.post(reverse("change_configuration", args=["aalund"]), same, follow=True)
        assert "Nothing was changed." in text_of(response)
        with tenant_context(aalund.pk):
            assert not AuditEntry.objects.filter(event="tenant.customs_changed").exists()

    def test_the_wrong_verb_is_refused(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        assert client.post(reverse("configuration", args=["aalund"])).status_code == 405
        assert client.get(reverse("change_configuration", args=["aalund"])).status_code == 405
