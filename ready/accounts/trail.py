"""What the trail learns from every request, whichever view answered it.

Views record their own changes in their own transactions. Here stands what no view can forget,
each in a transaction of its own, because a refusal rolls the request's back: refused and failed
acts, files handed out, log-ins and log-outs, proofs of who one is, and what API tokens do. Refusals
that come in floods are counted rather than told one by one (`floods`).
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.utils import url_str_to_user_pk
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ready.accounts import api_tokens, floods
from ready.accounts.middleware import API_PATH, TENANT_PATH
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
# Where a person proves again who they are, and where a failed try is one at the account's walls.
_PROOFS = frozenset({"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
_GUARDED = ("account_change_password", "mfa_")
_WRONG = frozenset({200, 400, 429})  # the form again, or too many tries


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
        header = request.headers.get("Authorization", "")
        if request.path_info.startswith(API_PATH) and api_tokens.is_ours(header):
            _of_token(request, response, header, written)
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
        elif seen.person is not None and request.method == "POST":
            _own_act(seen.person, name, response, written)

    def _in_tenant(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        person: User,
        slug: str,
        written: list[str],
    ) -> None:
        tenant = getattr(request, "tenant", None)
        if tenant is None:
            event, outcome = "access.denied", Outcome.DENIED
            tenant = Tenant.objects.filter(slug=slug).first()
        else:
            event, outcome = _judged(request, response, written)
        if not event or tenant is None:
            return
        details = _details(request, response, event)
        if outcome is not Outcome.OK and not _counted(details, tenant.pk, "person", person.pk):
            return
        # Of somebody who does not work here, the utility learns no name.
        name = person.email if getattr(request, "membership", None) else ""
        _record(tenant.pk, event, Actor(person.pk, name), request, details, outcome)


def _judged(
    request: HttpRequest, response: HttpResponseBase, written: list[str]
) -> tuple[str, Outcome]:
    """What an answer to somebody who belongs there says of the act; "" for nothing to tell."""
    status, acts = response.status_code, request.method not in SAFE_METHODS
    if status == 403 or (acts and status in _REFUSED):
        return "access.denied", Outcome.DENIED
    if acts and status >= 400:
        return "act.failed", Outcome.FAILED
    if (
        status == 200
        and response.headers.get("Content-Disposition", "").startswith("attachment")
        and "data.exported" not in written
    ):
        return "data.exported", Outcome.OK
    return "", Outcome.OK


def _details(request: HttpRequest, response: HttpResponseBase, event: str) -> dict[str, object]:
    details: dict[str, object] = {"method": request.method or "", "path": request.path[:300]}
    if response.status_code != 200:
        details["status"] = response.status_code
    if needs := getattr(request, "trail_needs", ""):
        details["needs"] = needs
    if event == "data.exported":
        details["file"] = response.headers["Content-Disposition"][:200]
        if request.GET:
            details["filter"] = request.GET.urlencode()[:500]
    return details


def _counted(details: dict[str, object], *cause: str | int) -> bool:
    """Whether this refusal is to be written down; how many there were is told where it is many."""
    number = floods.told(*cause)
    if number is None:
        return False
    if number > floods.FREE:
        details["times"] = number
    return True


def _record(
    tenant_id: int,
    event: str,
    actor: Actor,
    request: HttpRequest,
    details: dict[str, object],
    outcome: Outcome,
) -> None:
    match = request.resolver_match
    with tenant_context(tenant_id):
        record(
            event=event,
            actor=actor,
            object_type="page",
            object_id=match.view_name if match else "",
            object_label=request.path,
            details=details,
            outcome=outcome,
        )


def _of_token(
    request: HttpRequest, response: HttpResponseBase, header: str, written: list[str]
) -> None:
    """What became of a request with an API token: refusals, failures, files, and acts that their
    operation did not write down itself."""
    caller = getattr(request, "caller", None)
    if not isinstance(caller, api_tokens.Caller):
        _refused_token(request, header)
        return
    event, outcome = _judged(request, response, written)
    if not event and request.method not in SAFE_METHODS and not written:
        event = "api.acted"
    if not event:
        return
    details = _details(request, response, event) | {"token": caller.token_id}
    tenant_id = caller.tenant.pk
    if outcome is not Outcome.OK and not _counted(details, tenant_id, "token", caller.token_id):
        return
    _record(tenant_id, event, caller.actor, request, details, outcome)


def _refused_token(request: HttpRequest, header: str) -> None:
    found = api_tokens.refused(header)
    if found is None:
        return
    details: dict[str, object] = {"why": found.why, "path": request.path[:300]}
    if not _counted(details, found.tenant_id, "refused token", found.token_id or 0):
        return
    with tenant_context(found.tenant_id):
        record(
            event="api_token.refused",
            actor=Actor(None, ""),
            object_type="api_token",
            object_id=found.token_id or "",
            object_label=found.name,
            details=details,
            outcome=Outcome.DENIED,
        )


def _is_done(response: HttpResponseBase) -> bool:
    """Whether a person's own page did what was posted: it leads on, or says so in JSON."""
    kind = response.headers.get("Content-Type", "")
    return response.status_code == 302 or (
        response.status_code == 200 and kind.startswith("application/json")
    )


def _own_act(person: User, name: str, response: HttpResponseBase, written: list[str]) -> None:
    """A POST to a person's own pages, in the trail of every utility they work for."""
    done, wrong = _is_done(response), response.status_code in _WRONG
    if name in _PROOFS:
        if done:
            _for_person(person, "session.proved", name)
        elif wrong:
            _for_person(person, "session.proof_refused", name, Outcome.DENIED)
    elif not done and wrong and name.startswith(_GUARDED):
        _for_person(person, "person.account_change_refused", name, Outcome.DENIED)
    elif done and name.startswith(_OWN_PAGES) and name not in _TASTE and not written:
        _for_person(person, "person.account_changed", name)


def _pending(stash: object) -> int | None:
    """Who gave the right password and owes a second factor; allauth keeps it in base 36."""
    written = stash.get("user_pk") if isinstance(stash, dict) else None
    return int(url_str_to_user_pk(written)) if isinstance(written, str) else None


def _for_person(person: User, event: str, page: str, outcome: Outcome = Outcome.OK) -> None:
    """An act of a person's own account, in the trail of every utility they work for."""
    details: dict[str, object] = {"page": page}
    if outcome is not Outcome.OK and not _counted(details, "account", person.pk, event):
        return
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
                details=details,
                outcome=outcome,
            )
