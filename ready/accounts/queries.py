"""Who works for a utility."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from ready.accounts.models import Membership
from ready.accounts.rights import codes_of
from ready.policy import PERMISSIONS, Role
from ready.tenancy.context import current_tenant_id


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the current utility; times are None where there are none yet."""

    name: str
    email: str
    role: str  # in the reader's language
    since: datetime
    logged_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Right:
    """A permission, and for each role in the order of `Role` whether it holds it."""

    label: Promise | str
    roles: Sequence[bool]


def members() -> list[Member]:
    """Everybody in the current utility, by name."""
    rows = (
        Membership.objects.select_related("user")
        .filter(tenant_id=current_tenant_id())
        .order_by("user__name", "user__email")
    )
    return [
        Member(
            name=str(row.user),
            email=row.user.email,
            role=row.get_role_display(),
            since=row.created_at,
            logged_in_at=row.user.last_login,
        )
        for row in rows
    ]


def rights() -> list[Right]:
    """What each role may do in the current utility, for reading."""
    held = [codes_of(role) for role in Role]
    return [
        Right(permission.label, [code in codes for codes in held])
        for code, permission in PERMISSIONS.items()
    ]
