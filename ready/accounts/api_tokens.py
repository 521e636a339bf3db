"""API tokens: made once, shown once, kept as a hash, revocable; rights are told at each use.

A token reads `rat_<tenant>_<prefix>_<secret>`. The tenant's number is no secret: it says behind
whose wall the row stands, so that no table has to be open to all for finding it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from ready.accounts.models import ApiToken, User
from ready.accounts.rights import codes_of, rights_of
from ready.audit.services import Actor, record
from ready.policy import PERMISSIONS, Rights, Role, Source
from ready.tenancy.context import current_tenant_id, tenant_context
from ready.tenancy.models import Tenant

LONGEST_LIFE = timedelta(days=366)
_MARK = "rat"
_LARGEST = 2**31 - 1  # of a utility's number
_NOTED_EVERY = timedelta(minutes=1)


class NotIssued(ValueError):
    """The token cannot be made as asked; the message is for people."""


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a request with a token acts, at this moment."""

    tenant: Tenant
    token_id: int
    rights: Rights
    actor: Actor


def grantable(rights: Rights) -> list[str]:
    """The codes that somebody may put into a token: their own that a token can carry."""
    return [code for code, one in PERMISSIONS.items() if one.token and code in rights.codes]


def issue(
    *,
    name: str,
    scopes: Collection[str],
    lasts: timedelta,
    user: User | None,
    role: Role | None,
    actor: Actor,
    rights: Rights,
) -> str:
    """A token for a person (`user`) or for a system with a role of its own; its text, this once.

    Raises NotIssued.
    """
    if (user is None) == (role is None):
        raise NotIssued(_("A token is a person's or has a role, not both."))
    if not scopes or not set(scopes) <= set(grantable(rights)):
        raise NotIssued(_("Choose what the token may do, among what you may do yourself."))
    if not timedelta(0) < lasts <= LONGEST_LIFE:
        raise NotIssued(_("A token lasts a year at most."))
    if user is not None and rights_of(user.pk) is None:
        raise NotIssued(_("This person does not belong to the utility."))
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    made: ApiToken = ApiToken.objects.create(
        name=name.strip(),
        user=user,
        role=role or "",
        scopes=sorted(scopes),
        prefix=prefix,
        digest=_digest(secret),
        issued_by=actor.name,
        expires_at=timezone.now() + lasts,
    )
    record(
        event="api_token.issued",
        actor=actor,
        object_type="api_token",
        object_id=made.pk,
        object_label=made.name,
        after={
            "scopes": made.scopes,
            "for": "person" if user else made.role,
            "expires_at": made.expires_at.isoformat(),
        },
    )
    return f"{_MARK}_{current_tenant_id()}_{prefix}_{secret}"


def revoke(*, pk: int, actor: Actor) -> bool:
    """End a token at once; False where there is none to end."""
    token = ApiToken.objects.filter(pk=pk, revoked_at=None).first()
    if token is None:
        return False
    ApiToken.objects.filter(pk=pk).update(revoked_at=timezone.now())
    record(
        event="api_token.revoked",
        actor=actor,
        object_type="api_token",
        object_id=pk,
        object_label=token.name,
    )
    return True


def is_ours(header: str) -> bool:
    """Whether an Authorization header carries an API token (a collector's looks otherwise)."""
    scheme, _space, text = header.strip().partition(" ")
    return scheme.lower() == "bearer" and text.strip().startswith(f"{_MARK}_")


def _parts(header: str) -> tuple[int, str, str] | None:
    """The utility's number, the prefix and the secret that a header names."""
    parts = header.strip().partition(" ")[2].strip().split("_", 3)
    if len(parts) != 4 or parts[0] != _MARK or not parts[1].isascii() or not parts[1].isdigit():
        return None
    number = int(parts[1][:10])
    if "\0" in header or number > _LARGEST:
        return None
    return number, parts[2][:12], parts[3]


def authenticate(header: str) -> Caller | None:
    """For whom an Authorization header acts now; None for a wrong, revoked or expired token, a
    suspended utility, or a person who is no member any more."""
    parts = _parts(header)
    if parts is None:
        return None
    number, prefix, secret = parts
    tenant = Tenant.objects.filter(pk=number, suspended_at=None).first()
    if tenant is None:
        return None
    with tenant_context(tenant.pk):
        token = ApiToken.objects.filter(
            prefix=prefix, revoked_at=None, expires_at__gt=timezone.now()
        ).first()
        if token is None or not hmac.compare_digest(bytes(token.digest), _digest(secret)):
            return None
        rights = _rights(token)
        if rights is None:
            return None
        _note_use(token)
        return Caller(tenant, token.pk, rights, Actor(token.user_id, f"token {token.name}"))


@dataclass(frozen=True, slots=True)
class Refused:
    """A token that opens nothing now, as far as the utility it names can tell whose it was.

    why: "unknown", "secret", "revoked", "expired", "suspended" or "person".
    """

    tenant_id: int
    token_id: int | None
    name: str
    why: str


def refused(header: str) -> Refused | None:
    """Why a header that `authenticate` refused opens nothing; None where it names no utility."""
    parts = _parts(header)
    tenant = None if parts is None else Tenant.objects.filter(pk=parts[0]).first()
    if parts is None or tenant is None:
        return None
    with tenant_context(tenant.pk):
        token = ApiToken.objects.filter(prefix=parts[1]).first()
        if token is None:
            return Refused(tenant.pk, None, "", "unknown")
        if not hmac.compare_digest(bytes(token.digest), _digest(parts[2])):
            why = "secret"
        elif token.revoked_at is not None:
            why = "revoked"
        elif token.expires_at <= timezone.now():
            why = "expired"
        else:
            why = "person" if tenant.suspended_at is None else "suspended"
        return Refused(tenant.pk, token.pk, token.name, why)


def _rights(token: ApiToken) -> Rights | None:
    """Its scopes, cut down to what its person or role may do now and a token may carry at all."""
    scopes = frozenset(token.scopes) & {code for code, one in PERMISSIONS.items() if one.token}
    if token.user_id is None:
        return Rights(scopes & codes_of(Role(token.role)), Source.TOKEN)
    owner = rights_of(token.user_id)
    if owner is None:
        return None
    return Rights(scopes & owner.codes, Source.TOKEN, groups=owner.groups)


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTED_EVERY)
        ).update(last_used_at=now)


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as the page shows it; never its secret."""

    pk: int
    name: str
    whose: str
    scopes: Sequence[str]
    issued_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    over: bool


def listed() -> Sequence[Listed]:
    """The current utility's tokens that are not revoked, the newest first."""
    now = timezone.now()
    return [
        Listed(
            row.pk,
            row.name,
            str(row.user) if row.user else str(Role(row.role).label),
            [str(PERMISSIONS[code].label) for code in row.scopes if code in PERMISSIONS],
            row.issued_by,
            row.created_at,
            row.expires_at,
            row.last_used_at,
            row.expires_at <= now,
        )
        for row in ApiToken.objects.select_related("user")
        .filter(revoked_at=None)
        .order_by("-created_at")
    ]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
