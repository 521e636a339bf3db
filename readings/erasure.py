"""A former resident's readings, found and erased (GDPR art. 17): this app's part of it.

The period is one of `meters.occupancy`; the meters are those that were mounted at the place in it.
What is erased: readings, daily values, findings, versions and estimates, statistics of the days.
What stays is said in the certificate: values that were billed (`readings.billing`), and the
registers read off at a meter exchange, without which the next resident's bill could not be made.
`collectors.erasure` does the whole, telegrams included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters import state
from meters.models import Installation, MeterState
from meters.registers import COLUMNS
from readings.giving_way import clear
from readings.marks import marking
from readings.models import BilledValue, Estimation, Kind, Reading, Status
from readings.quality import estimations_of
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import stamp

# What a certificate counts, in words.
LABELS: Mapping[str, Promise | str] = {
    "readings": _("Readings"),
    "daily": _("Daily values"),
    "findings": _("Findings of validation"),
    "versions": _("Corrections"),
    "estimates": _("Estimates"),
    "statistics": _("Days of reading statistics"),
    "peaks": _("A meter's greatest day, by which spikes are told"),
    "telegrams": _("Telegrams as received"),
    "batches": _("Pushed batches that held them"),
    "info_codes": _("Info codes"),
    "outbox": _("Events told or to be told to the outside"),
    "mails": _("Reports sent by e-mail"),
    "trail": _("Values in the audit log (within an hour)"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A meter for the part of the period in which it was mounted at the place: [start, end)."""

    meter_id: int
    start: datetime
    end: datetime


def noted(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts as a certificate keeps them (`ErasureCertificate.parts`)."""
    return [
        {"meter": one.meter_id, "start": one.start.isoformat(), "end": one.end.isoformat()}
        for one in parts
    ]


def noted_parts(kept: Sequence[Mapping[str, Any]] | None) -> list[Part]:
    """The parts that a certificate keeps, of meters that are still there."""
    there = set(
        MeterState.objects.filter(meter_id__in=[one["meter"] for one in kept or ()]).values_list(
            "meter_id", flat=True
        )
    )
    return [
        Part(
            one["meter"],
            datetime.fromisoformat(one["start"]),
            datetime.fromisoformat(one["end"]),
        )
        for one in kept or ()
        if one["meter"] in there
    ]


def parts_of(supply_point_id: int, start: datetime, end: datetime) -> list[Part]:
    """Which meter measured a place when, within [start, end)."""
    stays = Installation.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=start), supply_point_id=supply_point_id, starts_at__lt=end
    )
    return [
        Part(one.meter_id, max(one.starts_at, start), min(one.ends_at or end, end))
        for one in stays.order_by("starts_at")
    ]


# Table, condition on a part (p). Days that the period only touches go with it: their rows hold
# readings of it. The next resident's first day is made anew from what is left.
_DAYS = "x.day >= p.first_day AND x.day <= p.last_day"
_TIMES = "x.ts >= p.low AND x.ts < p.high"
_ERASED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "daily": (("readings_dailyreading", _DAYS),),
    "findings": (("readings_finding", _TIMES),),
    "versions": (("readings_version", _TIMES),),
    "estimates": (("readings_estimation", "x.starts_at < p.high AND x.ends_at > p.low"),),
    "statistics": (("readings_performanceday", _DAYS), ("readings_heardday", _DAYS)),
    # Which day it was is not noted: it is learned anew from the days that stay and come.
    "peaks": (("readings_greatestday", "x.through >= p.first_day"),),
}
_PARTS = """SELECT u.meter_id, u.low, u.high, (u.low AT TIME ZONE %(zone)s)::date AS first_day,
                   ((u.high - interval '1 microsecond') AT TIME ZONE %(zone)s)::date AS last_day
            FROM unnest(%(meters)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
                 AS u(meter_id, low, high)"""


def _parameters(parts: Sequence[Part], zone: str) -> dict[str, Any]:
    return {
        "tenant": current_tenant_id(),
        "zone": zone,
        "meters": [part.meter_id for part in parts],
        "lows": [part.start for part in parts],
        "highs": [part.end for part in parts],
        "low": min(part.start for part in parts),
        "high": max(part.end for part in parts),
    }


def count(parts: Sequence[Part], zone: str) -> dict[str, int]:
    """How much there is of each kind, for the page that asks before anything goes."""
    found = dict.fromkeys(("readings", *_ERASED), 0)
    if not parts:
        return found
    tables = {"readings": (("readings_reading", _TIMES),), **_ERASED}
    with connection.cursor() as cursor:
        for kind, places in tables.items():
            for table, condition in places:
                cursor.execute(
                    f"""WITH p AS ({_PARTS}) SELECT count(*) FROM {table} x JOIN p
                        ON x.meter_id = p.meter_id AND {condition}
                        WHERE x.tenant_id = %(tenant)s""",  # noqa: S608  our own tables
                    _parameters(parts, zone),
                )
                found[kind] += cursor.fetchone()[0]
    return found


def billed(parts: Sequence[Part]) -> int:
    """How many values of the period were billed, and stay."""
    return sum(
        BilledValue.objects.filter(
            meter_id=part.meter_id, ts__gte=part.start, ts__lte=part.end
        ).count()
        for part in parts
    )


def erase(parts: Sequence[Part], zone: str) -> dict[str, int]:
    """Erase what this app knows of these meters in these times; how much of each kind went.

    Runs in the caller's transaction, and holds the meters' state rows: nothing comes in meanwhile.
    """
    gone = dict.fromkeys(("readings", *_ERASED), 0)
    if not parts:
        return gone
    newest = state.lock_times({part.meter_id for part in parts})
    parameters = _parameters(parts, zone)
    # Deleting marks the days, so that what is left of them gets its rows again.
    change = f"""DELETE FROM readings_reading r USING ({_PARTS}) p
                 WHERE r.tenant_id = %(tenant)s AND r.meter_id = p.meter_id
                   AND r.ts >= p.low AND r.ts < p.high AND r.ts >= %(low)s AND r.ts < %(high)s
                 RETURNING r.meter_id, r.ts"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"{marking(change)} SELECT count(*) FROM changed", parameters)  # noqa: S608
        gone["readings"] = cursor.fetchone()[0]
        # What is estimated goes as a whole: beyond the period it would be nobody's to take back.
        for part in parts:
            for estimate in estimations_of(part.meter_id, part.start, part.end):
                clear(estimate)
        for kind, places in _ERASED.items():
            for table, condition in places:
                cursor.execute(
                    f"""WITH p AS ({_PARTS}) DELETE FROM {table} x USING p
                        WHERE x.tenant_id = %(tenant)s AND x.meter_id = p.meter_id
                          AND {condition}""",  # noqa: S608
                    parameters,
                )
                gone[kind] += cursor.rowcount
        cursor.execute(
            f"""WITH p AS ({_PARTS}) DELETE FROM readings_keptreading x USING p
                WHERE x.tenant_id = %(tenant)s AND x.meter_id = p.meter_id AND {_TIMES}""",  # noqa: S608
            parameters,
        )
    for part in parts:
        if stamp(part.start) <= newest[part.meter_id] < stamp(part.end):
            _forget_newest(part.meter_id)
    return gone


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """What came of erased times since, and went: how much of each kind; late: when readings were
    received that a box handed in late (a target date's come with every telegram)."""

    counts: dict[str, int]
    late: list[datetime]


def came_since(part: Part, since: datetime) -> bool:
    """Whether there are readings of an erased time that were received since an instant."""
    found: bool = _came_since(part, since).exists()
    return found


def _came_since(part: Part, since: datetime) -> QuerySet[Reading]:
    found: QuerySet[Reading] = Reading.objects.filter(
        meter_id=part.meter_id, ts__gte=part.start, ts__lt=part.end, received_at__gte=since
    ).exclude(status=Status.ESTIMATED)
    return found


def erase_again(parts: Sequence[Part], since: datetime) -> ErasedAgain:
    """Erase the readings of erased times that were received since an instant, with what is known
    at their instants, and estimates that lie within such a time altogether.

    Nothing else: the greatest day, statistics and estimates that reach further are the present
    resident's, and daily rows are made anew from what is left. Runs in the caller's transaction,
    and holds the meters' state rows.
    """
    counts = dict.fromkeys(("readings", "findings", "versions", "estimates"), 0)
    late: set[datetime] = set()
    newest = state.lock_times({part.meter_id for part in parts})
    for part in parts:
        parameters: dict[str, Any] = {
            "tenant": current_tenant_id(),
            "meter": part.meter_id,
            "low": part.start,
            "high": part.end,
            "since": since,
        }
        change = f"""DELETE FROM readings_reading
                     WHERE tenant_id = %(tenant)s AND meter_id = %(meter)s
                       AND ts >= %(low)s AND ts < %(high)s AND received_at >= %(since)s
                       AND status <> {int(Status.ESTIMATED)}
                     RETURNING meter_id, ts, received_at, kind"""  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(
                f"{marking(change)} SELECT ts, received_at, kind FROM changed",  # noqa: S608
                parameters,
            )
            gone = cursor.fetchall()
            parameters["instants"] = [at for at, _received, _kind in gone]
            counts["readings"] += len(gone)
            late |= {received for _at, received, kind in gone if kind == Kind.NOW}
            for kind, table in (
                ("findings", "readings_finding"),
                ("versions", "readings_version"),
                (None, "readings_keptreading"),
            ):
                cursor.execute(
                    f"""DELETE FROM {table} WHERE tenant_id = %(tenant)s AND meter_id = %(meter)s
                          AND ts >= %(low)s AND ts < %(high)s
                          AND ts = ANY(%(instants)s::timestamptz[])""",  # noqa: S608
                    parameters,
                )
                if kind is not None:
                    counts[kind] += cursor.rowcount
        for estimate in Estimation.objects.filter(
            meter_id=part.meter_id, starts_at__gte=part.start, ends_at__lte=part.end
        ):
            if estimate.undone_at is None:
                clear(estimate)
            estimate.delete()
            counts["estimates"] += 1
        if newest[part.meter_id] in {stamp(at) for at in parameters["instants"]}:
            _forget_newest(part.meter_id)
    return ErasedAgain(counts, sorted(late))


def _forget_newest(meter_id: int) -> None:
    """The meter's newest values were of the period: it has none until it is heard again.

    `read_at` stays: that the meter was read is no news about the resident, and the write path
    relies on it.
    """
    MeterState.objects.filter(meter_id=meter_id).update(
        **dict.fromkeys(COLUMNS), extra=None, conditions=[]
    )
