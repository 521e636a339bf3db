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
from ready.audit.services import Actor, record
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


@api.post("/act", auth=TokenAuth(), url_name="act")
@access("meters.edit")
def act(request: HttpRequest, how: str = "quiet") -> HttpResponse:
    if how == "told":
        record(
            event="meter.changed",
            actor=request.auth.actor,  # type: ignore[attr-defined]
            object_type="meter",
            object_id=1,
            object_label="x",
        )
    return HttpResponse(status=409 if how == "failed" else 200)


@api.get("/file", auth=TokenAuth(), url_name="file")
@access("meters.view")
def file(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a;b", headers={"Content-Disposition": 'attachment; filename="x.csv"'})


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


class TestTrail:
    """What a program does or is refused stands in its utility's trail."""

    def entries(self, tenant: Tenant) -> list[tuple[str, str, str]]:
        with tenant_context(tenant.pk):
            return list(
                AuditEntry.objects.exclude(event="api_token.issued")
                .order_by("pk")
                .values_list("event", "outcome", "actor_name")
            )

    @pytest.mark.parametrize(
        ("how", "event", "outcome"),
        [
            ("quiet", "api.acted", "ok"),
            ("told", "meter.changed", "ok"),
            ("failed", "act.failed", "failed"),
        ],
    )
    def test_an_act(self, aalund: Tenant, how: str, event: str, outcome: str) -> None:
        token = issue(aalund, role=Role.ADMINISTRATOR)
        Client().post(f"/api/v1/act?how={how}", headers={"authorization": f"Bearer {token}"})
        assert self.entries(aalund) == [(event, outcome, "token billing")]

    def test_looking_leaves_nothing_and_a_file_does(self, aalund: Tenant) -> None:
        token = issue(aalund, role=Role.ADMINISTRATOR)
        ask(token)
        assert self.entries(aalund) == []
        ask(token, "file")
        assert self.entries(aalund) == [("data.exported", "ok", "token billing")]

    def test_what_it_may_not(self, aalund: Tenant) -> None:
        token = issue(aalund, role=Role.USER)
        ask(token, "change")
        assert self.entries(aalund) == [("access.denied", "denied", "token billing")]
        with tenant_context(aalund.pk):
            details = AuditEntry.objects.get(event="access.denied").details
            assert details["needs"] == "meters.edit"
            assert details["token"] == ApiToken.objects.get().pk

    @pytest.mark.parametrize("why", ["revoked", "expired", "suspended", "secret", "unknown"])
    def test_one_that_opens_nothing(self, aalund: Tenant, birkelse: Tenant, why: str) -> None:
        token = issue(aalund, role=Role.USER)
        with tenant_context(aalund.pk):
            pk = ApiToken.objects.get().pk
            if why == "revoked":
                ApiToken.objects.update(revoked_at=timezone.now())
            elif why == "expired":
                ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            elif why == "suspended":
                Tenant.objects.filter(pk=aalund.pk).update(suspended_at=timezone.now())
        if why == "secret":
            token = token[:-1] + ("A" if token[-1] != "A" else "B")
        elif why == "unknown":
            token = token.replace(token.split("_")[2], "0" * 12)
        assert ask(token)[0] == 401
        with tenant_context(aalund.pk):
            entry = AuditEntry.objects.get(event="api_token.refused")
        assert (entry.outcome, entry.details["why"]) == ("denied", why)
        assert entry.object_id == ("" if why == "unknown" else str(pk))
        assert token.split("_", 3)[3] not in str(entry.details)
        assert self.entries(birkelse) == []

    def test_a_flood_of_refusals_does_not_fill_it(self, aalund: Tenant) -> None:
        token = issue(aalund, role=Role.USER)
        for _ in range(300):
            ask(token, "change")
        with tenant_context(aalund.pk):
            times = [
                details.get("times")
                for details in AuditEntry.objects.filter(event="access.denied")
                .order_by("pk")
                .values_list("details", flat=True)
            ]
        assert times == [None] * 100 + [128, 256]

    def test_a_number_beyond_all_measure_names_no_utility(self) -> None:
        assert ask("rat_9999999999_a_b")[0] == 401
