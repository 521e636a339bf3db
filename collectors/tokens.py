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
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id


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
    """Whom an Authorization header stands for: Bearer, or Basic with the token as password."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return _bearer(rest.strip())
    if scheme.lower() == "basic":
        try:
            user_and_password = base64.b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        return _bearer(user_and_password.partition(":")[2])
    return None


def _bearer(token: str) -> Bearer | None:
    mark, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != "rdy" or not secret or len(prefix) > 12 or "\0" in token:
        return None
    row = (
        CollectorToken.objects.filter(prefix=prefix, revoked_at=None)
        .values_list("tenant_id", "collector_id", "digest")
        .first()
    )
    if row is None or not hmac.compare_digest(bytes(row[2]), _digest(secret)):
        return None
    return Bearer(row[0], row[1])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
