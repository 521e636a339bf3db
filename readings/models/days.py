"""A meter's local days: what it counted, how well it was read and heard."""

from datetime import date
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from readings.models.reading import Origin
from readings.models.series import OfAMeter
from ready.tenancy.models import Tenant, TenantManager


class DailyReading(OfAMeter):
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

    class Meta(OfAMeter.Meta):
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


class DirtyDay(OfAMeter):
    """A local day whose readings changed since its daily row was made.

    Written by the statement that changed them (`readings.marks`).
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day")
    day = models.DateField()

    def __str__(self) -> str:
        return f"meter {self.meter_id} on {self.day}"


class Taking(models.Model):
    """How far marks (`DirtyDay`) of a utility have been taken away: what `readings.standing` asks.

    newest: the newest local day that a mark was taken of since there is this row; written by the
    statement that takes marks (`readings.standing.take`). token: at random, one row's. The table is
    unlogged: after a crash, which may take marks back with their commits, it is empty, and
    the next row has another token.
    """

    tenant = models.OneToOneField(
        Tenant, models.DO_NOTHING, db_constraint=False, related_name="+", primary_key=True
    )
    token = models.UUIDField(default=uuid4)
    newest = models.DateField(default=date.min)

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"marks of utility {self.tenant_id} taken to {self.newest}"


class PerformanceDay(OfAMeter):
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


class HeardDay(OfAMeter):
    """How often and how well a collector heard a meter on a local day."""

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "day", "collector_id")
    day = models.DateField()
    collector_id = models.IntegerField()
    telegrams = models.IntegerField()
    best_rssi_dbm = models.SmallIntegerField(null=True)

    def __str__(self) -> str:
        return f"meter {self.meter_id} by {self.collector_id} on {self.day}"


class GreatestDay(OfAMeter):
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


class ReadingPlan(OfAMeter):
    """How and how often a meter was read, from a local day on until the next row's."""

    pk = models.CompositePrimaryKey("tenant_id", "meter_id", "first_day")
    first_day = models.DateField()
    interval_s = models.IntegerField()
    method = models.SmallIntegerField(choices=Origin, null=True)

    def __str__(self) -> str:
        return f"meter {self.meter_id} every {self.interval_s} s from {self.first_day}"
