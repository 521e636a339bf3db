"""The trail: one entry an act, written in the same transaction as the change it tells of."""

from django.db import models

from ready.tenancy.models import TenantModel


class AuditEntry(TenantModel):
    """Who did what, when and from where. The run-time role may only add and read.

    Names are frozen as text: an entry must still read right after the person or object is gone.
    No secrets and no free personal data go into `before` and `after`.
    """

    occurred_at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=60)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    computer = models.CharField(max_length=120, blank=True)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    object_label = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-occurred_at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.event} {self.object_label}"
