"""Writing the trail."""

from collections.abc import Mapping
from dataclasses import dataclass

from ready.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or READY itself (id None) under the name of its job."""

    id: int | None
    name: str
    computer: str = ""


def record(
    *,
    event: str,
    actor: Actor,
    object_type: str,
    object_id: object,
    object_label: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add one entry to the current tenant's trail, in the caller's transaction."""
    AuditEntry.objects.create(
        event=event,
        actor_id=actor.id,
        actor_name=actor.name,
        computer=actor.computer,
        object_type=object_type,
        object_id=str(object_id),
        object_label=object_label[:200],
        before=before,
        after=after,
    )
