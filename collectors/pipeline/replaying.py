"""Carrying out wishes for replay: a piece at a time, by turns among utilities.

A wish is carried out once every transaction has ended that may not have seen what came: a batch
that was being worked on while a key was imported sets its telegrams aside for want of it only when
it commits. Each piece is one transaction with the place it has come to; one utility's wishes are
worked on by one worker at a time (an advisory lock that ends with the transaction).
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Q, QuerySet

from collectors.models import Collector, InboundBatch, PendingWork, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.batches import WHOLE, note_outcomes, source_of
from collectors.pipeline.claims import Turns
from collectors.pipeline.items import Item
from collectors.pipeline.path import process
from collectors.replays import matching
from meters.models import ReplayWanted
from ready.tenancy.context import tenant_context

_CLASS = 0x52455052  # "REPR": replays among advisory locks
_TELEGRAMS = 500
_WISHES = 200
# A piece that failed so often is gone through one by one, past the one that does the harm.
_ATTEMPTS = 2


def replay_some(turns: Turns) -> bool:
    """Work once more on some telegrams of whichever utility's turn it is. False: none to do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM meters_replaywanted")
        waiting = [(tenant_id, 0) for (tenant_id,) in cursor.fetchall()]
    for queue in turns.order(waiting):
        if _of_tenant(queue[0]):
            turns.served(queue)
            return True
    return False


def _of_tenant(tenant_id: int) -> bool:
    with tenant_context(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE meters_replaywanted
               SET not_before = pg_snapshot_xmax(pg_current_snapshot())::text::bigint
               WHERE tenant_id = %s AND not_before IS NULL""",
            [tenant_id],
        )
    one: Telegram | None = None
    with tenant_context(tenant_id):
        wishes = _ripe(tenant_id)
        if not wishes:
            return False
        attempts = wishes[0].attempts
        if attempts >= _ATTEMPTS:
            one = _next(wishes).first()
            if one is not None:
                _move(wishes, one)
        # Counted before the work, and committed: it may be the worker's last. Behind as many as
        # a piece has, the one that does the harm is past.
        past = attempts >= _ATTEMPTS + _TELEGRAMS
        _ids(wishes).update(attempts=0 if past else attempts + 1)
    with tenant_context(tenant_id):
        if one is not None:
            # The wishes are past it already: whoever holds the lock by now does not come by it.
            _work([one])
            return True
        again = _ripe(tenant_id)
        if [wish.pk for wish in again] == [wish.pk for wish in wishes]:
            _carry_out(again)
    return True


def _carry_out(wishes: list[ReplayWanted]) -> None:
    """A piece of what these wishes mean."""
    rows = list(_next(wishes)[:_TELEGRAMS])
    _work(rows)
    if len(rows) < _TELEGRAMS:
        _ids(wishes).delete()
    else:
        _move(wishes, rows[-1])
        _ids(wishes).update(attempts=0)


def _ripe(tenant_id: int) -> list[ReplayWanted]:
    """The wishes to carry out together; none while another worker is at this utility's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_CLASS, tenant_id])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (oldest_running,) = cursor.fetchone()
    ripe = ReplayWanted.objects.filter(not_before__lte=oldest_running).order_by("pk")
    first = ripe.first()
    if first is None:
        return []
    if first.because == ReplayWanted.Because.ASKED:
        return [first]
    alike = ripe.filter(
        because=first.because,
        done_on=first.done_on,
        done_batch_id=first.done_batch_id,
        done_item=first.done_item,
        attempts=first.attempts,
    )
    return list(alike[:_WISHES])


def _ids(wishes: Sequence[ReplayWanted]) -> QuerySet[ReplayWanted]:
    chosen: QuerySet[ReplayWanted] = ReplayWanted.objects.filter(
        pk__in=[wish.pk for wish in wishes]
    )
    return chosen


def _next(wishes: Sequence[ReplayWanted]) -> QuerySet[Telegram]:
    """The telegrams that these wishes mean and that are not done with, in their order."""
    telegrams = matching(wishes)
    on, batch_id, item = wishes[0].done_on, wishes[0].done_batch_id, wishes[0].done_item
    if on is None:
        return telegrams
    return telegrams.filter(
        Q(received_on__gt=on)
        | Q(received_on=on, batch_id__gt=batch_id)
        | Q(received_on=on, batch_id=batch_id, item__gt=item)
    )


def _move(wishes: Sequence[ReplayWanted], row: Telegram) -> None:
    _ids(wishes).update(done_on=row.received_on, done_batch_id=row.batch_id, done_item=row.item)


def _work(rows: Sequence[Telegram]) -> None:
    collectors = {one.pk: one for one in Collector.objects.all()}
    items = []
    for row in rows:
        collector = collectors.get(row.collector_id)
        if row.item == WHOLE:
            _queue_again(row)
        elif collector is not None:
            items.append(
                Item(
                    row.item,
                    source_of(row, collector),
                    bytes(row.frame),
                    row.heard_at,
                    rssi_dbm=row.rssi_dbm,
                    # One of an unknown meter was nobody's when it came.
                    counted=row.outcome != Outcome.UNKNOWN_METER,
                )
            )
    process(items, again=True)
    note_outcomes(items)


def _queue_again(row: Telegram) -> None:
    """Put a batch that could not be opened back on the list, if it was kept."""
    batch = InboundBatch.objects.filter(
        received_on=row.received_on, id=row.batch_id, body__isnull=False
    ).first()
    if batch is None:
        return
    Telegram.objects.filter(pk=row.pk).delete()
    InboundBatch.objects.filter(pk=batch.pk).update(outcomes=None, settled_at=None)
    PendingWork.objects.bulk_create(
        [
            PendingWork(
                tenant_id=batch.tenant_id,
                received_on=batch.received_on,
                batch_id=batch.id,
                collector_id=batch.collector_id,
                received_at=batch.received_at,
            )
        ],
        ignore_conflicts=True,
    )
