"""Telegrams that were recorded and sent again, or altered on the way.

The encryption in counter mode has no authentication: whoever heard a telegram can send it again,
or flip bits of it, and its checksum will fit. What cannot be made without the key is a higher
counter. So a reading whose time is the receiver's word is believed only while the meter's counter
rises with that time, and what one counter said is said once. A reading with the meter's own time
needs no such care: sent again, it is the same reading.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from collectors.outcomes import Outcome
from collectors.pipeline.items import Item
from meters.state import Counted, Known
from wmbus.words import Words
from wmbus.words import marked as _

# How far the clocks of two collectors may be apart.
_SLACK = timedelta(hours=1)


def doubt_repeats(items: Sequence[Item], known: Mapping[int, Known]) -> dict[int, Counted]:
    """Quarantine what an earlier counter says as if it were new; the highest of each meter."""
    highest = {meter_id: was.counted for meter_id, was in known.items()}
    for item in sorted(filter(_counts, items), key=_heard):
        assert item.meter is not None
        assert item.telegram is not None
        assert item.telegram.counter is not None
        now = Counted(item.telegram.counter, _heard(item), crc32(item.telegram.payload))
        last = highest.get(item.meter.id)
        if last is None or now.counter > last.counter:
            highest[item.meter.id] = now
        elif all(reading.own_time for reading in item.readings):
            continue
        elif now.counter == last.counter and now.mark != last.mark:
            _doubt(item, _("counter %(counter)s was told before, and said something else"))
        elif now.counter < last.counter and now.at > last.at + _SLACK:
            _doubt(item, _("recorded and sent again: counter %(counter)s is past"))
    return {meter_id: one for meter_id, one in highest.items() if one is not None}


def _counts(item: Item) -> bool:
    return item.pending and item.telegram is not None and item.telegram.counter is not None


def _heard(item: Item) -> datetime:
    return item.heard_at or item.source.received_at


def _doubt(item: Item, words: str) -> None:
    assert item.telegram is not None
    item.end(Outcome.IMPLAUSIBLE, Words(words, counter=item.telegram.counter))
    item.readings = []
