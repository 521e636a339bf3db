"""Consumption reports: the page and its file."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from meters import listing
from meters.models import MeterGroup
from meters.requests import fill_group, sees_customers
from ready.accounts.rights import rights_for
from ready.policy import access, can
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment
from reports.consumption import Question, every_row, found_meters, media, report
from reports.forms import ConsumptionForm, periods

_FILTERS = ("medium", "group", "first", "last", "register", "side", "limit")


@access("reports.view")
@require_GET
def consumption(request: HttpRequest, tenant: str) -> HttpResponse:
    """What each place used in a period; htmx fetches the table again by itself."""
    groups = listing.groups()
    form, question = _asked(request, groups)
    context: dict[str, Any] = {"form": form}
    if question is not None:
        state = _state(request, question)
        context |= {
            "question": question,
            "state": state,
            "report": report(question, state),
            "hand_groups": [one for one in groups if one.kind == MeterGroup.Kind.HAND],
            "periods": [
                (
                    label,
                    state.url(first=first.isoformat(), last=last.isoformat()),
                    (first, last) == (question.first, question.last),
                )
                for label, first, last in periods(timezone.localdate())
            ],
        }
    fragment = is_fragment(request) and question is not None
    template = "reports/_consumption.html" if fragment else "reports/consumption.html"
    # Where no meter counts anything there was nothing to ask wrongly.
    wrong = form.errors and form.fields["medium"].choices  # type: ignore[attr-defined]
    return render(request, template, context, status=400 if wrong else 200)


@access("reports.export")
@require_GET
def export_consumption(request: HttpRequest, tenant: str) -> HttpResponse:
    """The report as CSV: the same rows, columns and order, all pages; with each value's quality."""
    _form, question = _asked(request, listing.groups())
    if question is None:
        raise Http404
    head: list[object] = []
    for column in question.columns:
        head.append(column.label)
        if column.numeric:
            head.append(_("Quality"))
    name = f"{tenant}-{_('consumption')}-{question.first}-{question.last}.csv"
    rows = every_row(question, _state(request, question))
    return csv_file(
        name,
        head,
        (
            (
                row.address,
                *((row.customer,) if question.customers else ()),
                row.meter_type,
                row.serial,
                question.medium.label,
                *(cell for one in row.amounts for cell in (one.plain, one.quality_text)),
            )
            for row in rows
        ),
    )


@access("groups.edit")
@require_POST
def group_found(request: HttpRequest, tenant: str) -> HttpResponse:
    """Put the meters of the report's places, all pages, into a group, new or there already."""
    # Which meters used much is the report's to tell.
    if not can(rights_for(request), "reports.view"):
        raise PermissionDenied
    _form, question = _asked(request, listing.groups())
    if question is None:
        raise Http404
    fill_group(request, found_meters(question))
    return redirect(f"{reverse('reports:consumption', args=[tenant])}?{request.GET.urlencode()}")


def _asked(
    request: HttpRequest, groups: Sequence[MeterGroup]
) -> tuple[ConsumptionForm, Question | None]:
    """The form as it was filled in, and what it asks; None where it cannot be answered."""
    utility = tenant_of(request)
    form = ConsumptionForm(
        request.GET, tenant=utility, media=media(), groups=groups, today=timezone.localdate()
    )
    if not form.fields["medium"].choices or not form.is_valid():  # type: ignore[attr-defined]
        return form, None
    question = form.question(ZoneInfo(utility.zone))
    return form, replace(question, customers=sees_customers(request))


def _state(request: HttpRequest, question: Question) -> ListState:
    return ListState.parse(
        request.GET, question.columns, sort=question.default_sort, filters=_FILTERS
    )
