"""Ending what need not be kept: raw bodies, quarantined telegrams by their reason, and what came of
an erased time since (`collectors.erasing_again`).

Bodies go some days after the last item of their batch was settled; what could not be opened keeps
its body, all there is of it. Telegrams set aside go by their reason: of meters nobody here
owns after days, and only counts stay (`collectors.counts`). All goes with its partition after
`TELEGRAM_DAYS`. Runs as the maintenance role, a short transaction at a time; killed anywhere, the
next look goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from collectors import erasing_again
from collectors.apps import TELEGRAM_DAYS
from collectors.erasing_again import EraseAgain
from collectors.outcomes import Outcome
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

_AT_ONCE = 2000


def days_of(outcome: Outcome) -> int:
    """Days that telegrams quarantined for this reason are kept; READY_QUARANTINE_DAYS says."""
    told = dict(settings.QUARANTINE_DAYS)
    unknown = set(told) - {one.name.lower() for one in Outcome if one.quarantined}
    if unknown:
        raise ImproperlyConfigured(f"READY_QUARANTINE_DAYS: no such reason: {sorted(unknown)}")
    days: int = told.get(outcome.name.lower(), TELEGRAM_DAYS)
    return days


@dataclass(frozen=True, slots=True)
class EndBodies:
    """A utility's raw bodies of batches settled before an instant."""

    tenant_id: int
    before: datetime

    def describe(self) -> str:
        """One line for the plan."""
        return f"end bodies of utility {self.tenant_id} settled before {self.before:%Y-%m-%d %H:%M}"

    def carry_out(self, now: datetime) -> None:
        """Empty them, some at a time."""
        while _ended(
            self.tenant_id,
            """UPDATE collectors_inboundbatch SET body = NULL
               WHERE (tenant_id, received_on, id) IN (
                   SELECT tenant_id, received_on, id FROM collectors_inboundbatch
                   WHERE tenant_id = %s AND settled_at < %s AND body IS NOT NULL
                     AND settled_at IS NOT NULL AND get_byte(outcomes || '\\x00', 0) <> %s
                   LIMIT %s)""",
            [self.tenant_id, self.before, int(Outcome.UNREADABLE), _AT_ONCE],
        ):
            pass


@dataclass(frozen=True, slots=True)
class EndTelegrams:
    """A utility's telegrams quarantined for a reason, received before a day (UTC)."""

    tenant_id: int
    outcome: Outcome
    before: date

    def describe(self) -> str:
        """One line for the plan."""
        return (
            f"end quarantined telegrams ({self.outcome.name.lower()}) of utility "
            f"{self.tenant_id} received before {self.before}"
        )

    def carry_out(self, now: datetime) -> None:
        """Delete them, some at a time; their counts stay."""
        while _ended(
            self.tenant_id,
            """DELETE FROM collectors_telegram
               WHERE (tenant_id, received_on, batch_id, item) IN (
                   SELECT tenant_id, received_on, batch_id, item FROM collectors_telegram
                   WHERE tenant_id = %s AND outcome = %s AND received_on < %s LIMIT %s)""",
            [self.tenant_id, int(self.outcome), self.before, _AT_ONCE],
        ):
            pass


def _ended(tenant_id: int, sql: str, parameters: Sequence[int | date | datetime]) -> int:
    with tenant_context(tenant_id), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def plan(now: datetime) -> list[EndBodies | EndTelegrams | EraseAgain]:
    """What is due at `now` (aware): only what there is something of."""
    today = now.astimezone(UTC).date()
    short = [
        (outcome, today - timedelta(days=days))
        for outcome in Outcome
        if outcome.quarantined and (days := days_of(outcome)) < TELEGRAM_DAYS
    ]
    steps: list[EndBodies | EndTelegrams | EraseAgain] = []
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        bodies = EndBodies(tenant_id, now - timedelta(days=settings.BODY_DAYS))
        with tenant_context(tenant_id), connection.cursor() as cursor:
            cursor.execute(
                """SELECT EXISTS (SELECT 1 FROM collectors_inboundbatch
                   WHERE tenant_id = %s AND settled_at < %s AND body IS NOT NULL
                     AND settled_at IS NOT NULL AND get_byte(outcomes || '\\x00', 0) <> %s)""",
                [tenant_id, bodies.before, int(Outcome.UNREADABLE)],
            )
            if cursor.fetchone()[0]:
                steps.append(bodies)
            for outcome, before in short:
                cursor.execute(
                    """SELECT EXISTS (SELECT 1 FROM collectors_telegram
                       WHERE tenant_id = %s AND outcome = %s AND received_on < %s)""",
                    [tenant_id, int(outcome), before],
                )
                if cursor.fetchone()[0]:
                    steps.append(EndTelegrams(tenant_id, outcome, before))
    return steps + erasing_again.plan(now)


def upkeep(now: datetime) -> Iterator[EndBodies | EndTelegrams | EraseAgain]:
    """What is planned, one by one."""
    yield from plan(now)
