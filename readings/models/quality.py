"""What was found, decided and estimated about readings."""

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from readings.models.reading import Status
from readings.models.series import OfAMeter
from ready.tenancy.models import TenantModel


class Finding(OfAMeter):
    """What a validation rule said about a reading (`readings.rules.validation`).

    ts: the reading's time. register: a column, "" where the whole reading is meant. value,
    limit_value: in the measure of the rule. Ends with the readings it is about.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts", "rule", "register")
    ts = models.DateTimeField()
    rule = models.SmallIntegerField()
    severity = models.SmallIntegerField()
    register = models.CharField(max_length=10)
    value = models.BigIntegerField(null=True)
    limit_value = models.BigIntegerField(null=True)

    class Meta(OfAMeter.Meta):
        # The utility's newest findings, whichever the meter.
        indexes = [models.Index(fields=["tenant", "-ts"], name="readings_finding_new")]

    def __str__(self) -> str:
        return f"rule {self.rule} of meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class Version(OfAMeter):
    """One change of a reading by a person: what stood there, what stands there now, who and why.

    The original is the `before` of version 1. before, after: {column: base units or null} of the
    registers that changed. reason: a code of `readings.quality.Reason`.
    """

    class Act(models.IntegerChoices):
        EDITED = 1, _("Edited")
        ENTERED = 2, _("Entered by hand")
        UNDONE = 3, _("Taken back")

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts", "number")
    ts = models.DateTimeField()
    number = models.SmallIntegerField()
    made_at = models.DateTimeField()
    act = models.SmallIntegerField(choices=Act)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    reason = models.CharField(max_length=3)
    note = models.CharField(max_length=500, blank=True)
    before = models.JSONField()
    after = models.JSONField()
    status_before = models.SmallIntegerField(choices=Status)
    status_after = models.SmallIntegerField(choices=Status)

    def __str__(self) -> str:
        return f"version {self.number} of meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class Estimation(TenantModel):
    """A gap in one register that was filled on request: from one reading to the next.

    The values stand among the readings with status ESTIMATED, strictly between starts_at and
    ends_at; they add up to the difference of the readings there. method: a code of
    `readings.estimation.Method`; proxy_id: the comparison meter, where that is the method.
    temporary: nothing followed when it was made; the next reading takes its place, whenever it is.
    undone_at: when they were taken away again.
    """

    meter_id = models.IntegerField()
    register = models.CharField(max_length=10)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    method = models.CharField(max_length=2)
    values = models.IntegerField()
    reason = models.CharField(max_length=3)
    note = models.CharField(max_length=500, blank=True)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    made_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    temporary = models.BooleanField(default=False, db_default=False)
    proxy_id = models.IntegerField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            # Asked at every batch, and nearly always empty.
            models.Index(
                fields=["tenant"],
                condition=models.Q(undone_at=None, temporary=True),
                name="readings_estimation_open",
            ),
            # Whether a late reading falls into an estimated gap: asked at every batch with one.
            models.Index(
                fields=["tenant", "meter_id", "ends_at"],
                condition=models.Q(undone_at=None),
                name="readings_estimation_lasting",
            ),
            models.Index(
                fields=["tenant", "meter_id", "starts_at"], name="readings_estimation_meter"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.register} of meter {self.meter_id} from {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def gives_way_until(self) -> datetime:
        """Readings of the meter after starts_at and before this take its place."""
        return datetime(9999, 1, 1, tzinfo=UTC) if self.temporary else self.ends_at
