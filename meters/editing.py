"""Changing and deleting meters, one or many; each act with its audit entry.

A meter that was ever heard is not deleted: its readings are billing data. It is taken down and
stays in stock; what a law wants erased is erased by name, not with the meter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from meters.groups import forget_meters
from meters.models import (
    Customer,
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterKey,
    MeterState,
    SupplyPoint,
)
from meters.services import (
    install_meter,
    register_customer,
    register_meter,
    register_supply_point,
)
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id

# More ids than these are not written into the trail one by one.
_TOLD = 200
# Meters that nothing was ever heard of: with no reading, deleting them loses nothing.
NEVER_HEARD = Q(state__heard_at__isnull=True, state__read_at__isnull=True)


def add_meter(
    *,
    manufacturer: str,
    number: str,
    meter_type: str,
    medium: str,
    street: str,
    postal_code: str,
    city: str,
    label: str,
    customer_number: str,
    customer: str,
    mounted_at: datetime,
    actor: Actor,
) -> Meter:
    """Make a meter known, and mount it where a street is given; else it lies in stock.

    A place or customer that is known already is used. Raises ValidationError.
    """
    meter = register_meter(
        manufacturer=manufacturer,
        number=number,
        meter_type=meter_type,
        medium=Medium(medium),
        in_stock=not street,
        actor=actor,
    )
    if street:
        living = None
        if customer_number:
            living = Customer.objects.filter(number=customer_number).first()
            living = living or register_customer(
                number=customer_number, name=customer or customer_number, actor=actor
            )
        place = SupplyPoint.objects.filter(
            street=street, postal_code=postal_code, label=label, customer=living
        ).first() or register_supply_point(
            street=street,
            postal_code=postal_code,
            city=city,
            label=label,
            customer=living,
            actor=actor,
        )
        install_meter(meter=meter, supply_point=place, at=mounted_at, registers={}, actor=actor)
    return meter


def change_meter(
    *, meter: Meter, actor: Actor, meter_type: str | None = None, medium: str | None = None
) -> bool:
    """Correct what is known of one meter; what is None stays. Whether anything changed."""
    wanted = _wanted(meter_type, medium)
    before = {name: str(getattr(meter, name)) for name in wanted}
    if before == wanted:
        return False
    Meter.objects.filter(pk=meter.pk).update(**wanted)
    record(
        event="meter.changed",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        before=before,
        after=wanted,
    )
    return True


def change_meters(
    *,
    meters: QuerySet[Any],
    actor: Actor,
    meter_type: str | None = None,
    medium: str | None = None,
    label: str | None = None,
) -> int:
    """Correct many meters at once; `label` is that of the places where they are mounted.

    What is None stays. How many meters were asked for.
    """
    ids = list(meters.order_by().values_list("pk", flat=True))
    wanted = _wanted(meter_type, medium)
    if wanted:
        Meter.objects.filter(pk__in=ids).update(**wanted)
    if label is not None:
        mounted = Installation.objects.filter(meter__in=ids, ends_at=None)
        SupplyPoint.objects.filter(pk__in=mounted.values("supply_point")).update(label=label)
    after: dict[str, object] = {**wanted} if label is None else {**wanted, "label": label}
    if after and ids:
        _tell("meters.changed", ids, _numbers(ids), after, actor)
    return len(ids)


def delete_meters(*, meters: QuerySet[Any], actor: Actor) -> tuple[int, int]:
    """Delete those of the meters that were never heard, with their keys and installations.

    How many went, and how many stayed because readings of theirs are kept.
    """
    chosen = list(meters.order_by().values_list("pk", flat=True))
    # Locked as the pipeline locks them, so that nothing is heard of them in between.
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id FROM meters_meterstate
               WHERE tenant_id = %s AND meter_id = ANY(%s)
                 AND heard_at IS NULL AND read_at IS NULL
               ORDER BY meter_id FOR UPDATE""",
            [current_tenant_id(), chosen],
        )
        going = [meter for (meter,) in cursor.fetchall()]
    if going:
        names = _numbers(going)
        forget_meters(meter_ids=going)
        MeterKey.objects.filter(meter__in=going).delete()
        Installation.objects.filter(meter__in=going).delete()
        MeterAddress.objects.filter(tenant_id=current_tenant_id(), meter__in=going).delete()
        MeterState.objects.filter(meter__in=going).delete()
        # By SQL: Django would look for, and lock, what may point to each of them.
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM meters_meter WHERE tenant_id = %s AND id = ANY(%s)",
                [current_tenant_id(), going],
            )
        _tell("meters.deleted", going, names, {"numbers": names}, actor)
    return len(going), len(chosen) - len(going)


def _wanted(meter_type: str | None, medium: str | None) -> dict[str, str]:
    wanted: dict[str, str] = {}
    if meter_type is not None:
        if len(meter_type) > 60:
            raise ValidationError(_("A meter type has at most 60 letters."), code="meter_type")
        wanted["meter_type"] = meter_type
    if medium is not None:
        wanted["medium"] = str(Medium(medium))
    return wanted


def _numbers(ids: Sequence[int]) -> list[str]:
    """The first of these meters by name; read before they go."""
    return [str(one) for one in Meter.objects.filter(pk__in=ids[:_TOLD]).order_by("pk")]


def _tell(
    event: str, ids: Sequence[int], names: Sequence[str], after: Mapping[str, object], actor: Actor
) -> None:
    # A few numbers say more than "17 meters", and in every language.
    label = ", ".join(names[:3]) + (" …" if len(ids) > 3 else "")
    told: dict[str, object] = {"count": len(ids), **after}
    if len(ids) <= _TOLD:
        told["meters"] = sorted(ids)
    record(
        event=event,
        actor=actor,
        object_type="meter",
        object_id="",
        object_label=label,
        after=told,
    )
