"""The path of a telegram on one page.

    identify whose meter each item is → decode → readings → judge, store → newest values,
    info codes, kept telegrams

All in the caller's transaction: killed anywhere, nothing has happened.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import connection

from collectors.outcomes import Outcome
from collectors.pipeline import settling
from collectors.pipeline.counters import doubt_repeats
from collectors.pipeline.decoding import decode, identify
from collectors.pipeline.interpret import implausible, readings_of
from collectors.pipeline.items import Item
from collectors.pipeline.judging import Judgement
from collectors.pipeline.known import KnownFormats
from meters import state
from meters.models import ReplayWanted
from readings.services import store
from wmbus.words import marked as _

# As far back as readings are kept at all (seed N10); older ones have no partition.
OLDEST = timedelta(days=5 * 365)


def process(items: Sequence[Item], *, again: bool = False) -> None:
    """Take items of one utility all the way, in the current transaction.

    again: they have rows of their own already, so what becomes of them is written there.
    """
    # What the driver's own cursors raise comes out as Django's errors, like all else.
    with connection.wrap_database_errors:
        write(items, read(items), again=again)


def read(items: Sequence[Item]) -> KnownFormats:
    """Whose telegrams they are and what they say; nothing is locked and nothing written yet."""
    identify(items)
    formats = decode(items)
    interpret(items)
    return formats


def write(items: Sequence[Item], formats: KnownFormats, *, again: bool) -> None:
    """All that becomes of what was read."""
    # Before anything is written: two workers that share meters take turns from here on.
    known = state.lock(item.meter.id for item in items if item.meter is not None)
    formats.write()
    counted = doubt_repeats(items, known)
    judgement = Judgement(items, known)
    gone = store([reading for item in items for reading in item.readings], state.read_times(known))
    judgement.keep(items)
    settling.conclude(items)
    settling.tell_meters(items, known, counted)
    settling.note_reception(item for item in items if not item.counted)
    settling.keep_telegrams(items, all_of_them=again)
    settling.note_superseded(gone)
    _want_replay(formats.believed)


def interpret(items: Iterable[Item]) -> None:
    """Turn decoded telegrams into readings, or end them with the reason why not."""
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
            item.end(Outcome.NO_TIME, _("neither the telegram nor the collector says when"))
        else:
            item.readings = readings


def _want_replay(learned: Iterable[int]) -> None:
    """Telegrams that waited for these formats are worked on anew: later, not in here, where they
    would have this transaction wait for meters out of their order."""
    ReplayWanted.objects.bulk_create(
        [
            ReplayWanted(because=ReplayWanted.Because.FORMAT, signature=signature)
            for signature in sorted(learned)
        ]
    )
