"""What the trail learns from every request, whichever view answered it.

Views record their own changes in their own transactions. Here stands what no view can forget,
each in a transaction of its own, because a refusal rolls the request's back: refused and failed
acts, files handed out, log-ins and log-outs.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.utils import url_str_to_user_pk
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ready.accounts.middleware import TENANT_PATH
from ready.accounts.models import Membership, User
from ready.audit.models import Outcome
from ready.audit.origin import Origin, computer_name, origin
from ready.audit.services import Actor, record
from ready.tenancy.context import person_context, tenant_context
from ready.tenancy.models import Tenant
from ready.web.middleware import request_id

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ENTRANCES = frozenset({"account_login", "mfa_authenticate"})
_REFUSED = frozenset({401, 403, 404})
# Of a person's own pages: where a redirect answers a POST, something was changed.
_OWN_PAGES = ("account_", "accounts:", "mfa_", "socialaccount_", "usersessions_")
_TASTE = frozenset({"accounts:language"})


@dataclass(slots=True)
class _Seen:
    """What is only known before the view: who came, who tries to, and what the view needs."""

    person: User | None
    claimed: str
    pending: int | None


def origin_of(request: HttpRequest) -> Origin:
    """Where a request comes from, as the trail tells it."""
    session = getattr(request, "session", None)
    key = session.session_key if session is not None else None
    proof = ""
    if request.user.is_authenticated and session is not None:
        methods = session.get("account_authentication_methods") or []
        names = {one.get("method", "") for one in methods if isinstance(one, dict)}
        proof = "mfa" if "mfa" in names else "sso" if "socialaccount" in names else "password"
    return Origin(
        computer=computer_name(
            request.headers.get("X-Computer-Name", ""), request.headers.get("User-Agent", "")
        ),
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request_id(),
        session=hashlib.sha256(key.encode()).hexdigest()[:16] if key else "",
        proof=proof,
    )


class TrailMiddleware:
    """Stands outside the tenant's transaction and writes what became of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        entrance = request.method == "POST" and request.path_info.startswith("/accounts/")
        stash = request.session.get("account_login") if entrance else None
        seen = _Seen(
            person=user if isinstance(user, User) else None,
            # As the form reads it: blanks around an address do not hide a try from the trail.
            claimed=request.POST.get("login", "").replace("\0", "").strip()[:254]
            if entrance
            else "",
            pending=_pending(stash),
        )
        with origin(origin_of(request)) as written:
            response = self.get_response(request)
            try:
                self._tell(request, response, seen, written)
            except Error:
                # The answer is the person's either way; that the trail is silent must be seen.
                log.exception("audit: request %s could not be written down", request_id())
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        request.trail_needs = getattr(view, "access", "")  # type: ignore[attr-defined]

    def _tell(
        self, request: HttpRequest, response: HttpResponseBase, seen: _Seen, written: list[str]
    ) -> None:
        match = TENANT_PATH.match(request.path_info)
        if match is not None:
            if seen.person is not None:
                self._in_tenant(request, response, seen.person, match["slug"], written)
            return
        name = request.resolver_match.view_name if request.resolver_match else ""
        now = request.user if isinstance(request.user, User) else None
        if seen.person is None and now is not None:
            _for_person(now, "session.began", name)
        elif seen.person is not None and now is None:
            _for_person(seen.person, "session.ended", name)
        elif seen.person is None and request.method == "POST" and name in _ENTRANCES:
            known = User.objects.filter(
                **({"pk": seen.pending} if seen.pending else {"email__iexact": seen.claimed})
            ).first()
            # A right password that is asked for a second factor is no refusal.
            if known is not None and response.status_code != 302:
                _for_person(known, "session.refused", name, Outcome.DENIED)
        elif (
            seen.person is not None
            and request.method == "POST"
            and response.status_code == 302
            and name.startswith(_OWN_PAGES)
            and name not in _TASTE
            and not written
        ):
            _for_person(seen.person, "person.account_changed", name)

    def _in_tenant(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        person: User,
        slug: str,
        written: list[str],
    ) -> None:
        status, method = response.status_code, request.method or ""
        tenant = getattr(request, "tenant", None)
        event = ""
        outcome = Outcome.OK
        if tenant is None:
            event, outcome = "access.denied", Outcome.DENIED
            tenant = Tenant.objects.filter(slug=slug).first()
        elif status == 403 or (method not in SAFE_METHODS and status in _REFUSED):
            event, outcome = "access.denied", Outcome.DENIED
        elif method not in SAFE_METHODS and status >= 400:
            event, outcome = "act.failed", Outcome.FAILED
        elif (
            status == 200
            and response.headers.get("Content-Disposition", "").startswith("attachment")
            and "data.exported" not in written
        ):
            event = "data.exported"
        if not event or tenant is None:
            return
        # Of somebody who does not work here, the utility learns no name.
        name = person.email if getattr(request, "membership", None) else ""
        match = request.resolver_match
        details: dict[str, object] = {"method": method, "path": request.path[:300]}
        if status != 200:
            details["status"] = status
        if needs := getattr(request, "trail_needs", ""):
            details["needs"] = needs
        if event == "data.exported":
            details["file"] = response.headers["Content-Disposition"][:200]
            if request.GET:
                details["filter"] = request.GET.urlencode()[:500]
        with tenant_context(tenant.pk):
            record(
                event=event,
                actor=Actor(person.pk, name),
                object_type="page",
                object_id=match.view_name if match else "",
                object_label=request.path,
                details=details,
                outcome=outcome,
            )


def _pending(stash: object) -> int | None:
    """Who gave the right password and owes a second factor; allauth keeps it in base 36."""
    written = stash.get("user_pk") if isinstance(stash, dict) else None
    return int(url_str_to_user_pk(written)) if isinstance(written, str) else None


def _for_person(person: User, event: str, page: str, outcome: Outcome = Outcome.OK) -> None:
    """An act of a person's own account, in the trail of every utility they work for."""
    with person_context(person.pk):
        tenants = list(
            Membership.objects.filter(user_id=person.pk, disabled_at=None).values_list(
                "tenant_id", flat=True
            )
        )
    for tenant_id in tenants:
        with tenant_context(tenant_id):
            record(
                event=event,
                actor=Actor(person.pk, person.email),
                object_type="person",
                object_id=person.pk,
                object_label=person.email,
                details={"page": page},
                outcome=outcome,
            )
