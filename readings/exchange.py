"""Meter exchange: one installation ends, the next begins, and the place's line runs on.

Consumption belongs to the place (`readings.rules.curve`), so nothing is copied and nothing is
made up: the registers read off at the visit are the ends of the two meters' parts of the line. An
exchange is checked against what both meters told by radio, so that it can never make a register
fall; entered with registers open it leaves a hole that closes when they are filled in. It may be
taken back as long as nothing was built on it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from meters import state
from meters.models import Installation, Meter, SupplyPoint
from meters.services import check_free
from readings import statistics
from readings.fitting import Registers, check_between, check_counting, check_pair
from readings.giving_way import give_way
from readings.models import BilledValue
from readings.planning import close_plans, open_plan_again
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant
from ready.web import formats

# A time without a meter longer than this is a place that stood without one, not an exchange.
LONGEST_WITHOUT = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Visit:
    """What was done at the place.

    removed_at, mounted_at: aware; the same instant where the meter was changed at once.
    end_registers, start_registers: {column: base units} as read off the old and the new meter; a
    register nobody read off is left out. bridges: {column: base units} that the place is taken to
    have used while it had no meter. unit, factor: the new meter's, as `Installation` has them.
    """

    removed_at: datetime
    mounted_at: datetime
    end_registers: Registers
    start_registers: Registers
    bridges: Registers
    unit: str = ""
    factor: Decimal = Decimal(1)


def exchange_meter(
    *, installation: Installation, new_meter: Meter, visit: Visit, actor: Actor, now: datetime
) -> Installation:
    """End an installation and mount another meter in its place; the new installation.

    The old meter goes to stock, the new one is read as often as the old one was. Raises
    ValidationError, naming what does not fit, for: an installation that has ended; a new meter that
    is the old one, of another medium or mounted elsewhere; times out of order or to come; registers
    that one of the meters contradicts.
    """
    # First of all, as whoever stores readings does.
    state.lock_times([installation.meter_id, new_meter.pk])
    # Whoever exchanges the same meter at the same time waits here, then finds it gone.
    old = Installation.objects.select_for_update().get(pk=installation.pk)
    old_meter = Meter.objects.get(pk=old.meter_id)
    check_exchange(old, old_meter, new_meter, visit, now)
    # Over the visit nothing can be estimated: registers were read off in that gap.
    give_way([(old_meter.pk, visit.removed_at), (new_meter.pk, visit.mounted_at)])
    Installation.objects.filter(pk=old.pk).update(
        ends_at=visit.removed_at, end_registers=dict(visit.end_registers)
    )
    made: Installation = Installation.objects.create(
        supply_point_id=old.supply_point_id,
        meter=new_meter,
        starts_at=visit.mounted_at,
        start_registers=dict(visit.start_registers),
        unit=visit.unit,
        factor=visit.factor,
        bridges=dict(visit.bridges),
        replaces=old,
    )
    # The place's priority goes over to the new meter, and counts once.
    Meter.objects.filter(pk=old_meter.pk).update(in_stock=True, interval_s=new_meter.interval_s)
    Meter.objects.filter(pk=new_meter.pk).update(in_stock=False, interval_s=old_meter.interval_s)
    _expect_again([old_meter.pk, new_meter.pk], visit.removed_at, now)
    close_plans(installation_id=old.pk, new_meter_id=new_meter.pk, now=now)
    record(
        event="meter.exchanged",
        actor=actor,
        object_type="supply point",
        object_id=old.supply_point_id,
        object_label=_label(old.supply_point_id),
        before={"meter": old_meter.pk, "end_registers": dict(visit.end_registers)},
        after={
            "meter": new_meter.pk,
            "removed_at": visit.removed_at.isoformat(),
            "mounted_at": visit.mounted_at.isoformat(),
            "start_registers": dict(visit.start_registers),
            "bridges": dict(visit.bridges),
            "unit": visit.unit,
            "factor": str(visit.factor),
        },
    )
    return made


def check_exchange(
    old: Installation, old_meter: Meter, new_meter: Meter, visit: Visit, now: datetime
) -> None:
    """All that an exchange must be; changes nothing. Raises ValidationError as `exchange_meter`."""
    _check_order(old, visit, now)
    check_pair(old_meter, new_meter)
    check_free(new_meter, visit.mounted_at)
    check_between(old_meter, visit.removed_at, visit.end_registers)
    check_between(new_meter, visit.mounted_at, visit.start_registers)
    check_counting(visit.bridges)


def enter_registers(
    *,
    installation: Installation,
    end_registers: Registers,
    start_registers: Registers,
    actor: Actor,
) -> None:
    """Fill in or correct what was read off at an exchange; installation: the newer one.

    The hole in the place's line closes by itself. Raises ValidationError as `exchange_meter`.
    """
    new = Installation.objects.select_for_update().get(pk=installation.pk)
    old = _replaced(new)
    check_between(Meter.objects.get(pk=old.meter_id), _ended(old), end_registers)
    check_between(Meter.objects.get(pk=new.meter_id), new.starts_at, start_registers)
    Installation.objects.filter(pk=old.pk).update(end_registers=dict(end_registers))
    Installation.objects.filter(pk=new.pk).update(start_registers=dict(start_registers))
    record(
        event="meter.exchange_registers",
        actor=actor,
        object_type="supply point",
        object_id=new.supply_point_id,
        object_label=_label(new.supply_point_id),
        before={"end": old.end_registers, "start": new.start_registers},
        after={"end": dict(end_registers), "start": dict(start_registers)},
    )


def undo_exchange(*, installation: Installation, actor: Actor, now: datetime) -> Installation:
    """Take an exchange back as if it had never been entered; the installation that lasts again.

    installation: the newer one. Raises ValidationError where something was built on the exchange:
    the new meter was removed or exchanged since, the old one mounted elsewhere, or values of
    either after the visit were billed.
    """
    new = Installation.objects.select_for_update().get(pk=installation.pk)
    old = Installation.objects.select_for_update().get(pk=_replaced(new).pk)
    removed_at = _ended(old)
    if new.ends_at is not None:
        raise ValidationError(
            _("The new meter was removed on %(at)s; take that back first.")
            % {"at": formats.moment(new.ends_at)},
            code="ended",
        )
    if Installation.objects.filter(meter=old.meter_id, starts_at__gte=removed_at).exists():
        raise ValidationError(
            _("The old meter has been mounted again since; the exchange stays."), code="mounted"
        )
    # An interpolated value has no reading behind it, and was billed all the same.
    since = Q(ts__gte=removed_at) | Q(read_at__gte=removed_at)
    if BilledValue.objects.filter(since, meter_id__in=[old.meter_id, new.meter_id]).exists():
        raise ValidationError(
            _("Values after the exchange were billed; the exchange stays."), code="billed"
        )
    meters = Meter.objects.in_bulk([old.meter_id, new.meter_id])
    Installation.objects.filter(pk=new.pk).delete()
    Installation.objects.filter(pk=old.pk).update(ends_at=None, end_registers={})
    intervals = {pk: meter.interval_s for pk, meter in meters.items()}
    Meter.objects.filter(pk=old.meter_id).update(in_stock=False, interval_s=intervals[new.meter_id])
    Meter.objects.filter(pk=new.meter_id).update(in_stock=True, interval_s=intervals[old.meter_id])
    _expect_again([old.meter_id, new.meter_id], removed_at, now)
    open_plan_again(installation_id=old.pk)
    record(
        event="meter.exchange_undone",
        actor=actor,
        object_type="supply point",
        object_id=old.supply_point_id,
        object_label=_label(old.supply_point_id),
        before={
            "meter": new.meter_id,
            "mounted_at": new.starts_at.isoformat(),
            "start_registers": new.start_registers,
            "end_registers": old.end_registers,
        },
        after={"meter": old.meter_id},
    )
    lasting: Installation = Installation.objects.get(pk=old.pk)
    return lasting


# ── Checks ──────────────────────────────────────────────────────────────────────────────────────


def _check_order(old: Installation, visit: Visit, now: datetime) -> None:
    if old.ends_at is not None:
        raise ValidationError(
            _("This meter was removed on %(at)s already.") % {"at": formats.moment(old.ends_at)},
            code="ended",
        )
    if visit.removed_at <= old.starts_at:
        raise ValidationError(_("A meter cannot leave before it came."), code="order")
    if visit.mounted_at < visit.removed_at:
        raise ValidationError(
            _("The new meter cannot be mounted before the old one is removed."), code="order"
        )
    if visit.mounted_at - visit.removed_at > LONGEST_WITHOUT:
        raise ValidationError(
            _("More than a year without a meter is no exchange: remove one, mount the other."),
            code="gap",
        )
    if visit.mounted_at > now:
        raise ValidationError(
            _("An exchange is entered when it is done; this time is still to come."), code="future"
        )


def _replaced(installation: Installation) -> Installation:
    if installation.replaces_id is None:
        raise ValidationError(_("No exchange was entered for this meter."), code="none")
    old: Installation = Installation.objects.get(pk=installation.replaces_id)
    return old


def _ended(installation: Installation) -> datetime:
    if installation.ends_at is None:
        raise AssertionError("what was exchanged has ended")
    return installation.ends_at


def _label(supply_point_id: int) -> str:
    return str(SupplyPoint.objects.get(pk=supply_point_id))


def _expect_again(meter_ids: list[int], since: datetime, now: datetime) -> None:
    """Readings expected of days that are closed already follow who was mounted when."""
    zone = ZoneInfo(Tenant.objects.get(pk=current_tenant_id()).zone)
    statistics.close_again(meter_ids, since, now, zone)
