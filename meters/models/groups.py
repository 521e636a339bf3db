"""Groups of meters."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models.meter import Meter
from meters.sorting import SortKey
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant, TenantForeignKey, TenantManager, TenantModel


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
