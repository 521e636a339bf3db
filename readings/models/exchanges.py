"""Meter exchanges that are planned."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models import Installation, Meter
from ready.tenancy.models import TenantForeignKey, TenantModel


class PlannedExchange(TenantModel):
    """A meter exchange prepared before the visit. It changes nothing that is measured: a note of
    what is to be done until the exchange itself is entered, or given up.

    new_meter: None until somebody chooses it; it is kept for this place meanwhile.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    installation = TenantForeignKey(Installation, models.CASCADE, related_name="+")
    new_meter = TenantForeignKey(Meter, models.CASCADE, null=True, related_name="+")
    planned_on = models.DateField()
    note = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    planned_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "installation"],
                condition=models.Q(state="planned"),
                name="readings_planned_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "new_meter"],
                condition=models.Q(state="planned"),
                name="readings_planned_meter",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "planned_on"],
                condition=models.Q(state="planned"),
                name="readings_planned_day",
            ),
        ]

    def __str__(self) -> str:
        return f"exchange of installation {self.installation_id} on {self.planned_on}"
