"""What views of several apps need of a meter's page."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from meters import groups
from meters.models import GroupColour, Meter, MeterGroup
from meters.queries import MeterPage, meter_page
from ready.accounts.actors import actor_of
from ready.accounts.rights import rights_for
from ready.policy import can
from ready.web.formats import number


def meter_page_of(pk: int) -> MeterPage:
    """The head of a meter's page. Raises Http404 for a meter that is not this utility's."""
    try:
        return meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None


def sees_customers(request: HttpRequest) -> bool:
    """Whether who asks may know who lives where; a visiting operator, for one, may not."""
    return bool(can(rights_for(request), "customers.view"))


def group_of(request: HttpRequest) -> MeterGroup:
    """The group whose id the form posted. Raises Http404 for none of this utility's."""
    text = request.POST.get("group", "")
    known = text.isascii() and text.isdigit() and len(text) <= 9
    group = MeterGroup.objects.filter(pk=int(text)).first() if known else None
    if group is None:
        raise Http404
    found: MeterGroup = group
    return found


def fill_group(request: HttpRequest, meters: QuerySet[Any]) -> None:
    """Put meters into the group that a form names, or into a new one by its name, and tell the
    person how many came or what is wrong. Raises Http404 for a group that is not there."""
    actor = actor_of(request)
    try:
        if request.POST.get("group"):
            group = group_of(request)
        else:
            name = request.POST.get("new_group", "").strip()
            group = groups.create_group(name=name, colour=GroupColour.GREY, actor=actor)
        came = groups.add_to_group(group=group, meters=meters, actor=actor)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return
    messages.success(
        request,
        ngettext(
            "%(count)s meter is added to “%(group)s”.",
            "%(count)s meters are added to “%(group)s”.",
            came,
        )
        % {"count": number(came), "group": group},
    )
