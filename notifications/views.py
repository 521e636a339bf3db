"""The info-code overview, and the events of one meter."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from meters.requests import meter_page_of
from notifications import queries
from notifications.events import events_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment, list_part


def _list_state(request: HttpRequest) -> ListState:
    return ListState.parse(
        request.GET, queries.LIST_COLUMNS, sort=queries.DEFAULT_SORT, filters=("show",)
    )


@access("operation.view")
@require_GET
def info_codes(request: HttpRequest, tenant: str) -> HttpResponse:
    """Which meters report info codes, the most important and newest first."""
    state = _list_state(request)
    page, counts = queries.info_code_list(state, timezone.now())
    show = state.filters.get("show", "")
    context = {
        "page": page,
        "state": state,
        "pane": [
            (one.label, counts[one.key], state.url(show=one.key), one.key == show)
            for one in queries.SELECTIONS
        ],
        "shown": next(
            (one.label for one in queries.SELECTIONS if one.key == show),
            queries.SELECTIONS[0].label,
        ),
    }
    if is_fragment(request):
        return list_part(request, "notifications/_info_codes.html", context, state.here)
    return render(request, "notifications/info_codes.html", context)


@access("meters.export")
@require_GET
def export(request: HttpRequest, tenant: str) -> HttpResponse:
    """The same list as CSV, all pages."""
    now = timezone.now()
    rows = queries.exported_info_codes(_list_state(request), now)
    return csv_file(
        f"{tenant_of(request).slug}-{_('info-codes')}-{timezone.localdate(now)}.csv",
        [column.label for column in queries.LIST_COLUMNS],
        (
            (
                timezone.localtime(row.read_at).isoformat(" ", "seconds") if row.read_at else "",
                row.address,
                row.serial,
                row.words,
                "; ".join(row.history),
            )
            for row in rows
        ),
    )


@access("meters.view")
@require_GET
def events(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """What happened at a meter: info codes, exchanges, and what validation found."""
    context = {
        "page": meter_page_of(pk),
        "tab": "events",
        "events": events_of(pk, units_of(request), timezone.now()),
    }
    return render(request, "notifications/events.html", context)
