"""Single sign-on: a provider that speaks OpenID Connect over HTTP, honest and lying."""

import html
import re
from collections.abc import Iterator
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from pytest_django import Settings

from ready.accounts import oidc, people, providers, sealing
from ready.accounts.models import ExternalIdentity, IdentityProvider, Membership, User
from ready.audit.models import AuditEntry
from ready.policy import EVERYTHING, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.accounts.oidc_provider import CLIENT, SECRET, Provider, serving
from tests.factories import ACTOR
from tests.people import log_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Settings, aalund: Tenant) -> Iterator[Provider]:
    settings.OUTBOUND_PRIVATE = frozenset({"127.0.0.1"})
    with serving() as made:
        set_up(aalund, made)
        yield made


def set_up(tenant: Tenant, provider: Provider) -> None:
    with tenant_context(tenant.pk):
        assert providers.configure(
            name="Work",
            issuer=provider.issuer,
            client_id=CLIENT,
            secret=SECRET,
            enabled=True,
            endpoints=oidc.discover(provider.issuer),
            actor=ACTOR,
        )


def linked(tenant: Tenant, user: User, provider: Provider) -> None:
    with tenant_context(tenant.pk):
        providers.link(
            user_id=user.pk,
            email=user.email,
            found=oidc.Subject(provider.issuer, provider.subject, False),
            actor=ACTOR,
        )


def begin(client: Client, slug: str = "aalund", what: str = "log-in") -> str:
    """Press the button; the provider's address that the page leads to."""
    page = client.post(f"/t/{slug}/log-in/start/", {"for": what}).content.decode()
    found = re.search(r'content="0;url=([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


def through(client: Client, provider: Provider, slug: str = "aalund", what: str = "log-in") -> Any:
    """The whole way; the answer to what the browser brings back."""
    return client.get(f"/t/{slug}/log-in/back/", provider.log_in(begin(client, slug, what)))


def inside(client: Client, slug: str = "aalund") -> bool:
    return client.get(f"/t/{slug}/").status_code == 200


def events(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))


class TestLoggingIn:
    def test_a_linked_member_gets_in_here_alone(
        self, client: Client, provider: Provider, aalund: Tenant, birkelse: Tenant, bob: User
    ) -> None:
        with tenant_context(birkelse.pk):
            Membership.objects.create(tenant=birkelse, user=bob, role=Role.USER)
        linked(aalund, bob, provider)
        assert "Work" in client.get("/t/aalund/log-in/").content.decode()
        assert through(client, provider)["Location"] == "/t/aalund/"
        assert inside(client)
        assert client.get("/t/birkelse/").status_code == 404
        assert client.get("/accounts/password/change/").status_code == 403
        assert "session.began" in events(aalund)

    def test_an_unknown_subject_is_nobody_whatever_its_e_mail(
        self, client: Client, provider: Provider, aalund: Tenant, alice: User
    ) -> None:
        provider.claims = {"email": alice.email}
        assert through(client, provider)["Location"] == "/t/aalund/log-in/"
        assert not inside(client)
        assert "session.refused" in events(aalund)

    def test_who_is_shut_out_stays_out(
        self, client: Client, provider: Provider, aalund: Tenant, alice: User, bob: User
    ) -> None:
        linked(aalund, bob, provider)
        with tenant_context(aalund.pk):
            people.disable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
        through(client, provider)
        assert not inside(client)

    @pytest.mark.parametrize(("amr", "led_away"), [(["pwd"], True), (["pwd", "mfa"], False)])
    def test_the_provider_may_vouch_for_the_second_factor(
        self,
        client: Client,
        provider: Provider,
        settings: Settings,
        aalund: Tenant,
        alice: User,
        amr: list[str],
        led_away: bool,
    ) -> None:
        settings.REQUIRE_SECOND_FACTOR = True
        linked(aalund, alice, provider)
        provider.claims = {"amr": amr}
        through(client, provider)
        response = client.get("/t/aalund/")
        assert (response.status_code == 302) is led_away


class TestAttacks:
    """Each with a linked member, so that the honest way would have opened."""

    @pytest.fixture(autouse=True)
    def _linked(self, provider: Provider, aalund: Tenant, bob: User) -> None:
        linked(aalund, bob, provider)

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "somebody-else"},
            {"aud": [CLIENT, "somebody-else"]},
            {"aud": [CLIENT], "azp": "somebody-else"},
            {"iss": "https://other.example"},
            {"exp": int(time()) - 3600},
            {"exp": None},
            {"iat": int(time()) + 3600},
            {"sub": None},
            {"sub": ""},
            {"sub": "x" * 300},
        ],
        ids=" ".join,  # of the names: each process has another time
    )
    def test_claims_that_do_not_hold(
        self, client: Client, provider: Provider, claims: dict[str, Any]
    ) -> None:
        provider.claims = claims
        assert through(client, provider)["Location"] == "/t/aalund/log-in/"
        assert not inside(client)

    @pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
    def test_no_text_of_a_refusal_takes_the_audit_log_down(
        self, provider: Provider, aalund: Tenant, alice: User, text: str
    ) -> None:
        """Neither is an instant in the utility's zone; whoever comes back may say anything."""
        stranger = Client()
        told = {"state": provider.log_in(begin(stranger))["state"], "error": text}
        assert stranger.get("/t/aalund/log-in/back/", told).status_code == 302
        with tenant_context(aalund.pk):
            pk = AuditEntry.objects.get(event="session.refused").pk
        desk = Client()
        log_in(desk, alice)
        for page in ("", f"{pk}/"):
            answer = desk.get(f"/t/aalund/configuration/audit/{page}")
            assert answer.status_code == 200
            assert text in answer.content.decode()

    def test_no_signature(self, client: Client, provider: Provider) -> None:
        provider.sign = lambda claims: jwt.encode(claims, "", algorithm="none")
        through(client, provider)
        assert not inside(client)

    def test_a_signature_with_the_public_text_as_secret(
        self, client: Client, provider: Provider
    ) -> None:
        provider.sign = lambda claims: jwt.encode(
            claims, SECRET * 4, algorithm="HS256", headers={"kid": "one"}
        )
        through(client, provider)
        assert not inside(client)

    @pytest.mark.parametrize("kid", ["one", "two", None])
    def test_another_key(self, client: Client, provider: Provider, kid: str | None) -> None:
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        headers = {} if kid is None else {"kid": kid}
        provider.sign = lambda claims: jwt.encode(claims, other, algorithm="RS256", headers=headers)
        through(client, provider)
        assert not inside(client)

    def test_an_answer_to_nobodys_or_anothers_try(self, client: Client, provider: Provider) -> None:
        brought = provider.log_in(begin(Client()))
        assert client.get("/t/aalund/log-in/back/", brought)["Location"] == "/t/aalund/log-in/"
        assert not inside(client)
        begin(client)
        client.get("/t/aalund/log-in/back/", brought)
        assert not inside(client)

    def test_an_answer_works_once(self, client: Client, provider: Provider) -> None:
        brought = provider.log_in(begin(client))
        client.get("/t/aalund/log-in/back/", {**brought, "state": "x"})
        client.get("/t/aalund/log-in/back/", brought)
        assert not inside(client)

    def test_a_neighbours_provider_opens_nothing_here(
        self, client: Client, provider: Provider, birkelse: Tenant, bob: User
    ) -> None:
        with serving() as theirs:
            theirs.subject = provider.subject
            set_up(birkelse, theirs)
            through(client, theirs, "birkelse")
            assert not inside(client)
            # Begun there, brought here.
            brought = theirs.log_in(begin(client, "birkelse"))
            client.get("/t/aalund/log-in/back/", brought)
            assert not inside(client)
            # Another issuer's subject of the same name is somebody else.
            set_up_again = oidc.Subject(theirs.issuer, provider.subject, False)
            with tenant_context(Tenant.objects.get(slug="aalund").pk):
                assert providers.member_of(set_up_again) is None

    def test_the_same_provider_at_the_neighbours(
        self, client: Client, provider: Provider, birkelse: Tenant
    ) -> None:
        set_up(birkelse, provider)
        through(client, provider, "birkelse")
        assert not inside(client, "birkelse")
        assert not inside(client)

    def test_a_provider_switched_off(
        self, client: Client, provider: Provider, aalund: Tenant
    ) -> None:
        brought = provider.log_in(begin(client))
        with tenant_context(aalund.pk):
            IdentityProvider.objects.update(enabled=False)
        client.get("/t/aalund/log-in/back/", brought)
        assert not inside(client)


class TestLinking:
    def test_a_member_links_and_then_gets_in(
        self, client: Client, provider: Provider, aalund: Tenant, bob: User
    ) -> None:
        log_in(client, bob)
        assert through(client, provider, what="link").status_code == 302
        with tenant_context(aalund.pk):
            assert ExternalIdentity.objects.get().user_id == bob.pk
        assert "identity.linked" in events(aalund)
        other = Client()
        through(other, provider)
        assert inside(other)

    def test_the_profile_leads_there(self, client: Client, provider: Provider, bob: User) -> None:
        log_in(client, bob)
        page = client.get("/profile/").content.decode()
        assert 'href="/t/aalund/log-in/"' in page
        assert "not linked" in page

    def test_wants_a_fresh_proof(self, client: Client, provider: Provider, bob: User) -> None:
        log_in(client, bob, ago=3600)
        response = client.post("/t/aalund/log-in/start/", {"for": "link"})
        assert "reauthenticate" in response["Location"]

    def test_not_somebody_elses(
        self, client: Client, provider: Provider, aalund: Tenant, alice: User, bob: User
    ) -> None:
        linked(aalund, alice, provider)
        log_in(client, bob)
        through(client, provider, what="link")
        with tenant_context(aalund.pk):
            assert ExternalIdentity.objects.get().user_id == alice.pk

    def test_not_a_stranger(
        self, client: Client, provider: Provider, aalund: Tenant, charlie: User
    ) -> None:
        log_in(client, charlie)
        assert client.post("/t/aalund/log-in/start/", {"for": "link"}).status_code == 404

    def test_unlinking(self, client: Client, provider: Provider, aalund: Tenant, bob: User) -> None:
        linked(aalund, bob, provider)
        log_in(client, bob)
        client.post("/t/aalund/log-in/unlink/")
        with tenant_context(aalund.pk):
            assert not ExternalIdentity.objects.exists()

    def test_an_invitation_makes_a_member_without_a_password(
        self, client: Client, provider: Provider, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            _made, secret = people.invite(
                email="new@aalund.example",
                name="Nina",
                role=Role.USER,
                actor=ACTOR,
                rights=EVERYTHING,
            )
        client.get(f"/invitation/aalund/{secret}/")
        assert "Work" in client.get("/invitation/").content.decode()
        assert through(client, provider, what="invitation")["Location"] == "/t/aalund/"
        assert inside(client)
        person = User.objects.get(email="new@aalund.example")
        assert not person.has_usable_password()

    def test_who_was_shut_out_is_not_somebody_new(
        self, client: Client, provider: Provider, aalund: Tenant, bob: User
    ) -> None:
        linked(aalund, bob, provider)
        with tenant_context(aalund.pk):
            people.disable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
            _made, secret = people.invite(
                email="new@aalund.example", name="", role=Role.USER, actor=ACTOR, rights=EVERYTHING
            )
        client.get(f"/invitation/aalund/{secret}/")
        assert through(client, provider, what="invitation")["Location"] == "/invitation/"
        assert not inside(client)
        assert not User.objects.filter(email="new@aalund.example").exists()

    def test_without_an_invitation_nobody_is_made(self, client: Client, provider: Provider) -> None:
        through(client, provider, what="invitation")
        assert not inside(client)
        assert not User.objects.exists()


class TestSettings:
    def test_an_administrator_sets_it_up_and_the_secret_is_sealed(
        self, client: Client, provider: Provider, aalund: Tenant, alice: User
    ) -> None:
        log_in(client, alice)
        form = {
            "name": "Entra",
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "secret": "other-secret",
            "enabled": "on",
        }
        path = "/t/aalund/configuration/sign-in/"
        assert client.post(f"{path}save/", form).status_code == 302
        with tenant_context(aalund.pk):
            row = IdentityProvider.objects.get()
            assert b"other-secret" not in bytes(row.sealed_secret)
            assert providers.secret_of(row) == "other-secret"
            told = AuditEntry.objects.filter(event="sign_in.configured").latest("pk")
        assert "other-secret" not in str(told.after)
        assert "other-secret" not in client.get(path).content.decode()
        assert client.post(f"{path}save/", {**form, "secret": ""}).status_code == 302

    @pytest.mark.parametrize(
        "issuer", ["https://127.0.0.1:1/", "http://localhost/", "http://169.254.169.254/x"]
    )
    def test_no_address_inside(
        self, client: Client, provider: Provider, alice: User, settings: Settings, issuer: str
    ) -> None:
        settings.OUTBOUND_PRIVATE = frozenset()
        log_in(client, alice)
        form = {"name": "x", "issuer": issuer, "client_id": "x", "secret": "x", "enabled": "on"}
        response = client.post("/t/aalund/configuration/sign-in/save/", form)
        assert response.status_code == 400

    def test_a_provider_that_calls_itself_otherwise(self, provider: Provider) -> None:
        provider.told_issuer = "https://accounts.example"
        with pytest.raises(oidc.Failed, match="another issuer"):
            oidc.discover(provider.issuer)

    def test_a_secret_opens_for_its_utility_only(
        self, provider: Provider, aalund: Tenant, birkelse: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            row = IdentityProvider.objects.get()
        with tenant_context(birkelse.pk), pytest.raises(sealing.SealBroken):
            providers.secret_of(row)
