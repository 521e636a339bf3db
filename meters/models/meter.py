"""Meters, and which utility knows which."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.sorting import SearchText
from ready.tenancy.models import Tenant, TenantModel


class Medium(models.TextChoices):
    """What a meter measures."""

    HEAT = "heat", _("Heat")
    COOLING = "cooling", _("Cooling")
    HEAT_COOLING = "heat_cooling", _("Heat and cooling")
    WATER = "water", _("Water")
    ELECTRICITY = "electricity", _("Electricity")
    PRESSURE = "pressure", _("Pressure")
    OTHER = "other", _("Other")


# A priority meter keeps a reading every five minutes (seed N2).
PRIORITY_INTERVAL_S = 300


class Meter(TenantModel):
    """A meter: tenant, manufacturer and 8-digit number; version and type are learned.

    `manufacturer` is the identity's: KAM also for those that call themselves KAW.
    """

    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=8)
    version = models.SmallIntegerField(null=True)
    device_type = models.SmallIntegerField(null=True)
    meter_type = models.CharField(max_length=60, blank=True)
    medium = models.CharField(max_length=16, choices=Medium, default=Medium.OTHER)
    # Of several readings in one interval the earliest is kept; 300 for a priority meter.
    interval_s = models.IntegerField(default=3600)
    in_stock = models.BooleanField(default=False)
    # Whether it is in any group: kept by `meters.groups`, so that the few that are in none are
    # counted from an index.
    grouped = models.BooleanField(default=False)
    # The import that made it known; all meters of one import bear the same instant.
    imported_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    search_text = SearchText.stored("number", "meter_type", "manufacturer")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "manufacturer", "number"], name="meters_meter_identity"
            ),
            models.CheckConstraint(
                condition=models.Q(interval_s__gte=60), name="meters_meter_interval"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "number"], name="meters_meter_number"),
            models.Index(fields=["tenant", "meter_type", "id"], name="meters_meter_type"),
            # Counted on every list page (meters.listing.counts); few meters are either.
            models.Index(
                fields=["tenant", "id"], condition=models.Q(in_stock=True), name="meters_in_stock"
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(interval_s=PRIORITY_INTERVAL_S),
                name="meters_priority",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(grouped=False),
                name="meters_ungrouped",
            ),
            models.Index(
                fields=["tenant", "imported_at"],
                condition=models.Q(imported_at__isnull=False),
                name="meters_imported",
            ),
            # The map tells these few from the others.
            models.Index(
                fields=["tenant", "id"],
                condition=~models.Q(manufacturer="KAM"),
                name="meters_other_make",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(medium="cooling"),
                name="meters_cooling",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.number}"


class MeterAddress(models.Model):
    """Which utilities know a meter address: read before the tenant is known, to route telegrams.

    Two utilities may know the same address; each gets rows of its own.
    """

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    meter = models.ForeignKey(
        Meter, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "manufacturer", "number"], name="meters_address_once"
            )
        ]
        # Routing asks by address alone: this index cannot begin with the tenant.
        indexes = [models.Index(fields=["manufacturer", "number"], name="meters_address_route")]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.number} of tenant {self.tenant_id}"
