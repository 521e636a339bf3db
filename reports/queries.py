"""What the pages over many meters show, as small frozen rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.db.models.functions import TruncDate

from collectors import keydoctor
from collectors.counts import hourly
from collectors.keydoctor import Ailment
from collectors.models import Telegram
from collectors.outcomes import QUARANTINE, Outcome
from collectors.queries import CollectorRow, collectors
from meters.conditions import Severity, describe, severity
from meters.counting import counts
from meters.models import MeterState
from notifications.models import InfoCodePeriod
from readings.exchanges import Unfinished, unfinished

DAYS = 30  # of a sparkline
HOURS = 24


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many meters have an info code in force."""

    code: str
    label: str
    severity: Severity
    meters: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many of today's telegrams wait in quarantine for one reason."""

    outcome: Outcome
    telegrams: int


@dataclass(frozen=True, slots=True)
class KeyTrouble:
    """Meters that the key doctor treats: all but those never heard, and by ailment."""

    meters: int
    ailments: Sequence[tuple[Ailment, int]]


@dataclass(frozen=True, slots=True)
class Morning:
    """Home: what needs someone today, and what arrived since midnight.

    Series are oldest first: a number a day (the last is today) or an hour (the last is this one).
    """

    today: date
    meters: int  # mounted
    heard_today: int
    not_heard: int
    with_codes: int
    codes: Sequence[CodeCount]  # alarms first, then by meters
    codes_begun: Sequence[int]  # a day
    quarantined: int
    reasons: Sequence[ReasonCount]  # by telegrams
    quarantined_daily: Sequence[int]
    collectors: Sequence[CollectorRow]  # silent ones first
    telegrams_today: int
    readings_today: int
    telegrams_hourly: Sequence[int]
    exchanges: Unfinished
    # Meters that cannot be read, by ailment; None for who may not see the state of keys.
    keys: KeyTrouble | None

    @property
    def silent_collectors(self) -> int:
        return sum(one.silent for one in self.collectors)

    @property
    def nothing_wrong(self) -> bool:
        wrong = (
            self.not_heard,
            self.with_codes,
            self.quarantined,
            self.silent_collectors,
            self.exchanges.pressing,
            self.keys.meters if self.keys else 0,
        )
        return not any(wrong)


def morning(now: datetime, zone: ZoneInfo, *, keys: bool) -> Morning:
    """The current utility's morning page at `now`, days being those of `zone`; 11 statements, and
    one more for the key doctor's counts where they are wanted."""
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = counts(now)
    boxes = collectors(midnight, now)
    quarantine = _quarantine(local, zone)
    reasons = Counter(
        {outcome: n for (day, outcome), n in quarantine.items() if day == local.date()}
    )
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = hourly(this_hour - timedelta(hours=HOURS))
    today = [told for hour, told in hours.items() if hour >= midnight]
    handed_in = {hour: told.telegrams for hour, told in hours.items()}
    with_codes, codes = _codes()
    return Morning(
        today=local.date(),
        meters=counted[""] - counted["stock"],
        heard_today=MeterState.objects.filter(
            heard_at__gte=midnight, meter__in_stock=False
        ).count(),
        not_heard=counted["not_heard"],
        with_codes=with_codes,
        codes=codes,
        codes_begun=_series(_codes_begun(local, zone), local.date()),
        quarantined=reasons.total(),
        reasons=[ReasonCount(Outcome(one), n) for one, n in reasons.most_common()],
        quarantined_daily=_series(_by_day(quarantine), local.date()),
        collectors=sorted(boxes, key=lambda box: not box.silent),
        telegrams_today=sum(told.telegrams for told in today),
        readings_today=sum(told.readings for told in today),
        telegrams_hourly=[
            handed_in.get(this_hour - timedelta(hours=back), 0) for back in reversed(range(HOURS))
        ],
        exchanges=unfinished(local.date()),
        keys=_key_trouble() if keys else None,
    )


def _key_trouble() -> KeyTrouble:
    told = keydoctor.counts()
    # Never heard is a matter of reach, and has a line of its own; waiting ends by itself.
    ailments = [(one, told[one.key]) for one in keydoctor.AILMENTS if one.alarm and told[one.key]]
    return KeyTrouble(sum(meters for _one, meters in ailments), ailments)


def _utc_day(at: datetime) -> date:
    """The daily partition that an instant lies in."""
    return at.astimezone(UTC).date()


def _series(by_day: dict[date, int], today: date) -> list[int]:
    return [by_day.get(today - timedelta(days=back), 0) for back in reversed(range(DAYS))]


def _first_day(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)


def _codes() -> tuple[int, list[CodeCount]]:
    """How many meters have info codes in force, and how many have each."""
    held = list(InfoCodePeriod.objects.filter(ends_at=None).values_list("meter_id", "code"))
    by_code = Counter(code for _meter, code in held)
    rows = [
        CodeCount(code, describe(code), severity(code), meters)
        for code, meters in sorted(by_code.items(), key=lambda one: (-one[1], one[0]))
    ]
    rows.sort(key=lambda row: row.severity != "alarm")
    return len({meter for meter, _code in held}), rows


def _codes_begun(local: datetime, zone: ZoneInfo) -> dict[date, int]:
    return dict(
        InfoCodePeriod.objects.filter(starts_at__gte=_first_day(local))
        .annotate(day=TruncDate("starts_at", tzinfo=zone))
        .values("day")
        .annotate(begun=Count("pk"))
        .order_by("day")
        .values_list("day", "begun")
    )


def _quarantine(local: datetime, zone: ZoneInfo) -> dict[tuple[date, int], int]:
    """Quarantined telegrams of the last days, by local day and outcome."""
    first = _first_day(local)
    rows = (
        Telegram.objects.filter(
            outcome__gte=QUARANTINE, received_on__gte=_utc_day(first), received_at__gte=first
        )
        .annotate(day=TruncDate("received_at", tzinfo=zone))
        .values("day", "outcome")
        .annotate(telegrams=Count("item"))
        .order_by("day", "outcome")
        .values_list("day", "outcome", "telegrams")
    )
    return {(day, outcome): telegrams for day, outcome, telegrams in rows}


def _by_day(quarantine: dict[tuple[date, int], int]) -> dict[date, int]:
    days: Counter[date] = Counter()
    for (day, _outcome), telegrams in quarantine.items():
        days[day] += telegrams
    return days
