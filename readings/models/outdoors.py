"""The outdoor temperature over the town."""

from typing import Any, ClassVar

from django.db import models

from ready.tenancy.models import Tenant, TenantManager


class _Outdoors(models.Model):
    """What the utility says of the weather over its town: no meter's, and nobody's personal data.

    temperature: the mean of the hour or day, 0.01 °C. Small tables, whose key answers every
    question; what is not known has no row.
    """

    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    temperature = models.SmallIntegerField()

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class OutdoorHour(_Outdoors):
    """The hour that begins at `ts`."""

    pk = models.CompositePrimaryKey("tenant_id", "ts")
    ts = models.DateTimeField()


class OutdoorDay(_Outdoors):
    """A day of the utility's calendar, where only days are known; it counts before its hours."""

    pk = models.CompositePrimaryKey("tenant_id", "day")
    day = models.DateField()
