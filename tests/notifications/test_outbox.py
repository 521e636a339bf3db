"""What is to be told to the outside: tried again, given up, ended; and the page of it."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from notifications import mailing, maintenance, outbox
from notifications.models import OutboxEntry, OutgoingMail
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)
PAGE = "/t/aalund/operation/outbox/"


def entry(tenant: Tenant, key: str = "k", **facts: object) -> OutboxEntry:
    """An entry of the utility's, about a meter of its own."""
    with tenant_context(tenant.pk):
        meter = factories.meter()
        made: OutboxEntry = OutboxEntry.objects.create(
            event="info_code.began", key=key, payload={"meter": meter.pk, "code": "leak"}, **facts
        )
    return made


def again(tenant: Tenant, one: OutboxEntry) -> OutboxEntry:
    with tenant_context(tenant.pk):
        found: OutboxEntry = OutboxEntry.objects.get(pk=one.pk)
    return found


class TestTrying:
    def test_a_failure_is_told_and_puts_it_off(self, aalund: Tenant) -> None:
        one = entry(aalund)
        with tenant_context(aalund.pk):
            outbox.note_failed(entry_id=one.pk, reason="no answer", next_try_at=NOW + DAY, now=NOW)
        one = again(aalund, one)
        assert (one.next_try_at, one.reason, one.given_up_at) == (NOW + DAY, "no answer", None)

    def test_the_last_failure_gives_it_up_with_its_reason(self, aalund: Tenant) -> None:
        one = entry(aalund)
        with tenant_context(aalund.pk):
            outbox.note_failed(entry_id=one.pk, reason="x" * 900, next_try_at=None, now=NOW)
        one = again(aalund, one)
        assert (one.given_up_at, one.reason) == (NOW, "x" * 300)

    def test_a_mail_that_was_given_up_is_empty_and_cannot_be_tried(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            mail = OutgoingMail.objects.create(
                meter=factories.meter(), recipient="a@example.org", subject="s", content=b"pdf"
            )
            one = OutboxEntry.objects.create(
                event=outbox.MAIL, key=str(mail.pk), payload={"mail": mail.pk}
            )
            outbox.give_up(entry=one, actor=ACTOR, now=NOW)
            mailing.give_up_mail(entry=one, now=NOW)
            mail.refresh_from_db()
            assert (mail.state, mail.content) == (OutgoingMail.State.FAILED, None)
            one.refresh_from_db()
            with pytest.raises(ValidationError) as refused:
                outbox.try_again(entry=one, actor=ACTOR, now=NOW)
            assert refused.value.code == "emptied"

    def test_what_was_given_up_may_be_tried_again(self, aalund: Tenant) -> None:
        one = entry(aalund, given_up_at=NOW - DAY, attempts=12)
        with tenant_context(aalund.pk):
            outbox.try_again(entry=one, actor=ACTOR, now=NOW)
            assert AuditEntry.objects.filter(event="outbox.tried_again").count() == 1
        one = again(aalund, one)
        assert (one.given_up_at, one.next_try_at, one.attempts) == (None, NOW, 0)

    def test_what_was_delivered_is_over(self, aalund: Tenant) -> None:
        one = entry(aalund)
        with tenant_context(aalund.pk):
            outbox.note_delivered(entry_id=one.pk, now=NOW)
            for act in (outbox.try_again, outbox.give_up):
                with pytest.raises(ValidationError):
                    act(entry=one, actor=ACTOR, now=NOW)
        assert again(aalund, one).delivered_at == NOW


class TestEnding:
    def keep_up(self) -> list[str]:
        done = []
        for work in maintenance.upkeep(NOW):
            work.carry_out(NOW)
            done.append(work.describe())
        return done

    def test_what_is_over_goes_after_thirty_days(self, aalund: Tenant, birkelse: Tenant) -> None:
        entry(aalund, "sent long ago", delivered_at=NOW - 31 * DAY)
        entry(birkelse, "given up long ago", given_up_at=NOW - 31 * DAY)
        entry(aalund, "sent", delivered_at=NOW - 29 * DAY)
        entry(birkelse, "given up", given_up_at=NOW - 29 * DAY)
        entry(aalund, "waits", next_try_at=NOW - 29 * DAY, created_at=NOW - 90 * DAY)
        assert len(self.keep_up()) == 2
        left = set()
        for tenant in (aalund, birkelse):
            with tenant_context(tenant.pk):
                left |= set(OutboxEntry.objects.values_list("key", flat=True))
        assert left == {"sent", "given up", "waits"}
        assert self.keep_up() == []

    def test_what_nobody_takes_is_given_up_before_it_goes(self, aalund: Tenant) -> None:
        one = entry(aalund, next_try_at=NOW - 31 * DAY)
        self.keep_up()
        one = again(aalund, one)
        assert (one.given_up_at, one.reason) == (NOW, maintenance.NOBODY_TOOK_IT)

    def test_its_own_reason_is_kept(self, aalund: Tenant) -> None:
        one = entry(aalund, next_try_at=NOW - 31 * DAY, reason="no such host")
        self.keep_up()
        assert again(aalund, one).reason == "no such host"


class TestPage:
    def test_shows_each_state_with_its_reason(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        entry(aalund, "1")
        entry(aalund, "2", given_up_at=NOW, attempts=12, reason="mailbox is full")
        entry(aalund, "3", delivered_at=NOW, attempts=1)
        client.force_login(alice)
        waiting = client.get(PAGE).content.decode()
        failed = client.get(f"{PAGE}?show=failed").content.decode()
        sent = client.get(f"{PAGE}?show=sent").content.decode()
        assert "mailbox is full" in failed
        assert "mailbox is full" not in waiting + sent
        for text in (waiting, failed, sent):
            assert text.count("data-rows") == 1
            assert text.count('class="serial"') == 1

    def test_acts_and_comes_back(self, client: Client, alice: User, aalund: Tenant) -> None:
        one = entry(aalund)
        client.force_login(alice)
        answer = client.post(f"{PAGE}{one.pk}/give-up/", {"show": "waiting"}, follow=True)
        assert answer.redirect_chain == [(f"{PAGE}?show=waiting", 302)]
        assert again(aalund, one).given_up_at is not None
        client.post(f"{PAGE}{one.pk}/again/", {"show": "failed"})
        assert again(aalund, one).given_up_at is None

    def test_a_meter_that_is_gone_is_no_link(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        one = entry(aalund)
        with tenant_context(aalund.pk):
            OutboxEntry.objects.filter(pk=one.pk).update(payload={"meter": 999_999_999})
        client.force_login(alice)
        assert "/meters/999999999/" not in client.get(PAGE).content.decode()
