"""The path of a telegram on one page.

    claim a batch → parse its body → identify whose meter each item is → decode → readings →
    store → newest values, info codes, kept telegrams → settle the batch

Everything between claim and settle is one transaction: killed anywhere, nothing has happened and
the batch is worked on again; begun twice, the second finds it settled. A batch that fails three
times is taken apart and worked on item by item, each marked as failed before it is touched: so the
one that kills its worker is found, and delays nobody.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils import timezone

from collectors import formats
from collectors.models import Collector, InboundBatch, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline import settling
from collectors.pipeline.claims import Claim, Turns, claim, settle
from collectors.pipeline.decoding import decode, identify
from collectors.pipeline.interpret import implausible, readings_of
from collectors.pipeline.items import Item, Source
from collectors.services import LIMITS
from meters import state
from readings.models import Origin
from readings.services import NewReading, Superseded, store
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

__all__ = ["Turns", "import_readings", "replay", "work_one"]

log = logging.getLogger(__name__)

ATTEMPTS = 3
# As far back as readings are kept at all (seed N10); older ones have no partition.
OLDEST = timedelta(days=5 * 365)
_REPLAYED_AT_ONCE = 500


def work_one(turns: Turns) -> bool:
    """Claim and settle one batch of whichever utility's turn it is. False: nothing to do."""
    with claim(turns) as claimed:
        if claimed is None:
            return False
        if claimed.attempt <= ATTEMPTS:
            _whole(claimed)
        else:
            log.error("batch %s failed %d times: item by item", claimed.batch_id, ATTEMPTS)
            _item_by_item(claimed)
    return True


def _whole(claimed: Claim) -> None:
    with tenant_context(claimed.tenant_id):
        batch, items = _unpack(claimed)
        learned = process(items)
        _note_outcomes(batch, items)
        settle(claimed)
        if learned:
            replay(outcome=Outcome.WAITING, signatures=learned)


def _item_by_item(claimed: Claim) -> None:
    with tenant_context(claimed.tenant_id):
        batch, items = _unpack(claimed)
        outcomes = bytes(batch.outcomes or bytes(len(items)))
    for item in items:
        if outcomes[item.index] != Outcome.PENDING:
            continue  # it stopped an earlier attempt, or was done by it
        item_outcome = item.outcome
        with tenant_context(claimed.tenant_id):
            item.end(Outcome.FAILED, "the worker stopped on this telegram")
            settling.keep_telegrams([item])
            _note_outcomes(batch, items, settled=False)
        item.outcome, item.detail = item_outcome, ""
        try:
            with tenant_context(claimed.tenant_id):
                process([item], again=True)
                _note_outcomes(batch, items, settled=False)
        except Exception as error:
            log.exception("item %d of batch %s", item.index, claimed.batch_id)
            with tenant_context(claimed.tenant_id):
                item.end(Outcome.FAILED, f"{type(error).__name__}: {error}")
                settling.keep_telegrams([item])
    with tenant_context(claimed.tenant_id):
        _note_outcomes(batch, items)
        settle(claimed)


def process(items: Sequence[Item], *, again: bool = False, counted: bool = False) -> set[int]:
    """Take items of one utility all the way, in the current transaction.

    again: they have rows of their own already, so what becomes of them is written there. counted:
    an earlier time counted them as heard. Returns the signatures of formats that were learned on
    the way.
    """
    identify(items)
    # Before anything is written: two workers that share meters take turns from here on.
    known = state.lock(item.meter.id for item in items if item.meter is not None)
    learned = decode(items)
    _interpret(items)
    gone = store([reading for item in items for reading in item.readings], known)
    settling.conclude(items)
    settling.tell_meters(items, known)
    if not counted:
        settling.note_reception(items)
    settling.keep_telegrams(items, all_of_them=again)
    settling.note_superseded(gone)
    return learned


def _interpret(items: Iterable[Item]) -> None:
    for item in items:
        if item.telegram is None or item.meter is None:
            continue
        source = item.source
        readings = readings_of(
            item.telegram,
            meter_id=item.meter.id,
            interval_s=item.meter.interval_s,
            heard_at=item.heard_at,
            received_at=source.received_at,
            origin=source.origin,
            zone=source.zone,
        )
        doubt = implausible(readings, source.received_at, source.received_at - OLDEST)
        if doubt:
            item.end(Outcome.IMPLAUSIBLE, doubt)
        elif not readings and item.telegram.register_sets and item.heard_at is None:
            item.end(Outcome.NO_TIME, "neither the telegram nor the collector says when")
        else:
            item.readings = readings


def _unpack(claimed: Claim) -> tuple[InboundBatch, list[Item]]:
    """The batch and its items; what is no telegram at all is broken from the start."""
    batch = InboundBatch.objects.get(pk=claimed.key)
    collector = Collector.objects.get(pk=batch.collector_id)
    source = _source(batch, collector)
    envelope = formats.parse(
        batch.content_type, bytes(batch.body), limits=LIMITS, zone=ZoneInfo(collector.zone)
    )
    items = []
    for told in envelope.items:
        if isinstance(told, formats.Rejected):
            item = Item(told.index, source, told.excerpt.encode(), None)
            item.end(Outcome.BROKEN, f"{told.code}: {told.detail}")
        else:
            heard_at = told.time
            if heard_at is None and collector.forwards_at_once:
                heard_at = batch.received_at
            item = Item(
                told.index, source, told.frame, heard_at, rssi_dbm=told.rssi_dbm, crc=told.crc
            )
        items.append(item)
    return batch, items


def _source(batch: InboundBatch | Telegram, collector: Collector) -> Source:
    return Source(
        tenant_id=batch.tenant_id,
        received_on=batch.received_on,
        batch_id=batch.id if isinstance(batch, InboundBatch) else batch.batch_id,
        received_at=batch.received_at,
        collector_id=collector.pk,
        origin=Origin(collector.origin),
        decrypts=collector.decrypts,
        zone=ZoneInfo(Tenant.objects.get(pk=batch.tenant_id).zone),
    )


def _note_outcomes(batch: InboundBatch, items: Sequence[Item], *, settled: bool = True) -> None:
    outcomes = bytearray(bytes(batch.outcomes or bytes(len(items))))
    for item in items:
        if not item.pending:
            outcomes[item.index] = item.outcome
    batch.outcomes = bytes(outcomes)
    InboundBatch.objects.filter(pk=batch.pk).update(
        outcomes=batch.outcomes, settled_at=timezone.now() if settled else None
    )


def replay(
    *,
    outcome: Outcome,
    signatures: Iterable[int] | None = None,
    meter_number: str | None = None,
) -> int:
    """Work once more on quarantined telegrams of the current utility; how many were tried.

    Called when what they waited for has come: a format (signatures), a key or a meter.
    """
    waiting = Telegram.objects.filter(
        outcome=outcome, received_on__gte=timezone.now().date() - timedelta(days=60)
    ).order_by("received_on", "batch_id", "item")
    if signatures is not None:
        waiting = waiting.filter(signature__in=list(signatures))
    if meter_number is not None:
        waiting = waiting.filter(number=meter_number)
    rows = list(waiting[:_REPLAYED_AT_ONCE])
    collectors = {one.pk: one for one in Collector.objects.all()}
    items = [
        Item(
            row.item,
            _source(row, collectors[row.collector_id]),
            bytes(row.frame),
            row.heard_at,
            rssi_dbm=row.rssi_dbm,
        )
        for row in rows
    ]
    # A telegram of an unknown meter was nobody's; every other one was counted when it came.
    process(items, again=True, counted=outcome is not Outcome.UNKNOWN_METER)
    for key, group in groupby(
        items, key=lambda item: (item.source.received_on, item.source.batch_id)
    ):
        batch = InboundBatch.objects.filter(received_on=key[0], id=key[1]).first()
        if batch is not None:
            _note_outcomes(batch, list(group))
    return len(items)


def import_readings(readings: Sequence[NewReading]) -> list[Superseded]:
    """The door for readings that come without telegrams: history and files of other systems.

    Sets each reading's outcome; the meters' newest values follow.
    """
    known = state.lock({reading.meter_id for reading in readings})
    gone = store(readings, known)
    settling.tell_imported(readings, known)
    return gone
