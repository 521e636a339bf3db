"""Reports' own rows: how a utility's paper looks."""

from django.db import models

from ready.tenancy.models import TenantModel


class Letterhead(TenantModel):
    """What stands at the head of a utility's PDFs; at most one row a utility.

    logo: PNG, already of the size it is kept in (`reports.services`); empty for none.
    """

    lines = models.CharField(max_length=400, blank=True)  # address, telephone; by line breaks
    logo = models.BinaryField(default=bytes)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="reports_letterhead_one"),
        ]

    def __str__(self) -> str:
        return f"letterhead of {self.tenant_id}"
