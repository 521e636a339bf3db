"""Which kept telegrams a wish for replay means."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from collectors.apps import TELEGRAM_DAYS
from collectors.models import Telegram
from collectors.outcomes import QUARANTINE, Outcome
from meters.models import ReplayWanted

# What a meter or its key can mend.
_MENDED_BY_METER = (Outcome.UNKNOWN_METER, Outcome.NO_KEY, Outcome.WRONG_KEY)


def matching(wanted: Sequence[ReplayWanted]) -> QuerySet[Telegram]:
    """The current utility's quarantined telegrams that these wishes mean, the oldest first.

    All wishes are of one kind: several meters, several formats, or one that somebody asked for.
    """
    first = wanted[0]
    telegrams: QuerySet[Telegram] = Telegram.objects.filter(
        # Named although nothing older exists: partitions that are over need not be looked at.
        received_on__gte=timezone.now().date() - timedelta(days=TELEGRAM_DAYS + 1)
    ).order_by("received_on", "batch_id", "item")
    if first.because == ReplayWanted.Because.METER:
        return telegrams.filter(
            outcome__gte=QUARANTINE,
            outcome__in=_MENDED_BY_METER,
            number__in={one.number for one in wanted},
            manufacturer__in={one.manufacturer for one in wanted},
        )
    if first.because == ReplayWanted.Because.FORMAT:
        return telegrams.filter(
            outcome=Outcome.WAITING, signature__in={one.signature for one in wanted}
        )
    return telegrams.filter(_asked(first))


def _asked(wish: ReplayWanted) -> Q:
    chosen = Q(outcome__gte=QUARANTINE)
    for field, value in {
        "outcome": wish.outcome,
        "manufacturer": wish.manufacturer or None,
        "number": wish.number or None,
        "collector_id": wish.collector_id,
        "received_on__gte": wish.received_from,
        "received_on__lte": wish.received_to,
        "batch_id": wish.batch_id,
        "item": wish.item,
    }.items():
        if value is not None:
            chosen &= Q(**{field: value})
    return chosen
