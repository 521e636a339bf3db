"""What is done to the meters that are ticked in the list: each act says what it will do first."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from meters import groups
from meters.editing import NEVER_HEARD, change_meters, delete_meters
from meters.forms import EditMetersForm
from meters.requests import fill_group, group_of, sees_customers
from meters.selection import Chosen
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.web.formats import number


def _back(tenant: str, chosen: Chosen) -> HttpResponse:
    query = chosen.query if chosen.query != "?" else ""
    return redirect(reverse("meters:list", args=[tenant]) + query)


def _chosen(request: HttpRequest, now: datetime) -> tuple[Chosen, QuerySet[Any]]:
    chosen = Chosen.of(request.POST, customers=sees_customers(request))
    return chosen, chosen.meters(now)


@access("groups.edit")
@require_POST
def add(request: HttpRequest, tenant: str) -> HttpResponse:
    """Put the ticked meters into a group: one that is there, or a new one by its name."""
    chosen, meters = _chosen(request, timezone.now())
    fill_group(request, meters)
    return _back(tenant, chosen)


@access("groups.edit")
@require_POST
def remove(request: HttpRequest, tenant: str) -> HttpResponse:
    """Take the ticked meters out of a group."""
    chosen, meters = _chosen(request, timezone.now())
    group = group_of(request)
    try:
        went = groups.remove_from_group(group=group, meters=meters, actor=actor_of(request))
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return _back(tenant, chosen)
    messages.success(
        request,
        ngettext(
            "%(count)s meter is removed from “%(group)s”.",
            "%(count)s meters are removed from “%(group)s”.",
            went,
        )
        % {"count": number(went), "group": group},
    )
    return _back(tenant, chosen)


@access("meters.edit")
@require_POST
def edit(request: HttpRequest, tenant: str) -> HttpResponse:
    """Correct the ticked meters together; asks first (confirm=1 does it)."""
    chosen, meters = _chosen(request, timezone.now())
    form = EditMetersForm(request.POST if "confirm" in request.POST else None)
    if form.is_valid():
        wanted = form.wanted()
        if wanted:
            count = change_meters(meters=meters, actor=actor_of(request), **wanted)
            messages.success(
                request,
                ngettext("%(count)s meter is changed.", "%(count)s meters are changed.", count)
                % {"count": number(count)},
            )
            return _back(tenant, chosen)
        form.add_error(None, _("Fill in at least one field."))
    context = {"form": form, "chosen": chosen, "count": meters.count()}
    status = 400 if form.errors else 200
    return render(request, "meters/edit_many.html", context, status=status)


@access("meters.delete")
@require_POST
def delete(request: HttpRequest, tenant: str) -> HttpResponse:
    """Delete the ticked meters that were never heard; asks first (confirm=1 does it)."""
    chosen, meters = _chosen(request, timezone.now())
    if "confirm" not in request.POST:
        count = meters.count()
        going = meters.filter(NEVER_HEARD).order_by("number", "pk")
        context = {
            "chosen": chosen,
            "count": count,
            "going": (deletable := going.count()),
            "staying": count - deletable,
            "names": [str(one) for one in going[:20]],
        }
        return render(request, "meters/delete_many.html", context)
    went, stayed = delete_meters(meters=meters, actor=actor_of(request))
    messages.success(
        request,
        ngettext("%(count)s meter is deleted.", "%(count)s meters are deleted.", went)
        % {"count": number(went)},
    )
    if stayed:
        messages.warning(
            request,
            ngettext(
                "%(count)s meter was heard and stays, because its readings are kept.",
                "%(count)s meters were heard and stay, because their readings are kept.",
                stayed,
            )
            % {"count": number(stayed)},
        )
    return redirect(reverse("meters:list", args=[tenant]))
