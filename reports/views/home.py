"""Home: the morning page."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from ready.policy import access
from ready.tenancy.requests import tenant_of
from reports.queries import morning


@access("meters.view")
@require_GET
def home(request: HttpRequest, tenant: str) -> HttpResponse:
    """The morning page."""
    zone = ZoneInfo(tenant_of(request).zone)
    return render(request, "reports/home.html", {"morning": morning(timezone.now(), zone)})
