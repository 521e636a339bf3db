"""What the tables about a meter's time share."""

from typing import Any, ClassVar

from django.db import models

from ready.tenancy.models import Tenant, TenantManager


class OfAMeter(models.Model):
    """What the tables about a meter's time share: like `Reading`, no surrogate key and no foreign
    key; the composite primary key is the only index unless the class says why."""

    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    meter_id = models.IntegerField()

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
