"""A kept batch: opening it, and writing down what became of its items."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone

from collectors import counts, faults, formats
from collectors.models import Collector, InboundBatch, Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.claims import Claim, begin, settle
from collectors.pipeline.items import Item, Source
from readings.models import Origin
from ready.tenancy.models import Tenant
from ready.web.middleware import carry

# Where a batch that cannot be opened is kept among the telegrams: no item has this number.
WHOLE = -1


def unpack(claimed: Claim) -> tuple[InboundBatch, list[Item]]:
    """The batch and its items; what is no telegram at all is broken from the start.

    The limits of a push no longer count: what was taken is worked on, whatever they are today.
    """
    batch = InboundBatch.objects.get(pk=claimed.key)
    carry(batch.request_id)
    collector = Collector.objects.get(pk=batch.collector_id)
    source = source_of(batch, collector)
    body = bytes(batch.body)
    envelope = formats.parse(
        batch.content_type,
        body,
        limits=formats.Limits(max_body=len(body), max_items=max(1, batch.items)),
        zone=ZoneInfo(collector.zone),
    )
    if len(envelope.items) != batch.items:
        raise ValueError(f"{len(envelope.items)} items, where {batch.items} were taken")
    items = []
    for told in envelope.items:
        if isinstance(told, formats.Rejected):
            item = Item(told.index, source, told.excerpt.encode(), None)
            item.end(Outcome.BROKEN, told.detail)
        else:
            heard_at = told.time
            if heard_at is None and collector.forwards_at_once:
                heard_at = batch.received_at
            item = Item(
                told.index, source, told.frame, heard_at, rssi_dbm=told.rssi_dbm, crc=told.crc
            )
        items.append(item)
    return batch, items


def source_of(kept: InboundBatch | Telegram, collector: Collector) -> Source:
    """Where the items of a batch, or a kept telegram, came in."""
    return Source(
        tenant_id=kept.tenant_id,
        received_on=kept.received_on,
        batch_id=kept.id if isinstance(kept, InboundBatch) else kept.batch_id,
        received_at=kept.received_at,
        collector_id=collector.pk,
        origin=Origin(collector.origin),
        decrypts=collector.decrypts,
        zone=ZoneInfo(Tenant.objects.get(pk=kept.tenant_id).zone),
    )


def settle_whole(batch: InboundBatch, items: Sequence[Item]) -> None:
    """Write the bytes of a batch all of whose items have come to an end."""
    outcomes = bytearray(batch.items)
    for item in items:
        outcomes[item.index] = item.outcome
    InboundBatch.objects.filter(pk=batch.pk).update(
        outcomes=bytes(outcomes), settled_at=timezone.now()
    )
    counts.count(batch.collector_id, outcomes, batches=1)


def note_outcomes(items: Sequence[Item]) -> None:
    """Write the bytes of items that have come to an end; they may be of many batches.

    The rows are locked and read anew: a batch may be worked on while parts of it are replayed.
    """
    by_batch: dict[tuple[date, int], list[Item]] = {}
    for item in items:
        by_batch.setdefault((item.source.received_on, item.source.batch_id), []).append(item)
    for received_on, batch_id in sorted(by_batch):
        batch = (
            InboundBatch.objects.select_for_update()
            .only("tenant_id", "received_on", "id", "collector_id", "items", "outcomes")
            .filter(received_on=received_on, id=batch_id)
            .first()
        )
        if batch is None:
            continue  # its partition is gone, the telegram is still here
        before = bytes(batch.outcomes or bytes(batch.items))
        outcomes = bytearray(before)
        for item in by_batch[received_on, batch_id]:
            if not item.pending:
                outcomes[item.index] = item.outcome
        InboundBatch.objects.filter(pk=batch.pk).update(outcomes=bytes(outcomes))
        counts.count(batch.collector_id, counts.changed(before, outcomes))


def set_whole_aside(claimed: Claim, why: str) -> None:
    """Quarantine a batch that cannot be opened: one row with the reason, and a byte for each item.

    Its body stays; replayed, it is a batch like any other.
    """
    begin(claimed)
    batch = InboundBatch.objects.get(pk=claimed.key)
    Telegram.objects.update_or_create(
        tenant_id=batch.tenant_id,
        received_on=batch.received_on,
        batch_id=batch.id,
        item=WHOLE,
        defaults={
            "collector_id": batch.collector_id,
            "received_at": batch.received_at,
            "manufacturer": "",
            "number": "",
            "frame": b"",
            "outcome": Outcome.UNREADABLE,
            "detail": faults.kept(why),
        },
    )
    InboundBatch.objects.filter(pk=batch.pk).update(
        outcomes=bytes([Outcome.UNREADABLE]) * batch.items, settled_at=timezone.now()
    )
    counts.count(batch.collector_id, [Outcome.UNREADABLE] * batch.items, batches=1)
    settle(claimed)
