"""People of a utility: inviting them, their roles, shutting them out.

Every act runs inside the utility's own context, wants the rights of whoever acts, and is written
into the trail. Nobody gives more than they have, changes themselves, or leaves the utility
without an administrator; the last is held under a lock, so that two who demote each other at the
same moment cannot both succeed.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ready.accounts.models import (
    ApiToken,
    ExternalIdentity,
    Invitation,
    Membership,
    MembershipGroup,
    PlatformOperator,
    User,
)
from ready.accounts.rights import codes_of
from ready.audit.services import Actor, record
from ready.policy import Rights, Role
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant

INVITATION_LASTS = timedelta(days=7)
_LOCK = 0x494E5649  # "INVI"; the second key is the tenant


class NotPossible(ValueError):
    """The act breaks a rule about people; the message is for people."""


# ── Invitations ───────────────────────────────────────────────────────────────────────────────
def invite(
    *, email: str, name: str, role: Role, actor: Actor, rights: Rights
) -> tuple[Invitation, str]:
    """Keep a place for somebody; an open invitation of the same address is replaced.

    Returns the invitation and the link's secret, which exists nowhere else. Raises NotPossible.
    """
    email = email.strip().lower()
    _may_give(role, rights)
    # Who presses twice is not to meet the rule that an address has one open invitation. Not the
    # utility's row: a mail server that hangs would hold up all who write.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, current_tenant_id()])
    if Membership.objects.filter(tenant_id=current_tenant_id(), user__email=email).exists():
        raise NotPossible(_("%(email)s belongs to your utility already.") % {"email": email})
    Invitation.objects.filter(email=email, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    secret = secrets.token_urlsafe(32)
    invitation: Invitation = Invitation.objects.create(
        email=email,
        name=name.strip(),
        role=role,
        digest=_digest(secret),
        invited_by=actor.name,
        expires_at=timezone.now() + INVITATION_LASTS,
    )
    _note("person.invited", actor, invitation.pk, email, after={"role": role.value})
    return invitation, secret


def revoke_invitation(*, pk: int, actor: Actor) -> bool:
    """End an open invitation; False where there is none to end."""
    invitation = _open_invitations().filter(pk=pk).first()
    if invitation is None:
        return False
    Invitation.objects.filter(pk=pk).update(revoked_at=timezone.now())
    _note("person.invitation_revoked", actor, pk, invitation.email)
    return True


def find_invitation(secret: str) -> Invitation | None:
    """The open invitation that a link's secret belongs to; locked until the transaction ends."""
    found: Invitation | None = (
        _open_invitations()
        .filter(expires_at__gt=timezone.now(), digest=_digest(secret))
        .select_for_update()
        .first()
    )
    return found


def join(*, invitation: Invitation, user: User, actor: Actor) -> Membership:
    """Make an invited person a member. The invitation is used up. Raises NotPossible.

    The caller has made sure that `user` is whom the invitation was for.
    """
    if PlatformOperator.objects.filter(user=user).exists():
        raise NotPossible(_("An operator of the platform cannot belong to a utility."))
    tenant_id = current_tenant_id()
    if Membership.objects.filter(tenant_id=tenant_id, user=user).exists():
        raise NotPossible(_("You belong to this utility already."))
    membership = Membership.objects.create(
        tenant_id=tenant_id, user=user, role=invitation.role, sessions_from=None
    )
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    _note("person.joined", actor, user.pk, user.email, after={"role": invitation.role})
    return membership


def _open_invitations() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


# ── Members ───────────────────────────────────────────────────────────────────────────────────
def change_role(*, user_id: int, role: Role, actor: Actor, rights: Rights) -> bool:
    """Give a member another role; it acts at once and ends their log-ins here. False: no change.

    Raises NotPossible, and Membership.DoesNotExist for a stranger.
    """
    membership = _locked(user_id, actor)
    before = Role(membership.role)
    if before is role:
        return False
    _may_give(before, rights)
    _may_give(role, rights)
    _keep_an_administrator(membership)
    Membership.objects.filter(pk=membership.pk, tenant_id=membership.tenant_id).update(
        role=role, sessions_from=timezone.now()
    )
    _note(
        "person.role_changed",
        actor,
        user_id,
        membership.user.email,
        before={"role": before.value},
        after={"role": role.value},
    )
    return True


def disable(*, user_id: int, actor: Actor, rights: Rights) -> bool:
    """Shut a member out at once, open pages and tokens included. Raises as `change_role`."""
    membership = _locked(user_id, actor)
    if membership.disabled_at is not None:
        return False
    _may_give(Role(membership.role), rights)
    _keep_an_administrator(membership)
    now = timezone.now()
    _update(membership, disabled_at=now, sessions_from=now)
    _note("person.disabled", actor, user_id, membership.user.email)
    return True


def enable(*, user_id: int, actor: Actor, rights: Rights) -> bool:
    """Let a member in again. Raises as `change_role`."""
    membership = _locked(user_id, actor)
    if membership.disabled_at is None:
        return False
    _may_give(Role(membership.role), rights)
    _update(membership, disabled_at=None)
    _note("person.enabled", actor, user_id, membership.user.email)
    return True


def remove(*, user_id: int, actor: Actor, rights: Rights) -> None:
    """End a membership, with the person's tokens and outside log-ins here; the trail stays."""
    membership = _locked(user_id, actor)
    _may_give(Role(membership.role), rights)
    _keep_an_administrator(membership)
    now = timezone.now()
    ApiToken.objects.filter(user_id=user_id, revoked_at=None).update(revoked_at=now)
    ExternalIdentity.objects.filter(user_id=user_id).delete()
    MembershipGroup.objects.filter(membership_id=membership.pk).delete()
    Membership.objects.filter(pk=membership.pk, tenant_id=membership.tenant_id).delete()
    _note(
        "person.removed",
        actor,
        user_id,
        membership.user.email,
        before={"role": membership.role},
    )


def end_sessions(*, user_id: int, actor: Actor) -> None:
    """Whoever is logged in as this member must log in anew to open this utility."""
    membership = _locked(user_id, actor)
    _update(membership, sessions_from=timezone.now())
    _note("person.sessions_ended", actor, user_id, membership.user.email)


def limit(*, user_id: int, groups: Iterable[int] | None, actor: Actor, rights: Rights) -> bool:
    """Let a member see the meters of these groups only; None lifts the limit. False: no change.

    An administrator cannot be limited: somebody must see everything. Raises NotPossible.
    """
    membership = _locked(user_id, actor)
    wanted = None if groups is None else sorted(set(groups))
    if wanted is not None and membership.role == Role.ADMINISTRATOR:
        raise NotPossible(_("An administrator sees all meters; give another role first."))
    _may_give(Role(membership.role), rights)
    had = (
        sorted(
            MembershipGroup.objects.filter(membership_id=membership.pk).values_list(
                "group_id", flat=True
            )
        )
        if membership.limited
        else None
    )
    if had == wanted:
        return False
    MembershipGroup.objects.filter(membership_id=membership.pk).delete()
    MembershipGroup.objects.bulk_create(
        [MembershipGroup(membership=membership, group_id=group) for group in wanted or ()]
    )
    _update(membership, limited=wanted is not None)
    _note(
        "person.limited",
        actor,
        user_id,
        membership.user.email,
        before={"groups": had},
        after={"groups": wanted},
    )
    return True


def _locked(user_id: int, actor: Actor) -> Membership:
    """The membership, with the utility's row locked: changes to its people go one by one."""
    Tenant.objects.select_for_update().get(pk=current_tenant_id())
    if actor.id is not None and actor.id == user_id:
        raise NotPossible(_("You cannot change yourself; ask another administrator."))
    return Membership.objects.select_related("user").get(
        tenant_id=current_tenant_id(), user_id=user_id
    )


def _update(membership: Membership, **fields: datetime | bool | None) -> None:
    Membership.objects.filter(pk=membership.pk, tenant_id=membership.tenant_id).update(**fields)


def _may_give(role: Role, rights: Rights) -> None:
    if not codes_of(role) <= rights.codes:
        raise NotPossible(_("You cannot give or take rights that you do not have yourself."))


def _keep_an_administrator(leaving: Membership) -> None:
    """Raises NotPossible where this member is the last who can let others in."""
    if leaving.role != Role.ADMINISTRATOR:
        return
    others = Membership.objects.filter(
        tenant_id=leaving.tenant_id,
        role=Role.ADMINISTRATOR,
        disabled_at=None,
        user__is_active=True,
    ).exclude(pk=leaving.pk)
    if not others.exists():
        raise NotPossible(_("A utility needs at least one administrator."))


def _note(
    event: str,
    actor: Actor,
    pk: int,
    label: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        event=event,
        actor=actor,
        object_type="person",
        object_id=pk,
        object_label=label,
        before=before,
        after=after,
    )
