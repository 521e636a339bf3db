"""The meter list, its export, and one meter's page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from meters import queries
from meters.models import Meter
from meters.values import shown_values
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment, list_part


def _list_state(request: HttpRequest) -> ListState:
    return ListState.parse(
        request.GET, queries.LIST_COLUMNS, sort=queries.DEFAULT_SORT, filters=("show",)
    )


@access("meters.view")
@require_GET
def meter_list(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's meters; htmx fetches the same table again by itself."""
    now = timezone.now()
    state = _list_state(request)
    counts = queries.counts(now)
    show = state.filters.get("show", "")
    context = {
        "page": queries.meter_list(state, now, tenant_of(request).energy_unit, counts),
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
        return list_part(request, "meters/_list.html", context, state.here)
    return render(request, "meters/list.html", context)


@access("meters.export")
@require_GET
def export(request: HttpRequest, tenant: str) -> HttpResponse:
    """The list as CSV: the same columns, rows and order, all pages."""
    utility = tenant_of(request)
    now = timezone.now()
    rows = queries.exported_meters(_list_state(request), now, utility.energy_unit)
    head: list[object] = []
    for column in queries.LIST_COLUMNS:
        head.append(column.label)
        if column.key == "value":
            head[-1:] = [_("Newest register"), _("Newest value"), _("Unit")]
    return csv_file(
        f"{utility.slug}-{_('meters')}-{timezone.localdate(now)}.csv",
        head,
        (
            (
                row.customer,
                row.address,
                row.postal_code,
                row.customer_number,
                row.meter_type,
                row.serial,
                row.label,
                "; ".join(sign.words for sign in row.signs),
                row.value.register.code if row.value else "",
                row.value.plain if row.value else "",
                row.value.unit.name if row.value else "",
                # An instant in a file carries its offset: nobody can ask the file for its zone.
                timezone.localtime(row.read_at).isoformat(" ", "seconds") if row.read_at else "",
            )
            for row in rows
        ),
    )


def _meter_page(pk: int) -> queries.MeterPage:
    try:
        return queries.meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None


@access("meters.view")
@require_GET
def detail(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """One meter: where it is, how it stands, its newest values; other apps fill the rest."""
    page = _meter_page(pk)
    context = {
        "page": page,
        "tab": "overview",
        "values": shown_values(page.values, tenant_of(request).energy_unit),
        "history": queries.installation_history(pk),
    }
    return render(request, "meters/detail.html", context)


@access("meters.view")
@require_GET
def values(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The part of the page that changes with every telegram: state and newest values."""
    page = _meter_page(pk)
    context = {
        "page": page,
        "values": shown_values(page.values, tenant_of(request).energy_unit),
        "oob": True,
    }
    return render(request, "meters/_values.html", context)
