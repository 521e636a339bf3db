"""The one door for readings: who may push, what was pushed, and what became of it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from collectors.outcomes import QUARANTINE, Outcome
from readings.models import Origin, Trust
from ready.tenancy.models import Tenant, TenantForeignKey, TenantManager, TenantModel


class Collector(TenantModel):
    """A concentrator, gateway or reader's device that hands telegrams in."""

    class Type(models.TextChoices):
        CONCENTRATOR = "concentrator", _("READY Concentrator")
        MINI = "mini", _("READY Mini Concentrator")
        BRIDGE = "bridge", _("READY 4G Bridge")
        GATEWAY = "gateway", _("Other gateway")

    name = models.CharField(max_length=80)
    type = models.CharField(max_length=20, choices=Type, default=Type.CONCENTRATOR)
    origin = models.SmallIntegerField(choices=Origin, default=Origin.FIXED_NETWORK)
    latitude = models.IntegerField(null=True)  # millionths of a degree
    longitude = models.IntegerField(null=True)
    # The zone in which a box writes times that carry none.
    zone = models.CharField(max_length=64, default="UTC")
    # A box that forwards at once and knows no time: arrival then counts as reception. Off unless
    # a person says so, because a delayed push would make false reading times.
    forwards_at_once = models.BooleanField(default=False)
    # Whether its owner states that it decrypts by itself (declared encryption, plain body).
    decrypts = models.BooleanField(default=False)
    heard_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="collectors_collector_name")
        ]

    def __str__(self) -> str:
        return self.name


class CollectorToken(models.Model):
    """A collector's secret, hashed; found by its public prefix before the tenant is known."""

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    collector = models.ForeignKey(
        Collector, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    prefix = models.CharField(max_length=12, unique=True)
    # SHA-256 is enough: the secret is 192 random bits, nothing to guess.
    digest = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"token {self.prefix}… of collector {self.collector_id}"


class InboundBatch(models.Model):
    """One push, kept as it came; committed before the collector hears 200.

    outcomes: one byte an item (`Outcome`), in the body's order; NULL until it was worked on.
    """

    pk = models.CompositePrimaryKey("tenant_id", "received_on", "id")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    received_on = models.DateField()
    id = models.BigIntegerField()
    collector_id = models.IntegerField()
    received_at = models.DateTimeField()
    request_id = models.CharField(max_length=16)
    digest = models.BinaryField()
    content_type = models.CharField(max_length=120)
    body = models.BinaryField(null=True)
    items = models.IntegerField()
    # The answer that was given, to be given again to the same push.
    answer = models.JSONField()
    outcomes = models.BinaryField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"batch {self.id} of {self.received_on}"


class PendingWork(models.Model):
    """What workers look for: a row a batch, gone when the batch is settled.

    Read across utilities (ids only). attempts: counted before the work begins, so that a batch
    which kills its worker is recognised. not_before: a worker has it until then, or it failed and
    is to come again then; the database's clock. suspect: the item that was touched last, when the
    batch was taken apart, and how often. looked: the alarms in it have been seen to.
    """

    pk = models.CompositePrimaryKey("tenant_id", "received_on", "batch_id")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    received_on = models.DateField()
    batch_id = models.BigIntegerField()
    collector_id = models.IntegerField()
    received_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    suspect = models.IntegerField(null=True)
    suspected = models.SmallIntegerField(default=0)
    looked = models.BooleanField(default=False)

    class Meta:
        indexes = [
            # Whose turn it is, and the oldest batch of each queue.
            models.Index(
                fields=["tenant", "collector_id", "received_on", "batch_id"],
                name="collectors_work_queue",
            ),
            models.Index(
                fields=["tenant", "received_on", "batch_id"],
                condition=models.Q(looked=False),
                name="collectors_work_fresh",
            ),
        ]

    def __str__(self) -> str:
        return f"work on batch {self.batch_id}"


class Telegram(models.Model):
    """A telegram that was stored or quarantined, with its outcome and reason; kept 60 days.

    Condensed ones and duplicates leave only their byte in the batch.
    """

    pk = models.CompositePrimaryKey("tenant_id", "received_on", "batch_id", "item")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    received_on = models.DateField()
    batch_id = models.BigIntegerField()
    item = models.IntegerField()
    collector_id = models.IntegerField()
    meter_id = models.IntegerField(null=True)
    received_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True)  # the receiver's time
    reading_at = models.DateTimeField(null=True)  # of the reading it became
    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=8)
    frame = models.BinaryField()
    rssi_dbm = models.SmallIntegerField(null=True)
    outcome = models.SmallIntegerField(choices=Outcome)
    trust = models.SmallIntegerField(choices=Trust, null=True)
    # For the quarantined: which layer, which byte, what was expected; for WAITING the signature.
    detail = models.CharField(max_length=200)
    signature = models.IntegerField(null=True)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"
        indexes = [
            models.Index(
                fields=["tenant", "meter_id", "received_on", "batch_id", "item"],
                name="collectors_telegram_meter",
            ),
            models.Index(
                fields=["tenant", "outcome", "received_on", "batch_id", "item"],
                condition=models.Q(outcome__gte=QUARANTINE),
                name="collectors_telegram_aside",
            ),
            # A meter or key has come: which telegrams waited for it?
            models.Index(
                fields=["tenant", "number", "received_on", "batch_id", "item"],
                condition=models.Q(outcome__gte=QUARANTINE),
                name="collectors_telegram_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"telegram of {self.manufacturer} {self.number}"


class OutcomeHour(models.Model):
    """How often telegrams of a collector ended in an outcome within an hour; outcome 0 counts the
    batches. Kept when the telegrams themselves have gone (`collectors.counts`)."""

    pk = models.CompositePrimaryKey("tenant_id", "hour", "collector_id", "outcome")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    collector_id = models.IntegerField()
    outcome = models.SmallIntegerField(choices=Outcome)
    times = models.BigIntegerField()

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"outcome {self.outcome} in {self.hour:%Y-%m-%d %H}"


class FrameFormat(TenantModel):
    """Headers of a full frame, learned under their signature, for compact frames to come.

    Per utility: a learned format from elsewhere could be poison.
    """

    signature = models.IntegerField()
    headers = models.BinaryField()
    # A wrong key passes a 16-bit check once in 65,536 times, so a format that an encrypted telegram
    # taught is only believed once a second telegram agrees.
    confirmed = models.BooleanField(default=False)
    learned_at = models.DateTimeField(auto_now_add=True)
    learned_from = TenantForeignKey("meters.Meter", models.SET_NULL, null=True, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "signature"], name="collectors_frameformat_signature"
            )
        ]

    def __str__(self) -> str:
        return f"format {self.signature:04X}"
