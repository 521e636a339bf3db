"""Checking a utility's trail against its chain, and the chain against the heads kept outside."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from ready.audit import chain
from ready.audit.models import AuditEntry, AuditSeal
from ready.tenancy.context import current_tenant_id, tenant_context

# An entry older than this must be sealed: the sealer comes every few seconds.
SEALED_WITHIN = timedelta(minutes=1)
ERASURE = "audit.erased"


@dataclass(frozen=True, slots=True)
class Head:
    """A head as it was told outside."""

    tenant_id: int
    seq: int
    head: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """How a check ended: entries and heads looked at, and what is wrong, a line each."""

    entries: int
    heads: int
    faults: list[str]


class UnreadableHeads(Exception):
    """The file of heads is missing or has a line that is none."""


def heads_of(path: Path) -> Iterator[Head]:
    """The heads in a file. Raises UnreadableHeads with the line."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableHeads(f"{path}: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            told = json.loads(line)
            yield Head(
                int(told["tenant"]),
                int(told["seq"]),
                bytes.fromhex(told["head"]),
                bytes.fromhex(told["signature"]),
            )
        except (ValueError, KeyError, TypeError):
            raise UnreadableHeads(f"{path}, line {number}: no head") from None


def verify(tenant_id: int, heads: Iterable[Head], now: datetime) -> Report:
    """Check everything of one utility; `heads` are those told outside, of any utility."""
    faults: list[str] = []
    with tenant_context(tenant_id):
        with connection.cursor() as cursor:
            # One snapshot: sealing goes on meanwhile.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x41554449, tenant_id])
        sealed = _walk(faults)
        _unsealed(faults, now)
        own = [head for head in heads if head.tenant_id == tenant_id]
        _outside(faults, sealed, own)
    return Report(len(sealed), len(own), faults)


def _walk(faults: list[str]) -> dict[int, bytes]:
    """Follow the chain from its beginning; the head after each link."""
    heads: dict[int, bytes] = {}
    before, expected = chain.GENESIS, 1
    erased = _erasures()
    entries = _Entries()
    for seal in AuditSeal.objects.order_by("seq").iterator():
        if seal.seq != expected:
            faults.append(f"links {expected} to {seal.seq - 1} are missing")
            expected = seal.seq
        entry = entries.get(seal.entry_id)
        if entry is None:
            faults.append(f"link {seal.seq}: entry {seal.entry_id} was deleted")
        else:
            actor, content = bytes(seal.actor_digest), bytes(seal.content_digest)
            if chain.link(before, seal.seq, entry, actor, content) != bytes(seal.head):
                faults.append(f"link {seal.seq}: entry {entry.pk} or the chain was changed")
            faults += _personal(seal.seq, entry, actor, content, erased)
        if seal.signature is not None and not chain.signed_by_us(
            seal.tenant_id, seal.seq, bytes(seal.head), bytes(seal.signature)
        ):
            faults.append(f"link {seal.seq}: the signature of its head is not ours")
        before = heads[seal.seq] = bytes(seal.head)
        expected += 1
    return heads


class _Entries:
    """Entries by id, fetched ahead: seals follow the ids closely."""

    def __init__(self, ahead: int = 2000) -> None:
        self._ahead = ahead
        self._held: dict[int, AuditEntry] = {}

    def get(self, pk: int) -> AuditEntry | None:
        if pk not in self._held:
            self._held = {
                entry.pk: entry
                for entry in AuditEntry.objects.filter(pk__gte=pk - 100).order_by("pk")[
                    : self._ahead
                ]
            }
        return self._held.get(pk)


@dataclass(frozen=True, slots=True)
class _Erased:
    """What may be empty. whole: who and what → the newest erasure of all that tells of it; named:
    ids of entries that erasures of a part named."""

    whole: dict[tuple[str, str], int]
    named: frozenset[int]

    def covers(self, key: tuple[str, str], entry_id: int) -> bool:
        """Whether an entry about these was to be emptied."""
        return entry_id in self.named or self.whole.get(key, 0) >= entry_id


def named_in(details: Mapping[str, Any] | None) -> tuple[int, ...] | None:
    """The entries that an erasure means; None for all about its object."""
    return None if details is None else tuple(details.get("entries", ()))


def _erasures() -> _Erased:
    whole: dict[tuple[str, str], int] = {}
    named: set[int] = set()
    for object_type, object_id, pk, details in (
        AuditEntry.objects.filter(event=ERASURE)
        .order_by("pk")
        .values_list("object_type", "object_id", "pk", "details")
    ):
        only = named_in(details)
        if only is None:
            whole[object_type, object_id] = pk
        else:
            named.update(one for one in only if one < pk)
    return _Erased(whole, frozenset(named))


def _personal(
    seq: int,
    entry: AuditEntry,
    actor: bytes,
    content: bytes,
    erased: _Erased,
) -> list[str]:
    faults = []
    for told, found, key in (
        (actor, chain.actor_digest(entry), ("person", str(entry.actor_id))),
        (content, chain.content_digest(entry), (entry.object_type, entry.object_id)),
    ):
        if found == told or not told:
            continue
        if found is not None:
            faults.append(f"link {seq}: names or values of entry {entry.pk} were changed")
        elif not erased.covers(key, entry.pk):
            faults.append(f"link {seq}: entry {entry.pk} was emptied without an erasure")
    return faults


def _unsealed(faults: list[str], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.id FROM audit_auditentry e
               WHERE e.tenant_id = %s AND e.occurred_at < %s
                 AND NOT EXISTS (SELECT 1 FROM audit_auditseal s
                                 WHERE s.tenant_id = e.tenant_id AND s.entry_id = e.id)
               ORDER BY e.id LIMIT 20""",
            [current_tenant_id(), now - SEALED_WITHIN],
        )
        faults += [
            f"entry {pk} is not in the chain: inserted later, or the sealer stands still"
            for (pk,) in cursor.fetchall()
        ]


def _outside(faults: list[str], sealed: dict[int, bytes], heads: Iterable[Head]) -> None:
    newest = max(sealed, default=0)
    for told in heads:
        if not chain.signed_by_us(told.tenant_id, told.seq, told.head, told.signature):
            faults.append(f"head {told.seq} outside: its signature is not ours")
        elif told.seq > newest:
            faults.append(
                f"head {told.seq} outside is ahead of the database (at {newest}): the end was cut "
                "off, or an older backup was restored"
            )
        elif sealed.get(told.seq) != told.head:
            faults.append(f"head {told.seq} outside differs: the chain was written anew")
