"""Who acts, as the trail writes it down."""

from django.http import HttpRequest

from ready.accounts.models import User
from ready.audit.services import Actor


def address_of(request: HttpRequest) -> str:
    """The address of the computer that asks; behind a trusted proxy, of the one behind it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def actor_of(request: HttpRequest) -> Actor:
    """The logged-in person and the address of their computer; TypeError for anybody else."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("only a logged-in person acts")
    return Actor(user.pk, user.email, address_of(request))
