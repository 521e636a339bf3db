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
        sender = _sender(bearer.collector_id, digest, now)
        before = sender.before
        if before is not None and now - before.received_at <= _RESENT_WITHIN:
            return Receipt(before.answer, repeated=True)
        envelope = formats.parse(content_type, body, limits=LIMITS, zone=ZoneInfo(sender.zone))
        if before is not None and not _heard_now(sender, envelope):
            return Receipt(before.answer, repeated=True)
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
            bearer.collector_id,
            digest,
            content_type,
            body,
            now,
            request_id,
            answer,
            len(envelope.items),
        )
    return Receipt(answer, repeated=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """A body that came before, and what was answered."""

    received_at: datetime
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sender:
    """What a push must know of its collector. before: the last time this body came."""

    zone: str
    forwards_at_once: bool
    before: _Known | None


def _sender(collector_id: int, digest: bytes, now: datetime) -> _Sender:
    """Both statements go out together: a push waits for the database as seldom as it can, since
    each time it also waits for its turn on a busy machine. The lock makes two sendings of one body
    take turns; what is asked behind it sees what the first has committed."""
    lock = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_advisory_xact_lock(%s);
               SELECT c.zone, c.forwards_at_once, b.received_at, b.answer
               FROM collectors_collector c
               LEFT JOIN LATERAL (
                   SELECT received_at, answer FROM collectors_inboundbatch
                   WHERE tenant_id = c.tenant_id AND collector_id = c.id AND digest = %s
                     AND received_on >= %s
                   ORDER BY received_on DESC, id DESC LIMIT 1) AS b ON true
               WHERE c.tenant_id = current_setting('app.tenant')::int AND c.id = %s""",
            [
                lock ^ collector_id,
                digest,
                now.astimezone(UTC).date() - _REMEMBERED,
                collector_id,
            ],
        )
        cursor.nextset()
        row = cursor.fetchone()
    if row is None:
        raise Collector.DoesNotExist
    zone, forwards_at_once, received_at, answer = row
    before = None if received_at is None else _Known(received_at, json.loads(answer))
    return _Sender(zone, forwards_at_once, before)


def _heard_now(sender: _Sender, envelope: formats.Envelope) -> bool:
    """Whether arrival stands in for the time of reception, as for a box without a clock: the same
    bytes much later are then the same values heard again, and no repeat."""
    return sender.forwards_at_once and any(
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
            # Heard to the second is enough: pushes of one collector need not queue for its row.
            """WITH heard AS (
                   UPDATE collectors_collector SET heard_at = %s
                   WHERE tenant_id = current_setting('app.tenant')::int AND id = %s
                     AND (heard_at IS NULL OR heard_at < %s)),
               batch AS (
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
                now,
                collector_id,
                now - _HEARD_STEP,
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
