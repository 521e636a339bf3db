"""What the page frame needs on every page."""

from typing import Any

from django.http import HttpRequest

from ready.accounts.models import Membership, User


def shell(request: HttpRequest) -> dict[str, Any]:
    """The current utility, and the others that the person may switch to."""
    user = getattr(request, "user", None)
    memberships: list[Membership] = []
    if isinstance(user, User):
        memberships = list(
            Membership.objects.select_related("tenant")
            .filter(user=user)
            .order_by("tenant__name", "tenant_id")
        )
    return {
        "tenant": getattr(request, "tenant", None),
        "membership": getattr(request, "membership", None),
        "memberships": memberships,
    }
