"""People of a utility: each rule, through the services and through the pages."""

import re
import threading
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ready.accounts import people
from ready.accounts.models import Invitation, Membership, User
from ready.accounts.rights import rights_of
from ready.audit.models import AuditEntry
from ready.audit.services import Actor
from ready.policy import EVERYTHING, Rights, Role, held_by
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.conftest import as_admin
from tests.people import log_in

ACTOR = Actor(None, "tests")
PASSWORD = "Kobberkedel-1"
NEW_PASSWORD = "grøn trappe under havet"


def address(name: str, *arguments: object) -> str:
    return reverse(f"configuration:{name}", args=["aalund", *arguments])


def role_of(user: User, tenant: Tenant) -> str:
    with tenant_context(tenant.pk):
        return Membership.objects.get(tenant=tenant, user=user).role


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.django_db
class TestRules:
    def test_nobody_changes_themselves(self, aalund: Tenant, alice: User) -> None:
        me = Actor(alice.pk, alice.email)
        with tenant_context(aalund.pk):
            for act in (people.disable, people.remove):
                with pytest.raises(people.NotPossible, match="yourself"):
                    act(user_id=alice.pk, actor=me, rights=EVERYTHING)
            with pytest.raises(people.NotPossible, match="yourself"):
                people.change_role(user_id=alice.pk, role=Role.USER, actor=me, rights=EVERYTHING)
        assert role_of(alice, aalund) == Role.ADMINISTRATOR

    def test_the_last_administrator_stays(self, aalund: Tenant, alice: User) -> None:
        with tenant_context(aalund.pk):
            for act in (people.disable, people.remove):
                with pytest.raises(people.NotPossible, match="at least one administrator"):
                    act(user_id=alice.pk, actor=ACTOR, rights=EVERYTHING)
            with pytest.raises(people.NotPossible, match="at least one administrator"):
                people.change_role(user_id=alice.pk, role=Role.USER, actor=ACTOR, rights=EVERYTHING)

    def test_a_disabled_administrator_does_not_count(
        self, aalund: Tenant, alice: User, bob: User
    ) -> None:
        with tenant_context(aalund.pk):
            people.change_role(
                user_id=bob.pk, role=Role.ADMINISTRATOR, actor=ACTOR, rights=EVERYTHING
            )
            people.disable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
            with pytest.raises(people.NotPossible, match="at least one administrator"):
                people.disable(user_id=alice.pk, actor=ACTOR, rights=EVERYTHING)

    def test_nobody_gives_more_than_they_have(self, aalund: Tenant, alice: User, bob: User) -> None:
        little = Rights(held_by(Role.SUPER_USER, {}), role=Role.SUPER_USER)
        with tenant_context(aalund.pk):
            with pytest.raises(people.NotPossible, match="do not have yourself"):
                people.change_role(
                    user_id=bob.pk, role=Role.ADMINISTRATOR, actor=ACTOR, rights=little
                )
            with pytest.raises(people.NotPossible, match="do not have yourself"):
                people.invite(
                    email="x@aalund.example",
                    name="",
                    role=Role.ADMINISTRATOR,
                    actor=ACTOR,
                    rights=little,
                )
            with pytest.raises(people.NotPossible, match="do not have yourself"):
                people.disable(user_id=alice.pk, actor=ACTOR, rights=little)

    def test_an_administrator_is_not_limited(self, aalund: Tenant, alice: User) -> None:
        with tenant_context(aalund.pk), pytest.raises(people.NotPossible, match="sees all meters"):
            people.limit(user_id=alice.pk, groups=[1], actor=ACTOR, rights=EVERYTHING)

    def test_a_limit_is_part_of_the_rights(self, aalund: Tenant, bob: User) -> None:
        with tenant_context(aalund.pk):
            for groups in ([3, 7], [], None):
                assert people.limit(user_id=bob.pk, groups=groups, actor=ACTOR, rights=EVERYTHING)
                rights = rights_of(bob.pk)
                assert rights is not None
                assert rights.groups == (None if groups is None else frozenset(groups))
            assert not people.limit(user_id=bob.pk, groups=None, actor=ACTOR, rights=EVERYTHING)

    def test_a_stranger_is_not_found(self, aalund: Tenant, alice: User, charlie: User) -> None:
        with tenant_context(aalund.pk), pytest.raises(Membership.DoesNotExist):
            people.disable(user_id=charlie.pk, actor=ACTOR, rights=EVERYTHING)

    def test_each_act_is_in_the_trail(self, aalund: Tenant, alice: User, bob: User) -> None:
        with tenant_context(aalund.pk):
            people.change_role(user_id=bob.pk, role=Role.SUPER_USER, actor=ACTOR, rights=EVERYTHING)
            people.disable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
            people.enable(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
            people.end_sessions(user_id=bob.pk, actor=ACTOR)
            people.limit(user_id=bob.pk, groups=[5], actor=ACTOR, rights=EVERYTHING)
            people.remove(user_id=bob.pk, actor=ACTOR, rights=EVERYTHING)
            told = list(
                AuditEntry.objects.filter(object_type="person")
                .order_by("id")
                .values_list("event", "before", "after")
            )
        assert told == [
            ("person.role_changed", {"role": "user"}, {"role": "super_user"}),
            ("person.disabled", None, None),
            ("person.enabled", None, None),
            ("person.sessions_ended", None, None),
            ("person.limited", {"groups": None}, {"groups": [5]}),
            ("person.removed", {"role": "super_user"}, None),
        ]


def somebody_waits() -> bool:
    """Whether another connection waits for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT 1 FROM pg_locks
                   WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"""
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.usefixtures("committed")
def test_two_administrators_cannot_demote_each_other(
    aalund: Tenant, alice: User, bob: User
) -> None:
    with tenant_context(aalund.pk):
        people.change_role(user_id=bob.pk, role=Role.ADMINISTRATOR, actor=ACTOR, rights=EVERYTHING)
    refused: list[str] = []

    def demote(victim: User, actor: User) -> None:
        people.change_role(
            user_id=victim.pk,
            role=Role.USER,
            actor=Actor(actor.pk, actor.email),
            rights=EVERYTHING,
        )

    def other() -> None:
        try:
            with tenant_context(aalund.pk):
                demote(bob, alice)
        except people.NotPossible as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with tenant_context(aalund.pk):
        demote(alice, bob)
        thread.start()
        # Not committed before the other has looked, or waits for us.
        while thread.is_alive() and not somebody_waits():
            time.sleep(0.01)
    thread.join()
    assert len(refused) == 1
    assert sorted([role_of(alice, aalund), role_of(bob, aalund)]) == ["administrator", "user"]


@pytest.mark.usefixtures("committed")
def test_an_invitation_is_accepted_once_by_two_at_once(
    aalund: Tenant, bob: User, charlie: User
) -> None:
    with tenant_context(aalund.pk):
        _invitation, secret = people.invite(
            email=charlie.email, name="", role=Role.USER, actor=ACTOR, rights=EVERYTHING
        )
    found: list[Invitation | None] = []

    def second() -> None:
        try:
            with tenant_context(aalund.pk):
                found.append(people.find_invitation(secret))
        finally:
            connections.close_all()

    thread = threading.Thread(target=second)
    with tenant_context(aalund.pk):
        first = people.find_invitation(secret)
        assert first is not None
        thread.start()
        while not found and not _somebody_waits():
            time.sleep(0.01)
        people.join(invitation=first, user=charlie, actor=ACTOR)
    thread.join()
    assert found == [None]


def _somebody_waits() -> bool:
    with as_admin() as link:
        row = link.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0


@pytest.mark.django_db
class TestInvitation:
    def invite(self, client: Client, alice: User, email: str = "New@Aalund.example") -> str:
        log_in(client, alice)
        response = client.post(
            address("invite"), {"email": email, "name": "Nora", "role": "user"}, follow=True
        )
        assert "is invited" in text_of(response)
        found = re.search(r"https?://[^/\s]+(/invitation/aalund/\S+)", str(mail.outbox[-1].body))
        assert found is not None
        return found[1]

    def test_a_new_person_comes_in_once(self, client: Client, aalund: Tenant, alice: User) -> None:
        link = self.invite(client, alice)
        guest = Client()
        page = guest.get(link, follow=True)
        assert "Aalund Varme" in text_of(page)
        assert link.split("/")[-2] not in text_of(page), "the secret is on the page"
        response = guest.post(
            reverse("accounts:accept_invitation"),
            {"name": "Nora", "password": NEW_PASSWORD},
            follow=True,
        )
        assert response.redirect_chain[-1][0] == "/t/aalund/"
        nora = User.objects.get(email="new@aalund.example")
        assert role_of(nora, aalund) == Role.USER
        assert "is over" in text_of(Client().get(link, follow=True))
        with tenant_context(aalund.pk):
            events = list(
                AuditEntry.objects.filter(event__in=["person.invited", "person.joined"])
                .order_by("id")
                .values_list("event", flat=True)
            )
        assert events == ["person.invited", "person.joined"]

    @pytest.mark.parametrize(
        "password",
        ["short", "new@aalund.example", "aaaaaaaaaaaaaaaa", "fjernvarme2026", "123456123456"],
    )
    def test_a_bad_password_is_refused(self, client: Client, alice: User, password: str) -> None:
        link = self.invite(client, alice)
        guest = Client()
        guest.get(link, follow=True)
        response = guest.post(
            reverse("accounts:accept_invitation"), {"name": "Nora", "password": password}
        )
        assert response.status_code == 400
        assert not User.objects.filter(email="new@aalund.example").exists()

    def test_somebody_known_must_log_in_as_that_person(
        self, client: Client, aalund: Tenant, alice: User, charlie: User
    ) -> None:
        link = self.invite(client, alice, charlie.email)
        guest = Client()
        assert "log in as" in text_of(guest.get(link, follow=True))
        guest.post(reverse("accounts:accept_invitation"), {"name": "x", "password": NEW_PASSWORD})
        with tenant_context(aalund.pk):
            assert not Membership.objects.filter(tenant=aalund, user=charlie).exists()
        log_in(guest, charlie)
        guest.get(link)
        guest.post(reverse("accounts:accept_invitation"))
        assert role_of(charlie, aalund) == Role.USER

    def test_somebody_else_cannot_take_it(
        self, client: Client, aalund: Tenant, alice: User, bob: User, charlie: User
    ) -> None:
        link = self.invite(client, alice)
        thief = Client()
        log_in(thief, charlie)
        assert "somebody else" in text_of(thief.get(link, follow=True))
        thief.post(reverse("accounts:accept_invitation"))
        with tenant_context(aalund.pk):
            assert not Membership.objects.filter(tenant=aalund, user=charlie).exists()

    def test_it_opens_its_own_utility_only(
        self, client: Client, alice: User, birkelse: Tenant, charlie: User
    ) -> None:
        """The utility stands in the address, where whoever has the link can change it."""
        link = self.invite(client, alice, charlie.email)
        for there in (link.replace("/aalund/", "/birkelse/"), link.replace("/aalund/", "/x/")):
            guest = Client()
            assert "is over" in text_of(guest.get(there, follow=True))
            log_in(guest, charlie)
            guest.get(there)
            guest.post(reverse("accounts:accept_invitation"))
        with tenant_context(birkelse.pk):
            assert Membership.objects.filter(tenant=birkelse).count() == 1

    @pytest.mark.parametrize("how", ["expired", "revoked", "replaced", "suspended"])
    def test_what_is_over_opens_nothing(
        self, client: Client, aalund: Tenant, alice: User, how: str
    ) -> None:
        link = self.invite(client, alice)
        with tenant_context(aalund.pk):
            invitation = Invitation.objects.get()
            if how == "expired":
                Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            elif how == "suspended":
                Tenant.objects.filter(pk=aalund.pk).update(suspended_at=timezone.now())
        if how == "revoked":
            client.post(address("revoke_invitation", invitation.pk))
        elif how == "replaced":
            self.invite(client, alice)
        assert "is over" in text_of(Client().get(link, follow=True))

    def test_a_mail_that_is_not_sent_changes_nothing(
        self, client: Client, aalund: Tenant, alice: User, settings: object
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]
        log_in(client, alice)
        response = client.post(address("invite"), {"email": "n@aalund.example", "role": "user"})
        assert response.status_code == 502
        assert "Nothing was changed" in text_of(response)
        with tenant_context(aalund.pk):
            assert not Invitation.objects.exists()
            assert not AuditEntry.objects.filter(event="person.invited").exists()
