"""Gaps filled on request: estimated values stored among the readings, marked, and taken away again.

The arithmetic is `readings.estimation`. A gap lies between two readings of a register; what was
used in it is known exactly, and is shared out over the meter's intervals by its own like days,
else evenly. The values stand in the same table with status ESTIMATED, so charts show the shape and
every total stays what it was; where the meter itself tells something about the gap later, the
estimate gives way at once (`readings.giving_way`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from meters import state
from meters.models import Installation, Meter
from meters.registers import Register
from readings import estimation, queries
from readings.estimation import (
    EstimationRefused,
    ExchangeIncomplete,
    Gap,
    GapTooLong,
    NegativeConsumption,
)
from readings.giving_way import story
from readings.marks import marking
from readings.models import Estimation, Kind, Origin, Reading, Status, Trust
from readings.quality import Reason
from readings.rules.buckets import BucketSize
from readings.rules.curve import Flag
from readings.rules.points import MICROSECOND, instant, micros
from readings.rules.values import Quality
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.web import formats

_WEEKS = timedelta(weeks=estimation.OLDEST_LIKE_WEEK)
_HOUR = timedelta(hours=1)
_Point = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a gap would be filled: the readings on both sides, and the register at the instants
    between, base units; for a page to show before it is stored."""

    meter_id: int
    register: Register
    before: _Point
    after: _Point
    points: tuple[_Point, ...]
    method: estimation.Method


def propose(*, meter: Meter, register: Register, inside: datetime, zone: tzinfo) -> Proposal:
    """How the gap around an instant would be filled.

    Raises ValidationError, with the reason, where there is no gap or no honest estimate.
    """
    if not register.cumulative:
        raise ValidationError(
            _("%(register)s measures; only registers that count are estimated.")
            % {"register": register.code},
            code="register",
        )
    before, after = _sides(meter, register, inside)
    edges = _edges(before[0], after[0], meter.interval_s)
    gap = Gap(
        before[0],
        after[0],
        Fraction(after[1] - before[1]),
        exchange_incomplete=_away(meter, before[0], after[0]),
    )
    try:
        estimation.check(gap)
        if len(edges) == 2:
            raise ValidationError(_("There is no gap here."), code="none")
        weights = _like_days(meter, register, edges, zone)
        made = estimation.fill(gap, len(edges) - 1, like_day=weights, profile=None)
        if made.method is not estimation.Method.LIKE_DAY:
            # A straight line in time: the first and last slot are shorter.
            lengths = [Fraction((until - since) // MICROSECOND) for since, until in pairwise(edges)]
            made = estimation.Estimate(
                estimation.shared(Fraction(after[1] - before[1]), lengths), estimation.Method.LINE
            )
    except EstimationRefused as refused:
        raise ValidationError(_refusal(refused, before, after), code="refused") from refused
    value, points = before[1], []
    for at, used in zip(edges[1:-1], made.rounded(Fraction(1)), strict=False):
        value += int(used)
        points.append((at, value))
    return Proposal(meter.pk, register, before, after, tuple(points), made.method)


def fill_gap(
    *,
    meter: Meter,
    register: Register,
    inside: datetime,
    zone: tzinfo,
    reason: Reason,
    actor: Actor,
    now: datetime,
    note: str = "",
) -> Estimation:
    """Fill the gap around an instant and keep who wanted it and why. Raises as `propose`."""
    state.lock([meter.pk])
    proposal = propose(meter=meter, register=register, inside=inside, zone=zone)
    written = _write(proposal, now)
    made: Estimation = Estimation.objects.create(
        meter_id=meter.pk,
        register=register.column,
        starts_at=proposal.before[0],
        ends_at=proposal.after[0],
        method=proposal.method,
        values=written,
        reason=reason,
        note=note,
        actor_id=actor.id,
        actor_name=actor.name,
        made_at=now,
    )
    record(
        event="reading.estimated",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        after=story(made),
    )
    return made


# ── The gap ─────────────────────────────────────────────────────────────────────────────────────


def _sides(meter: Meter, register: Register, inside: datetime) -> tuple[_Point, _Point]:
    """The readings of the register around an instant that are not estimates themselves."""
    column = register.column
    known = Reading.objects.filter(**{f"{column}__isnull": False}, meter_id=meter.pk).exclude(
        status=Status.ESTIMATED
    )
    before = known.filter(ts__lte=inside).order_by("-ts").values_list("ts", column).first()
    after = known.filter(ts__gt=inside).order_by("ts").values_list("ts", column).first()
    if before is None or after is None:
        raise ValidationError(
            _("A gap has a reading on both sides; here there is none on one of them."), code="open"
        )
    if Estimation.objects.filter(
        meter_id=meter.pk, register=column, starts_at=before[0], undone_at=None
    ).exists():
        raise ValidationError(_("This gap is estimated already."), code="estimated")
    return before, after


def _edges(start: datetime, end: datetime, interval_s: int) -> list[datetime]:
    """The gap's ends and the beginnings of the meter's intervals between them.

    A meter that tells its value a moment before or after the hour has told that hour.
    """
    step = interval_s * 1_000_000
    moment = step // 10
    first = (micros(start) + moment) // step * step + step
    return [start, *(instant(at) for at in range(first, micros(end) - moment, step)), end]


def _away(meter: Meter, start: datetime, end: datetime) -> bool:
    """Whether the meter came or went inside the gap."""
    stays = Installation.objects.filter(meter=meter)
    return (
        stays.filter(starts_at__gt=start, starts_at__lt=end).exists()
        or stays.filter(ends_at__gt=start, ends_at__lt=end).exists()
    )


def _like_days(
    meter: Meter, register: Register, edges: Sequence[datetime], zone: tzinfo
) -> tuple[Fraction, ...] | None:
    """The meter's own consumption at the same times of the weeks before, for each slot."""
    if meter.interval_s != _HOUR.total_seconds():
        return None
    hour = _HOUR // MICROSECOND
    start = instant(micros(edges[0]) // hour * hour)
    used = queries.consumption(meter.pk, register, start - _WEEKS, start, BucketSize.HOUR, zone)
    history: Mapping[datetime, Fraction] = {
        one.start.astimezone(UTC): one.value
        for one in used
        if one.value is not None
        and one.quality in (Quality.MEASURED, Quality.INTERPOLATED)
        and Flag.ESTIMATED not in one.flags
    }
    hours = [start, *edges[1:-1]]
    weights = estimation.like_day_profile(hours, history, zone)
    if weights is None:
        return None
    # A slot that is part of an hour has so much of that hour's weight.
    return tuple(
        weight * Fraction((until - since) // MICROSECOND, _HOUR // MICROSECOND)
        for weight, (since, until) in zip(weights, pairwise(edges), strict=True)
    )


def _refusal(refused: EstimationRefused, before: _Point, after: _Point) -> str:
    span = {"from": formats.moment(before[0]), "to": formats.moment(after[0])}
    if isinstance(refused, NegativeConsumption):
        return _("The register falls between %(from)s and %(to)s: nothing is estimated.") % span
    if isinstance(refused, ExchangeIncomplete):
        return (
            _("The meter was mounted or removed between %(from)s and %(to)s: enter its registers.")
            % span
        )
    if isinstance(refused, GapTooLong):
        return (
            _(
                "From %(from)s to %(to)s is more than 35 days: days and months are known, hours "
                "would be made up."
            )
            % span
        )
    return str(refused)


# ── The values ──────────────────────────────────────────────────────────────────────────────────


def _write(proposal: Proposal, now: datetime) -> int:
    """Put the estimated values among the readings; how many found room.

    Where another register of the meter has a reading of its own at the instant, the value is left
    out: that reading stays the meter's own words.
    """
    column = proposal.register.column
    change = f"""
        INSERT INTO readings_reading AS r
            (tenant_id, meter_id, ts, received_at, {column}, origin, trust, kind, status)
        SELECT %s, %s, u.ts, %s, u.value, %s, %s, %s, %s
        FROM unnest(%s::timestamptz[], %s::int8[]) AS u(ts, value)
        ON CONFLICT (tenant_id, meter_id, ts) DO UPDATE SET {column} = excluded.{column}
        WHERE r.status = {int(Status.ESTIMATED)} RETURNING meter_id, ts"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"{marking(change)} SELECT count(*) FROM changed",  # noqa: S608
            [
                current_tenant_id(),
                proposal.meter_id,
                now,
                int(Origin.ESTIMATE),
                int(Trust.NONE),
                int(Kind.NOW),
                int(Status.ESTIMATED),
                [at for at, _value in proposal.points],
                [value for _at, value in proposal.points],
            ],
        )
        return int(cursor.fetchone()[0])
