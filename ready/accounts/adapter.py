"""How django-allauth behaves here."""

from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ready.accounts import sealing, sessions, throttle


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves: a utility's administrator invites."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """READY's people have no user name beside their e-mail address."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at; raises ValidationError: too early."""
        self._buckets = throttle.buckets(request, credentials.get("email", ""))
        seconds = throttle.wait(self._buckets)
        if seconds:
            minutes = -(-seconds // 60)
            raise ValidationError(
                ngettext(
                    "Too many tries. Wait a minute, then try again.",
                    "Too many tries. Wait %(minutes)d minutes, then try again.",
                    minutes,
                )
                % {"minutes": minutes},
                code="too_many_login_attempts",
            )

    def _rollback_login_failed_rl_usage(self) -> None:
        throttle.forgive(self._buckets)

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        sessions.begin(request)
        request.remember_device = user.email  # type: ignore[attr-defined]

    def set_password(self, user: Any, password: str) -> None:
        """A new password ends the sessions elsewhere; a browser that came by a mailed link, or
        knew the old password, is one that is known."""
        super().set_password(user, password)
        sessions.end_others(self.request, user)
        self.request.remember_device = user.email

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The mailed link leads to READY's own address, whatever host the request named: whoever
        asks for another person's link must not choose where it leads (port included)."""
        link: str = super().get_reset_password_from_key_url(key)
        return urljoin(settings.BASE_URL, urlsplit(link).path)

    def format_email_subject(self, subject: str) -> str:
        return f"READY: {subject}"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: their secrets are sealed under the master key."""

    error_messages = {  # noqa: RUF012 - the library's own shape
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("The code is not right, or was used already."),
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal_text(text, purpose=sealing.SECOND_FACTOR)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.open_text(encrypted_text, purpose=sealing.SECOND_FACTOR)
