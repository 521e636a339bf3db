"""What hangs under the search field as a person types."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ready.accounts.rights import rights_for
from ready.policy import access
from ready.tenancy.requests import tenant_of
from reports.searching import search


@access("meters.view")
@require_GET
def found(request: HttpRequest, tenant: str) -> HttpResponse:
    """Meters, customers, addresses, groups, collectors and telegrams, a few of each."""
    words = request.GET.get("q", "").strip()
    kinds = search(words, tenant_of(request).slug, rights_for(request))
    return render(request, "reports/_search.html", {"kinds": kinds, "words": words})
