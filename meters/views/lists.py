"""The meter list and its export."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from meters import listing
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment, list_part


def _list_state(request: HttpRequest) -> ListState:
    return ListState.parse(
        request.GET, listing.LIST_COLUMNS, sort=listing.DEFAULT_SORT, filters=("show",)
    )


@access("meters.view")
@require_GET
def meter_list(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's meters; htmx fetches the same table again by itself."""
    now = timezone.now()
    state = _list_state(request)
    counts = listing.counts(now)
    show = state.filters.get("show", "")
    context = {
        "page": listing.meter_list(state, now, tenant_of(request).energy_unit, counts),
        "state": state,
        "pane": [
            (one.label, counts[one.key], state.url(show=one.key), one.key == show)
            for one in listing.SELECTIONS
        ],
        "shown": next(
            (one.label for one in listing.SELECTIONS if one.key == show),
            listing.SELECTIONS[0].label,
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
    rows = listing.exported_meters(_list_state(request), now, utility.energy_unit)
    head: list[object] = []
    for column in listing.LIST_COLUMNS:
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
