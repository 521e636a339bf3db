"""Reading the inbox: what came in, what became of it, and who sent it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from collectors import counts, faults
from collectors.models import Collector, CollectorToken, Telegram
from collectors.outcomes import QUARANTINE, Outcome
from meters.models import Meter
from readings.models import Trust
from ready.tenancy.context import current_tenant_id
from ready.web.lists import PAGE_SIZE, KeyedPage

# What only leaves its byte in the batch: counted, but without a telegram to show.
COUNTED_ONLY = frozenset(
    {
        Outcome.PENDING,
        Outcome.DUPLICATE,
        Outcome.CONDENSED,
        Outcome.NO_VALUES,
        Outcome.ELSEWHERE,
    }
)
# The newest telegram of a meter is looked for in today's and yesterday's partition only: asked
# every second by every open meter page.
_RECENT = timedelta(days=1)
_SILENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TelegramKey:
    """What tells a telegram of this utility from all others; "2026-11-23.4711.0" in addresses."""

    received_on: date
    batch_id: int
    item: int

    @classmethod
    def parse(cls, text: str) -> "TelegramKey | None":
        """The key from an address; None for anything else."""
        day, _dot, rest = text.partition(".")
        batch, _dot, item = rest.partition(".")
        if not (batch.isdecimal() and item.isdecimal() and len(batch) < 19 and len(item) < 10):
            return None
        try:
            return cls(date.fromisoformat(day), int(batch), int(item))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.received_on.isoformat()}.{self.batch_id}.{self.item}"

    @property
    def primary(self) -> tuple[int, date, int, int]:
        """The table's primary key."""
        return (current_tenant_id(), self.received_on, self.batch_id, self.item)


@dataclass(frozen=True, slots=True)
class TelegramRow:
    """A telegram that was stored or set aside. heard_at: when the collector heard it, where it
    told; reading_at: the reading it became. meter_id is None for an unknown meter."""

    key: TelegramKey
    meter_id: int | None
    manufacturer: str
    number: str
    received_at: datetime
    heard_at: datetime | None
    reading_at: datetime | None
    collector: str
    rssi_dbm: int | None
    outcome: Outcome
    trust: Trust | None
    detail: str
    frame: bytes

    @property
    def reading_key(self) -> int | None:
        """The reading's time in microseconds, as its address writes it."""
        if self.reading_at is None:
            return None
        return (self.reading_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    @property
    def hex(self) -> str:
        """The frame in hexadecimal, as it was received."""
        return self.frame.hex().upper()


@dataclass(frozen=True, slots=True)
class TelegramFilter:
    """Which telegrams. outcome: a code; quarantined: all reasons; number: a serial number; day:
    received on this day of the utility's zone."""

    outcome: Outcome | None = None
    quarantined: bool = False
    collector_id: int | None = None
    number: str = ""
    day: date | None = None


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Midnight to midnight in the utility's zone; partitions, however, follow UTC."""
    zone = timezone.get_current_timezone()
    return (
        datetime(day.year, day.month, day.day, tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=zone),
    )


def collector_names() -> dict[int, str]:
    """The utility's collectors by id, in the order of their names."""
    return dict(Collector.objects.order_by("name", "pk").values_list("pk", "name"))


def _page(
    telegrams: QuerySet[Telegram], after: TelegramKey | None, size: int
) -> KeyedPage[TelegramRow]:
    if after is not None:
        # The first part prunes partitions, the second is exact.
        telegrams = telegrams.filter(received_on__lte=after.received_on, pk__lt=after.primary)
    found = list(telegrams.order_by("-received_on", "-batch_id", "-item")[: size + 1])
    names = collector_names()
    rows = [_row(telegram, names) for telegram in found[:size]]
    return KeyedPage(rows, str(rows[-1].key) if len(found) > size else "")


def _row(telegram: Telegram, names: dict[int, str]) -> TelegramRow:
    return TelegramRow(
        key=TelegramKey(telegram.received_on, telegram.batch_id, telegram.item),
        meter_id=telegram.meter_id,
        manufacturer=telegram.manufacturer,
        number=telegram.number,
        received_at=telegram.received_at,
        heard_at=telegram.heard_at,
        reading_at=telegram.reading_at,
        collector=names.get(telegram.collector_id, ""),
        rssi_dbm=telegram.rssi_dbm,
        outcome=Outcome(telegram.outcome),
        trust=None if telegram.trust is None else Trust(telegram.trust),
        detail=faults.shown(telegram.detail),
        frame=bytes(telegram.frame),
    )


def telegrams(wanted: TelegramFilter, after: TelegramKey | None) -> KeyedPage[TelegramRow]:
    """A page of telegrams, the last received first, from after a key on."""
    return _page(_filtered(wanted), after, PAGE_SIZE)


def _filtered(wanted: TelegramFilter) -> QuerySet[Telegram]:
    found: QuerySet[Telegram] = Telegram.objects.all()
    if wanted.outcome is not None:
        found = found.filter(outcome=wanted.outcome)
    elif wanted.quarantined:
        found = found.filter(outcome__gte=QUARANTINE)
    if wanted.collector_id is not None:
        found = found.filter(collector_id=wanted.collector_id)
    if wanted.day is not None:
        start, end = day_bounds(wanted.day)
        found = found.filter(
            received_on__gte=start.astimezone(UTC).date(),
            received_on__lte=end.astimezone(UTC).date(),
            received_at__gte=start,
            received_at__lt=end,
        )
    if wanted.number:
        known = list(Meter.objects.filter(number=wanted.number).values_list("pk", flat=True))
        by_meter = Q(meter_id__in=known)
        # An unknown meter's telegrams carry its number only.
        found = found.filter(by_meter if known else Q(number=wanted.number))
    return found


def telegrams_of_meter(
    meter_id: int, after: TelegramKey | None = None, size: int = PAGE_SIZE
) -> KeyedPage[TelegramRow]:
    """A page of one meter's telegrams, the last received first."""
    return _page(Telegram.objects.filter(meter_id=meter_id), after, size)


def telegrams_of_reading(meter_id: int, at: datetime) -> Sequence[TelegramRow]:
    """The telegrams that made a reading, as long as they are kept; usually one."""
    # A reading's time is the meter's or receiver's and may run a little ahead of ours.
    earliest = (at - timedelta(days=1)).astimezone(UTC).date()
    found = Telegram.objects.filter(meter_id=meter_id, reading_at=at, received_on__gte=earliest)
    return _page(found, None, PAGE_SIZE).rows


def telegram(key: TelegramKey) -> TelegramRow:
    """One telegram. Raises Telegram.DoesNotExist."""
    return _row(Telegram.objects.get(pk=key.primary), collector_names())


def newest_key(meter_id: int, now: datetime) -> str:
    """The meter's last telegram of today or yesterday, as text; "" where there is none."""
    since = (now - _RECENT).astimezone(UTC).date()
    newest = (
        Telegram.objects.filter(meter_id=meter_id, received_on__gte=since)
        .order_by("-received_on", "-batch_id", "-item")
        .values_list("received_on", "batch_id", "item")
        .first()
    )
    return str(TelegramKey(*newest)) if newest else ""


def outcomes_since(since: datetime) -> dict[Outcome, int]:
    """How many items ended in each outcome since an instant, and how many are pending.

    Counted from the batches' outcome bytes; done in Python because bytes.count is far quicker
    than taking them apart in SQL.
    """
    counts = dict.fromkeys(Outcome, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT outcomes, items FROM collectors_inboundbatch
               WHERE tenant_id = %s AND received_on >= %s AND received_at >= %s""",
            [current_tenant_id(), since.astimezone(UTC).date(), since],
        )
        while batches := cursor.fetchmany(1000):
            together = b"".join(outcomes for outcomes, _items in batches if outcomes is not None)
            for outcome in Outcome:
                counts[outcome] += together.count(outcome.value)
            counts[Outcome.PENDING] += sum(items for outcomes, items in batches if outcomes is None)
    return counts


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for which telegrams are set aside, and how many are."""

    outcome: Outcome
    telegrams: int


def reasons(wanted: TelegramFilter) -> list[Reason]:
    """Every reason, with the quarantined telegrams of the filter (its outcome aside)."""
    everything = replace(wanted, outcome=None, quarantined=True)
    found = dict(_filtered(everything).order_by().values_list("outcome").annotate(Count("item")))
    return [Reason(outcome, found.get(outcome, 0)) for outcome in Outcome if outcome.quarantined]


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """A collector, what was worked on of it since an instant, and what waits.

    errors: telegrams set aside. oldest_at: when the push that waits longest came. silent: not
    heard for an hour, though a concentrator should be every few minutes.
    """

    collector: Collector
    batches: int
    telegrams: int
    errors: int
    waiting: int
    oldest_at: datetime | None
    silent: bool


def collectors(since: datetime, now: datetime) -> list[CollectorRow]:
    """The utility's collectors by name, with their work since the hour of an instant."""
    ended = counts.endings_since(since)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT collector_id, count(*), min(received_at) FROM collectors_pendingwork
               WHERE tenant_id = %s GROUP BY collector_id""",
            [current_tenant_id()],
        )
        waiting = {collector: (batches, oldest) for collector, batches, oldest in cursor.fetchall()}
    rows = []
    for collector in Collector.objects.order_by("name", "pk"):
        done = ended.get(collector.pk, counts.Count())
        batches, oldest_at = waiting.get(collector.pk, (0, None))
        rows.append(
            CollectorRow(
                collector,
                done.batches,
                done.telegrams,
                done.quarantined,
                batches,
                oldest_at,
                collector.heard_at is None or now - collector.heard_at > _SILENCE,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A collector's token as far as anybody may know it."""

    prefix: str
    created_at: datetime
    revoked_at: datetime | None


def tokens_of(collector: Collector) -> list[TokenRow]:
    """The tokens of a collector of the current utility, the newest first."""
    found = CollectorToken.objects.filter(
        tenant_id=current_tenant_id(), collector_id=collector.pk
    ).order_by("-created_at", "-pk")
    return [TokenRow(one.prefix, one.created_at, one.revoked_at) for one in found]
