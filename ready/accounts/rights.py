"""Whose rights: from the database to the policy, each time anew, so that a change acts at once."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.http import HttpRequest

from ready.accounts.models import Membership, MembershipGroup, RolePermission
from ready.policy import CHANGEABLE, WITHIN_GROUPS, Rights, Role, held_by
from ready.tenancy.context import current_tenant_id, groups_context


def codes_of(role: Role) -> frozenset[str]:
    """What a role may do in the current utility, its administrators' changes included."""
    if role not in CHANGEABLE:
        return held_by(role, {})  # fixed: spares the query
    rows = RolePermission.objects.filter(role=role).values_list("code", "held")
    return held_by(role, dict(rows))


def rights_in(membership: Membership) -> Rights:
    """A member's rights; call inside the membership's own utility."""
    role = Role(membership.role)
    if not membership.limited:
        return Rights(codes_of(role), role=role)
    groups = MembershipGroup.objects.filter(membership_id=membership.pk)
    return Rights(
        codes_of(role) & WITHIN_GROUPS,
        role=role,
        groups=frozenset(groups.values_list("group_id", flat=True)),
    )


@contextmanager
def seen_with(rights: Rights) -> Iterator[None]:
    """Let the database show no more than the meters that the rights are limited to, if they are.

    Whoever acts with somebody's rights in their utility does it inside this.
    """
    with nullcontext() if rights.groups is None else groups_context(rights.groups):
        yield


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
