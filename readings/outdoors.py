"""The outdoor temperature over a utility's town: means of hours or of days, its own or an
institute's.

People import it (`readings.outdoor_files`) and take a period away again; charts ask for the means
of their steps. Values are whole hundredths of °C, means are exact.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction

from django.db import connection
from django.db.models import Count, Max, Min, Sum
from django.db.models.functions import TruncDate, TruncMonth

from readings.daily import start_of
from readings.models import OutdoorDay, OutdoorHour
from readings.rules.buckets import BucketSize
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id

# A mean of fewer of its parts would be of some other time: three cold weeks are no month.
LEAST_KNOWN = Fraction(3, 4)
# Heating begins below this mean of a day, 0.01 °C; of a day's hours at most so many may be missing
# where degree days are counted.
HEATING_BELOW = 1700
_MOST_MISSING = 4
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Series:
    """Means to be stored, 0.01 °C, by the instant an hour begins (aware) or by day; one of the
    two is empty."""

    hours: Mapping[datetime, int]
    days: Mapping[date, int]

    def __len__(self) -> int:
        return len(self.hours) + len(self.days)


@dataclass(frozen=True, slots=True)
class Difference:
    """What storing a series does: values that are new, that replace another one, and that are
    known already."""

    new: int
    replacing: int
    same: int


@dataclass(frozen=True, slots=True)
class KnownMonth:
    """A month of the calendar: how many hours and days are known; lowest and highest of them."""

    month: date
    hours: int
    days: int
    lowest: Fraction
    highest: Fraction


def difference(series: Series) -> Difference:
    """What storing it would do now."""
    known: dict[datetime | date, int] = {}
    if series.hours:
        between = OutdoorHour.objects.filter(ts__gte=min(series.hours), ts__lte=max(series.hours))
        known.update(between.values_list("ts", "temperature"))
    if series.days:
        days = OutdoorDay.objects.filter(day__gte=min(series.days), day__lte=max(series.days))
        known.update(days.values_list("day", "temperature"))
    told = (*series.hours.items(), *series.days.items())
    there = [known[at] == value for at, value in told if at in known]
    return Difference(len(told) - len(there), there.count(False), there.count(True))


def store_series(*, series: Series, source: str, actor: Actor, zone: tzinfo) -> Difference:
    """Store means, in place of others for the same hours and days; all of them or none.

    source: the file's name, for the trail. Raises ValueError for an empty series.
    """
    if not series:
        raise ValueError("nothing to store")
    done = difference(series)
    for table, column, kind, values in (
        ("readings_outdoorhour", "ts", "timestamptz", list(series.hours.items())),
        ("readings_outdoorday", "day", "date", list(series.days.items())),
    ):
        if values:
            _upsert(table, column, kind, values)
    first, last = _period(series, zone)
    record(
        event="outdoor.imported",
        actor=actor,
        object_type="outdoor_temperature",
        object_id=first,
        object_label=f"{first} – {last}",
        after={"hours": len(series.hours), "days": len(series.days), "replaced": done.replacing},
        details={"file": source[:200]},
    )
    return done


def _upsert(
    table: str,
    column: str,
    kind: str,
    values: Sequence[tuple[datetime | date, int]],
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} (tenant_id, {column}, temperature)
                SELECT %s, at, told FROM unnest(%s::{kind}[], %s::smallint[]) AS one (at, told)
                ON CONFLICT (tenant_id, {column}) DO UPDATE SET temperature = excluded.temperature
                """,  # noqa: S608  names of our own
            [current_tenant_id(), [at for at, _told in values], [told for _at, told in values]],
        )


def _period(series: Series, zone: tzinfo) -> tuple[date, date]:
    days = {at.astimezone(zone).date() for at in series.hours} | set(series.days)
    return min(days), max(days)


def known_between(first: date, last: date, zone: tzinfo) -> tuple[int, int]:
    """How many hours and days are known of the local days `first` to `last`, both included."""
    hours = OutdoorHour.objects.filter(
        ts__gte=start_of(first, zone), ts__lt=start_of(last + _DAY, zone)
    )
    return hours.count(), OutdoorDay.objects.filter(day__gte=first, day__lte=last).count()


def remove_period(*, first: date, last: date, actor: Actor, zone: tzinfo) -> int:
    """Take the means of local days away, both ends included: how an import is undone; how many
    went. Charts have gaps there then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM readings_outdoorhour WHERE tenant_id = %s AND ts >= %s AND ts < %s",
            [current_tenant_id(), start_of(first, zone), start_of(last + _DAY, zone)],
        )
        hours: int = cursor.rowcount
        cursor.execute(
            "DELETE FROM readings_outdoorday WHERE tenant_id = %s AND day >= %s AND day <= %s",
            [current_tenant_id(), first, last],
        )
        days: int = cursor.rowcount
    if hours or days:
        record(
            event="outdoor.removed",
            actor=actor,
            object_type="outdoor_temperature",
            object_id=first,
            object_label=f"{first} – {last}",
            before={"hours": hours, "days": days},
        )
    return hours + days


def known_months(zone: tzinfo) -> list[KnownMonth]:
    """What is known, month by month, newest first."""
    found: dict[date, list[tuple[str, int, int, int]]] = {}
    by_hour = OutdoorHour.objects.annotate(month=TruncMonth("ts", tzinfo=zone))
    by_day = OutdoorDay.objects.annotate(month=TruncMonth("day"))
    for kind, rows in (("hours", by_hour), ("days", by_day)):
        told = rows.values("month").annotate(
            count=Count("temperature"), low=Min("temperature"), high=Max("temperature")
        )
        for row in told.order_by("month"):
            month = date(row["month"].year, row["month"].month, 1)
            found.setdefault(month, []).append((kind, row["count"], row["low"], row["high"]))
    return [
        KnownMonth(
            month,
            sum(count for kind, count, _low, _high in parts if kind == "hours"),
            sum(count for kind, count, _low, _high in parts if kind == "days"),
            Fraction(min(low for _kind, _count, low, _high in parts), 100),
            Fraction(max(high for _kind, _count, _low, high in parts), 100),
        )
        for month, parts in sorted(found.items(), reverse=True)
    ]


def means(
    spans: Sequence[tuple[datetime, datetime]], size: BucketSize, zone: tzinfo, now: datetime
) -> tuple[list[Fraction | None], Fraction | None]:
    """The mean of each of a chart's steps, and that of all of them, 0.01 °C; None where too
    little is known (`LEAST_KNOWN` of what has passed by `now`).

    spans: start and end of each step, one after the other, on local hours or midnights. An hour's
    mean is what was told of it; those of days, months and years are means of days.
    """
    if not spans:
        return [], None
    start, end = spans[0][0], spans[-1][1]
    parts: list[tuple[datetime, Fraction | None]]
    if size in (BucketSize.DAY, BucketSize.MONTH, BucketSize.YEAR):
        parts = _days(start, min(end, now), zone)
    else:
        rows = OutdoorHour.objects.filter(ts__gte=start, ts__lt=end)
        told = {at: Fraction(value) for at, value in rows.values_list("ts", "temperature")}
        parts = [(at, told.get(at)) for at in _hours(start, min(end, now))]
    begins = [one for one, _end in spans]
    groups: list[list[Fraction | None]] = [[] for _span in spans]
    for at, value in parts:
        groups[bisect_right(begins, at) - 1].append(value)
    return [_mean(group) for group in groups], _mean([value for _at, value in parts])


def degree_days(first: date, last: date, zone: tzinfo) -> dict[date, Fraction]:
    """Degree days (K·d) of the local days `first` to `last`, both included: how far the day's mean
    lay below 17 °C. A day of which more than four hours are not known is left out."""
    hours, told = _told(start_of(first, zone), start_of(last + _DAY, zone), zone)
    means = {day: Fraction(value) for day, value in told.items()}
    for day, (total, count) in hours.items():
        length = start_of(day + _DAY, zone) - start_of(day, zone)
        if day not in told and length - count * _HOUR <= _MOST_MISSING * _HOUR:
            means[day] = Fraction(total, count)
    return {day: max(Fraction(0), HEATING_BELOW - mean) / 100 for day, mean in means.items()}


def anything_known() -> bool:
    """Whether the utility has any outdoor temperature at all."""
    return OutdoorDay.objects.exists() or OutdoorHour.objects.exists()


def _hours(start: datetime, end: datetime) -> list[datetime]:
    first = start.astimezone(UTC)
    count = max(0, -(-(end - first) // _HOUR))
    return [first + number * _HOUR for number in range(count)]


def _told(
    start: datetime, end: datetime, zone: tzinfo
) -> tuple[dict[date, tuple[int, int]], dict[date, int]]:
    """What is known of local days: sum and count of their hours, and the means told of days."""
    first, last = start.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone)
    rows = (
        OutdoorHour.objects.filter(ts__gte=start, ts__lt=end)
        .annotate(day=TruncDate("ts", tzinfo=zone))
        .values("day")
        .annotate(total=Sum("temperature"), count=Count("temperature"))
        .order_by("day")
    )
    hours = {row["day"]: (row["total"], row["count"]) for row in rows}
    whole = OutdoorDay.objects.filter(day__gte=first, day__lte=last.date())
    return hours, dict(whole.values_list("day", "temperature"))


def _days(start: datetime, end: datetime, zone: tzinfo) -> list[tuple[datetime, Fraction | None]]:
    hours, told = _told(start, end, zone)
    found: list[tuple[datetime, Fraction | None]] = []
    day = start.astimezone(zone).date()
    last = (end - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        begins, ends = start_of(day, zone), min(start_of(day + _DAY, zone), end)
        total, count = hours.get(day, (0, 0))
        value = None
        if day in told:
            value = Fraction(told[day])
        elif count * _HOUR * LEAST_KNOWN.denominator >= (ends - begins) * LEAST_KNOWN.numerator:
            value = Fraction(total, count)
        found.append((max(begins, start), value))
        day += _DAY
    return found


def _mean(values: Sequence[Fraction | None]) -> Fraction | None:
    known = [one for one in values if one is not None]
    if not known or len(known) < LEAST_KNOWN * len(values):
        return None
    return sum(known, Fraction(0)) / len(known)
