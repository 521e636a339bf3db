"""Gaps filled on request: estimated values stored among the readings, marked, and taken away again.

The arithmetic is `readings.estimation`. A gap lies between two readings of a register; what was
used in it is known exactly, and is shared out over the meter's intervals by its own like days, else
its neighbours', else by degree days, else evenly, or as a person chooses (`readings.shapes`). The
values stand in the same table with status ESTIMATED, so charts show the shape and every total stays
what it was; where the meter itself tells something about the gap later, the estimate gives way at
once (`readings.giving_way`). After the last reading nothing is known: what is carried on there is
temporary, and the next reading takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from meters import state
from meters.models import Installation, Meter
from meters.registers import Register
from readings import estimation, outdoors, shapes
from readings.estimation import (
    EstimationRefused,
    ExchangeIncomplete,
    Gap,
    GapTooLong,
    Method,
    NegativeConsumption,
)
from readings.exchanges import counting_registers
from readings.giving_way import story
from readings.marks import marking
from readings.models import Estimation, Kind, Origin, Reading, Status, Trust
from readings.quality import Reason
from readings.rules.points import instant, micros
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.web import formats

_Point = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Wish:
    """How a gap is to be filled. method: None for the best there is; proxy: the comparison meter,
    where that is the method."""

    method: Method | None = None
    proxy: Meter | None = None


BEST = Wish()
# The order in which methods are tried where nobody chose one.
_ORDER = (Method.LIKE_DAY, Method.PROFILE, Method.DEGREE_DAYS, Method.LINE)
_ONWARDS = (Method.EXTRAPOLATION,)


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a gap would be filled: the readings on both sides (`after` None where there is none yet),
    and the register at the instants between, base units; for a page to show before it is stored.

    ends_at: all points lie before it. stored: False for what is only shown (Method.HOLD).
    """

    meter_id: int
    register: Register
    before: _Point
    after: _Point | None
    points: tuple[_Point, ...]
    method: Method
    ends_at: datetime
    stored: bool = True

    @property
    def temporary(self) -> bool:
        """Whether it lasts only until the next reading."""
        return self.after is None


def propose(
    *,
    meter: Meter,
    register: Register,
    inside: datetime,
    zone: tzinfo,
    wish: Wish = BEST,
    now: datetime | None = None,
) -> Proposal:
    """How the gap around an instant would be filled; where nothing follows it, until `now`.

    Raises ValidationError, with the reason, where there is no gap or no honest estimate.
    """
    if wish.method is Method.PROXY and wish.proxy is None:
        raise ValidationError(_("Choose the comparison meter."), code="proxy")
    if wish.method is Method.HOLD:
        return _hold(meter, register, inside)
    if not register.cumulative:
        raise ValidationError(
            _("%(register)s measures; only registers that count are estimated.")
            % {"register": register.code},
            code="register",
        )
    before, after = _sides(meter, register, inside)
    if after is None:
        if now is None:
            raise ValidationError(
                _("A gap has a reading on both sides; here there is none on one of them."),
                code="open",
            )
        return _onwards(meter, register, before, zone, wish, now)
    difference = Fraction(after[1] - before[1])
    gap = Gap(
        before[0],
        after[0],
        difference,
        exchange_incomplete=_away(meter, before[0], after[0]),
    )
    try:
        estimation.check(gap)
    except EstimationRefused as refused:
        raise ValidationError(_refusal(refused, before, after), code="refused") from refused
    # Not sooner: years of a priority meter's intervals are millions.
    edges = _edges(before[0], after[0], meter.interval_s)
    if len(edges) == 2:
        raise ValidationError(_("There is no gap here."), code="none")
    for method in _ORDER if wish.method is None else (wish.method,):
        weights = shapes.weights(method, meter, register, edges, zone, wish.proxy)
        # What has no consumption in it has no shape.
        if weights is not None and sum(weights) > 0:
            made = estimation.Estimate(estimation.shared(difference, weights), method)
            points = _points(before[1], edges, made)
            return Proposal(meter.pk, register, before, after, points, method, after[0])
    raise shapes.nothing_to_go_by(wish.method or Method.LINE)


def _points(value: int, edges: Sequence[datetime], made: estimation.Estimate) -> tuple[_Point, ...]:
    """The register at the instants between the edges."""
    points = []
    for at, used in zip(edges[1:-1], made.rounded(Fraction(1)), strict=False):
        value += int(used)
        points.append((at, value))
    return tuple(points)


def _onwards(
    meter: Meter, register: Register, before: _Point, zone: tzinfo, wish: Wish, now: datetime
) -> Proposal:
    """How the register may have gone on since the last reading."""
    until = min(now, before[0] + estimation.LONGEST_GAP)
    edges = _edges(before[0], until, meter.interval_s) if until > before[0] else []
    if len(edges) < 3:
        raise ValidationError(_("There is no gap here."), code="none")
    if _away(meter, before[0], until):
        raise ValidationError(_refusal(ExchangeIncomplete(), before, (until, 0)), code="refused")
    for method in _ONWARDS if wish.method is None else (wish.method,):
        made = shapes.onwards(method, meter, register, edges, zone, wish.proxy)
        if made is not None:
            points = _points(before[1], edges, made)
            return Proposal(meter.pk, register, before, None, points, method, until)
    raise shapes.nothing_to_go_by(wish.method or Method.EXTRAPOLATION)


def _hold(meter: Meter, register: Register, inside: datetime) -> Proposal:
    """A measurement at its last value, to be shown: it would be false in any average (I17)."""
    if register.cumulative:
        raise ValidationError(
            _("%(register)s counts up: holding it would say that nothing was used.")
            % {"register": register.code},
            code="register",
        )
    before, after = _sides(meter, register, inside)
    if after is None:
        raise ValidationError(
            _("A gap has a reading on both sides; here there is none on one of them."), code="open"
        )
    if after[0] - before[0] > estimation.LONGEST_GAP:
        raise ValidationError(_refusal(GapTooLong(), before, after), code="refused")
    edges = _edges(before[0], after[0], meter.interval_s)
    if len(edges) == 2:
        raise ValidationError(_("There is no gap here."), code="none")
    points = tuple((at, before[1]) for at in edges[1:-1])
    return Proposal(meter.pk, register, before, after, points, Method.HOLD, after[0], stored=False)


def weather_tells(*, meter: Meter, inside: datetime, zone: tzinfo) -> bool:
    """Whether the gap around an instant can be filled by degree days, in any register.

    Cheap where it cannot: a meter that heats nothing is told without a question, a utility without
    any outdoor temperature with one; and a gap that several registers share is looked at in one.
    """
    if meter.medium not in shapes.HEATED or not outdoors.anything_known():
        return False
    seen = set()
    for register in counting_registers([meter]):
        if register.column not in shapes.WARMTH:
            continue
        try:
            before, after = _sides(meter, register, inside)
            gap = before[0], after and after[0]
            if gap in seen:
                continue
            seen.add(gap)
            propose(
                meter=meter,
                register=register,
                inside=inside,
                zone=zone,
                wish=Wish(Method.DEGREE_DAYS),
            )
        except ValidationError:
            continue
        return True
    return False


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
    wish: Wish = BEST,
) -> Estimation:
    """Fill the gap around an instant and keep who wanted it and why. Raises as `propose`."""
    state.lock_times([meter.pk])
    proposal = propose(meter=meter, register=register, inside=inside, zone=zone, wish=wish, now=now)
    if not proposal.stored:
        raise ValidationError(_("What is held is only shown."), code="shown")
    written = _write(proposal, now)
    made: Estimation = Estimation.objects.create(
        meter_id=meter.pk,
        register=register.column,
        starts_at=proposal.before[0],
        ends_at=proposal.ends_at,
        temporary=proposal.temporary,
        proxy_id=wish.proxy.pk if wish.proxy and proposal.method is Method.PROXY else None,
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


def _sides(meter: Meter, register: Register, inside: datetime) -> tuple[_Point, _Point | None]:
    """The readings of the register around an instant that are not estimates themselves; None
    where none follows."""
    column = register.column
    known = Reading.objects.filter(**{f"{column}__isnull": False}, meter_id=meter.pk).exclude(
        status=Status.ESTIMATED
    )
    before = known.filter(ts__lte=inside).order_by("-ts").values_list("ts", column).first()
    after = known.filter(ts__gt=inside).order_by("ts").values_list("ts", column).first()
    if before is None:
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
