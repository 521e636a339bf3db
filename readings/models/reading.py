"""What a meter said for one instant."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models import RegisterColumns
from ready.tenancy.models import Tenant, TenantManager


class Origin(models.IntegerChoices):
    """How a reading came to us."""

    FIXED_NETWORK = 1, _("Fixed network")
    DRIVE_BY = 2, _("Drive-by")
    POINT_TO_POINT = 3, _("Point-to-point")
    WIRED = 4, _("Wired M-Bus")
    OPTICAL = 5, _("Optical head")
    IMPORT = 6, _("Import")
    MANUAL = 7, _("Manual")
    ESTIMATE = 8, _("Estimate")


class Trust(models.IntegerChoices):
    """How far a reading can be trusted to be the meter's own words."""

    NONE = 0, _("Not checked")
    PLAUSIBLE = 1, _("Checksum fits")
    MAC = 2, _("Authenticated")


class Kind(models.IntegerChoices):
    """What the instant of a reading is."""

    NOW = 0, _("Current")
    TARGET = 1, _("Target date")
    LOG = 2, _("Log")


class Status(models.IntegerChoices):
    """What the values of a reading are worth; `readings.rules.validation` and edits set it.

    From ESTIMATED on they are not the meter's own words. An estimate gives way to what the meter
    tells; EDITED is a person's decision, and nothing that arrives writes over it.
    """

    MEASURED = 0, _("Measured")
    SUSPECT = 1, _("Suspect")
    ESTIMATED = 2, _("Estimated")
    EDITED = 3, _("Edited")


class Reading(RegisterColumns):
    """All a meter said for one instant, in base units (`meters.registers`).

    `ts` is the value's own time from the telegram, else the receiver's; never this server's.
    No foreign keys, no surrogate key, no second index: the primary key answers every question,
    and a month is a partition (../shared/storage has the measurements).

    kind: current, if any telling of the instant was. fixed: the registers that a target date or a
    log told for it, as bits (`readings.writing`); they stay when the current reading is condensed.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    meter_id = models.IntegerField()
    ts = models.DateTimeField()
    received_at = models.DateTimeField()
    origin = models.SmallIntegerField(choices=Origin)
    trust = models.SmallIntegerField(choices=Trust)
    kind = models.SmallIntegerField(choices=Kind, default=Kind.NOW)
    status = models.SmallIntegerField(choices=Status, default=Status.MEASURED)
    fixed = models.IntegerField(null=True)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"
