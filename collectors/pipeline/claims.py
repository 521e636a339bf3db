"""Claiming a batch: one worker at a time, by turns among utilities, counted before the work.

The claim is a session-level advisory lock on the batch. It lives exactly as long as the worker's
connection, so a worker that is killed gives its batch back at once, and one that is cut off
cannot commit what another has begun: no lease to expire, nothing to fence. The attempt is counted
and committed before the work begins; a batch that kills its worker is thus recognised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import connection

from ready.tenancy.context import tenant_context

_CLASS = 0x52454142  # "REAB": READY's batches among advisory locks
_LOOK_AT = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this worker alone works on."""

    tenant_id: int
    received_on: date
    batch_id: int
    attempt: int

    @property
    def key(self) -> tuple[int, date, int]:
        """The batch's primary key."""
        return (self.tenant_id, self.received_on, self.batch_id)


class Turns:
    """Whose turn it is: utilities are served one batch each, round and round."""

    def __init__(self) -> None:
        self._last = 0

    def order(self, tenants: list[int]) -> list[int]:
        """The utilities with work, the one after the last served first."""
        return sorted(tenants, key=lambda tenant: (tenant <= self._last, tenant))

    def served(self, tenant_id: int) -> None:
        """Remember who was served."""
        self._last = tenant_id


@contextmanager
def claim(turns: Turns) -> Iterator[Claim | None]:
    """The next batch nobody works on, held until the block ends; None when there is none."""
    claimed = _take(turns)
    try:
        yield claimed
    finally:
        if claimed is not None and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _lock(claimed.batch_id))


def _take(turns: Turns) -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM collectors_pendingwork")
        tenants = turns.order([tenant_id for (tenant_id,) in cursor.fetchall()])
    for tenant_id in tenants:
        claimed = _take_of(tenant_id)
        if claimed is not None:
            turns.served(tenant_id)
            return claimed
    return None


def _take_of(tenant_id: int) -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT received_on, batch_id FROM collectors_pendingwork
               WHERE tenant_id = %s ORDER BY received_on, batch_id LIMIT %s""",
            [tenant_id, _LOOK_AT],
        )
        candidates = cursor.fetchall()
        for received_on, batch_id in candidates:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _lock(batch_id))
            if not cursor.fetchone()[0]:
                continue
            attempt = _count(tenant_id, received_on, batch_id)
            if attempt is not None:
                return Claim(tenant_id, received_on, batch_id, attempt)
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _lock(batch_id))
    return None


def _count(tenant_id: int, received_on: date, batch_id: int) -> int | None:
    """Count the attempt; None when another worker settled the batch in the meantime."""
    with tenant_context(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE collectors_pendingwork SET attempts = least(attempts + 1, 100)
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s RETURNING attempts""",
            [tenant_id, received_on, batch_id],
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def settle(claimed: Claim) -> None:
    """Take the batch off the list, in the transaction that did its work.

    Raises RuntimeError when it is not there: then someone else has settled it, and this
    transaction must not count.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM collectors_pendingwork
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s""",
            claimed.key,
        )
        if cursor.rowcount != 1:
            raise RuntimeError(f"batch {claimed.batch_id} was settled by someone else")


def _lock(batch_id: int) -> tuple[int, int]:
    return (_CLASS, batch_id & 0x7FFFFFFF)
