"""Keeping readings as promised: what is due, shown before it is done.

Each look does, for every utility, what is cheap (daily rows of marked days, readings expected of
yesterday), then what is planned: closed months are written anew in the order of their key, months
past the utility's `full_months` are thinned in the same go, and what is past `keep_months` goes.
`readings.rewriting` does the work; every step may be killed and repeated. Runs as the maintenance
role (`manage.py maintain`, `manage.py partitions`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, Count, IntegerField, Q, Sum, Value, When
from django.db.models.functions import TruncMonth

from readings import daily, peaks, rewriting, standing, statistics
from readings.ending import end_belonging
from readings.models import FULL_MONTHS, KEEP_MONTHS, DailyReading, Upkeep
from readings.rewriting import Level, Month
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

# Stragglers of a month mostly come within this time after its end.
_SETTLES = timedelta(days=3)
# Partitions are made this far back for imports (`readings.apps`); older empty ones may go.
_OLDEST_MONTHS = 61
_LOCK = (0x52454144, 2)  # "READ", 2: one maintainer of readings at a time


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One month to write anew: what becomes of each utility's readings in it."""

    month: Month
    levels: dict[int, Level]

    def describe(self) -> str:
        """One line for the plan."""
        thinned = sum(level is Level.THIN for level in self.levels.values())
        gone = sum(level is Level.GONE for level in self.levels.values())
        return (
            f"rewrite {self.month.partition} [{self.month.start}, {self.month.end}): "
            f"in key order, thin {thinned}, end {gone} of {len(self.levels)} utilities"
        )

    def carry_out(self, now: datetime) -> None:
        """Write it. Raises OperationalError where the lock is not to be had."""
        rewriting.rewrite(self.month, self.levels, now)


@dataclass(frozen=True, slots=True)
class Drop:
    """A month that no utility keeps anything of."""

    month: Month

    def describe(self) -> str:
        """One line for the plan."""
        return f"drop {self.month.partition} [{self.month.start}, {self.month.end})"

    def carry_out(self, now: datetime) -> None:
        """Drop it, readings and daily rows, if it is still empty."""
        rewriting.drop_if_empty(self.month)


def months_before(day: date, count: int) -> date:
    """The first day of the month `count` months before the day's."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def level_of(month: Month, kept: Upkeep | None, today: date) -> Level:
    """What a utility's policy makes of a month by `today`."""
    full = kept.full_months if kept else FULL_MONTHS
    keep = kept.keep_months if kept else KEEP_MONTHS
    if month.end <= months_before(today, keep):
        return Level.GONE
    return Level.THIN if month.end <= months_before(today, full) else Level.FULL


def plan(now: datetime) -> list[Rewrite | Drop]:
    """What is due at `now` (aware), oldest month first. Reads the catalogue and the policies."""
    today = now.astimezone(UTC).date()
    policies = _policies()
    steps: list[Rewrite | Drop] = []
    for month in rewriting.months():
        if month.end + _SETTLES > today:
            continue
        done = rewriting.state_of(month)
        levels = {
            tenant: level_of(month, policies.get(tenant), today)
            for tenant in rewriting.tenants_in(month)
        }
        if levels and (
            done is None
            or any(done.get(tenant, Level.FULL) < want for tenant, want in levels.items())
        ):
            steps.append(Rewrite(month, levels))
        elif not levels and month.end <= months_before(today, _OLDEST_MONTHS):
            steps.append(Drop(month))
    return steps


def upkeep(now: datetime) -> Iterator[Rewrite | Drop]:
    """Do what is cheap for every utility, then hand out what is planned, to be carried out one by
    one. Nothing where another process is at it."""
    with only_one() as alone:
        if not alone:
            return
        for tenant in Tenant.objects.order_by("pk"):
            keep_up(tenant, now)
        yield from plan(now)


def keep_up(tenant: Tenant, now: datetime) -> int:
    """One utility's daily rows and statistics, and the end of what belongs to past readings; how
    many days were made anew."""
    with tenant_context(tenant.pk):
        daily.follow_zone()
        standing.begin()
    made = rewriting.refresh(tenant.pk, now)
    zone = ZoneInfo(tenant.zone)
    with tenant_context(tenant.pk):
        days = statistics.days_to_close(now, zone)
    for day in days:
        with tenant_context(tenant.pk):
            statistics.close_day(day, zone)
            statistics.note_plans(day)
            peaks.note_day(day)
    with tenant_context(tenant.pk):
        kept = daily.upkeep()
        end_belonging(months_before(now.astimezone(zone).date(), kept.keep_months), zone)
    return len(made)


@contextmanager
def only_one() -> Iterator[bool]:
    """Hold the lock of the one maintainer; False where another process holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def _policies() -> dict[int, Upkeep]:
    found = {}
    for tenant in Tenant.objects.order_by("pk"):
        with tenant_context(tenant.pk):
            kept = Upkeep.objects.filter(pk=tenant.pk).first()
        if kept is not None:
            found[tenant.pk] = kept
    return found


@dataclass(frozen=True, slots=True)
class Outlook:
    """What thinning and the end of keeping will take from a utility in one month, by the daily
    rows: readings there now, and those that stay. A day whose first or last reading told but some
    of its registers keeps one or two more (`readings.thinning`); one that did so only in between
    may keep more than is told here."""

    month: date
    level: Level
    readings: int
    staying: int


def outlook(
    now: datetime, months_ahead: int = 1, wanted: tuple[int, int] | None = None
) -> list[Outlook]:
    """What goes from the current utility by the look `months_ahead` months after `now`: for a
    page that says so beforehand. Billed readings stay besides.

    wanted: full and keep months, where another policy than the one in force is asked about.
    """
    today = now.astimezone(UTC).date()
    kept = daily.upkeep()
    if wanted is not None:
        kept.full_months, kept.keep_months = wanted
    then = months_before(today, -months_ahead)
    states = rewriting.states()
    going = {}
    for month in rewriting.months():
        level = level_of(month, kept, then)
        done = states.get(month.partition, {}).get(kept.pk, Level.FULL)
        if level > done:
            going[month.start] = level, done
    if not going:
        return []
    days = (
        DailyReading.objects.filter(day__gte=min(going), day__lt=_next(max(going)))
        .annotate(month=TruncMonth("day"))
        .values_list("month")
        .annotate(staying=Count("*") + Sum(_BESIDES), readings=Sum("readings"))
        .order_by("month")
    )
    found = []
    for start, staying, readings in days:
        if start in going:
            level, done = going[start]
            there = staying if done is Level.THIN else readings
            found.append(Outlook(start, level, there, 0 if level is Level.GONE else staying))
    return found


def _told_by(one: str, other: str) -> Q:
    """Days with a register that this end tells and the other does not."""
    lacking = [
        Q(**{f"{one}_{column}__isnull": False, f"{other}_{column}__isnull": True})
        for column in daily.COUNTING
    ]
    return reduce(or_, lacking)


# What stays of a day beside its first reading: one that tells the rest of its registers, or where
# its last reading told but some of them, that and the one before it that told the others.
_BESIDES = Case(
    When(plain=True, then=Value(0)),
    When(_told_by("first", "last"), then=Value(2)),
    When(_told_by("last", "first"), then=Value(1)),
    default=Value(0),
    output_field=IntegerField(),
)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
