"""Writing the trail."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ready.audit import origin as origins
from ready.audit.models import AuditEntry, Outcome

_SALT = 16


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
    details: Mapping[str, object] | None = None,
    outcome: Outcome = Outcome.OK,
) -> None:
    """Add one entry to the current tenant's trail, in the caller's transaction.

    Where the act comes from (computer, address, request, session) is taken from the running
    request. For a denied or failed act the caller opens a transaction of its own, so that the
    refusal's rollback does not take the entry with it.
    """
    origin = origins.current_origin()
    AuditEntry.objects.create(
        event=event,
        outcome=outcome,
        actor_id=actor.id,
        actor_name=actor.name[:254],
        computer=origin.computer[:120],
        address=(origin.address or actor.computer)[:45],
        object_type=object_type,
        object_id=str(object_id)[:60],
        object_label=object_label[:200],
        before=before,
        after=after,
        details=details,
        request_id=origin.request_id[:16],
        session=origin.session[:16],
        proof=origin.proof[:12],
        actor_salt=secrets.token_bytes(_SALT),
        content_salt=secrets.token_bytes(_SALT),
    )
    origins.note(event)
