"""Who may do what: one readable table, no model.

A permission is a code; a role is a set of codes, which a utility's administrators may change for
the roles user and super user as far as the table allows; administrators hold every code of their
utility (seed: R75). `can` answers with a reason. Views say what they need with
`@access("meters.view")`, API operations, tasks and commands likewise; what says nothing is
refused.

Nothing here reads a database: whose rights they are is `ready.accounts.rights`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PUBLIC = "public"  # anyone, logged in or not
SIGNED_IN = "signed-in"  # any person who is logged in; a person's own things
DEVICE = "device"  # a collector's token, checked by the view itself
PLATFORM = "platform"  # an operator of the platform; never a utility's person
SYSTEM = "system"  # tasks and commands that work across utilities or on none
TENANT_SCOPED = "tenant-scoped"  # tasks and commands that work in one utility at a time
KINDS = frozenset({PUBLIC, SIGNED_IN, DEVICE, PLATFORM, SYSTEM, TENANT_SCOPED})


class Role(models.TextChoices):
    """READY's three roles. "Super user" has nothing to do with Django's flag of that name."""

    USER = "user", _("User")
    SUPER_USER = "super_user", _("Super user")
    ADMINISTRATOR = "administrator", _("Administrator")


# The roles whose permissions administrators may change; an administrator's are fixed.
CHANGEABLE = (Role.USER, Role.SUPER_USER)


class Group(models.TextChoices):
    """Under which head the grid shows a permission."""

    METERS = "meters", _("Meters")
    CUSTOMERS = "customers", _("Customers and places")
    READINGS = "readings", _("Readings")
    ANALYSIS = "analysis", _("Reports, exports and notifications")
    OPERATION = "operation", _("Operation")
    KEYS = "keys", _("Encryption keys")
    DISCONNECT = "disconnect", _("Remote disconnect")
    CONFIGURATION = "configuration", _("Configuration")
    PEOPLE = "people", _("People and audit")


@dataclass(frozen=True, slots=True)
class Permission:
    """What a code allows, in words, and who holds it.

    roles: hold it until an administrator says otherwise. delegable: may be given it (or lose it)
    on the roles page. second_factor: whoever holds it must have a second factor. step_up: acting
    on it wants the person to prove again, at most five minutes ago, who they are. visit: a
    platform operator who entered the utility holds it, too. token: a token may carry it.
    """

    code: str
    label: Promise | str
    group: Group
    roles: frozenset[Role]
    delegable: frozenset[Role]
    second_factor: bool = False
    step_up: bool = False
    visit: bool = False
    token: bool = True


_ADMIN = frozenset({Role.ADMINISTRATOR})
_SUPER = _ADMIN | {Role.SUPER_USER}
_ALL = _SUPER | {Role.USER}
_ANY = frozenset(CHANGEABLE)  # delegable to either role
_ONLY_SUPER = frozenset({Role.SUPER_USER})
_NOBODY: frozenset[Role] = frozenset()
_P = Permission

PERMISSIONS: dict[str, Permission] = {
    permission.code: permission
    for permission in (
        # fmt: off
        # Meters
        _P("meters.view", _("View meters and their data"), Group.METERS, _ALL, _NOBODY, visit=True),
        _P("meters.export", _("Export lists and data"), Group.METERS, _ALL, _ANY),
        _P("meters.create", _("Create meters"), Group.METERS, _SUPER, _ANY),
        _P("meters.edit", _("Edit meters"), Group.METERS, _SUPER, _ANY),
        _P("meters.delete", _("Delete meters"), Group.METERS, _SUPER, _ONLY_SUPER),
        _P("meters.import", _("Import meters"), Group.METERS, _SUPER, _ANY),
        _P("meters.exchange", _("Exchange meters"), Group.METERS, _SUPER, _ANY),
        _P("groups.edit", _("Edit groups of meters"), Group.METERS, _SUPER, _ANY),
        # Customers and places
        _P("customers.view", _("View customers and who lives where"), Group.CUSTOMERS, _ALL, _ANY),
        _P("customers.edit", _("Edit customers and places"), Group.CUSTOMERS, _SUPER, _ANY),
        # Readings
        _P("readings.edit", _("Correct and validate readings"), Group.READINGS, _SUPER, _ANY),
        _P("readings.estimate", _("Estimate missing readings"), Group.READINGS, _SUPER, _ANY),
        _P(
            "readings.erase",
            _("Erase a person's readings"),
            Group.READINGS,
            _ADMIN,
            _NOBODY,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        # Reports, exports and notifications
        _P("reports.view", _("View reports"), Group.ANALYSIS, _ALL, _ANY, visit=True),
        _P("reports.export", _("Export reports"), Group.ANALYSIS, _ALL, _ANY),
        _P("reports.send", _("Send reports by e-mail"), Group.ANALYSIS, _SUPER, _ANY),
        _P(
            "exports.view",
            _("View automatic exports and their runs"),
            Group.ANALYSIS,
            _SUPER,
            _ANY,
            visit=True,
        ),
        _P("exports.edit", _("Set up automatic exports"), Group.ANALYSIS, _ADMIN, _ONLY_SUPER),
        _P("exports.run", _("Run an automatic export now"), Group.ANALYSIS, _SUPER, _ANY),
        _P("notifications.view", _("View notifications"), Group.ANALYSIS, _ALL, _ANY, visit=True),
        _P(
            "notifications.acknowledge",
            _("Acknowledge notifications"),
            Group.ANALYSIS,
            _SUPER,
            _ANY,
        ),
        _P("notifications.edit", _("Set up notifications"), Group.ANALYSIS, _SUPER, _ANY),
        # Operation
        _P(
            "operation.view",
            _("View collectors and telegrams"),
            Group.OPERATION,
            _ALL,
            _ANY,
            visit=True,
        ),
        _P("operation.replay", _("Replay quarantined telegrams"), Group.OPERATION, _SUPER, _ANY),
        _P(
            "collectors.edit",
            _("Edit collectors and their tokens"),
            Group.OPERATION,
            _SUPER,
            _ONLY_SUPER,
        ),
        _P("inspector.use", _("Use the telegram inspector"), Group.OPERATION, _ALL, _ANY),
        # Encryption keys
        _P(
            "keys.view_state",
            _("View the state of encryption keys"),
            Group.KEYS,
            _SUPER,
            _ANY,
            visit=True,
        ),
        _P(
            "keys.import",
            _("Import and replace encryption keys"),
            Group.KEYS,
            _ADMIN,
            _ONLY_SUPER,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        # Remote disconnect
        _P("disconnect.view", _("View remote disconnects"), Group.DISCONNECT, _ADMIN, _ANY),
        _P(
            "disconnect.request",
            _("Request a remote disconnect"),
            Group.DISCONNECT,
            _ADMIN,
            _ONLY_SUPER,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        _P(
            "disconnect.approve",
            _("Approve a remote disconnect"),
            Group.DISCONNECT,
            _ADMIN,
            _ONLY_SUPER,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        # Configuration
        _P(
            "configuration.view",
            _("View the utility's configuration"),
            Group.CONFIGURATION,
            _SUPER,
            _ANY,
            visit=True,
        ),
        _P(
            "configuration.edit",
            _("Change the utility's configuration"),
            Group.CONFIGURATION,
            _ADMIN,
            _ONLY_SUPER,
        ),
        _P(
            "sign_in.edit",
            _("Set up single sign-on"),
            Group.CONFIGURATION,
            _ADMIN,
            _NOBODY,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        _P(
            "api_tokens.edit",
            _("Issue and revoke API tokens"),
            Group.CONFIGURATION,
            _ADMIN,
            _NOBODY,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        # People and audit
        _P("people.view", _("View people and their roles"), Group.PEOPLE, _SUPER, _ANY, visit=True),
        _P(
            "people.edit",
            _("Invite people and change their roles"),
            Group.PEOPLE,
            _ADMIN,
            _NOBODY,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        _P(
            "roles.edit",
            _("Change what roles may do"),
            Group.PEOPLE,
            _ADMIN,
            _NOBODY,
            second_factor=True,
            step_up=True,
            token=False,
        ),
        _P("audit.view", _("View the audit log"), Group.PEOPLE, _ADMIN, _ONLY_SUPER, visit=True),
        _P("audit.export", _("Export the audit log"), Group.PEOPLE, _ADMIN, _ONLY_SUPER),
        # fmt: on
    )
}


# What a permission is worth nothing without: who exports reports sees them. The roles page grants
# what is needed along with it, and takes along what needs it (`ready.accounts.roles`). Everybody
# sees meters, always, so what needs no more than that does not stand here.
NEEDS: dict[str, str] = {
    "customers.edit": "customers.view",
    "reports.export": "reports.view",
    "reports.send": "reports.view",
    "exports.edit": "exports.view",
    "exports.run": "exports.view",
    "notifications.acknowledge": "notifications.view",
    "notifications.edit": "notifications.view",
    "operation.replay": "operation.view",
    "collectors.edit": "operation.view",
    "keys.import": "keys.view_state",
    "disconnect.request": "disconnect.view",
    "disconnect.approve": "disconnect.view",
    "configuration.edit": "configuration.view",
    "sign_in.edit": "configuration.view",
    "api_tokens.edit": "configuration.view",
    "people.edit": "people.view",
    "roles.edit": "people.view",
    "audit.export": "audit.view",
}


# What a member who is limited to groups of meters may do at most: acts on their own meters. The
# rest is about the whole utility, or makes meters and places that no group has yet.
WITHIN_GROUPS = frozenset(
    {
        "meters.view",
        "meters.export",
        "customers.view",
        "readings.edit",
        "readings.estimate",
        "reports.view",
        "reports.export",
        "notifications.view",
        "notifications.acknowledge",
        "operation.view",
        "inspector.use",
        "keys.view_state",
    }
)


def held_by(role: Role, deviations: Mapping[str, bool]) -> frozenset[str]:
    """A role's codes, given what administrators set (code → held).

    What the table does not let them set is not heeded, whatever a row says: a code that stops
    being delegable is gone at once.
    """
    return frozenset(
        code
        for code, permission in PERMISSIONS.items()
        if (
            deviations[code]
            if code in deviations and role in permission.delegable
            else role in permission.roles
        )
    )


class Source(Enum):
    """Why somebody has rights in a utility; decides the words of a refusal."""

    MEMBER = "member"
    VISIT = "visit"  # a platform operator who entered it
    TOKEN = "token"  # noqa: S105 - the kind, not a secret
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in one utility at this moment.

    role: a member's, None for others. groups: ids of the groups of meters that the view is
    limited to; None for no limit, and an empty set shows nothing.
    """

    codes: frozenset[str]
    source: Source = Source.MEMBER
    role: Role | None = None
    groups: frozenset[int] | None = None


# Work that READY does by itself, and a visiting operator: looking, never changing.
EVERYTHING = Rights(frozenset(PERMISSIONS), Source.SYSTEM)
VISITING = Rights(
    frozenset(code for code, permission in PERMISSIONS.items() if permission.visit), Source.VISIT
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why not: hides a button, fills its tooltip, and answers 403."""

    allowed: bool
    reason: Promise | str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(True)


def can(rights: Rights | None, code: str) -> Decision:
    """Whether somebody may do what a code allows. An unknown code raises: it is a defect."""
    permission = PERMISSIONS[code]
    if rights is None:
        return Decision(False, _("You are not a member of this utility."))
    if code in rights.codes:
        return ALLOWED
    if rights.source is Source.VISIT:
        return Decision(False, _("You are visiting as an operator of READY: looking only."))
    if rights.source is Source.TOKEN:
        return Decision(False, _("This token does not allow this."))
    if rights.groups is not None and code not in WITHIN_GROUPS:
        return Decision(
            False, _("Your access is limited to groups of meters; this concerns all of them.")
        )
    if rights.role not in permission.delegable:
        return Decision(False, _("Only an administrator of your utility may do this."))
    return Decision(
        False,
        _("Your role does not allow this. An administrator of your utility can grant it."),
    )


Declared = TypeVar("Declared", bound=Callable[..., Any])


def access(code: str, *also: str) -> Callable[[Declared], Declared]:
    """Declare what a view, API operation, task or command needs: a permission or a kind.

    also: further permissions that a view needs besides, such as for a list of customers as a file.
    """
    if code not in PERMISSIONS and code not in KINDS:
        raise ValueError(f"unknown permission {code!r}")
    if also and not {code, *also} <= set(PERMISSIONS):
        raise ValueError(f"no permissions: {also!r}")

    def mark(target: Declared) -> Declared:
        target.access = code  # type: ignore[attr-defined]
        target.access_also = also  # type: ignore[attr-defined]
        return target

    return mark


def declared(target: object) -> str | None:
    """What `access` was declared with, or None: then it is refused."""
    found = getattr(target, "access", None)
    return found if isinstance(found, str) else None


def declared_also(target: object) -> tuple[str, ...]:
    """The further permissions that `access` was declared with."""
    found = getattr(target, "access_also", ())
    return found if isinstance(found, tuple) else ()
