"""The trail: one entry an act, written in the same transaction as the change it tells of."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ready.tenancy.models import TenantForeignKey, TenantModel


class Outcome(models.TextChoices):
    """How an act ended."""

    OK = "ok", _("Done")
    DENIED = "denied", _("Denied")
    FAILED = "failed", _("Failed")


class AuditEntry(TenantModel):
    """Who did what, when and from where. The run-time role may only add and read.

    Names are frozen as text: an entry must still read right after the person or object is gone.
    No secrets go into `before`, `after` and `details`.

    The chain (`AuditSeal`) covers the plain columns directly, and the personal ones only through
    two salted digests: who acted (`actor_name`, `computer`, `address`) and what it was about
    (`object_label`, `before`, `after`, `details`). Erasing a person empties one of the two groups
    and takes its salt away; the chain stays whole and nobody can guess back from the digest.
    """

    occurred_at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=60)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.OK)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    computer = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=45, blank=True)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    object_label = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    details = models.JSONField(null=True)
    request_id = models.CharField(max_length=16, blank=True)
    # A digest of the session's key, the same for all acts of one session.
    session = models.CharField(max_length=16, blank=True)
    # How the person had proved who they are: "", "password", "mfa", "sso", "token".
    proof = models.CharField(max_length=12, blank=True)
    actor_salt = models.BinaryField(null=True)
    content_salt = models.BinaryField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "-occurred_at"], name="audit_by_time"),
            models.Index(
                fields=["tenant", "object_type", "object_id", "-occurred_at"],
                name="audit_by_object",
            ),
            models.Index(fields=["tenant", "actor_id", "-occurred_at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.event} {self.object_label}"


class AuditSeal(TenantModel):
    """One link of a utility's hash chain: made soon after the entry, never changed.

    head = SHA-256(head before ‖ canonical entry), see `ready.audit.chain`. `seq` is gapless.
    signature: Ed25519 over the head, where this link was the last of a turn.
    """

    seq = models.BigIntegerField(primary_key=True)
    entry = TenantForeignKey(AuditEntry, models.DO_NOTHING, related_name="+")
    sealed_at = models.DateTimeField(auto_now_add=True)
    actor_digest = models.BinaryField()
    content_digest = models.BinaryField()
    head = models.BinaryField()
    signature = models.BinaryField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "entry"], name="audit_seal_once"),
        ]

    def __str__(self) -> str:
        return f"seal {self.seq}"
