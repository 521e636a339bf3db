"""Groups: who is in them, what they count, and that nobody of a neighbour gets in."""

from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from meters import groups
from meters.models import GroupColour, GroupMember, Meter, MeterGroup
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.factories import ACTOR, meter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_aalund(aalund: Tenant) -> Any:
    with tenant_context(aalund.pk):
        yield


def numbers_like(rule: str, now: datetime) -> QuerySet[Any]:
    return Meter.objects.filter(number__contains=rule)


def members(group: MeterGroup) -> set[int]:
    return set(GroupMember.objects.filter(group=group).values_list("meter", flat=True))


def size(group: MeterGroup) -> int:
    group.refresh_from_db()
    return group.size


def grouped(one: Meter) -> bool:
    one.refresh_from_db()
    return one.grouped


def only(*meters: Meter) -> QuerySet[Any]:
    return Meter.objects.filter(pk__in=[one.pk for one in meters])


def test_a_meter_is_in_several_groups_and_leaves_one() -> None:
    one, other = meter(), meter()
    west = groups.create_group(name="West area", colour=GroupColour.TEAL, actor=ACTOR)
    watched = groups.create_group(name="Observation list A", actor=ACTOR)
    assert groups.add_to_group(group=west, meters=only(one, other), actor=ACTOR) == 2
    assert groups.add_to_group(group=west, meters=only(one), actor=ACTOR) == 0
    assert groups.add_to_group(group=watched, meters=only(one), actor=ACTOR) == 1
    assert members(west) == {one.pk, other.pk}
    assert (size(west), size(watched)) == (2, 1)
    assert groups.remove_from_group(group=west, meters=only(one, other), actor=ACTOR) == 2
    assert size(west) == 0
    # One is still watched; the other is in no group any more.
    assert grouped(one)
    assert not grouped(other)
    assert list(Meter.objects.filter(groups.in_groups([west.pk, watched.pk]))) == [one]


def test_each_act_is_in_the_trail() -> None:
    one = meter()
    group = groups.create_group(name="West", actor=ACTOR)
    groups.change_group(group=group, name="West area", colour=GroupColour.RED, actor=ACTOR)
    groups.add_to_group(group=group, meters=only(one), actor=ACTOR)
    groups.remove_from_group(group=group, meters=only(one), actor=ACTOR)
    groups.delete_group(group=group, actor=ACTOR)
    told = AuditEntry.objects.filter(object_type="group").order_by("pk")
    assert [entry.event for entry in told] == [
        "group.created",
        "group.changed",
        "group.meters_added",
        "group.meters_removed",
        "group.deleted",
    ]
    assert told[1].before == {"name": "West", "colour": "grey"}
    assert told[2].after == {"count": 1, "meters": [one.pk]}


def test_deleting_a_group_leaves_its_meters() -> None:
    one = meter()
    group = groups.create_group(name="West", actor=ACTOR)
    groups.add_to_group(group=group, meters=only(one), actor=ACTOR)
    groups.delete_group(group=group, actor=ACTOR)
    assert not MeterGroup.objects.exists()
    assert not GroupMember.objects.exists()
    assert not grouped(one)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "WEST", " west "])
def test_a_name_must_be_there_and_be_its_own(name: str) -> None:
    groups.create_group(name="West", actor=ACTOR)
    with pytest.raises(ValidationError):
        groups.create_group(name=name, actor=ACTOR)
    assert MeterGroup.objects.count() == 1


def test_a_group_by_a_filter_follows_it() -> None:
    one, other = meter(number="11110000"), meter(number="22220000")
    group = groups.create_group(name="Elevens", rule="1111", find=numbers_like, actor=ACTOR)
    assert members(group) == {one.pk}
    assert grouped(one)
    groups.change_rule(group=group, rule="2222", find=numbers_like, actor=ACTOR)
    assert members(group) == {other.pk}
    assert not grouped(one)
    late = meter(number="33332222")
    assert groups.refresh_groups(find=numbers_like, now=timezone.now()) == 1
    assert members(group) == {other.pk, late.pk}
    assert size(group) == 2


def test_nobody_puts_meters_into_a_group_by_a_filter() -> None:
    group = groups.create_group(name="Elevens", rule="1111", find=numbers_like, actor=ACTOR)
    with pytest.raises(ValidationError):
        groups.add_to_group(group=group, meters=only(meter()), actor=ACTOR)
    with pytest.raises(ValidationError):
        groups.remove_from_group(group=group, meters=only(meter()), actor=ACTOR)
    assert size(group) == 0


def test_a_meter_that_goes_leaves_all_its_groups() -> None:
    one, other = meter(), meter()
    west = groups.create_group(name="West", actor=ACTOR)
    east = groups.create_group(name="East", actor=ACTOR)
    for group in (west, east):
        groups.add_to_group(group=group, meters=only(one, other), actor=ACTOR)
    groups.forget_meters(meter_ids=[one.pk])
    assert (size(west), size(east)) == (1, 1)
    assert members(west) == {other.pk}


def test_a_neighbours_meter_never_gets_in(birkelse: Tenant) -> None:
    group = groups.create_group(name="West", actor=ACTOR)
    with tenant_context(birkelse.pk):
        theirs = meter()
    assert groups.add_to_group(group=group, meters=only(theirs), actor=ACTOR) == 0
    assert size(group) == 0
