"""A meter exchange prepared before the visit: which meter comes when, to be entered later.

Nothing of the place's line changes by it. What is entered after the visit may differ (another
meter, another day): what happened counts, and closes what was prepared.
"""

from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meters.models import Installation, Meter, SupplyPoint
from readings.fitting import check_pair
from readings.models import PlannedExchange
from ready.audit.services import Actor, record
from ready.web import formats

State = PlannedExchange.State
NOTE_MAX = 200
# A day further ahead is a slip of the keyboard.
_FURTHEST = timedelta(days=3 * 366)


def plan_exchange(
    *,
    installation: Installation,
    new_meter: Meter | None,
    planned_on: date,
    note: str,
    actor: Actor,
    today: date,
) -> PlannedExchange:
    """Prepare an exchange, or change the one that is prepared for the meter.

    Raises ValidationError for: an installation that has ended; a day that is over or years ahead;
    a new meter that is mounted, of another medium, or kept for another place.
    """
    old = Installation.objects.select_for_update().get(pk=installation.pk)
    plan: PlannedExchange | None = planned_for(old.pk)
    _check(old, new_meter, planned_on, today, plan)
    before = None if plan is None else _told(plan)
    if plan is None:
        plan = PlannedExchange(installation=old, planned_by=actor.name)
    plan.new_meter, plan.planned_on, plan.note = new_meter, planned_on, note[:NOTE_MAX]
    plan.save()
    _record("meter.exchange_planned", plan, actor, before, _told(plan))
    return plan


def cancel_plan(*, plan: PlannedExchange, actor: Actor, now: datetime) -> None:
    """Give a prepared exchange up. Raises ValidationError where it is closed already."""
    closed = PlannedExchange.objects.filter(pk=plan.pk, state=State.PLANNED).update(
        state=State.CANCELLED, closed_at=now
    )
    if not closed:
        raise ValidationError(_("This exchange is no longer prepared."), code="closed")
    _record("meter.exchange_cancelled", plan, actor, _told(plan), None)


def planned_for(installation_id: int) -> PlannedExchange | None:
    """What is prepared for the meter of an installation."""
    found: PlannedExchange | None = (
        PlannedExchange.objects.select_related("new_meter")
        .filter(installation=installation_id, state=State.PLANNED)
        .first()
    )
    return found


def close_plans(*, installation_id: int, new_meter_id: int, now: datetime) -> None:
    """An exchange was entered: what was prepared for it is done, and where its new meter was kept
    for another place, that one is to be chosen anew."""
    plans = PlannedExchange.objects.filter(state=State.PLANNED)
    plans.filter(installation=installation_id).update(state=State.DONE, closed_at=now)
    plans.filter(new_meter=new_meter_id).update(new_meter=None)


def open_plan_again(*, installation_id: int) -> None:
    """The exchange was taken back: what had been prepared for it waits again."""
    done = PlannedExchange.objects.filter(installation=installation_id, state=State.DONE)
    last = done.order_by("-closed_at", "-pk").first()
    if last is None:
        return
    kept_elsewhere = PlannedExchange.objects.filter(
        state=State.PLANNED, new_meter=last.new_meter_id, new_meter__isnull=False
    ).exists()
    if kept_elsewhere:
        last.new_meter = None
    last.state, last.closed_at = State.PLANNED, None
    last.save()


def _check(
    old: Installation,
    new_meter: Meter | None,
    planned_on: date,
    today: date,
    plan: PlannedExchange | None,
) -> None:
    if old.ends_at is not None:
        raise ValidationError(
            _("This meter was removed on %(at)s already.") % {"at": formats.moment(old.ends_at)},
            code="ended",
        )
    kept = plan is not None and plan.planned_on == planned_on
    if planned_on < today and not kept:
        raise ValidationError(
            _("This day is over: enter the exchange itself, or choose a day to come."), code="past"
        )
    if planned_on - today > _FURTHEST:
        raise ValidationError(_("Choose a day within three years."), code="far")
    if new_meter is None:
        return
    old_meter = Meter.objects.get(pk=old.meter_id)
    check_pair(old_meter, new_meter)
    if Installation.objects.filter(meter=new_meter, ends_at=None).exists():
        raise ValidationError(
            _("Meter %(meter)s is mounted already; end that installation first.")
            % {"meter": new_meter},
            code="mounted",
        )
    other = (
        PlannedExchange.objects.select_related("installation__supply_point")
        .filter(new_meter=new_meter, state=State.PLANNED)
        .exclude(installation=old)
        .first()
    )
    if other is not None:
        raise ValidationError(
            _("Meter %(meter)s is kept for the exchange at %(where)s.")
            % {"meter": new_meter, "where": other.installation.supply_point.street},
            code="kept",
        )


def _told(plan: PlannedExchange) -> dict[str, object]:
    return {
        "new_meter": plan.new_meter_id,
        "planned_on": plan.planned_on.isoformat(),
        "note": plan.note,
    }


def _record(
    event: str,
    plan: PlannedExchange,
    actor: Actor,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    place = SupplyPoint.objects.get(installations=plan.installation_id)
    record(
        event=event,
        actor=actor,
        object_type="supply point",
        object_id=place.pk,
        object_label=str(place),
        before=before,
        after=after,
    )
