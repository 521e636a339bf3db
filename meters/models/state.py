"""A meter's newest values."""

from django.db import models

from meters.models.meter import Meter
from meters.models.registers import RegisterColumns
from ready.tenancy.models import TenantModel


class AnyInForce(models.Func):
    """Whether a list of info codes holds one in force ("leak@7" is over); immutable SQL."""

    template = "jsonb_path_exists(%(expressions)s, '$[*] ? (!(@ like_regex \"@\"))')"
    arity = 1
    output_field = models.BooleanField()


class UtcDay(models.Func):
    """The UTC day of an instant; immutable SQL."""

    template = "(%(expressions)s AT TIME ZONE 'UTC')::date"
    arity = 1
    output_field = models.DateField()


class MeterState(RegisterColumns, TenantModel):
    """A meter's newest values and when and by whom it was last heard; one row a meter.

    Apart from `Meter`, because this row changes at every telegram and that one hardly ever.
    """

    meter = models.OneToOneField(
        Meter, models.CASCADE, db_constraint=False, related_name="state", primary_key=True
    )
    read_at = models.DateTimeField(null=True)  # time of the newest values
    heard_at = models.DateTimeField(null=True)  # last telegram, readable or not
    # Indexed in its place: an index on what every telegram changes would cost each of them more
    # than the row itself, as PostgreSQL then writes to all of the table's indexes.
    heard_on = models.GeneratedField(
        expression=UtcDay("heard_at"), output_field=models.DateField(), db_persist=True
    )
    collector_id = models.IntegerField(null=True)
    rssi_dbm = models.SmallIntegerField(null=True)
    # Info codes in force, by slug, as of read_at.
    conditions = models.JSONField(default=list)
    # A column of its own: under row-level security PostgreSQL keeps its statistics of jsonb to
    # itself, and would read the whole table to find the few.
    has_codes = models.GeneratedField(
        expression=AnyInForce("conditions"), output_field=models.BooleanField(), db_persist=True
    )
    # The highest counter of the link layer that a telegram told, when that one was heard, and a
    # mark of what it said: AES-CTR does not tell a repeated or altered telegram from a true one.
    counter = models.BigIntegerField(null=True)
    counter_at = models.DateTimeField(null=True)
    counter_mark = models.BigIntegerField(null=True)
    # Why the last telegram could not be read: an outcome code; NULL when it could.
    trouble = models.SmallIntegerField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "heard_on"], name="meters_state_heard_on"),
            # The few that need somebody: counted on every list page and on Home.
            models.Index(
                fields=["tenant", "meter"],
                condition=models.Q(has_codes=True),
                name="meters_state_codes",
            ),
            models.Index(
                fields=["tenant", "meter"],
                condition=models.Q(trouble__isnull=False),
                name="meters_state_trouble",
            ),
        ]

    def __str__(self) -> str:
        return f"state of {self.meter_id}"
