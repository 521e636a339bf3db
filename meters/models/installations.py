"""Which meter was at a place when, and who lived there."""

from django.db import models

from meters.models.meter import Meter
from meters.models.places import Customer, SupplyPoint
from ready.tenancy.models import TenantForeignKey, TenantModel


class Installation(TenantModel):
    """A meter at a place from one instant to another, with its registers at both ends."""

    supply_point = TenantForeignKey(SupplyPoint, models.PROTECT, related_name="installations")
    meter = TenantForeignKey(Meter, models.CASCADE, related_name="installations")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    # {"e1": 123, …} in base units, as read off at the visit.
    start_registers = models.JSONField(default=dict)
    end_registers = models.JSONField(default=dict)
    # What the meter's display counts its main register in ("MWh", "m³"); "" where nobody said.
    unit = models.CharField(max_length=8, blank=True)
    # What one unit of the register stands for here: a transformer's ratio, a pulse put right.
    factor = models.DecimalField(max_digits=16, decimal_places=8, default=1)
    # {"v1": 500, …} in base units: taken to be used between the former meter's end and this start.
    bridges = models.JSONField(default=dict)
    # The installation that this one ended by a meter exchange.
    replaces = TenantForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "starts_at"], name="meters_installation_start"
            ),
            models.UniqueConstraint(
                fields=["tenant", "meter"],
                condition=models.Q(ends_at=None),
                name="meters_installation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="meters_installation_order",
            ),
            models.UniqueConstraint(
                fields=["tenant", "replaces"], name="meters_installation_replaced_once"
            ),
            models.CheckConstraint(
                condition=models.Q(factor__gt=0), name="meters_installation_factor"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "supply_point"], name="meters_installation_place")
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} at {self.supply_point_id}"


class Occupancy(TenantModel):
    """Who lived at a place from one instant to another: whose personal data its readings are."""

    supply_point = TenantForeignKey(SupplyPoint, models.PROTECT, related_name="occupancies")
    customer = TenantForeignKey(Customer, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "supply_point", "starts_at"], name="meters_occupancy_start"
            ),
            models.UniqueConstraint(
                fields=["tenant", "supply_point"],
                condition=models.Q(ends_at=None),
                name="meters_occupancy_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="meters_occupancy_order",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="meters_occupancy_customer")]

    def __str__(self) -> str:
        return f"customer {self.customer_id} at {self.supply_point_id}"
