"""What the roles user and super user may do in a utility: the grid, and changing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ready.accounts.models import RolePermission
from ready.accounts.rights import codes_of
from ready.audit.services import Actor, record
from ready.policy import CHANGEABLE, NEEDS, PERMISSIONS, Group, Permission, Rights, Role
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant


class NotDelegable(ValueError):
    """A permission cannot be given to this role, or not by this person; the message says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A role's place in a permission's row. reason: why it cannot be changed, "" if it can."""

    role: Role
    held: bool
    deviates: bool  # from what READY ships
    reason: Promise | str

    @property
    def label(self) -> str:
        """The role in the reader's language."""
        return str(self.role.label)


@dataclass(frozen=True, slots=True)
class Row:
    """A permission in the grid."""

    code: str
    label: Promise | str
    second_factor: bool
    step_up: bool
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Section:
    """A group of permissions under one head."""

    label: str
    rows: Sequence[Row]


def grid(rights: Rights) -> list[Section]:
    """All permissions of the current utility, as `rights` may see and change them."""
    held = {role: codes_of(role) for role in Role}
    return [
        Section(
            str(group.label),
            [
                Row(
                    permission.code,
                    permission.label,
                    permission.second_factor,
                    permission.step_up,
                    [_cell(role, permission, held[role], rights) for role in Role],
                )
                for permission in PERMISSIONS.values()
                if permission.group == group
            ],
        )
        for group in Group
    ]


def _cell(role: Role, permission: Permission, held: frozenset[str], rights: Rights) -> Cell:
    has = permission.code in held
    return Cell(role, has, has is not (role in permission.roles), _reason(role, permission, rights))


def _reason(role: Role, permission: Permission, rights: Rights) -> Promise | str:
    """Why this person cannot change this permission of this role; "" where they can."""
    if role not in CHANGEABLE:
        return gettext_lazy("An administrator's rights are fixed.")
    if role not in permission.delegable:
        if role in permission.roles:
            return gettext_lazy("Every role has this; without it READY shows nothing.")
        if permission.delegable:
            return gettext_lazy("Too far-reaching for this role; a super user can be given it.")
        return gettext_lazy("This stays with administrators.")
    if permission.code not in rights.codes:
        return gettext_lazy("You cannot give or take rights that you do not have yourself.")
    if rights.role is role:
        return gettext_lazy("Nobody changes the rights of their own role.")
    return ""


def change(
    *, changes: Mapping[tuple[Role, str], bool], actor: Actor, rights: Rights
) -> Sequence[tuple[Role, str]]:
    """Set (role, code) → held in the current utility; those that really changed are returned.

    What a permission needs (`policy.NEEDS`) is granted along with it, and what needs one that is
    taken goes along, so more may have changed than was asked for. All of it or nothing: raises
    NotDelegable at the first that may not be changed, and where one is granted and what it needs
    is taken. Acts on the next request of everybody, on running sessions, queued work and tokens
    alike.
    """
    Tenant.objects.select_for_update().get(pk=current_tenant_id())
    done = []
    before = {role: codes_of(role) for role in CHANGEABLE}
    for (role, code), held in _consistent(changes, before).items():
        permission = PERMISSIONS.get(code)
        reason = _reason(role, permission, rights) if permission else _("Unknown permission.")
        if permission is None or reason:
            label = permission.label if permission else code
            raise NotDelegable(f"{role.label}, {label}: {reason}")
        if held is (code in before[role]):
            continue
        if held is (role in permission.roles):
            RolePermission.objects.filter(role=role, code=code).delete()
        else:
            RolePermission.objects.update_or_create(role=role, code=code, defaults={"held": held})
        record(
            event="role.permission_changed",
            actor=actor,
            object_type="role",
            object_id=role.value,
            object_label=code,
            before={"held": not held},
            after={"held": held},
        )
        done.append((role, code))
    return done


def _consistent(
    changes: Mapping[tuple[Role, str], bool], before: Mapping[Role, frozenset[str]]
) -> dict[tuple[Role, str], bool]:
    """The changes, and those without which a role could do something but not see it."""
    whole = dict(changes)
    for (role, code), held in changes.items():
        if held and (needed := NEEDS.get(code)):
            if changes.get((role, needed)) is False:
                raise NotDelegable(
                    _("%(role)s: “%(code)s” needs “%(needed)s”; give both or neither.")
                    % {
                        "role": role.label,
                        "code": PERMISSIONS[code].label,
                        "needed": PERMISSIONS[needed].label,
                    }
                )
            if needed not in before.get(role, ()):
                whole[role, needed] = True
        elif not held:
            for dependent, needed in NEEDS.items():
                if needed == code and dependent in before.get(role, ()):
                    whole[role, dependent] = False
    return whole


def wanted(names: Iterable[str]) -> frozenset[tuple[Role, str]]:
    """(role, code) pairs out of a form's "role:code" names; what is neither is left out."""
    pairs = set()
    for name in names:
        role, _colon, code = name.partition(":")
        if role in Role.values and code in PERMISSIONS:
            pairs.add((Role(role), code))
    return frozenset(pairs)
