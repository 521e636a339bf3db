"""From a request to a person, a utility and a right; each missing one ends it."""

import logging
import re
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ready.accounts import api_tokens, platform, sessions, throttle
from ready.accounts.models import Membership, PlatformOperator, User
from ready.accounts.proof import (
    FACTORS,
    is_fresh,
    must_have_second_factor,
    page_of,
    proof_url,
    second_factors,
)
from ready.accounts.rights import rights_for, rights_in, seen_with
from ready.policy import (
    DEVICE,
    PERMISSIONS,
    PLATFORM,
    PUBLIC,
    SIGNED_IN,
    VISITING,
    can,
    declared,
    declared_also,
)
from ready.tenancy.context import person_context, tenant_context
from ready.tenancy.models import Tenant
from ready.web import errands
from ready.web.operations import operations_of
from ready.web.problems import Problem

log = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
API_PATH = "/api/"
TENANT_PATH = re.compile(r"^/t/(?P<slug>[-a-z0-9_]+)/")
# Views of installed libraries cannot carry our mark; what they need is declared here.
LIBRARY_ACCESS = {
    "account_login": PUBLIC,
    "account_logout": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_reauthenticate": SIGNED_IN,
    # Between the password and the second factor nobody is logged in yet.
    "mfa_authenticate": PUBLIC,
    "mfa_login_webauthn": PUBLIC,
    "mfa_index": SIGNED_IN,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
    "api:openapi-json": PUBLIC,
    "api:api-root": PUBLIC,
}
# What a person has in all utilities alike.
_OF_THE_ACCOUNT = ("account_change_password", "mfa_")


class LanguageMiddleware:
    """The person's language; else the browser's, as far as READY speaks it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "") or request.COOKIES.get("language", "")
        if language not in dict(settings.LANGUAGES):
            language = translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        response["Content-Language"] = language
        response.headers.setdefault("Vary", "Accept-Language, Cookie")
        return response


class KnownDeviceMiddleware:
    """After a log-in: lets the browser prove, next time, that it is a known one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        email = getattr(request, "remember_device", "")
        if email:
            throttle.remember(request, response, email)
        return response


class TenantMiddleware:
    """Opens the tenant's context around every request below /t/<slug>/.

    The whole request is one transaction, because `SET LOCAL` lives no longer than that. An
    answer of 400 or more rolls it back: a refusal changes nothing. Someone without a membership
    gets 404, exactly as for a utility that does not exist.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return errands.run(request, self._answer)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        request.tenant = request.membership = request.rights = None  # type: ignore[attr-defined]
        request.visit = request.caller = None  # type: ignore[attr-defined]
        user = request.user
        header = request.headers.get("Authorization", "")
        if request.path_info.startswith(API_PATH) and api_tokens.is_ours(header):
            return self._for_token(request, header)
        if not isinstance(user, User):
            return self.get_response(request)
        if sessions.is_idle(request):
            logout(request)
            return redirect_to_login(request.get_full_path())
        with person_context(user.pk):
            return self._for_person(request, user)

    def _for_person(self, request: HttpRequest, user: User) -> HttpResponse:
        match = TENANT_PATH.match(request.path_info)
        if match is None:
            # allauth counts wrong passwords and codes in the database, and answers 400 and 429:
            # undoing those with the transaction would let whoever guesses go on for ever.
            counting = request.path_info.startswith("/accounts/")
            return self._finish(request, undo_from=500 if counting else 400)
        membership = _membership(request, user, match["slug"])
        if membership is None:
            return self._for_visitor(request, user, match["slug"])
        if membership.tenant.suspended_at is not None:
            request.suspended = True  # type: ignore[attr-defined]
            return self._finish(request)
        if sessions.logged_in_at(request) < (membership.sessions_from or sessions.EVER):
            logout(request)
            return redirect_to_login(request.get_full_path())
        request.membership = membership  # type: ignore[attr-defined]
        request.tenant = membership.tenant  # type: ignore[attr-defined]
        with tenant_context(membership.tenant_id), timezone.override(membership.tenant.zone):
            rights = rights_in(membership)
            request.rights = rights  # type: ignore[attr-defined]
            with seen_with(rights):
                return self._finish(request)

    def _for_visitor(self, request: HttpRequest, user: User, slug: str) -> HttpResponse:
        """An operator of the platform who entered the utility; anybody else finds nothing."""
        tenant = Tenant.objects.filter(slug=slug).first() if platform.is_operator(user) else None
        if tenant is not None:
            with tenant_context(tenant.pk), timezone.override(tenant.zone):
                visit = platform.visit_of(user)
                if visit is not None:
                    request.tenant = tenant  # type: ignore[attr-defined]
                    request.visit = visit  # type: ignore[attr-defined]
                    request.rights = VISITING  # type: ignore[attr-defined]
                    return self._finish(request)
        request.unknown_tenant = True  # type: ignore[attr-defined]
        return self._finish(request)

    def _for_token(self, request: HttpRequest, header: str) -> HttpResponse:
        """A program with an API token: the API's own authenticator says who it is not."""
        caller = api_tokens.authenticate(header)
        if caller is None:
            return self.get_response(request)
        request.caller = caller  # type: ignore[attr-defined]
        request.tenant = caller.tenant  # type: ignore[attr-defined]
        request.rights = caller.rights  # type: ignore[attr-defined]
        with (
            tenant_context(caller.tenant.pk),
            timezone.override(caller.tenant.zone),
            seen_with(caller.rights),
        ):
            return self._finish(request)

    def _finish(self, request: HttpRequest, undo_from: int = 400) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= undo_from:
            transaction.set_rollback(True)
        return response


def _membership(request: HttpRequest, user: User, slug: str) -> Membership | None:
    """The membership that opens the utility of the address, with what is known of its person."""
    found = (
        Membership.objects.select_related("tenant")
        .annotate(
            has_second_factor=Exists(
                Authenticator.objects.filter(user_id=OuterRef("user_id"), type__in=FACTORS)
            )
        )
        .filter(user=user, tenant__slug=slug, disabled_at=None)
        # An operator is nobody's member, whatever a row says.
        .exclude(Exists(PlatformOperator.objects.filter(user_id=OuterRef("user_id"))))
        .first()
    )
    if found is None or not sessions.may_open(request, found.tenant_id):
        return None
    return found


class AccessMiddleware:
    """Refuses every view that does not say who may use it, and everyone who may not."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if getattr(request, "unknown_tenant", False):
            raise Http404
        name = request.resolver_match.view_name if request.resolver_match else ""
        code = _needed(request, view, name)
        if code in (PUBLIC, DEVICE):
            return None
        if name.startswith("api:"):
            return _of_api(request, code)
        if getattr(request, "suspended", False):
            raise PermissionDenied(
                _("Your utility is suspended. Its collectors go on being heard; ask the operator.")
            )
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if code == SIGNED_IN:
            if name.startswith(_OF_THE_ACCOUNT) and not sessions.may_change_account(request):
                raise PermissionDenied(
                    _(
                        "You logged in through one utility and belong to others, too: log in with "
                        "your password to change this."
                    )
                )
            if name == "account_reauthenticate" and second_factors(request.user.pk):
                # A password alone must not open the way to taking the second factor off.
                return redirect(proof_url(request, request.GET.get("next", "/")))
            return None
        if code == PLATFORM:
            return _of_platform(request, request.user, name)
        rights = rights_for(request)
        if rights is None:
            raise Http404
        membership = request.membership  # type: ignore[attr-defined]
        unproven = (
            membership is not None
            and not membership.has_second_factor
            and not sessions.is_vouched_for(request, membership.tenant_id)
        )
        if unproven and must_have_second_factor(rights):
            messages.info(request, _("Your rights here want a second factor: set one up."))
            return _elsewhere(request, reverse("mfa_index"))
        for wanted in (code, *declared_also(view)):
            decision = can(rights, wanted)
            if not decision:
                raise PermissionDenied(str(decision.reason))
        if (
            PERMISSIONS[code].step_up
            and request.method not in ("GET", "HEAD", "OPTIONS")
            and not is_fresh(request)
        ):
            messages.info(request, _("Confirm that it is you, then do it again."))
            return _elsewhere(request, proof_url(request, page_of(request)))
        return None


def _of_api(request: HttpRequest, code: str) -> HttpResponse | None:
    """An operation that wants a permission: of the token's, told as the API tells errors."""
    request.trail_needs = code  # type: ignore[attr-defined]
    rights = rights_for(request)
    if request.caller is None or rights is None:  # type: ignore[attr-defined]
        return Problem(401, "token", "The token is missing, wrong or revoked.").response()
    decision = can(rights, code)
    if not decision:
        return Problem(403, "not_allowed", str(decision.reason)).response()
    return None


def _of_platform(request: HttpRequest, user: User, name: str) -> HttpResponse | None:
    """A page of the platform's operators; for anybody else there is none."""
    if not platform.is_operator(user) or not sessions.may_open(request, 0):
        raise Http404
    if settings.REQUIRE_SECOND_FACTOR and not second_factors(user.pk):
        messages.info(request, _("Operators need a second factor: set one up."))
        return _elsewhere(request, reverse("mfa_index"))
    harmless = request.method in ("GET", "HEAD", "OPTIONS") or name == "platform:leave"
    if not harmless and not is_fresh(request):
        messages.info(request, _("Confirm that it is you, then do it again."))
        return _elsewhere(request, proof_url(request, page_of(request)))
    return None


def _elsewhere(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect; htmx, which would put the other page into this one, is told to go there."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _needed(request: HttpRequest, view: Callable[..., Any], name: str) -> str:
    """What the view, or the API's operation for the method, declares that it needs."""
    operations = operations_of(view)
    if operations is None:
        code = declared(view) or LIBRARY_ACCESS.get(name)
    elif request.method is not None and request.method in operations:
        code = declared(operations[request.method])
    else:
        return PUBLIC  # answers 405 and no more
    if code is not None:
        return code
    if view.__module__.startswith("allauth."):
        raise Http404  # READY offers of that library only what is listed above
    message = f"view {name or view!r} declares no access"
    if settings.PRODUCTION:
        log.error("%s", message)
        raise PermissionDenied
    raise ImproperlyConfigured(message)
