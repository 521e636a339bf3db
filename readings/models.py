"""The partitioned time series."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models import Installation, Meter, RegisterColumns
from ready.tenancy.models import Tenant, TenantForeignKey, TenantManager, TenantModel

# What READY promises unless a utility decides otherwise: all readings, then one a meter and day.
FULL_MONTHS = 13
KEEP_MONTHS = 60


class Origin(models.IntegerChoices):
    """How a reading came to us."""

    FIXED_NETWORK = 1, _("Fixed network")
    DRIVE_BY = 2, _("Drive-by")
    POINT_TO_POINT = 3, _("Point-to-point")
    WIRED = 4, _("Wired M-Bus")
    OPTICAL = 5, _("Optical head")
    IMPORT = 6, _("Import")
    MANUAL = 7, _("Manual")
    ESTIMATE = 8, _("Estimate")


class Trust(models.IntegerChoices):
    """How far a reading can be trusted to be the meter's own words."""

    NONE = 0, _("Not checked")
    PLAUSIBLE = 1, _("Checksum fits")
    MAC = 2, _("Authenticated")


class Kind(models.IntegerChoices):
    """What the instant of a reading is."""

    NOW = 0, _("Current")
    TARGET = 1, _("Target date")
    LOG = 2, _("Log")


class Status(models.IntegerChoices):
    """What the values of a reading are worth; `readings.rules.validation` and edits set it.

    From ESTIMATED on they are not the meter's own words. An estimate gives way to what the meter
    tells; EDITED is a person's decision, and nothing that arrives writes over it.
    """

    MEASURED = 0, _("Measured")
    SUSPECT = 1, _("Suspect")
    ESTIMATED = 2, _("Estimated")
    EDITED = 3, _("Edited")


class Reading(RegisterColumns):
    """All a meter said for one instant, in base units (`meters.registers`).

    `ts` is the value's own time from the telegram, else the receiver's; never this server's.
    No foreign keys, no surrogate key, no second index: the primary key answers every question,
    and a month is a partition (../shared/storage has the measurements).

    kind: current, if any telling of the instant was. fixed: the registers that a target date or a
    log told for it, as bits (`readings.writing`); they stay when the current reading is condensed.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts")
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    meter_id = models.IntegerField()
    ts = models.DateTimeField()
    received_at = models.DateTimeField()
    origin = models.SmallIntegerField(choices=Origin)
    trust = models.SmallIntegerField(choices=Trust)
    kind = models.SmallIntegerField(choices=Kind, default=Kind.NOW)
    status = models.SmallIntegerField(choices=Status, default=Status.MEASURED)
    fixed = models.IntegerField(null=True)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class _OfAMeter(models.Model):
    """What the tables about a meter's time share: like `Reading`, no surrogate key and no foreign
    key; the composite primary key is the only index unless the class says why."""

    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    meter_id = models.IntegerField()

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class DailyReading(_OfAMeter):
    """A meter's local day: its first and its last reading, and what measurements add up to.

    Made from `Reading` by `readings.daily` alone and never before the day is marked clean. What a
    register stood at on any midnight follows from the last reading before it and the first after
    it, so these rows give days, months and years to the last digit. Base units.

    plain: every reading of the day told the same counting registers and none of them fell.
    follows: nor did they since the last reading before the day. Only then may the readings
    between be left out. marks: bits of the `Status`es above MEASURED that the day's readings have;
    a day with readings that are not the meter's own words is never plain.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day")
    day = models.DateField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    readings = models.IntegerField()
    plain = models.BooleanField()
    follows = models.BooleanField()
    first_e1 = models.BigIntegerField(null=True)
    first_e2 = models.BigIntegerField(null=True)
    first_e3 = models.BigIntegerField(null=True)
    first_v1 = models.BigIntegerField(null=True)
    first_v2 = models.BigIntegerField(null=True)
    first_a_pos = models.BigIntegerField(null=True)
    first_a_neg = models.BigIntegerField(null=True)
    first_r_pos = models.BigIntegerField(null=True)
    first_r_neg = models.BigIntegerField(null=True)
    first_in_a = models.BigIntegerField(null=True)
    first_in_b = models.BigIntegerField(null=True)
    last_e1 = models.BigIntegerField(null=True)
    last_e2 = models.BigIntegerField(null=True)
    last_e3 = models.BigIntegerField(null=True)
    last_v1 = models.BigIntegerField(null=True)
    last_v2 = models.BigIntegerField(null=True)
    last_a_pos = models.BigIntegerField(null=True)
    last_a_neg = models.BigIntegerField(null=True)
    last_r_pos = models.BigIntegerField(null=True)
    last_r_neg = models.BigIntegerField(null=True)
    last_in_a = models.BigIntegerField(null=True)
    last_in_b = models.BigIntegerField(null=True)
    flow1_sum = models.BigIntegerField(null=True)
    power1_sum = models.BigIntegerField(null=True)
    t1_sum = models.BigIntegerField(null=True)
    t2_sum = models.BigIntegerField(null=True)
    t_water_sum = models.BigIntegerField(null=True)
    t_ambient_sum = models.BigIntegerField(null=True)
    p1_sum = models.BigIntegerField(null=True)
    p_pos_sum = models.BigIntegerField(null=True)
    first_e8 = models.IntegerField(null=True)
    first_e9 = models.IntegerField(null=True)
    last_e8 = models.IntegerField(null=True)
    last_e9 = models.IntegerField(null=True)
    flow1_min = models.IntegerField(null=True)
    flow1_max = models.IntegerField(null=True)
    power1_min = models.IntegerField(null=True)
    power1_max = models.IntegerField(null=True)
    t1_min = models.IntegerField(null=True)
    t1_max = models.IntegerField(null=True)
    t2_min = models.IntegerField(null=True)
    t2_max = models.IntegerField(null=True)
    t_water_min = models.IntegerField(null=True)
    t_water_max = models.IntegerField(null=True)
    t_ambient_min = models.IntegerField(null=True)
    t_ambient_max = models.IntegerField(null=True)
    p1_min = models.IntegerField(null=True)
    p1_max = models.IntegerField(null=True)
    p_pos_min = models.IntegerField(null=True)
    p_pos_max = models.IntegerField(null=True)
    flow1_count = models.SmallIntegerField(null=True)
    power1_count = models.SmallIntegerField(null=True)
    t1_count = models.SmallIntegerField(null=True)
    t2_count = models.SmallIntegerField(null=True)
    t_water_count = models.SmallIntegerField(null=True)
    t_ambient_count = models.SmallIntegerField(null=True)
    p1_count = models.SmallIntegerField(null=True)
    p_pos_count = models.SmallIntegerField(null=True)
    marks = models.SmallIntegerField(default=0)

    class Meta(_OfAMeter.Meta):
        indexes = [
            # The few meters of a month whose daily rows do not suffice.
            models.Index(
                fields=["tenant", "day", "meter_id"],
                condition=~models.Q(plain=True, follows=True),
                name="readings_daily_odd",
            )
        ]

    def __str__(self) -> str:
        return f"meter {self.meter_id} on {self.day}"


class DirtyDay(_OfAMeter):
    """A local day whose readings changed since its daily row was made.

    Written by the statement that changed them (`readings.marks`).
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day")
    day = models.DateField()

    def __str__(self) -> str:
        return f"meter {self.meter_id} on {self.day}"


class PerformanceDay(_OfAMeter):
    """Readings expected and received of a meter on a local day; what can't be had later.

    A slot is an interval of the meter, counted in UTC. method: the origin of most readings.
    received: slots with a reading; received_network: by radio, not filled in later; timely: of
    these the ones that came in time. expected: None until the day was closed.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day")
    day = models.DateField()
    interval_s = models.IntegerField()
    expected = models.SmallIntegerField(null=True)
    received = models.SmallIntegerField(default=0)
    received_network = models.SmallIntegerField(default=0)
    timely = models.SmallIntegerField(default=0)
    method = models.SmallIntegerField(choices=Origin, null=True)

    def __str__(self) -> str:
        return f"meter {self.meter_id} on {self.day}: {self.received} of {self.expected}"


class HeardDay(_OfAMeter):
    """How often and how well a collector heard a meter on a local day."""

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day", "collector_id")
    day = models.DateField()
    collector_id = models.IntegerField()
    telegrams = models.IntegerField()
    best_rssi_dbm = models.SmallIntegerField(null=True)

    def __str__(self) -> str:
        return f"meter {self.meter_id} by {self.collector_id} on {self.day}"


class Finding(_OfAMeter):
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

    class Meta(_OfAMeter.Meta):
        # The utility's newest findings, whichever the meter.
        indexes = [models.Index(fields=["tenant", "-ts"], name="readings_finding_new")]

    def __str__(self) -> str:
        return f"rule {self.rule} of meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class GreatestDay(_OfAMeter):
    """The most a meter ever counted in a local day, by register: what a spike is told by.

    greatest: base units in the order of `readings.daily.COUNTING`, NULL where never told. days:
    how many days have been looked at; through: the newest of them.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id")
    days = models.IntegerField()
    through = models.DateField()
    greatest = ArrayField(models.BigIntegerField(null=True))

    def __str__(self) -> str:
        return f"greatest day of meter {self.meter_id}"


class Version(_OfAMeter):
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


class BilledValue(_OfAMeter):
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

    class Meta(_OfAMeter.Meta):
        indexes = [models.Index(fields=["tenant", "export_id"], name="readings_billed_export")]

    def __str__(self) -> str:
        return f"{self.register} of meter {self.meter_id} in export {self.export_id}"


class ReadingPlan(_OfAMeter):
    """How and how often a meter was read, from a local day on until the next row's."""

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "first_day")
    first_day = models.DateField()
    interval_s = models.IntegerField()
    method = models.SmallIntegerField(choices=Origin, null=True)

    def __str__(self) -> str:
        return f"meter {self.meter_id} every {self.interval_s} s from {self.first_day}"


class PlannedExchange(TenantModel):
    """A meter exchange prepared before the visit. It changes nothing that is measured: a note of
    what is to be done until the exchange itself is entered, or given up.

    new_meter: None until somebody chooses it; it is kept for this place meanwhile.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    installation = TenantForeignKey(Installation, models.CASCADE, related_name="+")
    new_meter = TenantForeignKey(Meter, models.CASCADE, null=True, related_name="+")
    planned_on = models.DateField()
    note = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    planned_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "installation"],
                condition=models.Q(state="planned"),
                name="readings_planned_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "new_meter"],
                condition=models.Q(state="planned"),
                name="readings_planned_meter",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "planned_on"],
                condition=models.Q(state="planned"),
                name="readings_planned_day",
            ),
        ]

    def __str__(self) -> str:
        return f"exchange of installation {self.installation_id} on {self.planned_on}"


class ErasureCertificate(TenantModel):
    """What was erased of a former resident, for the file and for the person who asked.

    Names nobody: the customer is told by number. counts: {what: how many rows}. customer_fate:
    what became of the customer's own row, "" in certificates made before this was noted.
    """

    class Fate(models.TextChoices):
        """What becomes of the customer's name, address of e-mail and telephone number."""

        ERASED = "erased", _("Name, e-mail and telephone number were erased; the number stays.")
        LIVES = "lives", _("Name, e-mail and telephone number stay: still a customer.")
        PERIODS = (
            "periods",
            _("Name, e-mail and telephone number stay: another time of theirs is not erased."),
        )
        BILLED = (
            "billed",
            _(
                "Name, e-mail and telephone number stay with the bills, as the law on bookkeeping "
                "wants."
            ),
        )

    supply_point_id = models.IntegerField()
    place = models.CharField(max_length=200)
    customer_number = models.CharField(max_length=40)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    request = models.CharField(max_length=200)  # the utility's reference of the request
    counts = models.JSONField()
    kept_billed = models.IntegerField()
    erased_at = models.DateTimeField()
    actor_name = models.CharField(max_length=254)
    customer_fate = models.CharField(max_length=8, blank=True, default="", db_default="")

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "supply_point_id"], name="readings_erasure_place")
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk} at {self.place}"

    @property
    def fate(self) -> str:
        """The customer's fate in words."""
        return str(self.Fate(self.customer_fate).label) if self.customer_fate else ""


class KeptReading(_OfAMeter):
    """A reading that was billed: neither thinning nor the end of keeping takes it.

    Whoever exports values for billing writes their readings here, and takes them out again when
    the export itself is forgotten.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "ts")
    ts = models.DateTimeField()

    def __str__(self) -> str:
        return f"meter {self.meter_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class Upkeep(models.Model):
    """How long a utility keeps its readings, and how far that has been carried out.

    full_months: every reading; after them one a meter and local day; after keep_months none.
    thinned_before, gone_before: local days before these have been, or are just being, thinned or
    removed; they only move forward. zone: the time zone that the daily rows' days are of.
    """

    tenant = models.OneToOneField(
        Tenant, models.DO_NOTHING, db_constraint=False, related_name="+", primary_key=True
    )
    full_months = models.SmallIntegerField(default=FULL_MONTHS)
    keep_months = models.SmallIntegerField(default=KEEP_MONTHS)
    thinned_before = models.DateField(null=True)
    gone_before = models.DateField(null=True)
    zone = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(full_months__gte=1, keep_months__gte=models.F("full_months")),
                name="readings_upkeep_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.full_months} of {self.keep_months} months in full"


class _Outdoors(models.Model):
    """What the utility says of the weather over its town: no meter's, and nobody's personal data.

    temperature: the mean of the hour or day, 0.01 °C. Small tables, whose key answers every
    question; what is not known has no row.
    """

    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    temperature = models.SmallIntegerField()

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class OutdoorHour(_Outdoors):
    """The hour that begins at `ts`."""

    pk = models.CompositePrimaryKey("tenant_id", "ts")
    ts = models.DateTimeField()


class OutdoorDay(_Outdoors):
    """A day of the utility's calendar, where only days are known; it counts before its hours."""

    pk = models.CompositePrimaryKey("tenant_id", "day")
    day = models.DateField()
