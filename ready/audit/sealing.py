"""Sealing: every few seconds each utility's new entries become links of its chain.

Never in the request: a chain made there would make all acts of a utility wait for each other
(measured: 50 instead of 149 transactions a second). One sealer at a time and utility, by an
advisory lock; sealing twice is harmless, the second finds nothing.
"""

import json
import logging
import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ready.audit import chain
from ready.audit.models import AuditEntry, AuditSeal
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)

_LOCK = 0x41554449  # "AUDI"
_AT_ONCE = 2000
# An entry that committed late has an older time than the last sealed one; none takes this long.
_LATE = timedelta(hours=2)


def seal_all() -> int:
    """Seal what is new in every utility; how many entries."""
    return sum(seal(tenant_id) for tenant_id in Tenant.objects.values_list("pk", flat=True))


def seal(tenant_id: int) -> int:
    """Seal one utility's new entries in a transaction of its own; how many."""
    with tenant_context(tenant_id):
        if not _alone(tenant_id):
            return 0
        last = AuditSeal.objects.select_related("entry").order_by("-seq").first()
        waiting = AuditEntry.objects.filter(
            ~Exists(AuditSeal.objects.filter(entry=OuterRef("pk")))
        ).order_by("id")
        if last is not None:
            waiting = waiting.filter(occurred_at__gte=last.entry.occurred_at - _LATE)
        entries = list(waiting[:_AT_ONCE])
        if not entries:
            return 0
        seq, head = (last.seq, bytes(last.head)) if last else (0, chain.GENESIS)
        seals = []
        for entry in entries:
            seq += 1
            actor = chain.actor_digest(entry) or b""
            content = chain.content_digest(entry) or b""
            head = chain.link(head, seq, entry, actor, content)
            seals.append(
                AuditSeal(
                    seq=seq,
                    entry=entry,
                    actor_digest=actor,
                    content_digest=content,
                    head=head,
                )
            )
        signature = seals[-1].signature = chain.sign(tenant_id, seq, head)
        AuditSeal.objects.bulk_create(seals)
    # After the commit: a head that was told must exist.
    tell_outside(tenant_id, seq, head, signature)
    return len(seals)


def _alone(tenant_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, tenant_id])
        return bool(cursor.fetchone()[0])


def tell_outside(tenant_id: int, seq: int, head: bytes, signature: bytes) -> None:
    """Write a signed head where the database cannot reach: the log, and READY_AUDIT_HEADS."""
    line = json.dumps(
        {
            "tenant": tenant_id,
            "seq": seq,
            "head": head.hex(),
            "signature": signature.hex(),
            "at": timezone.now().isoformat(timespec="seconds"),
        }
    )
    log.info("audit head %s", line)
    path = heads_file()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="ascii") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        # The chain goes on and the log has the head; whoever watches sees this line.
        log.exception("audit: a head could not be written to %s", path)


def heads_file() -> Path | None:
    """Where heads are kept outside the database; None where the log alone takes them."""
    return Path(settings.AUDIT_HEADS) if settings.AUDIT_HEADS else None
