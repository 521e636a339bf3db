"""Estimates taken away again: by a person, or because the meter itself tells something.

Apart from `readings.estimates`, because whatever stores readings calls it first.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from meters import state
from meters.models import Meter
from meters.registers import BY_COLUMN
from readings.marks import marking
from readings.models import Estimation, Status
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import driver_cursor

READY = Actor(None, "READY")


def undo_estimate(*, estimate: Estimation, actor: Actor, now: datetime) -> None:
    """Take an estimate's values away. Raises ValidationError where that was done already."""
    state.lock_times([estimate.meter_id])
    undone = Estimation.objects.filter(pk=estimate.pk, undone_at=None).update(undone_at=now)
    if not undone:
        raise ValidationError(_("This estimate was taken back already."), code="undone")
    clear(estimate)
    record(
        event="reading.estimate_undone",
        actor=actor,
        object_type="meter",
        object_id=estimate.meter_id,
        object_label=str(Meter.objects.get(pk=estimate.meter_id)),
        before=story(estimate),
    )


def give_way(told: Iterable[tuple[int, datetime]]) -> None:
    """Take away the estimates into whose gaps the meter itself now tells something.

    told: (meter, instant) of readings about to be stored. The meters' state rows are locked.
    """
    by_meter: dict[int, list[datetime]] = {}
    for meter_id, at in told:
        by_meter.setdefault(meter_id, []).append(at)
    if not by_meter:
        return
    lasting = Estimation.objects.filter(meter_id__in=by_meter, undone_at=None)
    for one in lasting:
        if any(one.starts_at < at < one.gives_way_until for at in by_meter[one.meter_id]):
            undo_estimate(estimate=one, actor=READY, now=timezone.now())


def give_way_beside(meter_id: int, at: datetime, columns: Iterable[str]) -> None:
    """The same where a person changes a reading that a gap lies beside: what was shared out there
    was the difference to what it told. The meter's state row is locked."""
    beside = Q(starts_at=at) | Q(ends_at=at, temporary=False)
    for one in Estimation.objects.filter(
        beside, meter_id=meter_id, register__in=list(columns), undone_at=None
    ):
        undo_estimate(estimate=one, actor=READY, now=timezone.now())


def give_way_onwards(told: Iterable[tuple[int, datetime]]) -> None:
    """The same for what was carried on after a meter's last reading; asks once a batch."""
    # Every batch asks this, and nearly none is told any: composing a queryset takes longer.
    cursor = driver_cursor()
    cursor.execute(_CARRIED_ON, [current_tenant_id()])
    meters = {meter_id for (meter_id,) in cursor.fetchall()}
    by_meter: dict[int, datetime] = {}
    if meters:
        for meter_id, at in told:
            if meter_id in meters:
                by_meter[meter_id] = max(at, by_meter.get(meter_id, at))
    if not by_meter:
        return
    for one in Estimation.objects.filter(temporary=True, undone_at=None, meter_id__in=by_meter):
        if by_meter[one.meter_id] > one.starts_at:
            undo_estimate(estimate=one, actor=READY, now=timezone.now())


_CARRIED_ON = """SELECT meter_id FROM readings_estimation
    WHERE tenant_id = %s AND temporary AND undone_at IS NULL"""


def give_way_within(
    meter_ids: Sequence[int],
    start: datetime,
    end: datetime,
    tells: Callable[[Estimation], bool],
) -> None:
    """The same for history in bulk: of the estimates of these meters that reach into [start, end)
    those whose gap it `tells` something about."""
    reaching = Estimation.objects.filter(
        Q(ends_at__gt=start) | Q(temporary=True), meter_id__in=meter_ids, starts_at__lt=end
    )
    for one in reaching.filter(undone_at=None):
        if tells(one):
            undo_estimate(estimate=one, actor=READY, now=timezone.now())


def clear(estimate: Estimation) -> None:
    """Take the register out of the gap's estimated readings, and those away that tell no other."""
    others = [
        column
        for column in BY_COLUMN
        if column != estimate.register and BY_COLUMN[column].cumulative
    ]
    where = f"""tenant_id = %s AND meter_id = %s AND ts > %s AND ts < %s
                AND status = {int(Status.ESTIMATED)}"""
    parameters: list[Any] = [
        current_tenant_id(),
        estimate.meter_id,
        estimate.starts_at,
        estimate.ends_at,
    ]
    alone = " AND ".join(f"{column} IS NULL" for column in others)
    with connection.cursor() as cursor:
        for change in (
            f"DELETE FROM readings_reading WHERE {where} AND {alone} RETURNING meter_id, ts",  # noqa: S608
            f"UPDATE readings_reading SET {estimate.register} = NULL WHERE {where}"  # noqa: S608
            " RETURNING meter_id, ts",
        ):
            cursor.execute(f"{marking(change)} SELECT 1 FROM changed", parameters)  # noqa: S608


def story(estimate: Estimation) -> dict[str, object]:
    """An estimate as the trail tells it."""
    return {
        "register": estimate.register,
        "from": estimate.starts_at.isoformat(),
        "to": estimate.ends_at.isoformat(),
        "method": str(estimate.method),
        "values": estimate.values,
        "reason": str(estimate.reason),
        "temporary": estimate.temporary,
        "comparison_meter": estimate.proxy_id,
    }
