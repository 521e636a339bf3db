"""Home: the morning page."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from ready.accounts.rights import rights_for
from ready.policy import access, can
from ready.tenancy.requests import tenant_of
from reports import performance as performances
from reports.queries import morning


@access("meters.view")
@require_GET
def home(request: HttpRequest, tenant: str) -> HttpResponse:
    """The morning page."""
    zone = ZoneInfo(tenant_of(request).zone)
    keys = bool(can(rights_for(request), "keys.view_state"))
    context = {
        "morning": morning(timezone.now(), zone, keys=keys),
        # Counts of whole collectors are not told by groups of meters.
        "whole": _sees_all(request),
    }
    return render(request, "reports/home.html", context)


@access("reports.view")
@require_GET
def performance(request: HttpRequest, tenant: str) -> HttpResponse:
    """Reading performance beside the morning page: yesterday, and the weeks before it."""
    weeks = performances.weeks(timezone.localdate(), whole=_sees_all(request))
    days = [day for week in weeks for day in week if day is not None]
    context = {"weeks": weeks, "yesterday": days[-1]}
    return render(request, "reports/_performance.html", context)


def _sees_all(request: HttpRequest) -> bool:
    rights = rights_for(request)
    return rights is not None and rights.groups is None
