"""Home, and reports over many meters."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ready.policy import access


@access("meters.view")
@require_GET
def home(request: HttpRequest, tenant: str) -> HttpResponse:
    """The morning page."""
    return render(request, "reports/home.html")
