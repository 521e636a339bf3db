"""What roles may do: a row a deviation, and the page of it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from ready.accounts import roles
from ready.accounts.models import Membership, RolePermission, User
from ready.accounts.rights import codes_of, rights_in
from ready.audit.models import AuditEntry
from ready.policy import CHANGEABLE, EVERYTHING, NEEDS, PERMISSIONS, Rights, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.accounts.test_people import ACTOR, address, text_of
from tests.people import log_in


@pytest.mark.django_db
class TestRoles:
    def change(self, tenant: Tenant, role: Role, code: str, held: bool) -> None:
        with tenant_context(tenant.pk):
            roles.change(changes={(role, code): held}, actor=ACTOR, rights=EVERYTHING)

    def test_every_delegable_code_can_be_turned_and_turned_back(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            for code, permission in PERMISSIONS.items():
                for role in permission.delegable:
                    before = codes_of(role)
                    roles.change(
                        changes={(role, code): code not in before}, actor=ACTOR, rights=EVERYTHING
                    )
                    changed = codes_of(role) ^ before
                    assert code in changed
                    along = {one for one, needed in NEEDS.items() if needed == code}
                    assert changed <= {code, NEEDS.get(code, code)} | along
                    for one in sorted(changed, key=lambda one: one in NEEDS):
                        roles.change(
                            changes={(role, one): one in before}, actor=ACTOR, rights=EVERYTHING
                        )
                    assert codes_of(role) == before
            assert not RolePermission.objects.exists(), "what READY ships needs no row"

    def test_what_is_not_delegable_is_refused_and_nothing_is_done(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            for code, permission in PERMISSIONS.items():
                for role in set(Role) - permission.delegable:
                    with pytest.raises(roles.NotDelegable):
                        roles.change(changes={(role, code): True}, actor=ACTOR, rights=EVERYTHING)

    def test_nobody_gives_what_they_do_not_have(self, aalund: Tenant) -> None:
        little = Rights(frozenset({"roles.edit"}), role=Role.ADMINISTRATOR)
        with tenant_context(aalund.pk), pytest.raises(roles.NotDelegable, match="do not have"):
            roles.change(changes={(Role.USER, "meters.edit"): True}, actor=ACTOR, rights=little)

    def test_nobody_changes_their_own_role(self, aalund: Tenant) -> None:
        own = Rights(frozenset(PERMISSIONS), role=Role.SUPER_USER)
        with tenant_context(aalund.pk), pytest.raises(roles.NotDelegable, match="own role"):
            roles.change(changes={(Role.SUPER_USER, "keys.import"): True}, actor=ACTOR, rights=own)

    @pytest.mark.parametrize(("code", "needed"), NEEDS.items())
    def test_what_is_needed_goes_along(self, aalund: Tenant, code: str, needed: str) -> None:
        for role in CHANGEABLE:
            if role not in PERMISSIONS[code].delegable:
                continue
            self.change(aalund, role, needed, False)
            with tenant_context(aalund.pk):
                assert not {code, needed} & codes_of(role)
            self.change(aalund, role, code, True)
            with tenant_context(aalund.pk):
                assert {code, needed} <= codes_of(role)

    def test_one_and_not_what_it_needs_is_refused(self, aalund: Tenant) -> None:
        changes = {(Role.USER, "reports.export"): True, (Role.USER, "reports.view"): False}
        with tenant_context(aalund.pk):
            roles.change(
                changes={(Role.USER, "reports.export"): False}, actor=ACTOR, rights=EVERYTHING
            )
            with pytest.raises(roles.NotDelegable, match="give both or neither"):
                roles.change(changes=changes, actor=ACTOR, rights=EVERYTHING)
            assert "reports.view" in codes_of(Role.USER)

    def test_the_page_says_what_went_along(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        log_in(client, alice)
        for held, words in (("", "was taken along"), ("user:reports.export", "was granted along")):
            shown = "" if held else "user:reports.view"
            answer = client.post(
                address("change_roles"), {"shown": shown, "held": held}, follow=True
            )
            assert words in text_of(answer)

    def test_it_stays_in_the_utility(self, aalund: Tenant, birkelse: Tenant) -> None:
        self.change(aalund, Role.USER, "meters.edit", True)
        with tenant_context(birkelse.pk):
            assert "meters.edit" not in codes_of(Role.USER)

    def test_an_open_session_feels_it_at_once(
        self, client: Client, aalund: Tenant, bob: User
    ) -> None:
        log_in(client, bob)
        page = reverse("reports:consumption", args=["aalund"])
        assert client.get(page).status_code in (200, 400)
        self.change(aalund, Role.USER, "reports.view", False)
        assert client.get(page).status_code == 403
        assert page not in text_of(client.get("/t/aalund/"))

    def test_a_row_for_what_is_not_delegable_is_not_heeded(self, aalund: Tenant, bob: User) -> None:
        with tenant_context(aalund.pk):
            RolePermission.objects.create(role=Role.USER, code="people.edit", held=True)
            rights = rights_in(Membership.objects.get(tenant=aalund, user=bob))
            assert "people.edit" not in rights.codes

    def test_the_page_sets_what_was_ticked_and_leaves_what_others_changed(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        log_in(client, alice)
        text = text_of(client.get(address("roles")))
        found = re.search(r'name="shown" value="([^"]*)"', text)
        assert found is not None
        shown = found[1]
        self.change(aalund, Role.USER, "customers.edit", True)  # somebody else, meanwhile
        ticked = [*shown.split(), "user:meters.edit"]
        ticked.remove("user:meters.export")
        client.post(address("change_roles"), {"shown": shown, "held": ticked})
        with tenant_context(aalund.pk):
            codes = codes_of(Role.USER)
            told = set(
                AuditEntry.objects.filter(event="role.permission_changed").values_list(
                    "object_id", "object_label", "after__held"
                )
            )
        assert {"meters.edit", "customers.edit"} <= codes
        assert "meters.export" not in codes
        assert told == {
            ("user", "customers.edit", True),
            ("user", "meters.edit", True),
            ("user", "meters.export", False),
        }

    def test_a_forged_tick_is_refused(self, client: Client, aalund: Tenant, alice: User) -> None:
        log_in(client, alice)
        response = client.post(
            address("change_roles"), {"shown": "", "held": ["user:people.edit"]}, follow=True
        )
        assert "stays with administrators" in text_of(response)
        with tenant_context(aalund.pk):
            assert not RolePermission.objects.exists()


@pytest.mark.django_db
def test_groups_that_none_can_be_limit_to_nothing(
    client: Client, aalund: Tenant, alice: User, bob: User
) -> None:
    log_in(client, alice)
    data = {"limited": "on", "group": ["9" * 5000, "9" * 12, "²"]}
    answer = client.post(f"/t/aalund/configuration/users/{bob.pk}/limit/", data)
    assert answer.status_code == 302
    with tenant_context(aalund.pk):
        assert Membership.objects.get(user=bob).limited
