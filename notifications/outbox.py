"""What is to be told to the outside, in the transaction in which it happened.

An entry waits until whoever delivers it says that it was taken (`note_delivered`), or until it is
given up: by a person, after so many failures (`note_failed`), or because nobody took it for weeks
(`maintenance`). Who delivers counts the attempts when it takes an entry, and says when the next is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from notifications.models import OutboxEntry
from ready.audit.services import Actor, record

MAIL = "mail.asked"
# Of these nothing is left to deliver once they are over.
_EMPTIED = frozenset({MAIL})
_LONGEST_REASON = 300
# The reason of an entry whose mail was deleted before it went.
WITHDRAWN = "withdrawn"


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


def note_delivered(*, entry_id: int, now: datetime) -> None:
    """The outside has taken it."""
    OutboxEntry.objects.filter(pk=entry_id).update(delivered_at=now, given_up_at=None, reason="")


def note_failed(*, entry_id: int, reason: str, next_try_at: datetime | None, now: datetime) -> None:
    """An attempt failed; it is tried again at an instant, or given up for good (None)."""
    entry = OutboxEntry.objects.filter(pk=entry_id)
    entry.update(reason=reason[:_LONGEST_REASON])
    if next_try_at is None:
        entry.update(given_up_at=now)
    else:
        entry.filter(given_up_at=None).update(next_try_at=next_try_at)


def try_again(*, entry: OutboxEntry, actor: Actor, now: datetime) -> None:
    """Have an entry that was given up, or that waits for its next attempt, tried at once.

    Raises ValidationError for one that was delivered, or of which nothing is left to deliver.
    """
    if entry.delivered_at is None and not may_try_again(entry):
        raise ValidationError(
            _("What it carried is not kept; have it sent anew from the meter."), code="emptied"
        )
    changed = OutboxEntry.objects.filter(pk=entry.pk, delivered_at=None).update(
        given_up_at=None, next_try_at=now, attempts=0
    )
    if not changed:
        raise ValidationError(_("This was delivered already."), code="delivered")
    _told("outbox.tried_again", entry, actor)


def may_try_again(entry: OutboxEntry) -> bool:
    """Whether there is something to deliver."""
    return entry.delivered_at is None and (entry.given_up_at is None or entry.event not in _EMPTIED)


def give_up(*, entry: OutboxEntry, actor: Actor, now: datetime) -> None:
    """Let an entry that waits go undelivered. Raises ValidationError for one that does not wait."""
    changed = OutboxEntry.objects.filter(pk=entry.pk, delivered_at=None, given_up_at=None).update(
        given_up_at=now
    )
    if not changed:
        raise ValidationError(_("This does not wait any more."), code="over")
    _told("outbox.given_up", entry, actor)


def _told(event: str, entry: OutboxEntry, actor: Actor) -> None:
    record(
        event=event,
        actor=actor,
        object_type="outbox entry",
        object_id=entry.pk,
        object_label=entry.event,
        before={"attempts": entry.attempts, "reason": entry.reason},
    )
