"""Files of meters and customers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ready.tenancy.models import TenantModel


class MeterImport(TenantModel):
    """A file of meters and customers on its way in: a job's row, worked by the worker.

    options: how to read it ({"separator", "encoding", "decimal", "columns": [field or ""]}).
    errors: [[line, field, value, words]], line from 1 with the head. made: what undo takes back.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Choose columns")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        IMPORTING = "importing", _("Being imported")
        DONE = "done", _("Imported")
        UNDONE = "undone", _("Undone")
        FAILED = "failed", _("Failed")

    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField(null=True)  # gone once imported: it is personal data
    head = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    computer = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=8, default="en")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    imported_at = models.DateTimeField(null=True)
    rows = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    errors = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    made = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="meters_import_by_time"),
            # The worker's question; hardly any row is in work.
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(state__in=["checking", "importing"]),
                name="meters_import_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
