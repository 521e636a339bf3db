"""While a provider is asked, which may take seconds, nobody's request holds a transaction."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from ready.accounts.models import ExternalIdentity, IdentityProvider, User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.accounts.oidc_provider import CLIENT, Provider, serving
from tests.accounts.test_sign_in import set_up, through
from tests.conftest import as_admin
from tests.people import log_in

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    settings.OUTBOUND_PRIVATE = frozenset({"127.0.0.1"})
    with serving() as made:
        yield made


@pytest.fixture
def held(provider: Provider) -> list[int]:
    """How many transactions were open in the database at each call."""
    found: list[int] = []

    def look() -> None:
        with as_admin() as link:
            row = link.execute(
                """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
                   AND backend_type = 'client backend'"""
            ).fetchone()
        found.append(row[0] if row else -1)

    provider.on_call = look
    return found


def test_a_member_links_an_identity(
    client: Client, aalund: Tenant, bob: User, provider: Provider, held: list[int]
) -> None:
    set_up(aalund, provider)
    held.clear()
    log_in(client, bob)
    assert through(client, provider, what="link").status_code == 302
    assert held == [0] * 4
    with tenant_context(aalund.pk):
        assert ExternalIdentity.objects.get().user_id == bob.pk
    # The answer works once.
    assert "sign_in" not in client.session


def test_an_administrator_sets_it_up(
    client: Client, aalund: Tenant, alice: User, provider: Provider, held: list[int]
) -> None:
    log_in(client, alice)
    form = {
        "name": "Entra",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "secret": "other-secret",
        "enabled": "on",
    }
    page = "/t/aalund/configuration/sign-in/save/"
    assert client.post(page, form).status_code == 302
    assert held == [0]
    provider.told_issuer = "https://accounts.example"
    answer = client.post(page, {**form, "name": "Other"})
    assert answer.status_code == 400
    assert "The provider cannot be used" in answer.content.decode()
    with tenant_context(aalund.pk):
        assert IdentityProvider.objects.get().name == "Entra"


def test_nobody_is_asked_for_who_may_not(
    client: Client, bob: User, provider: Provider, held: list[int]
) -> None:
    log_in(client, bob)
    form = {"name": "x", "issuer": provider.issuer, "client_id": "x", "secret": "x"}
    answer = client.post("/t/aalund/configuration/sign-in/save/", {**form, "enabled": "on"})
    assert answer.status_code in (302, 403)
    assert held == []
