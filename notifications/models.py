"""What meters report about themselves, as periods; and what is to be told to the outside."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

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


class OutboxEntry(TenantModel):
    """Something that is to be told to the outside: written with what it tells of, delivered later.

    Whoever delivers it may do so twice (a channel's answer can be lost); `id_outside` lets the
    receiver see that. key: what makes it one event; enqueued again, it is the same.
    payload: what a message needs, in base units and UTC. reason: why the last attempt failed, or
    it was given up. It waits until it is delivered_at or given_up_at, and ends some days after
    (`notifications.maintenance`).
    """

    event = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    id_outside = models.UUIDField(default=uuid.uuid4, editable=False)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.SmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta(TenantModel.Meta):
        verbose_name = "outbox entry"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "event", "key"], name="notifications_outbox_once"
            )
        ]
        indexes = [
            # What a deliverer takes next.
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=models.Q(delivered_at=None, given_up_at=None),
                name="notifications_outbox_due",
            ),
            models.Index(fields=["tenant", "-created_at"], name="notifications_outbox_new"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"


class OutgoingMail(TenantModel):
    """A mail with a file that a person had READY send about a meter: its entry in the outbox
    ("mail.asked", by this row's id) says when it goes; what it says is emptied once it went.

    The row itself goes after `mailing.KEEP`: it names somebody's address.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Not sent")

    meter = TenantForeignKey(Meter, models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    recipient = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    file_name = models.CharField(max_length=120)
    content = models.BinaryField(null=True)
    actor_name = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Why it was not sent (yet), in the mail server's words.
    trouble = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "meter", "-created_at"], name="notifications_mail_new"),
            models.Index(fields=["tenant", "-created_at"], name="notifications_mail_time"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"
