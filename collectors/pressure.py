"""When pushes must wait: too much is waiting already, or the disk fills up.

Looked at once a second by each web process, not at every push. A utility is only ever refused for
its own backlog; within it, collectors that hold more than their share are refused first.
"""

import random
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from ready.tenancy.context import tenant_context

_LOOK_S: Final = 1.0
_GB: Final = 1024**3
_RETRY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a push must wait, and about how many seconds."""

    code: str
    detail: str
    retry_after: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A utility's batches that wait for a worker: how many, and the oldest one's age in seconds.
    collectors: by collector, filled once there are many."""

    batches: int
    oldest_s: float
    collectors: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on pushes wait; a disk is full only when both of its limits are passed."""

    batches: int
    oldest_s: int
    free_percent: int
    free_gb: int


def limits() -> Limits:
    """The limits of the settings."""
    return Limits(
        settings.PUSH_MAX_BACKLOG,
        settings.PUSH_MAX_BACKLOG_AGE_S,
        settings.MIN_FREE_DISK_PERCENT,
        settings.ENOUGH_FREE_DISK_GB,
    )


def judge(
    collector_id: int, waiting: Waiting | None, free: tuple[int, int], limit: Limits
) -> Refusal | None:
    """Whether a push of this collector must wait. free: bytes free and in all on the disk."""
    left, size = free
    if left * 100 < size * limit.free_percent and left < limit.free_gb * _GB:
        return _later("disk", "The disk is nearly full.", 5 * _RETRY_S)
    if waiting is None:
        return None
    if waiting.batches >= limit.batches:
        return _later("backlog", "More is waiting here than can be worked on.", _RETRY_S)
    if waiting.oldest_s >= limit.oldest_s:
        return _later("backlog", "The oldest push waits too long already.", _RETRY_S)
    share = limit.batches // 2 // max(1, len(waiting.collectors))
    if waiting.collectors.get(collector_id, 0) > share:
        return _later("backlog", "More of this collector is waiting than its share.", _RETRY_S)
    return None


def _later(code: str, detail: str, about_s: int) -> Refusal:
    # Spread out, so that those refused together do not come back together.
    return Refusal(code, detail, round(about_s * random.uniform(0.5, 1.5)))  # noqa: S311


class Gauge:
    """What was seen at the last look, taken anew when it is older than a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._waiting: Mapping[int, Waiting] = {}
        self._free = (1, 1)

    def refusal(self, tenant_id: int, collector_id: int) -> Refusal | None:
        """Whether this collector's push must wait. Raises Error when the database is away."""
        limit = limits()
        # One thread looks; the others go by the last look meanwhile.
        if time.monotonic() - self._looked > _LOOK_S and self._lock.acquire(blocking=False):
            try:
                self._free = free_disk(settings.DISK_PATH)
                self._waiting = waiting(crowded=limit.batches // 2)
                self._looked = time.monotonic()
            finally:
                self._lock.release()
        return judge(collector_id, self._waiting.get(tenant_id), self._free, limit)

    def forget(self) -> None:
        """Look again at the next push."""
        self._looked = float("-inf")


def free_disk(path: Path) -> tuple[int, int]:
    """Bytes free and in all where `path` is, or will be."""
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


def waiting(crowded: int | None = None) -> dict[int, Waiting]:
    """What waits, by utility; by collector, too, for utilities with at least `crowded` batches."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tenant_id, count(*),
                      greatest(0, extract(epoch FROM clock_timestamp() - min(received_at)))
               FROM collectors_pendingwork GROUP BY tenant_id"""
        )
        found = {
            tenant: Waiting(batches, float(oldest)) for tenant, batches, oldest in cursor.fetchall()
        }
    for tenant, one in list(found.items()):
        if crowded is not None and one.batches >= max(1, crowded):
            with tenant_context(tenant):
                found[tenant] = Waiting(one.batches, one.oldest_s, waiting_by_collector())
    return found


def waiting_by_collector() -> dict[int, int]:
    """Batches of the current utility that wait, by collector."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT collector_id, count(*) FROM collectors_pendingwork
               WHERE tenant_id = current_setting('app.tenant')::int GROUP BY collector_id"""
        )
        return dict(cursor.fetchall())
