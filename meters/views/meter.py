"""One meter's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from meters.requests import meter_page_of
from meters.values import shown_values
from ready.accounts.units import units_of
from ready.policy import access


@access("meters.view")
@require_GET
def detail(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """One meter: where it is, how it stands, its newest values; other apps fill the rest."""
    page = meter_page_of(pk)
    context = {
        "page": page,
        "tab": "overview",
        "values": shown_values(page.values, units_of(request)),
    }
    return render(request, "meters/detail.html", context)


@access("meters.view")
@require_GET
def values(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The part of the page that changes with every telegram: state and newest values."""
    page = meter_page_of(pk)
    context = {
        "page": page,
        "values": shown_values(page.values, units_of(request)),
        "oob": True,
    }
    return render(request, "meters/_values.html", context)
