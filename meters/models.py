"""What is installed where: places, customers, meters, their keys and their newest values."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.sorting import SearchText, SortKey
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant, TenantForeignKey, TenantManager, TenantModel


class RegisterColumns(models.Model):
    """The registers of `meters.registers` as columns, in base units; NULL where not told.

    Ordered as PostgreSQL packs them best: 8-byte columns, then 4-byte ones.
    """

    e1 = models.BigIntegerField(null=True)
    e2 = models.BigIntegerField(null=True)
    e3 = models.BigIntegerField(null=True)
    v1 = models.BigIntegerField(null=True)
    v2 = models.BigIntegerField(null=True)
    a_pos = models.BigIntegerField(null=True)
    a_neg = models.BigIntegerField(null=True)
    r_pos = models.BigIntegerField(null=True)
    r_neg = models.BigIntegerField(null=True)
    in_a = models.BigIntegerField(null=True)
    in_b = models.BigIntegerField(null=True)
    info = models.BigIntegerField(null=True)
    e8 = models.IntegerField(null=True)
    e9 = models.IntegerField(null=True)
    flow1 = models.IntegerField(null=True)
    flow2 = models.IntegerField(null=True)
    power1 = models.IntegerField(null=True)
    p_pos = models.IntegerField(null=True)
    p_neg = models.IntegerField(null=True)
    t1 = models.IntegerField(null=True)
    t2 = models.IntegerField(null=True)
    t3 = models.IntegerField(null=True)
    t4 = models.IntegerField(null=True)
    t_water = models.IntegerField(null=True)
    t_ambient = models.IntegerField(null=True)
    p1 = models.IntegerField(null=True)
    p2 = models.IntegerField(null=True)
    hours = models.IntegerField(null=True)
    # What no column holds exactly: {"CODE": [mantissa, exponent, "unit"]}.
    extra = models.JSONField(null=True)

    class Meta:
        abstract = True


class Customer(TenantModel):
    """Who is billed. Personal data: the utility's responsibility (seed R78)."""

    number = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    name_key = SortKey.stored("name")
    number_key = SortKey.stored("number")
    search_text = SearchText.stored("name", "number")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="meters_customer_number")
        ]
        indexes = [
            # The meter list reads its first pages straight from these (meters.listing).
            models.Index(fields=["tenant", "name_key"], name="meters_customer_name_key"),
            models.Index(fields=["tenant", "number_key"], name="meters_customer_number_key"),
        ]

    def __str__(self) -> str:
        return self.name


class SupplyPoint(TenantModel):
    """A place that is supplied. Consumption lives here, meters come and go."""

    customer = TenantForeignKey(Customer, models.SET_NULL, null=True, related_name="+")
    street = models.CharField(max_length=120)
    postal_code = models.CharField(max_length=12, blank=True)
    city = models.CharField(max_length=80, blank=True)
    label = models.CharField(max_length=80, blank=True)
    # Millionths of a degree, WGS 84: exact, and about 0.1 m.
    latitude = models.IntegerField(null=True)
    longitude = models.IntegerField(null=True)
    street_key = SortKey.stored("street")
    search_text = SearchText.stored("street", "postal_code", "city", "label")

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "customer"], name="meters_place_customer"),
            models.Index(fields=["tenant", "street"], name="meters_place_street"),
            models.Index(fields=["tenant", "street_key"], name="meters_place_street_key"),
            models.Index(fields=["tenant", "postal_code", "id"], name="meters_place_postal_code"),
            models.Index(fields=["tenant", "label", "id"], name="meters_place_label"),
            models.Index(fields=["tenant", "latitude", "longitude"], name="meters_place_position"),
        ]

    def __str__(self) -> str:
        return self.street


class Medium(models.TextChoices):
    """What a meter measures."""

    HEAT = "heat", _("Heat")
    COOLING = "cooling", _("Cooling")
    HEAT_COOLING = "heat_cooling", _("Heat and cooling")
    WATER = "water", _("Water")
    ELECTRICITY = "electricity", _("Electricity")
    PRESSURE = "pressure", _("Pressure")
    OTHER = "other", _("Other")


# A priority meter keeps a reading every five minutes (seed N2).
PRIORITY_INTERVAL_S = 300


class Meter(TenantModel):
    """A meter: tenant, manufacturer and 8-digit number; version and type are learned.

    `manufacturer` is the identity's: KAM also for those that call themselves KAW.
    """

    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=8)
    version = models.SmallIntegerField(null=True)
    device_type = models.SmallIntegerField(null=True)
    meter_type = models.CharField(max_length=60, blank=True)
    medium = models.CharField(max_length=16, choices=Medium, default=Medium.OTHER)
    # Of several readings in one interval the earliest is kept; 300 for a priority meter.
    interval_s = models.IntegerField(default=3600)
    in_stock = models.BooleanField(default=False)
    # Whether it is in any group: kept by `meters.groups`, so that the few that are in none are
    # counted from an index.
    grouped = models.BooleanField(default=False)
    # The import that made it known; all meters of one import bear the same instant.
    imported_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    search_text = SearchText.stored("number", "meter_type", "manufacturer")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "manufacturer", "number"], name="meters_meter_identity"
            ),
            models.CheckConstraint(
                condition=models.Q(interval_s__gte=60), name="meters_meter_interval"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "number"], name="meters_meter_number"),
            models.Index(fields=["tenant", "meter_type", "id"], name="meters_meter_type"),
            # Counted on every list page (meters.listing.counts); few meters are either.
            models.Index(
                fields=["tenant", "id"], condition=models.Q(in_stock=True), name="meters_in_stock"
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(interval_s=PRIORITY_INTERVAL_S),
                name="meters_priority",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(grouped=False),
                name="meters_ungrouped",
            ),
            models.Index(
                fields=["tenant", "imported_at"],
                condition=models.Q(imported_at__isnull=False),
                name="meters_imported",
            ),
            # The map tells these few from the others.
            models.Index(
                fields=["tenant", "id"],
                condition=~models.Q(manufacturer="KAM"),
                name="meters_other_make",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(medium="cooling"),
                name="meters_cooling",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.number}"


class GroupColour(models.TextChoices):
    """A group's colour: a token of static/css/tokens.css (--group-…)."""

    GREY = "grey", _("Grey")
    BLUE = "blue", _("Blue")
    TEAL = "teal", _("Teal")
    GREEN = "green", _("Green")
    OCHRE = "ochre", _("Ochre")
    RED = "red", _("Red")
    PINK = "pink", _("Pink")
    VIOLET = "violet", _("Violet")


class MeterGroup(TenantModel):
    """Meters under a name; a meter may be in any number of groups (seed R38).

    hand: people put meters in. filter: the meters are those that `rule` finds, the query of a
    meter list ("q=holm&medium=heat"); `meters.groups` keeps the members in step with it.
    """

    class Kind(models.TextChoices):
        HAND = "hand", _("By hand")
        FILTER = "filter", _("By a filter")

    name = models.CharField(max_length=80)
    colour = models.CharField(max_length=10, choices=GroupColour, default=GroupColour.GREY)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.HAND)
    rule = models.CharField(max_length=500, blank=True)
    # Number of members, so that a list page need not count them; kept by `meters.groups`.
    size = models.IntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True)  # when the rule was last followed
    created_at = models.DateTimeField(auto_now_add=True)
    name_key = SortKey.stored("name")

    class Meta(TenantModel.Meta):
        constraints = [
            # One name whatever the case of its letters: two groups that look alike are a trap.
            models.UniqueConstraint(fields=["tenant", "name_key"], name="meters_group_name"),
            models.CheckConstraint(
                condition=models.Q(kind="hand", rule="") | models.Q(kind="filter"),
                name="meters_group_rule",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """A meter in a group. No surrogate key: at 100,000 meters this is a large table."""

    pk = models.CompositePrimaryKey("tenant_id", "group_id", "meter_id")
    tenant = models.ForeignKey(
        Tenant,
        models.DO_NOTHING,
        default=current_tenant_id,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    group = TenantForeignKey(MeterGroup, models.DO_NOTHING, related_name="+")
    meter = TenantForeignKey(Meter, models.DO_NOTHING, related_name="memberships")

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["tenant", "meter", "group"], name="meters_member_meter")]

    def __str__(self) -> str:
        return f"meter {self.meter_id} in group {self.group_id}"


class Installation(TenantModel):
    """A meter at a place from one instant to another, with its registers at both ends."""

    supply_point = TenantForeignKey(SupplyPoint, models.PROTECT, related_name="installations")
    meter = TenantForeignKey(Meter, models.CASCADE, related_name="installations")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    # {"e1": 123, …} in base units, as read off at the visit.
    start_registers = models.JSONField(default=dict)
    end_registers = models.JSONField(default=dict)
    # What the meter's display counts its main register in ("MWh", "m³"); "" where nobody said.
    unit = models.CharField(max_length=8, blank=True)
    # What one unit of the register stands for here: a transformer's ratio, a pulse put right.
    factor = models.DecimalField(max_digits=16, decimal_places=8, default=1)
    # {"v1": 500, …} in base units: taken to be used between the former meter's end and this start.
    bridges = models.JSONField(default=dict)
    # The installation that this one ended by a meter exchange.
    replaces = TenantForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "starts_at"], name="meters_installation_start"
            ),
            models.UniqueConstraint(
                fields=["tenant", "meter"],
                condition=models.Q(ends_at=None),
                name="meters_installation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="meters_installation_order",
            ),
            models.UniqueConstraint(
                fields=["tenant", "replaces"], name="meters_installation_replaced_once"
            ),
            models.CheckConstraint(
                condition=models.Q(factor__gt=0), name="meters_installation_factor"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "supply_point"], name="meters_installation_place")
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} at {self.supply_point_id}"


class Occupancy(TenantModel):
    """Who lived at a place from one instant to another: whose personal data its readings are."""

    supply_point = TenantForeignKey(SupplyPoint, models.PROTECT, related_name="occupancies")
    customer = TenantForeignKey(Customer, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "supply_point", "starts_at"], name="meters_occupancy_start"
            ),
            models.UniqueConstraint(
                fields=["tenant", "supply_point"],
                condition=models.Q(ends_at=None),
                name="meters_occupancy_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="meters_occupancy_order",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="meters_occupancy_customer")]

    def __str__(self) -> str:
        return f"customer {self.customer_id} at {self.supply_point_id}"


class MeterKey(TenantModel):
    """A meter's decryption key, sealed (`meters.keys`). The highest version is in force."""

    meter = TenantForeignKey(Meter, models.CASCADE, related_name="keys")
    version = models.IntegerField(default=1)
    sealed = models.BinaryField()
    # Equal keys of a utility have equal ones (`meters.keys.fingerprint`): no key is for two.
    fingerprint = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "version"], name="meters_meterkey_version"
            )
        ]
        indexes = [models.Index(fields=["tenant", "fingerprint"], name="meters_meterkey_equal")]

    def __str__(self) -> str:
        return f"key {self.version} of meter {self.meter_id}"


class KeyImport(TenantModel):
    """A file of keys: first a preview, then imported whole, and perhaps taken back."""

    class Status(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        IMPORTED = "imported", _("Imported")
        TAKEN_BACK = "taken_back", _("Taken back")

    file_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8)
    status = models.CharField(max_length=12, choices=Status, default=Status.PREVIEW)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=254)
    imported_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at"], name="meters_keyimport_time")]

    def __str__(self) -> str:
        return self.file_name


class KeyImportRow(TenantModel):
    """A line of a file of keys. `sealed` is gone as soon as it is imported or given up.

    finding: what was found of it at the preview, see `meters.keyimports.Finding`; version: of the
    key that it became.
    """

    of_import = TenantForeignKey(KeyImport, models.CASCADE, related_name="rows")
    line = models.IntegerField()
    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=40)
    meter = TenantForeignKey(Meter, models.CASCADE, null=True, related_name="+")
    medium = models.CharField(max_length=16, blank=True)
    meter_type = models.CharField(max_length=60, blank=True)
    finding = models.CharField(max_length=12)
    sealed = models.BinaryField(null=True)
    fingerprint = models.BinaryField(null=True)
    # The meter's last telegrams that the key was tried on, and how many of them it opened.
    tried = models.SmallIntegerField(default=0)
    opened = models.SmallIntegerField(default=0)
    version = models.IntegerField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of_import", "line"], name="meters_keyimportrow_line"
            )
        ]
        indexes = [models.Index(fields=["tenant", "meter"], name="meters_keyimportrow_meter")]

    def __str__(self) -> str:
        return f"line {self.line} of import {self.of_import_id}"


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


class MeterAddress(models.Model):
    """Which utilities know a meter address: read before the tenant is known, to route telegrams.

    Two utilities may know the same address; each gets rows of its own.
    """

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    meter = models.ForeignKey(
        Meter, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    manufacturer = models.CharField(max_length=3)
    number = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "manufacturer", "number"], name="meters_address_once"
            )
        ]
        # Routing asks by address alone: this index cannot begin with the tenant.
        indexes = [models.Index(fields=["manufacturer", "number"], name="meters_address_route")]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.number} of tenant {self.tenant_id}"


class ListLayout(TenantModel):
    """The columns that a person wants to see in a list, in their order."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+"
    )
    list_key = models.CharField(max_length=40)
    columns = models.JSONField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "list_key"], name="meters_layout_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.list_key} of {self.user_id}"


class SavedFilter(TenantModel):
    """A list's address under a name: a person's own, or everybody's when shared."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+"
    )
    list_key = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=500)
    shared = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "list_key", "name"], name="meters_savedfilter_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


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


class ReplayWanted(TenantModel):
    """Kept telegrams that are to be worked on once more, and how far that has come.

    Written in the transaction that brings what they waited for; carried out by an idle worker in
    transactions of its own (`collectors.pipeline.replays`). It lies here, low, because meters and
    keys are made here. Fields left empty select nothing away.
    """

    class Because(models.TextChoices):
        METER = "meter"  # it came, or its key
        FORMAT = "format"  # one was learned
        ASKED = "asked"  # by somebody

    because = models.CharField(max_length=8, choices=Because)
    manufacturer = models.CharField(max_length=3, blank=True)
    number = models.CharField(max_length=8, blank=True)
    signature = models.IntegerField(null=True)
    outcome = models.SmallIntegerField(null=True)
    collector_id = models.IntegerField(null=True)
    # UTC days of arrival, both included; a single telegram is its day, batch and item.
    received_from = models.DateField(null=True)
    received_to = models.DateField(null=True)
    batch_id = models.BigIntegerField(null=True)
    item = models.IntegerField(null=True)
    wanted_at = models.DateTimeField(auto_now_add=True)
    # The first transaction that surely sees what came: until all before it have ended, one of
    # them may yet set aside a telegram for want of it.
    not_before = models.BigIntegerField(null=True)
    # The last telegram that is done with.
    done_on = models.DateField(null=True)
    done_batch_id = models.BigIntegerField(null=True)
    done_item = models.IntegerField(null=True)
    attempts = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"replay because {self.because}"
