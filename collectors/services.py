"""Taking a push in: keep it, promise it, ring the bell. Nothing else happens in the request."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from collectors import formats, replays
from collectors.models import Collector
from collectors.outcomes import Outcome
from collectors.tokens import Bearer
from meters.models import ReplayWanted
from ready.audit.services import Actor, record
from ready.tenancy.context import tenant_context

log = logging.getLogger(__name__)

LIMITS = formats.Limits(
    max_body=settings.PUSH_MAX_INFLATED_BYTES, max_items=settings.PUSH_MAX_TELEGRAMS
)

# A lost answer is asked for again within minutes; see _heard_now for why this matters.
_RESENT_WITHIN = timedelta(minutes=15)
# As long as bodies are kept after their last item is settled, and a day for the settling.
_REMEMBERED = timedelta(days=8)
_HEARD_STEP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a push, the same for the same push; `repeated` when it was known already."""

    answer: dict[str, Any]
    repeated: bool


def register_collector(
    *, name: str, type: Collector.Type, actor: Actor, **fields: Any
) -> Collector:
    """Make a collector known to the current utility."""
    collector: Collector = Collector.objects.create(name=name, type=type, **fields)
    record(
        event="collector.registered",
        actor=actor,
        object_type="collector",
        object_id=collector.pk,
        object_label=name,
        after={"type": str(type)},
    )
    return collector


def request_replay(
    *,
    actor: Actor,
    outcome: Outcome | None = None,
    manufacturer: str = "",
    number: str = "",
    collector_id: int | None = None,
    received_from: date | None = None,
    received_to: date | None = None,
    only: tuple[date, int, int] | None = None,
) -> int:
    """Have quarantined telegrams of the current utility worked on once more; how many there are.

    The filters narrow the choice: why they were set aside, whose they are, who heard them, on
    which UTC days they arrived (both included). only: one telegram, by its received_on, batch_id
    and item. A worker does it soon, in transactions of its own; asked twice, it does no harm.
    0 means that nothing matched, and nothing was asked for.
    """
    if only is not None:
        received_from = received_to = only[0]
    wanted = ReplayWanted(
        because=ReplayWanted.Because.ASKED,
        outcome=outcome,
        manufacturer=manufacturer,
        number=number,
        collector_id=collector_id,
        received_from=received_from,
        received_to=received_to,
        batch_id=None if only is None else only[1],
        item=None if only is None else only[2],
    )
    count = replays.matching([wanted]).count()
    if count == 0:
        return 0
    wanted.save()
    record(
        event="telegrams.replay_requested",
        actor=actor,
        object_type="telegrams",
        object_id=wanted.pk,
        object_label=number,
        after={
            "telegrams": count,
            "outcome": None if outcome is None else int(outcome),
            "collector": collector_id,
            "from": None if received_from is None else received_from.isoformat(),
            "to": None if received_to is None else received_to.isoformat(),
        },
    )
    return count


def edit_collector(*, collector: Collector, actor: Actor, **fields: Any) -> bool:
    """Change what is known of a collector of the current utility; False when nothing changed.

    fields: columns of Collector. Raises IntegrityError for a name that another has.
    """
    before = {name: getattr(collector, name) for name in fields}
    changed = {name: value for name, value in fields.items() if before[name] != value}
    if not changed:
        return False
    Collector.objects.filter(pk=collector.pk).update(**changed)
    record(
        event="collector.changed",
        actor=actor,
        object_type="collector",
        object_id=collector.pk,
        object_label=collector.name,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return True


def accept(
    *, bearer: Bearer, content_type: str, body: bytes, now: datetime, request_id: str
) -> Receipt:
    """Keep an (inflated) body durably; when this returns, it is committed.

    The same body from the same collector again is a no-op with the same answer. Raises
    formats.EnvelopeError for a body that is no envelope. `now` is kept as the time of arrival; it
    never becomes a reading time by itself.
    """
    digest = hashlib.sha256(body).digest()
    with tenant_context(bearer.tenant_id):
        collector = Collector.objects.get(pk=bearer.collector_id)
        known = _known(collector.pk, digest, now)
        if known is not None and now - known.received_at <= _RESENT_WITHIN:
            return Receipt(known.answer, repeated=True)
        envelope = formats.parse(content_type, body, limits=LIMITS, zone=ZoneInfo(collector.zone))
        if known is not None and not _heard_now(collector, envelope):
            return Receipt(known.answer, repeated=True)
        rejected = [
            {"index": item.index, "code": item.code, "detail": item.detail}
            for item in envelope.items
            if isinstance(item, formats.Rejected)
        ]
        answer = {
            "accepted": len(envelope.items) - len(rejected),
            "rejected": rejected,
            "received_at": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
        _insert(
            collector.pk, digest, content_type, body, now, request_id, answer, len(envelope.items)
        )
        # To the second is enough, and pushes of one collector need not queue up for its row.
        if collector.heard_at is None or now - collector.heard_at > _HEARD_STEP:
            Collector.objects.filter(pk=collector.pk).update(heard_at=now)
    return Receipt(answer, repeated=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """A body that came before, and what was answered."""

    received_at: datetime
    answer: dict[str, Any]


def _known(collector_id: int, digest: bytes, now: datetime) -> _Known | None:
    """The last time this body came; the lock makes two sendings at once take turns."""
    lock = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock ^ collector_id])
        cursor.execute(
            """SELECT received_at, answer FROM collectors_inboundbatch
               WHERE tenant_id = current_setting('app.tenant')::int
                 AND collector_id = %s AND digest = %s AND received_on >= %s
               ORDER BY received_on DESC, id DESC LIMIT 1""",
            [collector_id, digest, now.astimezone(UTC).date() - _REMEMBERED],
        )
        row = cursor.fetchone()
    return None if row is None else _Known(row[0], json.loads(row[1]))


def _heard_now(collector: Collector, envelope: formats.Envelope) -> bool:
    """Whether arrival stands in for the time of reception, as for a box without a clock: the same
    bytes much later are then the same values heard again, and no repeat."""
    return collector.forwards_at_once and any(
        isinstance(item, formats.Received) and item.time is None for item in envelope.items
    )


def _insert(
    collector_id: int,
    digest: bytes,
    content_type: str,
    body: bytes,
    now: datetime,
    request_id: str,
    answer: dict[str, Any],
    items: int,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH batch AS (
                   INSERT INTO collectors_inboundbatch
                       (tenant_id, received_on, collector_id, received_at, request_id, digest,
                        content_type, body, items, answer)
                   VALUES (current_setting('app.tenant')::int, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                   RETURNING tenant_id, received_on, id, collector_id, received_at)
               INSERT INTO collectors_pendingwork
                   (tenant_id, received_on, batch_id, collector_id, received_at,
                    attempts, suspected, looked)
               SELECT batch.*, 0, 0, false FROM batch""",
            [
                now.astimezone(UTC).date(),
                collector_id,
                now,
                request_id,
                digest,
                content_type[:120],
                body,
                items,
                json.dumps(answer),
            ],
        )
