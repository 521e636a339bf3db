"""How sure READY is of who sits there: second factors, and proving it again before dangerous acts.

allauth keeps in the session how and when its person proved who they are; here is what READY makes
of that. Whoever has a second factor must have used it, a password alone proves nothing then.
"""

import time
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from ready.accounts.models import User
from ready.policy import PERMISSIONS, Rights

FRESH_SECONDS = 300
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def second_factors(user_id: int) -> frozenset[str]:
    """Which second factors a person has: "totp", "webauthn". Recovery codes alone are none."""
    return frozenset(
        Authenticator.objects.filter(user_id=user_id, type__in=FACTORS).values_list(
            "type", flat=True
        )
    )


def must_have_second_factor(rights: Rights) -> bool:
    """Whether somebody with these rights may only work with a second factor here."""
    return bool(settings.REQUIRE_SECOND_FACTOR) and any(
        PERMISSIONS[code].second_factor for code in rights.codes
    )


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved who they are within the last five minutes."""
    if not isinstance(request.user, User):
        return False
    records = get_authentication_records(request, request.user)
    if second_factors(request.user.pk):
        records = [record for record in records if record.get("method") == "mfa"]
    newest = max((record.get("at", 0.0) for record in records), default=0.0)
    return time.time() - float(newest) < FRESH_SECONDS


def proof_url(request: HttpRequest, target: str) -> str:
    """Where the person proves who they are, and comes back from to `target`."""
    user = request.user
    if not isinstance(user, User):
        return reverse("account_login")
    factors = second_factors(user.pk)
    if "totp" in factors:
        name = "mfa_reauthenticate"
    elif factors:
        name = "mfa_reauthenticate_webauthn"
    elif user.has_usable_password():
        name = "account_reauthenticate"
    else:
        # Logs in elsewhere and has nothing to prove it with here: that comes first.
        return reverse("mfa_index")
    return f"{reverse(name)}?{urlencode({'next': target})}"


def page_of(request: HttpRequest) -> str:
    """The page whose form was sent, as a path of this site; the front page where it is not told."""
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(
        came_from, {request.get_host()}, require_https=request.is_secure()
    ):
        return "/"
    parts = urlsplit(came_from)
    return parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
