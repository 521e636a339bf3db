"""Who may do what: one readable table, no model.

A permission is a code; a role is a set of codes; `can` answers with a reason. Views say what
they need with `@access("meters.view")`; a view that says nothing is refused by the middleware.
Administrators hold every code of their utility (seed: R75).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PUBLIC = "public"  # anyone, logged in or not
SIGNED_IN = "signed-in"  # any person who is logged in
DEVICE = "device"  # a collector's token, checked by the view itself


class Role(models.TextChoices):
    """READY's three roles. "Super user" has nothing to do with Django's flag of that name."""

    USER = "user", _("User")
    SUPER_USER = "super_user", _("Super user")
    ADMINISTRATOR = "administrator", _("Administrator")


@dataclass(frozen=True, slots=True)
class Permission:
    """What a code allows, in words, and which roles hold it until an administrator says else."""

    code: str
    label: Promise | str
    roles: frozenset[Role]


_EVERYONE = frozenset(Role)
_SUPER = frozenset({Role.SUPER_USER, Role.ADMINISTRATOR})
_ADMIN = frozenset({Role.ADMINISTRATOR})

PERMISSIONS: dict[str, Permission] = {
    permission.code: permission
    for permission in (
        Permission("meters.view", _("View meters and their data"), _EVERYONE),
        Permission("meters.export", _("Export data"), _EVERYONE),
        Permission("meters.edit", _("Create, edit and delete meters"), _SUPER),
        Permission("operation.view", _("View collectors and telegrams"), _EVERYONE),
        Permission("operation.replay", _("Replay quarantined telegrams"), _SUPER),
        Permission("configuration.view", _("View the utility's configuration"), _SUPER),
        Permission("configuration.edit", _("Change the utility's configuration"), _ADMIN),
        Permission("keys.import", _("Import encryption keys"), _ADMIN),
    )
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why not: hides a button, fills its tooltip, and answers 403."""

    allowed: bool
    reason: Promise | str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(True)


def can(role: Role | None, code: str) -> Decision:
    """Whether a role holds a permission. An unknown code raises: it is a defect."""
    permission = PERMISSIONS[code]
    if role is None:
        return Decision(False, _("You are not a member of this utility."))
    if role in permission.roles:
        return ALLOWED
    return Decision(
        False,
        _("Your role does not allow this. An administrator of your utility can grant it."),
    )


View = TypeVar("View", bound=Callable[..., Any])


def access(code: str) -> Callable[[View], View]:
    """Declare what a view needs: a permission code, PUBLIC, SIGNED_IN or DEVICE."""
    if code not in PERMISSIONS and code not in (PUBLIC, SIGNED_IN, DEVICE):
        raise ValueError(f"unknown permission {code!r}")

    def mark(view: View) -> View:
        view.access = code  # type: ignore[attr-defined]
        return view

    return mark
