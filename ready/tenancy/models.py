"""The utility (tenant) and what every model of a utility's own data is made of."""

from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ready.tenancy.context import current_tenant_id
from ready.web.units import QUANTITIES, UnitChoice

M = TypeVar("M", bound=models.Model)


class Tenant(models.Model):
    """One utility. Read before any tenant is set, so it holds nothing but name and customs."""

    class Licence(models.TextChoices):
        DRIVE_BY = "drive_by", _("Drive-by")
        FIXED_NETWORK = "fixed_network", _("Fixed Network")

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, default="Europe/Copenhagen")
    language = models.CharField(max_length=8, default="da")
    licence = models.CharField(max_length=20, choices=Licence, default=Licence.FIXED_NETWORK)
    # The units its people see, where a person chose no other.
    energy_unit = models.CharField(max_length=8, default="MWh")
    volume_unit = models.CharField(max_length=8, default="m³", db_default="m³")
    flow_unit = models.CharField(max_length=8, default="L/h", db_default="L/h")
    power_unit = models.CharField(max_length=8, default="kW", db_default="kW")
    pressure_unit = models.CharField(max_length=8, default="bar", db_default="bar")
    # What the platform allows the utility: numbers of meters, and whether its people get in.
    priority_meters = models.IntegerField(default=50)
    alarm_meters = models.IntegerField(default=5000)
    suspended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # The last transaction that changed what workers remember of the utility's meters and keys.
    registry_version = models.BigIntegerField(default=0, db_default=0, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def units(self) -> UnitChoice:
        """The units of its reports and files, and of pages for people who chose no other."""
        return UnitChoice(**{one: getattr(self, f"{one}_unit") for one in QUANTITIES})


class TenantManager(models.Manager[M]):
    """Rows of the current tenant only; raises UnscopedQuery where there is none."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(tenant_id=current_tenant_id())


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference inside one utility.

    Django can neither build nor check a key of two columns, so the migration makes the real
    constraint (tenant_id, x_id) → (tenant_id, id) and an index that begins with the tenant:
    see `ready.tenancy.operations`.
    """

    def __init__(self, to: Any, on_delete: Any, **options: Any) -> None:
        options["db_constraint"] = False
        options["db_index"] = False
        super().__init__(to, on_delete, **options)


class TenantModel(models.Model):
    """A row that belongs to one utility. `objects` is scoped, also for related look-ups."""

    tenant = models.ForeignKey(
        Tenant,
        models.PROTECT,
        default=current_tenant_id,
        db_constraint=False,
        db_index=False,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[models.Manager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
