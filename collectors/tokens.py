"""Collectors' tokens: made once, shown once, kept as a hash, revocable.

A token reads `rdy_<prefix>_<secret>`: the prefix finds the row, the secret is compared by its
SHA-256 in constant time.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from django.utils import timezone

from collectors.models import Collector, CollectorToken
from ready.accounts import floods
from ready.audit.models import Outcome
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id, tenant_context


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token stands for."""

    tenant_id: int
    collector_id: int


def issue(*, collector: Collector, actor: Actor) -> str:
    """A new token for a collector; the text is returned this once and never again."""
    prefix = secrets.token_hex(6)
    secret = secrets.token_urlsafe(24)
    CollectorToken.objects.create(
        tenant_id=current_tenant_id(), collector=collector, prefix=prefix, digest=_digest(secret)
    )
    record(
        event="collector.token_issued",
        actor=actor,
        object_type="collector",
        object_id=collector.pk,
        object_label=collector.name,
        after={"prefix": prefix},
    )
    return f"rdy_{prefix}_{secret}"


def revoke(*, collector: Collector, prefix: str, actor: Actor) -> bool:
    """End a token at once. False when there was none to end."""
    ended = CollectorToken.objects.filter(
        tenant_id=current_tenant_id(), collector=collector, prefix=prefix, revoked_at=None
    ).update(revoked_at=timezone.now())
    if ended:
        record(
            event="collector.token_revoked",
            actor=actor,
            object_type="collector",
            object_id=collector.pk,
            object_label=collector.name,
            before={"prefix": prefix},
        )
    return bool(ended)


def authenticate(header: str) -> Bearer | None:
    """Whom an Authorization header stands for: Bearer, or Basic with the token as password.

    None where it opens nothing. A refusal that names one of a utility's tokens is told there; of
    many, every doubling.
    """
    parts = _parts(header)
    row = None if parts is None else CollectorToken.objects.filter(prefix=parts[0]).first()
    if parts is None or row is None:
        return None
    if not hmac.compare_digest(bytes(row.digest), _digest(parts[1])):
        _tell_refusal(row, "secret")
        return None
    if row.revoked_at is not None:
        _tell_refusal(row, "revoked")
        return None
    return Bearer(row.tenant_id, row.collector_id)


def _parts(header: str) -> tuple[str, str] | None:
    """The prefix and the secret of the token in a header."""
    scheme, _, rest = header.strip().partition(" ")
    token = rest.strip()
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
    elif scheme.lower() != "bearer":
        return None
    mark, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != "rdy" or not secret or len(prefix) > 12 or "\0" in token:
        return None
    return prefix, secret


def _tell_refusal(token: CollectorToken, why: str) -> None:
    number = floods.told(token.tenant_id, "collector token", token.prefix)
    if number is None:
        return
    details: dict[str, object] = {"why": why, "prefix": token.prefix}
    if number > floods.FREE:
        details["times"] = number
    with tenant_context(token.tenant_id):
        collector = Collector.objects.filter(pk=token.collector_id).first()
        record(
            event="collector.token_refused",
            actor=Actor(None, ""),
            object_type="collector",
            object_id=token.collector_id,
            object_label=collector.name if collector else "",
            details=details,
            outcome=Outcome.DENIED,
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
