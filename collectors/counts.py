"""How telegrams ended, counted by collector and hour: what stays when the telegrams have gone.

Counted in the transaction that settles them. A telegram that is replayed ends once more, in the
hour of its replay; so these are events, and their sum only ever grows.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from collectors.outcomes import Outcome
from ready.tenancy.context import current_tenant_id

# The row that stands for the batches themselves.
_BATCHES = Outcome.PENDING
_READ = (Outcome.STORED, Outcome.MERGED)


@dataclass(slots=True)
class Count:
    """What a collector's telegrams came to: outcome → how often; and batches worked on."""

    batches: int = 0
    endings: dict[Outcome, int] = field(default_factory=dict)

    @property
    def telegrams(self) -> int:
        """All of them, whatever became of each."""
        return sum(self.endings.values())

    @property
    def quarantined(self) -> int:
        """Those set aside."""
        return sum(times for outcome, times in self.endings.items() if outcome.quarantined)


def count(collector_id: int, endings: Iterable[int], batches: int = 0) -> None:
    """Note that these outcomes came about just now, in so many batches of a collector of the
    current utility."""
    rows = sorted(Counter(endings).items())
    if batches:
        rows.insert(0, (_BATCHES, batches))
    if not rows:
        return
    hour = _hour_of(timezone.now())
    values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    parameters: list[int | datetime] = []
    for outcome, times in rows:
        parameters += (current_tenant_id(), hour, collector_id, int(outcome), times)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO collectors_outcomehour AS hour
                    (tenant_id, hour, collector_id, outcome, times) VALUES {values}
                ON CONFLICT (tenant_id, hour, collector_id, outcome)
                DO UPDATE SET times = hour.times + excluded.times""",  # noqa: S608
            parameters,
        )


def changed(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """The outcomes in `after` that are new, item by item."""
    return [
        new for old, new in zip(before, after, strict=True) if new != old and new != Outcome.PENDING
    ]


def endings_since(since: datetime) -> dict[int, Count]:
    """By collector of the current utility: what came about from the hour of `since` (aware) on."""
    found: dict[int, Count] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT collector_id, outcome, sum(times)::bigint FROM collectors_outcomehour
               WHERE tenant_id = %s AND hour >= %s GROUP BY collector_id, outcome""",
            [current_tenant_id(), _hour_of(since)],
        )
        for collector_id, outcome, times in cursor.fetchall():
            one = found.setdefault(collector_id, Count())
            if outcome == _BATCHES:
                one.batches = times
            else:
                one.endings[Outcome(outcome)] = times
    return found


def endings_today() -> dict[int, Count]:
    """Since midnight UTC."""
    return endings_since(timezone.now().astimezone(UTC).replace(hour=0))


@dataclass(frozen=True, slots=True)
class HourCount:
    """What came about within an hour (UTC) of all of a utility's collectors."""

    telegrams: int
    readings: int  # of these, those that became one


def hourly(since: datetime) -> dict[datetime, HourCount]:
    """Of the current utility, by the beginning of each hour from that of `since` (aware) on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT hour, sum(times)::bigint,
                      coalesce(sum(times) FILTER (WHERE outcome = ANY(%s)), 0)::bigint
               FROM collectors_outcomehour
               WHERE tenant_id = %s AND hour >= %s AND outcome <> %s GROUP BY hour""",
            [[int(one) for one in _READ], current_tenant_id(), _hour_of(since), int(_BATCHES)],
        )
        return {hour: HourCount(*told) for hour, *told in cursor.fetchall()}


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
