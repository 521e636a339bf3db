"""How long readings are kept, and what was erased on request."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ready.tenancy.models import Tenant, TenantManager, TenantModel

# What READY promises unless a utility decides otherwise: all readings, then one a meter and day.
FULL_MONTHS = 13
KEEP_MONTHS = 60


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


class ErasureCertificate(TenantModel):
    """What was erased of a former resident, for the file and for the person who asked.

    Names nobody: the customer is told by number. counts: {what: how many rows}. customer_fate:
    what became of the customer's own row, "" in certificates made before this was noted.
    parts: which meter's readings of when were erased, [{"meter", "start", "end"}, …] with instants
    in ISO 8601, as it was then; what comes of them since goes by these and not by who is said to
    have been mounted there later. None in certificates made before this was noted: nothing is
    erased again by those.
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
    parts = models.JSONField(null=True, default=None)

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
