"""Erasing personal data from the trail while the chain stays whole.

The run-time role may only add. So a wish to erase is an entry itself (`request_erasure`), and the
maintenance process, which runs as another role, carries it out within the hour: it empties the
personal columns and takes their salt away (`upkeep`, see `ready.tenancy.upkeep`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ready.audit.models import AuditEntry
from ready.audit.services import Actor, record
from ready.audit.verification import ERASURE, named_in
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant


def request_erasure(
    *, object_type: str, object_id: int, actor: Actor, entries: Sequence[int] | None = None
) -> None:
    """Have a person ("person", user id) or an object's names and values leave the trail.

    What was done and when stays; who, or to what, is emptied in all entries up to now. entries:
    ids of entries about the object (`entries_telling_of`), where only these are meant.
    """
    record(
        event=ERASURE,
        actor=actor,
        object_type=object_type,
        object_id=object_id,
        object_label="",
        details=None if entries is None else {"entries": sorted(entries)},
    )


def entries_telling_of(
    object_type: str, object_id: int, start: datetime, end: datetime, recipient: str = ""
) -> list[int]:
    """Entries about an object's readings at instants in [start, end), which they name as `at`, or
    as a span `from` and `to`; and those that name this address of e-mail. None that is empty, or
    that an erasure meant already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.id FROM audit_auditentry e
               CROSS JOIN LATERAL (VALUES (e.before), (e.after)) AS told(content)
               CROSS JOIN LATERAL (SELECT
                   coalesce(content ->> 'at', content ->> 'from') AS low,
                   coalesce(content ->> 'at', content ->> 'to') AS high) AS span
               WHERE e.tenant_id = current_setting('app.tenant')::int
                 AND e.object_type = %(type)s AND e.object_id = %(id)s
                 AND e.content_salt IS NOT NULL
                 AND CASE WHEN e.event LIKE 'reading.%%'
                     THEN low::timestamptz < %(end)s AND high::timestamptz >= %(start)s
                     ELSE %(recipient)s <> ''
                          AND lower(content ->> 'recipient') = lower(%(recipient)s) END
                 AND NOT EXISTS (SELECT 1 FROM audit_auditentry w
                     WHERE w.tenant_id = e.tenant_id AND w.object_type = e.object_type
                       AND w.object_id = e.object_id AND w.event = %(erasure)s
                       AND (w.details -> 'entries') @> to_jsonb(e.id))
               GROUP BY e.id ORDER BY e.id""",
            {
                "erasure": ERASURE,
                "type": object_type,
                "id": str(object_id),
                "start": start,
                "end": end,
                "recipient": recipient,
            },
        )
        return [pk for (pk,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Erase:
    """One erasure to carry out: entries before `entry_id` that tell of the object or person;
    only: the ids of those that are meant, None for all."""

    tenant_id: int
    entry_id: int
    object_type: str
    object_id: str
    only: tuple[int, ...] | None = None

    def describe(self) -> str:
        return f"erase {self.object_type} {self.object_id} from tenant {self.tenant_id}'s trail"

    def carry_out(self, now: datetime) -> None:
        with tenant_context(self.tenant_id), connection.cursor() as cursor:
            cursor.execute(
                """UPDATE audit_auditentry
                   SET object_label = '', before = NULL, after = NULL, details = NULL,
                       content_salt = NULL
                   WHERE tenant_id = %s AND object_type = %s AND object_id = %s AND id < %s
                     AND content_salt IS NOT NULL AND event <> %s
                     AND (%s::int[] IS NULL OR id = ANY(%s::int[]))""",
                [
                    *(self.tenant_id, self.object_type, self.object_id, self.entry_id, ERASURE),
                    *([None, None] if self.only is None else [list(self.only)] * 2),
                ],
            )
            if self.object_type == "person":
                cursor.execute(
                    """UPDATE audit_auditentry
                       SET actor_name = '', computer = '', address = '', actor_salt = NULL
                       WHERE tenant_id = %s AND actor_id = %s AND id < %s
                         AND actor_salt IS NOT NULL""",
                    [self.tenant_id, int(self.object_id), self.entry_id],
                )


def plan(now: datetime) -> Sequence[Erase]:
    """Erasures asked for and not carried out yet. Only sealed entries are touched."""
    found = []
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            wishes = [
                Erase(tenant_id, pk, object_type, object_id, named_in(details))
                for pk, object_type, object_id, details in AuditEntry.objects.filter(event=ERASURE)
                .order_by("pk")
                .values_list("pk", "object_type", "object_id", "details")
            ]
            found += [one for one in wishes if _left(one)]
    return found


def _left(wish: Erase) -> bool:
    only = None if wish.only is None else list(wish.only)
    with connection.cursor() as cursor:
        # All of them must be sealed first: the chain needs their digests.
        cursor.execute(
            """WITH told AS (
                   SELECT e.id FROM audit_auditentry e
                   WHERE e.tenant_id = current_setting('app.tenant')::int AND e.id < %(pk)s
                     AND ((e.object_type = %(type)s AND e.object_id = %(id)s
                           AND e.content_salt IS NOT NULL AND e.event <> %(event)s
                           AND (%(only)s::int[] IS NULL OR e.id = ANY(%(only)s::int[])))
                       OR (%(type)s = 'person' AND e.actor_id::text = %(id)s
                           AND e.actor_salt IS NOT NULL)))
               SELECT EXISTS (SELECT 1 FROM told) AND NOT EXISTS (
                   SELECT 1 FROM told WHERE NOT EXISTS (
                       SELECT 1 FROM audit_auditseal s
                       WHERE s.tenant_id = current_setting('app.tenant')::int
                         AND s.entry_id = told.id))""",
            {
                "pk": wish.entry_id,
                "type": wish.object_type,
                "id": wish.object_id,
                "event": ERASURE,
                "only": only,
            },
        )
        return bool(cursor.fetchone()[0])


def upkeep(now: datetime) -> Iterable[Erase]:
    """What is planned; there is nothing cheap to do before."""
    yield from plan(now)
