"""Priority meters: those that keep a reading every five minutes, up to a limit (seed R44, N1)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from meters.models import PRIORITY_INTERVAL_S, Meter
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant

BASE_INTERVAL_S = 3600
_LOCK = 0x5052494F  # "PRIO"; the second key is the tenant


def limit() -> int:
    """How many priority meters a utility may have."""
    return Tenant.objects.get(pk=current_tenant_id()).priority_meters


def make_priority(*, meters: QuerySet[Any], actor: Actor) -> int:
    """Have meters keep a reading every five minutes. How many did not before.

    Raises ValidationError, and changes none, where they would be more than the limit.
    """
    with connection.cursor() as cursor:
        # Two people at once must not pass the limit together.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, current_tenant_id()])
    coming = list(
        meters.exclude(interval_s=PRIORITY_INTERVAL_S).order_by().values_list("pk", flat=True)
    )
    there = Meter.objects.filter(interval_s=PRIORITY_INTERVAL_S).count()
    if there + len(coming) > limit():
        raise ValidationError(
            _("%(count)s of %(limit)s priority meters are chosen; these would be %(more)s more.")
            % {"count": there, "limit": limit(), "more": len(coming)},
            code="limit",
        )
    _change(coming, PRIORITY_INTERVAL_S, "meter.made_priority", actor)
    return len(coming)


def end_priority(*, meters: QuerySet[Any], actor: Actor) -> int:
    """Have meters keep a reading an hour again. How many kept more before."""
    going = list(
        meters.filter(interval_s=PRIORITY_INTERVAL_S).order_by().values_list("pk", flat=True)
    )
    _change(going, BASE_INTERVAL_S, "meter.ended_priority", actor)
    return len(going)


def _change(meter_ids: list[int], interval_s: int, event: str, actor: Actor) -> None:
    Meter.objects.filter(pk__in=meter_ids).update(interval_s=interval_s)
    for meter in Meter.objects.filter(pk__in=meter_ids).order_by("pk"):
        record(
            event=event,
            actor=actor,
            object_type="meter",
            object_id=meter.pk,
            object_label=str(meter),
            after={"interval_s": interval_s},
        )
