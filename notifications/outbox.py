"""What is to be told to the outside, in the transaction in which it happened."""

from collections.abc import Mapping
from dataclasses import dataclass

from notifications.models import OutboxEntry


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. kind: what, such as "info_code.began". key: which one; with the
    kind it names the event within the utility for ever. payload: JSON, base units, UTC."""

    kind: str
    key: str
    payload: Mapping[str, object]


def enqueue(events: list[Event]) -> None:
    """Have these told to the outside, each once however often it is enqueued."""
    OutboxEntry.objects.bulk_create(
        [
            OutboxEntry(event=event.kind, key=event.key, payload=dict(event.payload))
            for event in events
        ],
        ignore_conflicts=True,
    )
