"""A meter's stored readings: the list, and one of them."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from meters.requests import meter_page_of
from readings.listing import columns_of, instant_of, reading_of, readings_of
from readings.models import Reading
from ready.policy import access
from ready.tenancy.requests import tenant_of


@access("meters.view")
@require_GET
def reading_list(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's stored readings, the newest first."""
    before = request.GET.get("before", "")
    at = instant_of(int(before)) if before.isdecimal() and len(before) < 20 else None
    logged = request.GET.get("show", "") == "log"
    rows = readings_of(pk, tenant_of(request).energy_unit, at, logged=logged)
    columns = columns_of(rows.rows)
    older = f"before={rows.next_key}" + ("&show=log" if logged else "")
    context = {
        "page": meter_page_of(pk),
        "tab": "readings",
        "logged": logged,
        "columns": columns,
        "rows": [(row, [row.value(column.column) for column in columns]) for row in rows],
        "next_url": f"?{older}" if rows.next_key else "",
        "later": at is not None,
    }
    return render(request, "readings/list.html", context)


@access("meters.view")
@require_GET
def reading(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """One reading: every register, how it came and how far it can be trusted."""
    at = instant_of(key)
    if at is None:
        raise Http404
    try:
        row = reading_of(pk, at, tenant_of(request).energy_unit)
    except Reading.DoesNotExist:
        raise Http404 from None
    context = {"page": meter_page_of(pk), "tab": "readings", "row": row}
    return render(request, "readings/detail.html", context)
