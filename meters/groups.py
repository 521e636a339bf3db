"""Groups of meters: made, changed, filled and emptied; each act with its audit entry.

A group by hand has the meters that people put in. A group by a filter ("dynamic") has those that
its rule finds; its members are rows too, so whoever asks "is this meter in that group?" need not
know the difference. The worker follows the rules again every few minutes (`refresh_groups`), and
so does each change of a rule.

The memberships of one utility change one at a time (an advisory lock until the transaction ends):
only so are `MeterGroup.size` and `Meter.grouped` exact.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.models import GroupColour, GroupMember, MeterGroup
from meters.sorting import SortKey
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id

NAME_MAX = 80
RULE_MAX = 500
_LOCK = 0x47525550  # "GRUP"; the second key is the tenant
# More ids than these are not written into the trail one by one.
_TOLD = 200
# A rule (the query of a list) → the meters it finds; `meters.listing` installs it.
Finder = Callable[[str, datetime], QuerySet[Any]]


def in_groups(group_ids: list[int]) -> Q:
    """The condition of meters that are in any of the groups."""
    return Q(pk__in=GroupMember.objects.filter(group__in=group_ids).values("meter_id"))


def create_group(
    *,
    name: str,
    actor: Actor,
    colour: str = GroupColour.GREY,
    rule: str | None = None,
    find: Finder | None = None,
) -> MeterGroup:
    """Make a group: by hand, or by a filter when `rule` is given (then `find` must be, too).

    Raises ValidationError for a name that is empty, too long or taken, and for a filter that is
    too long.
    """
    _lock()
    name = _name(name)
    _check_rule(rule or "")
    kind = MeterGroup.Kind.HAND if rule is None else MeterGroup.Kind.FILTER
    group: MeterGroup = MeterGroup.objects.create(
        name=name, colour=GroupColour(colour), kind=kind, rule=rule or ""
    )
    if find is not None and rule is not None:
        _follow(group, find, timezone.now())
    record(
        event="group.created",
        actor=actor,
        object_type="group",
        object_id=group.pk,
        object_label=name,
        after={"colour": str(group.colour), "kind": str(kind), "rule": group.rule},
    )
    return group


def change_group(*, group: MeterGroup, name: str, colour: str, actor: Actor) -> None:
    """Give a group another name or colour. Raises ValidationError as `create_group` does."""
    _lock()
    before = {"name": group.name, "colour": str(group.colour)}
    after = {"name": _name(name, but=group.pk), "colour": str(GroupColour(colour))}
    if before == after:
        return
    group.name, group.colour = after["name"], GroupColour(colour)
    group.save(update_fields=["name", "colour"])
    record(
        event="group.changed",
        actor=actor,
        object_type="group",
        object_id=group.pk,
        object_label=group.name,
        before=before,
        after=after,
    )


def change_rule(*, group: MeterGroup, rule: str, find: Finder, actor: Actor) -> None:
    """Give a group by a filter another filter, and follow it at once."""
    if group.kind != MeterGroup.Kind.FILTER:
        raise ValidationError(_("“%(group)s” has no filter.") % {"group": group}, code="kind")
    _check_rule(rule)
    _lock()
    before, group.rule = group.rule, rule
    group.save(update_fields=["rule"])
    _follow(group, find, timezone.now())
    record(
        event="group.rule_changed",
        actor=actor,
        object_type="group",
        object_id=group.pk,
        object_label=group.name,
        before={"rule": before},
        after={"rule": rule},
    )


def delete_group(*, group: MeterGroup, actor: Actor) -> None:
    """Take a group away; its meters stay."""
    _lock()
    number = group.pk
    _drop(number, Q())
    MeterGroup.objects.filter(pk=number).delete()
    record(
        event="group.deleted",
        actor=actor,
        object_type="group",
        object_id=number,
        object_label=group.name,
        before={"colour": str(group.colour), "rule": group.rule, "meters": group.size},
    )


def add_to_group(*, group: MeterGroup, meters: QuerySet[Any], actor: Actor) -> int:
    """Put meters into a group by hand; those in it already stay. How many came."""
    _by_hand(group)
    _lock()
    came = _add(group.pk, meters)
    _tell("group.meters_added", group, came, actor)
    return len(came)


def remove_from_group(*, group: MeterGroup, meters: QuerySet[Any], actor: Actor) -> int:
    """Take meters out of a group by hand. How many went."""
    _by_hand(group)
    _lock()
    went = _drop(group.pk, Q(meter__in=meters.order_by().values("pk")))
    _tell("group.meters_removed", group, went, actor)
    return len(went)


def members_among(*, group: MeterGroup, meter_ids: list[int]) -> set[int]:
    """Which of the meters are in the group already."""
    held = GroupMember.objects.filter(group=group, meter__in=meter_ids)
    return set(held.values_list("meter", flat=True))


def forget_meters(*, meter_ids: list[int]) -> None:
    """Take meters that are about to be deleted out of all their groups."""
    _lock()
    held = GroupMember.objects.filter(meter__in=meter_ids)
    groups = list(held.values_list("group", flat=True).distinct())
    held.delete()
    for group in groups:
        _count(group)


def refresh_groups(*, find: Finder, now: datetime) -> int:
    """Follow the rules of all groups by a filter in this utility again. How many there are."""
    groups = list(MeterGroup.objects.filter(kind=MeterGroup.Kind.FILTER).order_by("pk"))
    if groups:
        _lock()
    for group in groups:
        _follow(group, find, now)
    return len(groups)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, current_tenant_id()])


def _check_rule(rule: str) -> None:
    if len(rule) > RULE_MAX:
        raise ValidationError(_("This filter is too long to be saved."), code="rule")


def _name(name: str, but: int | None = None) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise ValidationError(_("Give the group a name."), code="name")
    if len(name) > NAME_MAX:
        raise ValidationError(
            _("A group's name has at most %(max)s letters.") % {"max": NAME_MAX}, code="name"
        )
    taken = MeterGroup.objects.filter(
        name_key=SortKey(Value(name, output_field=TextField()))
    ).exclude(pk=but)
    if taken.exists():
        raise ValidationError(
            _("There is a group called “%(name)s” already.") % {"name": name}, code="taken"
        )
    return name


def _by_hand(group: MeterGroup) -> None:
    if group.kind != MeterGroup.Kind.HAND:
        raise ValidationError(
            _("The meters of “%(group)s” follow its filter; change the filter instead.")
            % {"group": group},
            code="kind",
        )


def _follow(group: MeterGroup, find: Finder, now: datetime) -> None:
    found = find(group.rule, now)
    _drop(group.pk, ~Q(meter__in=found.order_by().values("pk")))
    _add(group.pk, found)
    MeterGroup.objects.filter(pk=group.pk).update(refreshed_at=now)


def _add(group: int, meters: QuerySet[Any]) -> list[int]:
    try:
        chosen, parameters = meters.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # no meter at all was named
        return []
    tenant = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO meters_groupmember (tenant_id, group_id, meter_id)
                SELECT %s, %s, id FROM ({chosen}) AS chosen (id)
                ON CONFLICT DO NOTHING RETURNING meter_id""",
            [tenant, group, *parameters],
        )
        came = [meter for (meter,) in cursor.fetchall()]
        cursor.execute(
            """UPDATE meters_meter SET grouped = true
               WHERE tenant_id = %s AND id = ANY(%s) AND NOT grouped""",
            [tenant, came],
        )
    if came:
        _count(group)
    return came


def _drop(group: int, which: Q) -> list[int]:
    gone = GroupMember.objects.filter(which, group=group)
    went = list(gone.values_list("meter", flat=True))
    if not went:
        return went
    GroupMember.objects.filter(group=group, meter__in=went).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE meters_meter m SET grouped = false
               WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(went)s) AND NOT EXISTS (
                   SELECT 1 FROM meters_groupmember g
                   WHERE g.tenant_id = %(tenant)s AND g.meter_id = m.id)""",
            {"tenant": current_tenant_id(), "went": went},
        )
    _count(group)
    return went


def _count(group: int) -> None:
    size = GroupMember.objects.filter(group=group).count()
    MeterGroup.objects.filter(pk=group).update(size=size)


def _tell(event: str, group: MeterGroup, meters: list[int], actor: Actor) -> None:
    if not meters:
        return
    told: dict[str, object] = {"count": len(meters)}
    if len(meters) <= _TOLD:
        told["meters"] = sorted(meters)
    record(
        event=event,
        actor=actor,
        object_type="group",
        object_id=group.pk,
        object_label=group.name,
        after=told,
    )
