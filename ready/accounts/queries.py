"""Who works for a utility."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ready.accounts.models import Invitation, Membership, MembershipGroup
from ready.accounts.proof import FACTORS
from ready.policy import Role
from ready.tenancy.context import current_tenant_id


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the current utility; times are None where there are none yet."""

    user_id: int
    name: str
    email: str
    role: Role
    since: datetime
    logged_in_at: datetime | None
    disabled_at: datetime | None
    second_factor: bool
    limited: bool

    @property
    def role_label(self) -> str:
        """The role in the reader's language."""
        return str(self.role.label)


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was invited and has not come yet."""

    pk: int
    email: str
    role_label: str
    invited_by: str
    expires_at: datetime
    expired: bool


def members() -> Sequence[Member]:
    """Everybody in the current utility, by name."""
    return [_member(row) for row in _rows().order_by("user__name", "user__email")]


def member(user_id: int) -> Member | None:
    """One of them; None for a stranger."""
    row = _rows().filter(user_id=user_id).first()
    return None if row is None else _member(row)


def groups_of(user_id: int) -> frozenset[int]:
    """The groups of meters that a member is limited to."""
    return frozenset(
        MembershipGroup.objects.filter(
            membership__user_id=user_id, membership__tenant_id=current_tenant_id()
        ).values_list("group_id", flat=True)
    )


def invited() -> Sequence[Invited]:
    """Open invitations of the current utility, the newest first."""
    now = timezone.now()
    return [
        Invited(
            row.pk,
            row.email,
            str(Role(row.role).label),
            row.invited_by,
            row.expires_at,
            row.expires_at <= now,
        )
        for row in Invitation.objects.filter(accepted_at=None, revoked_at=None).order_by(
            "-created_at"
        )
    ]


def _rows() -> QuerySet[Membership]:
    return (
        Membership.objects.select_related("user")
        .annotate(
            second_factor=Exists(
                Authenticator.objects.filter(user_id=OuterRef("user_id"), type__in=FACTORS)
            )
        )
        .filter(tenant_id=current_tenant_id())
    )


def _member(row: Membership) -> Member:
    return Member(
        user_id=row.user_id,
        name=str(row.user),
        email=row.user.email,
        role=Role(row.role),
        since=row.created_at,
        logged_in_at=row.user.last_login,
        disabled_at=row.disabled_at,
        second_factor=bool(getattr(row, "second_factor", False)),
        limited=row.limited,
    )
