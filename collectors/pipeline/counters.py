"""Telegrams that were recorded and sent again, or altered on the way.

The encryption in counter mode has no authentication: whoever heard a telegram can send it again,
or flip bits of it, and its checksum will fit. What cannot be made without the key is a higher
counter. So a reading whose time is the receiver's word is believed only while the meter's counter
rises with that time, and what one counter said is said once. Collectors' clocks may differ, so for
a while a lower counter is believed, yet never where a register would fall by it: what was sent
earlier cannot tell less of later. A reading with the meter's own time needs no such care: sent
again, it is the same reading.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from collectors.outcomes import Outcome
from collectors.pipeline.items import Item
from meters.registers import BY_COLUMN, COLUMNS
from meters.state import Counted, Known
from wmbus.words import Words
from wmbus.words import marked as _

# How far the clocks of two collectors may be apart.
_SLACK = timedelta(hours=1)


def doubt_repeats(items: Sequence[Item], known: Mapping[int, Known]) -> dict[int, Counted]:
    """Quarantine what an earlier counter says as if it were new; the highest of each meter."""
    highest = {meter_id: was.counted for meter_id, was in known.items()}
    leaders: dict[int, Item] = {}
    for item in sorted(filter(_counts, items), key=_heard):
        assert item.meter is not None
        assert item.telegram is not None
        assert item.telegram.counter is not None
        now = Counted(item.telegram.counter, _heard(item), crc32(item.telegram.payload))
        last = highest.get(item.meter.id)
        if last is None or now.counter > last.counter:
            highest[item.meter.id] = now
            leaders[item.meter.id] = item
        elif all(reading.own_time for reading in item.readings):
            continue
        elif now.counter == last.counter and now.mark != last.mark:
            _doubt(item, _("counter %(counter)s was told before, and said something else"))
        elif now.counter < last.counter and now.at > last.at + _SLACK:
            _doubt(item, _("recorded and sent again: counter %(counter)s is past"))
        elif now.counter < last.counter and now.at > last.at:
            leader = leaders.get(item.meter.id)
            if _falls(item, known[item.meter.id] if leader is None else _told_by(leader)):
                _doubt(item, _("counter %(counter)s is past, and a register would fall by it"))
    return {meter_id: one for meter_id, one in highest.items() if one is not None}


_COUNTING = tuple(place for place, column in enumerate(COLUMNS) if BY_COLUMN[column].cumulative)


def _told_by(item: Item) -> Known:
    newest = max(item.readings, key=lambda reading: reading.at, default=None)
    return Known(None, ()) if newest is None else Known(newest.at, newest.values)


def _falls(item: Item, before: Known) -> bool:
    """Whether the telegram tells less of a register than what was told of an earlier instant."""
    return any(
        before.read_at is not None
        and before.read_at <= reading.at
        and any(_less(reading.values[place], before.values[place]) for place in _COUNTING)
        for reading in item.readings
        if not reading.own_time
    )


def _less(value: int | None, than: int | None) -> bool:
    return value is not None and than is not None and value < than


def _counts(item: Item) -> bool:
    return item.pending and item.telegram is not None and item.telegram.counter is not None


def _heard(item: Item) -> datetime:
    return item.heard_at or item.source.received_at


def _doubt(item: Item, words: str) -> None:
    assert item.telegram is not None
    item.end(Outcome.IMPLAUSIBLE, Words(words, counter=item.telegram.counter))
    item.readings = []
