"""How people like their lists."""

from django.conf import settings
from django.db import models

from ready.tenancy.models import TenantModel


class ListLayout(TenantModel):
    """The columns that a person wants to see in a list, in their order."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+"
    )
    list_key = models.CharField(max_length=40)
    columns = models.JSONField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "list_key"], name="meters_layout_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.list_key} of {self.user_id}"


class SavedFilter(TenantModel):
    """A list's address under a name: a person's own, or everybody's when shared."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+"
    )
    list_key = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=500)
    shared = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "list_key", "name"], name="meters_savedfilter_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
