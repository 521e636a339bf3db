"""The utility that a page is asked for, typed."""

from django.http import Http404, HttpRequest

from ready.tenancy.models import Tenant


def tenant_of(request: HttpRequest) -> Tenant:
    """The utility of the address, set by TenantMiddleware for a member; else 404."""
    tenant = getattr(request, "tenant", None)
    if not isinstance(tenant, Tenant):
        raise Http404
    return tenant
