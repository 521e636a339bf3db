"""API tokens: what they may do is decided when they are used."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import path
from django.utils import timezone
from ninja import NinjaAPI

from ready.accounts import api_tokens, people, roles
from ready.accounts.api_auth import TokenAuth
from ready.accounts.models import ApiToken, User
from ready.audit.models import AuditEntry
from ready.audit.services import Actor
from ready.policy import EVERYTHING, PERMISSIONS, Rights, Role, access, held_by
from ready.tenancy.context import current_tenant_id, tenant_context
from ready.tenancy.models import Tenant
from ready.web import problems
from tests.people import log_in

pytestmark = pytest.mark.django_db
ACTOR = Actor(None, "tests")

api = NinjaAPI(title="tests", urls_namespace="api")
problems.install(api)


@api.get("/look", auth=TokenAuth(), url_name="look")
@access("meters.view")
def look(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(current_tenant_id()))


@api.get("/change", auth=TokenAuth(), url_name="change")
@access("meters.edit")
def change(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


@api.get("/forgotten", auth=TokenAuth(), url_name="forgotten")
def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse("it ran")


urlpatterns = [path("api/v1/", api.urls)]


@pytest.fixture(autouse=True)
def _routes() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def issue(
    tenant: Tenant, user: User | None = None, role: Role | None = None, **more: object
) -> str:
    asked: dict[str, object] = {
        "name": "billing",
        "scopes": ["meters.view", "meters.edit"],
        "lasts": timedelta(days=1),
        "rights": EVERYTHING,
        **more,
    }
    with tenant_context(tenant.pk):
        return api_tokens.issue(user=user, role=role, actor=ACTOR, **asked)  # type: ignore[arg-type]


def ask(token: str, what: str = "look") -> tuple[int, str]:
    response = Client().get(f"/api/v1/{what}", headers={"authorization": f"Bearer {token}"})
    return response.status_code, response.content.decode()


def test_it_acts_in_its_utility(aalund: Tenant, birkelse: Tenant, alice: User) -> None:
    assert ask(issue(aalund, alice)) == (200, str(aalund.pk))
    assert ask(issue(birkelse, role=Role.USER)) == (200, str(birkelse.pk))


@pytest.mark.parametrize("role", [Role.USER, Role.SUPER_USER, Role.ADMINISTRATOR])
def test_its_role_bounds_its_scopes(aalund: Tenant, role: Role) -> None:
    status, _body = ask(issue(aalund, role=role), "change")
    assert status == (200 if "meters.edit" in held_by(role, {}) else 403)


def test_its_scopes_bound_its_role(aalund: Tenant, alice: User) -> None:
    status, body = ask(issue(aalund, alice, scopes=["meters.view"]), "change")
    assert status == 403
    assert "This token does not allow this" in body


def test_a_change_of_its_role_acts_at_once(aalund: Tenant) -> None:
    token = issue(aalund, role=Role.USER)
    for held, expected in ((True, 200), (False, 403)):
        with tenant_context(aalund.pk):
            roles.change(changes={(Role.USER, "meters.edit"): held}, actor=ACTOR, rights=EVERYTHING)
        assert ask(token, "change")[0] == expected


@pytest.mark.parametrize("how", ["disabled", "demoted", "removed", "inactive"])
def test_it_falls_with_its_person(aalund: Tenant, alice: User, bob: User, how: str) -> None:
    with tenant_context(aalund.pk):
        people.change_role(user_id=bob.pk, role=Role.SUPER_USER, actor=ACTOR, rights=EVERYTHING)
    token = issue(aalund, bob)
    assert ask(token, "change")[0] == 200
    with tenant_context(aalund.pk):
        if how == "disabled":
            people.disable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
        elif how == "demoted":
            people.change_role(user_id=bob.pk, role=Role.USER, actor=ACTOR, rights=EVERYTHING)
        elif how == "removed":
            people.remove(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
        else:
            User.objects.filter(pk=bob.pk).update(is_active=False)
    assert ask(token, "change")[0] == (403 if how == "demoted" else 401)


@pytest.mark.parametrize("how", ["revoked", "expired", "suspended"])
def test_what_is_over_opens_nothing(aalund: Tenant, how: str) -> None:
    token = issue(aalund, role=Role.USER)
    with tenant_context(aalund.pk):
        if how == "revoked":
            assert api_tokens.revoke(pk=ApiToken.objects.get().pk, actor=ACTOR)
        elif how == "expired":
            ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        else:
            Tenant.objects.filter(pk=aalund.pk).update(suspended_at=timezone.now())
    assert ask(token)[0] == 401


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token, other: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token, other: token.replace("rat_", f"rat_{other}", 1),
        lambda token, other: f"rat_{other}_" + token.split("_", 2)[2],  # behind another's wall
        lambda token, other: "rat_1_2",
        lambda token, other: "rat_x_y_z",
        lambda token, other: "rat_" + "9" * 40 + "_a_b",
        lambda token, other: "",
    ],
)
def test_a_wrong_one_opens_nothing(aalund: Tenant, birkelse: Tenant, spoil) -> None:  # type: ignore[no-untyped-def]
    assert ask(spoil(issue(aalund, role=Role.USER), birkelse.pk))[0] == 401


def test_an_operation_that_declares_nothing_is_refused(aalund: Tenant) -> None:
    client = Client(raise_request_exception=False)
    token = issue(aalund, role=Role.ADMINISTRATOR)
    response = client.get("/api/v1/forgotten", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 500
    assert b"it ran" not in response.content


def test_a_session_is_no_token(client: Client, alice: User) -> None:
    log_in(client, alice)
    assert client.get("/api/v1/look").status_code == 401


class TestIssuing:
    def test_what_a_token_cannot_carry_is_refused(self, aalund: Tenant, alice: User) -> None:
        for code, permission in PERMISSIONS.items():
            if not permission.token:
                with pytest.raises(api_tokens.NotIssued):
                    issue(aalund, alice, scopes=[code])

    def test_nobody_issues_more_than_they_may(self, aalund: Tenant) -> None:
        little = Rights(held_by(Role.USER, {}), role=Role.USER)
        with pytest.raises(api_tokens.NotIssued):
            issue(aalund, role=Role.ADMINISTRATOR, rights=little)

    @pytest.mark.parametrize("days", [0, -1, 367])
    def test_it_lasts_a_year_at_most(self, aalund: Tenant, days: int) -> None:
        with pytest.raises(api_tokens.NotIssued):
            issue(aalund, role=Role.USER, lasts=timedelta(days=days))

    def test_it_is_for_a_member(self, aalund: Tenant, charlie: User) -> None:
        with pytest.raises(api_tokens.NotIssued):
            issue(aalund, charlie)

    def test_its_secret_is_nowhere(self, aalund: Tenant, alice: User) -> None:
        secret = issue(aalund, alice).split("_", 3)[3]
        with tenant_context(aalund.pk):
            row = ApiToken.objects.get()
            assert secret.encode() not in bytes(row.digest)
            entry = AuditEntry.objects.get(event="api_token.issued")
            assert secret not in f"{entry.after}{entry.before}{entry.object_label}"
