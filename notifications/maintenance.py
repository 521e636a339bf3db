"""Ending what the outbox need not keep: entries some days after they were delivered or given up.

Mails go with them. What nobody took for WAIT_DAYS after it was last due is given up first, so that
it shows as failed before it goes. Runs as the maintenance role, a short transaction at a time;
killed anywhere, the next look goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from notifications import mailing
from notifications.models import OutboxEntry, OutgoingMail
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

# An event that is a month old is news to nobody.
WAIT_DAYS = 30
# Kept as its code; the page has the words.
NOBODY_TOOK_IT = "nobody"
_AT_ONCE = 2000


def _tired(now: datetime) -> QuerySet[OutboxEntry]:
    found: QuerySet[OutboxEntry] = OutboxEntry.objects.filter(
        delivered_at=None, given_up_at=None, next_try_at__lt=now - timedelta(days=WAIT_DAYS)
    )
    return found


def _over(now: datetime) -> QuerySet[OutboxEntry]:
    before = now - timedelta(days=settings.OUTBOX_DAYS)
    found: QuerySet[OutboxEntry] = OutboxEntry.objects.filter(
        Q(delivered_at__lt=before) | Q(delivered_at=None, given_up_at__lt=before)
    )
    return found


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A utility's entries that nobody took."""

    tenant_id: int

    def describe(self) -> str:
        """One line for the plan."""
        return f"give up what utility {self.tenant_id}'s outbox holds for {WAIT_DAYS} days in vain"

    def carry_out(self, now: datetime) -> None:
        """Mark them, some at a time."""
        while True:
            with tenant_context(self.tenant_id):
                some = list(_tired(now).values_list("pk", flat=True)[:_AT_ONCE])
                OutboxEntry.objects.filter(pk__in=some, reason="").update(reason=NOBODY_TOOK_IT)
                OutboxEntry.objects.filter(pk__in=some).update(given_up_at=now)
            if not some:
                return


@dataclass(frozen=True, slots=True)
class EndEntries:
    """A utility's entries that are over for long enough."""

    tenant_id: int

    def describe(self) -> str:
        """One line for the plan."""
        return (
            f"end what utility {self.tenant_id}'s outbox delivered or gave up "
            f"{settings.OUTBOX_DAYS} days ago"
        )

    def carry_out(self, now: datetime) -> None:
        """Delete them, some at a time."""
        while True:
            with tenant_context(self.tenant_id):
                some = list(_over(now).values_list("pk", flat=True)[:_AT_ONCE])
                OutboxEntry.objects.filter(pk__in=some).delete()
                OutgoingMail.objects.filter(created_at__lt=now - mailing.KEEP).delete()
            if not some:
                return


def plan(now: datetime) -> list[GiveUp | EndEntries]:
    """What is due at `now` (aware): only where there is something of it."""
    steps: list[GiveUp | EndEntries] = []
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        with tenant_context(tenant_id):
            if _tired(now).exists():
                steps.append(GiveUp(tenant_id))
            if (
                _over(now).exists()
                or OutgoingMail.objects.filter(created_at__lt=now - mailing.KEEP).exists()
            ):
                steps.append(EndEntries(tenant_id))
    return steps


def upkeep(now: datetime) -> Iterator[GiveUp | EndEntries]:
    """What is planned, one by one."""
    yield from plan(now)
