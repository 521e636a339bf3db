"""Sessions: when they began, what they open, how they end.

allauth keeps a list of each person's sessions (`UserSession`); ending one deletes it. A utility
ends sessions for itself only, by the time from which log-ins count (`Membership.sessions_from`):
a person's work in another utility is none of its business.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import timezone

from ready.accounts.models import Membership, User

EVER = datetime.min.replace(tzinfo=UTC)
_BEGAN = "logged_in_at"  # Unix seconds
_ONLY = "only_tenant"  # a tenant's id: logged in through its identity provider
_VOUCHED = "vouched"  # [tenant, person]: its provider said that a second factor was used
_SEEN_EVERY = timedelta(minutes=1)


def begin(request: HttpRequest) -> None:
    """Write down that somebody logged in now; the session is a new one by then."""
    request.session[_BEGAN] = time.time()


def begin_for(request: HttpRequest, tenant_id: int) -> None:
    """The session opens this utility only: its identity provider vouched for the person."""
    request.session[_ONLY] = tenant_id


def vouch(request: HttpRequest, tenant_id: int, user_id: int, *, second_factor: bool) -> None:
    """Write down what the utility's provider said about how the person logged in."""
    request.session[_VOUCHED] = [tenant_id, user_id] if second_factor else None


def is_vouched_for(request: HttpRequest, tenant_id: int) -> bool:
    """Whether the utility's own provider saw a second factor of this person in this session."""
    return bool(request.session.get(_VOUCHED) == [tenant_id, request.user.pk])


def logged_in_at(request: HttpRequest) -> datetime:
    """When the session's person logged in; long ago where it is not known."""
    began = request.session.get(_BEGAN)
    return datetime.fromtimestamp(began, UTC) if isinstance(began, float) else EVER


def may_open(request: HttpRequest, tenant_id: int) -> bool:
    """Whether this session counts in a utility, whatever its person's memberships."""
    only = request.session.get(_ONLY)
    return only is None or only == tenant_id


def may_change_account(request: HttpRequest) -> bool:
    """Whether the session may change what its person has everywhere: password, second factor.

    A utility's identity provider speaks for its utility; it must not get at a person who works
    for another utility, too.
    """
    only = request.session.get(_ONLY)
    if only is None or not isinstance(request.user, User):
        return True
    if request.user.has_usable_password():
        return False
    return not Membership.objects.filter(user=request.user).exclude(tenant_id=only).exists()


def is_idle(request: HttpRequest) -> bool:
    """Whether nothing was heard from the session for too long; else its activity is noted."""
    key = request.session.session_key
    row = UserSession.objects.filter(session_key=key).values_list("pk", "last_seen_at").first()
    if row is None:
        return False
    now = timezone.now()
    if now - row[1] > timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        return True
    if now - row[1] > _SEEN_EVERY:
        UserSession.objects.filter(pk=row[0]).update(last_seen_at=now)
    return False


@dataclass(frozen=True, slots=True)
class Session:
    """One of a person's log-ins, for their own list."""

    pk: int
    device: str
    address: str
    began: datetime
    seen: datetime
    current: bool


def of_person(request: HttpRequest, user: User) -> Sequence[Session]:
    """The person's living sessions, the newest activity first."""
    return [
        Session(
            row.pk,
            device_of(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.session_key == request.session.session_key,
        )
        for row in UserSession.objects.filter(user=user).order_by("-last_seen_at")
        if SessionStore().exists(row.session_key)
    ]


def end(*, user: User, pk: int) -> bool:
    """End one of the person's sessions; False where there is none of theirs."""
    row = UserSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    row.end()
    return True


def end_others(request: HttpRequest, user: User) -> int:
    """End all of the person's sessions but the one that asks; how many."""
    rows = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    ended = 0
    for row in rows:
        row.end()
        ended += 1
    return ended


_BROWSERS = (
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """What a browser says it is, in two words: "Firefox, Windows"."""
    names = [
        next((name for mark, name in marks if mark in user_agent), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(name for name in names if name) or user_agent[:40]
