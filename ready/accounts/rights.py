"""Whose rights: from the database to the policy, each time anew, so that a change acts at once."""

from django.http import HttpRequest

from ready.accounts.models import Membership, MembershipGroup, RolePermission
from ready.policy import CHANGEABLE, Rights, Role, held_by
from ready.tenancy.context import current_tenant_id


def codes_of(role: Role) -> frozenset[str]:
    """What a role may do in the current utility, its administrators' changes included."""
    if role not in CHANGEABLE:
        return held_by(role, {})  # fixed: spares the query
    rows = RolePermission.objects.filter(role=role).values_list("code", "held")
    return held_by(role, dict(rows))


def rights_in(membership: Membership) -> Rights:
    """A member's rights; call inside the membership's own utility."""
    role = Role(membership.role)
    groups = None
    if membership.limited:
        groups = frozenset(
            MembershipGroup.objects.filter(membership_id=membership.pk).values_list(
                "group_id", flat=True
            )
        )
    # Lists and pages do not narrow by groups, so a limited member gets nothing rather than all.
    codes = frozenset[str]() if membership.limited else codes_of(role)
    return Rights(codes, role=role, groups=groups)


def rights_of(user_id: int) -> Rights | None:
    """A person's rights in the current utility now; None for who is no (longer a) member of it.

    For work that began earlier: a queued export, a job, a token acts with what its person may do
    when it runs.
    """
    membership = Membership.objects.filter(
        tenant_id=current_tenant_id(), user_id=user_id, disabled_at=None, user__is_active=True
    ).first()
    return None if membership is None else rights_in(membership)


def rights_for(request: HttpRequest) -> Rights | None:
    """What whoever asks may do in the utility of the address; None outside one."""
    found = getattr(request, "rights", None)
    return found if isinstance(found, Rights) else None
