"""Who acts, as the trail writes it down."""

from django.http import HttpRequest

from ready.accounts.models import User
from ready.audit.services import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The logged-in person and the address of their computer; TypeError for anybody else."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("only a logged-in person acts")
    return Actor(user.pk, user.email, request.META.get("REMOTE_ADDR", ""))
