"""Claiming a batch: by turns, the oldest first, counted before the work, fenced at the write.

A claim counts the attempt and puts the batch out of others' reach for LEASE_S, in a transaction of
its own; a batch that kills its worker is thus recognised, and free again soon. Whoever works on it
takes its row's lock first and looks whether the count is still his (`begin`): a worker that slept
through its lease cannot write what another has begun. All clocks are the database's. Nothing here
belongs to the session, so that workers may share connections.

Work on a whole batch need not wait for the disk (`begin(…, lasting=False)`): all it writes is one
transaction with the batch's leaving the list, so what a crash of the database takes back waits on
the list again. What was promised is the batch itself, which does wait (`collectors.services`), as
do the counts by which a batch that takes the database down is recognised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from ready.tenancy.context import tenant_context

# How long a batch stays with a worker that has not begun; while it works, the row's lock holds it.
LEASE_S = 3
# Each failure keeps a batch back for so many seconds more, up to MOST_DELAY_S.
DELAY_S = 2
MOST_DELAY_S = 60

Queue = tuple[int, int]  # tenant, collector


class Lost(Exception):
    """Another worker has the batch, or it is settled: this transaction must not count."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this worker alone works on. `attempt` counts from 1 and is the fence."""

    tenant_id: int
    received_on: date
    batch_id: int
    attempt: int

    @property
    def key(self) -> tuple[int, date, int]:
        """The batch's primary key."""
        return (self.tenant_id, self.received_on, self.batch_id)


class Turns:
    """Whose turn it is: utilities a batch each, round and round, and so the collectors of each.

    Threads may share one: at worst a utility comes twice in a row.
    """

    def __init__(self) -> None:
        self._tenant = 0
        self._collectors: dict[int, int] = {}

    def order(self, queues: Sequence[Queue]) -> list[Queue]:
        """The queues with work, the one after the last served first."""

        def distance(queue: Queue) -> tuple[bool, int, bool, int]:
            tenant, collector = queue
            served = self._collectors.get(tenant, 0)
            return (tenant <= self._tenant, tenant, collector <= served, collector)

        return sorted(queues, key=distance)

    def served(self, queue: Queue) -> None:
        """Remember who was served."""
        self._tenant, self._collectors[queue[0]] = queue


def claim(turns: Turns) -> Claim | None:
    """The next batch that nobody works on; None when there is none."""
    for queue in turns.order(_queues()):
        claimed = _oldest_of(queue)
        if claimed is not None:
            turns.served(queue)
            return claimed
    return None


def _queues() -> list[Queue]:
    """Who has work, by one index probe each however much there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE queue AS (
                   (SELECT tenant_id, collector_id FROM collectors_pendingwork
                    ORDER BY tenant_id, collector_id LIMIT 1)
                   UNION ALL
                   SELECT after.tenant_id, after.collector_id
                   FROM queue CROSS JOIN LATERAL (
                       SELECT w.tenant_id, w.collector_id FROM collectors_pendingwork w
                       WHERE (w.tenant_id, w.collector_id) > (queue.tenant_id, queue.collector_id)
                       ORDER BY w.tenant_id, w.collector_id LIMIT 1) AS after)
               SELECT tenant_id, collector_id FROM queue"""
        )
        queues: list[Queue] = cursor.fetchall()
    return queues


def _oldest_of(queue: Queue) -> Claim | None:
    with tenant_context(queue[0]), connection.cursor() as cursor:
        cursor.execute(
            # Materialised: as a join's inner side the choice would be made once a row, and so
            # claim more than one.
            """WITH next AS MATERIALIZED (
                   SELECT tenant_id, received_on, batch_id FROM collectors_pendingwork
                   WHERE tenant_id = %s AND collector_id = %s AND not_before <= now()
                   ORDER BY received_on, batch_id LIMIT 1 FOR UPDATE SKIP LOCKED)
               UPDATE collectors_pendingwork w
               SET attempts = least(w.attempts + 1, 30000),
                   not_before = now() + make_interval(
                       secs => %s + least(w.attempts * %s, %s))
               FROM next
               WHERE w.tenant_id = next.tenant_id AND w.received_on = next.received_on
                 AND w.batch_id = next.batch_id
               RETURNING w.received_on, w.batch_id, w.attempts""",
            [*queue, LEASE_S, DELAY_S, MOST_DELAY_S],
        )
        row = cursor.fetchone()
    return None if row is None else Claim(queue[0], *row)


_BEGIN = """SELECT attempts FROM collectors_pendingwork
    WHERE tenant_id = %s AND received_on = %s AND batch_id = %s FOR UPDATE"""


def begin(claimed: Claim, *, lasting: bool = True) -> None:
    """Lock the batch's row until the transaction ends: the first statement of any work on it.

    That it comes first also gives the transaction its number before it reads a meter or key, by
    which `replaying` knows who may not have seen them. lasting: whether the transaction's end waits
    for the disk. Raises Lost.
    """
    with connection.cursor() as cursor:
        if lasting:
            cursor.execute(_BEGIN, claimed.key)
        else:
            cursor.execute(f"SET LOCAL synchronous_commit = off; {_BEGIN}", claimed.key)
            cursor.nextset()
        row = cursor.fetchone()
    if row is None or row[0] != claimed.attempt:
        raise Lost(f"batch {claimed.batch_id} is another worker's")


def keep(claimed: Claim) -> None:
    """Hold on to the batch beyond this transaction, which has begun()."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE collectors_pendingwork
               SET not_before = clock_timestamp() + make_interval(secs => %s)
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s""",
            [LEASE_S, *claimed.key],
        )


def let_go(claimed: Claim, attempts: int) -> None:
    """Give the batch back for its next turn, as if it had been claimed so often."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE collectors_pendingwork SET not_before = now(), attempts = %s
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s""",
            [attempts, *claimed.key],
        )


def suspect(claimed: Claim, item: int) -> int:
    """Note which item is touched next; how often it has been by now, this time included."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE collectors_pendingwork
               SET suspect = %s,
                   suspected = CASE WHEN suspect = %s THEN least(suspected + 1, 100) ELSE 1 END,
                   not_before = now() + make_interval(secs => %s)
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s
               RETURNING suspected""",
            [item, item, LEASE_S, *claimed.key],
        )
        (times,) = cursor.fetchone()
    return int(times)


def absolve(claimed: Claim) -> None:
    """The item that was touched last is not what went wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE collectors_pendingwork SET suspected = 0
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s AND attempts = %s""",
            [*claimed.key, claimed.attempt],
        )


def settle(claimed: Claim) -> None:
    """Take the batch off the list, in the transaction that did its work. Raises Lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM collectors_pendingwork
               WHERE tenant_id = %s AND received_on = %s AND batch_id = %s""",
            claimed.key,
        )
        if cursor.rowcount != 1:
            raise Lost(f"batch {claimed.batch_id} was settled by someone else")
