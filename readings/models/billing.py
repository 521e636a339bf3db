"""What was billed stays."""

from django.db import models

from readings.models.series import OfAMeter


class BilledValue(OfAMeter):
    """A value as it was exported for billing; it outlives the reading it came from.

    ts: the instant it was billed for; read_at: of the reading behind it (None: interpolated).
    register: a column; value: base units, rounded as exported. quality: M, I or E.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts", "register", "export_id")
    ts = models.DateTimeField()
    register = models.CharField(max_length=10)
    export_id = models.IntegerField()
    supply_point_id = models.IntegerField(null=True)
    value = models.BigIntegerField()
    quality = models.CharField(max_length=1)
    read_at = models.DateTimeField(null=True)

    class Meta(OfAMeter.Meta):
        indexes = [models.Index(fields=["tenant", "export_id"], name="readings_billed_export")]

    def __str__(self) -> str:
        return f"{self.register} of meter {self.meter_id} in export {self.export_id}"


class KeptReading(OfAMeter):
    """A reading that was billed: neither thinning nor the end of keeping takes it.

    Whoever exports values for billing writes their readings here, and takes them out again when
    the export itself is forgotten.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts")
    ts = models.DateTimeField()

    def __str__(self) -> str:
        return f"meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"
