"""What the page frame needs on every page."""

from typing import Any

from django.http import HttpRequest

from ready.accounts.models import Membership, User
from ready.accounts.navigation import navigation
from ready.accounts.rights import rights_for


def shell(request: HttpRequest) -> dict[str, Any]:
    """The current utility, what can be opened in it, and the others one may switch to."""
    user = getattr(request, "user", None)
    memberships: list[Membership] = []
    if isinstance(user, User):
        memberships = list(
            Membership.objects.select_related("tenant")
            .filter(user=user, disabled_at=None)
            .order_by("tenant__name", "tenant_id")
        )
    return {
        "tenant": getattr(request, "tenant", None),
        "membership": getattr(request, "membership", None),
        "rights": rights_for(request),
        "visit": getattr(request, "visit", None),
        "memberships": memberships,
        "navigation": navigation(request),
    }
