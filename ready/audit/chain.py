"""The hash chain: what is hashed, how a link is made, how heads are signed. No database here.

The entry's plain facts go into the chain directly. Personal ones go in through a salted digest,
so that they can be erased (the salt goes with them) while the chain stays whole.
"""

import base64
import hashlib
import json
from datetime import UTC

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from ready.audit.models import AuditEntry

GENESIS = bytes(32)


def _packed(value: object) -> bytes:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    ).encode("utf-8", "surrogatepass")


def actor_digest(entry: AuditEntry) -> bytes | None:
    """Of who acted; None when it was erased."""
    if entry.actor_salt is None:
        return None
    told = [entry.actor_name, entry.computer, entry.address]
    return hashlib.sha256(bytes(entry.actor_salt) + _packed(told)).digest()


def content_digest(entry: AuditEntry) -> bytes | None:
    """Of what the act was about; None when it was erased."""
    if entry.content_salt is None:
        return None
    told = [entry.object_label, entry.before, entry.after, entry.details]
    return hashlib.sha256(bytes(entry.content_salt) + _packed(told)).digest()


def link(before: bytes, seq: int, entry: AuditEntry, actor: bytes, content: bytes) -> bytes:
    """The head after one more entry."""
    facts = [
        entry.tenant_id,
        seq,
        entry.pk,
        entry.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.event,
        entry.outcome,
        entry.actor_id,
        entry.object_type,
        entry.object_id,
        entry.request_id,
        entry.session,
        entry.proof,
        actor.hex(),
        content.hex(),
    ]
    return hashlib.sha256(before + _packed(facts)).digest()


def _signer() -> Ed25519PrivateKey:
    if settings.AUDIT_KEY:
        seed = base64.b64decode(settings.AUDIT_KEY)
    else:
        # Development: a key that follows from the master key, which is outside the database too.
        seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"ready audit heads").derive(
            base64.b64decode(settings.MASTER_KEY)
        )
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> str:
    """The public half in base64, for whoever checks heads elsewhere."""
    raw = (
        _signer()
        .public_key()
        .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )
    return base64.b64encode(raw).decode()


def _message(tenant_id: int, seq: int, head: bytes) -> bytes:
    return b"ready audit head|%d|%d|" % (tenant_id, seq) + head


def sign(tenant_id: int, seq: int, head: bytes) -> bytes:
    """An Ed25519 signature of a head."""
    return _signer().sign(_message(tenant_id, seq, head))


def signed_by_us(tenant_id: int, seq: int, head: bytes, signature: bytes) -> bool:
    """Whether the present key, or one that READY_AUDIT_OLD_KEYS names, made the signature."""
    for key in [public_key(), *settings.AUDIT_OLD_KEYS]:
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
            public.verify(signature, _message(tenant_id, seq, head))
        except (InvalidSignature, ValueError):
            continue
        return True
    return False
