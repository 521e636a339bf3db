"""What meters report about themselves, as periods: one row a meter, info code and episode."""

from django.db import models

from meters.models import Meter
from ready.tenancy.models import TenantForeignKey, TenantModel


class InfoCodePeriod(TenantModel):
    """A meter's info code from its first sight to the first reading without it.

    Times are reading times. `ends_at` is NULL while the code is in force; silence never closes.
    """

    meter = TenantForeignKey(Meter, models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)  # slug, see meters.conditions
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "code", "starts_at"], name="notifications_infocode_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "meter", "code"],
                condition=models.Q(ends_at=None),
                name="notifications_infocode_one_open",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-starts_at"], name="notifications_infocode_new")]

    def __str__(self) -> str:
        return f"{self.code} of meter {self.meter_id}"
