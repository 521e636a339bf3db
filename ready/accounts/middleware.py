"""From a request to a person, a utility and a right; each missing one ends it."""

import logging
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation

from ready.accounts.models import Membership, User
from ready.accounts.rights import rights_for, rights_in
from ready.policy import DEVICE, PUBLIC, SIGNED_IN, can, declared
from ready.tenancy.context import person_context, tenant_context
from ready.web.operations import operations_of

log = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
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
    "api:openapi-json": PUBLIC,
    "api:api-root": PUBLIC,
}


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


class TenantMiddleware:
    """Opens the tenant's context around every request below /t/<slug>/.

    The whole request is one transaction, because `SET LOCAL` lives no longer than that. An
    answer of 400 or more rolls it back: a refusal changes nothing. Someone without a membership
    gets 404, exactly as for a utility that does not exist.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant = request.membership = request.rights = None  # type: ignore[attr-defined]
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        with person_context(user.pk):
            return self._for_person(request, user)

    def _for_person(self, request: HttpRequest, user: User) -> HttpResponse:
        match = TENANT_PATH.match(request.path_info)
        if match is None:
            return self._finish(request)
        membership = (
            Membership.objects.select_related("tenant")
            .filter(user=user, tenant__slug=match["slug"], disabled_at=None)
            .first()
        )
        if membership is None:
            request.unknown_tenant = True  # type: ignore[attr-defined]
            return self._finish(request)
        request.membership = membership  # type: ignore[attr-defined]
        request.tenant = membership.tenant  # type: ignore[attr-defined]
        with tenant_context(membership.tenant_id), timezone.override(membership.tenant.zone):
            request.rights = rights_in(membership)  # type: ignore[attr-defined]
            return self._finish(request)

    def _finish(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400:
            transaction.set_rollback(True)
        return response


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
        code = _needed(request, view)
        if code in (PUBLIC, DEVICE):
            return None
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if code == SIGNED_IN:
            return None
        rights = rights_for(request)
        if rights is None:
            raise Http404
        decision = can(rights, code)
        if not decision:
            raise PermissionDenied(str(decision.reason))
        return None


def _needed(request: HttpRequest, view: Callable[..., Any]) -> str:
    """What the view, or the API's operation for the method, declares that it needs."""
    name = request.resolver_match.view_name if request.resolver_match else ""
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
