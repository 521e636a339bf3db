"""Setting up and using second factors in a real browser, under the strict policy for scripts."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from playwright.sync_api import Browser

from ready.accounts.models import User
from tests.browser.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("committed")]
PASSWORD = "Kobberkedel-1"


def visit(browser: Browser, site: str) -> Visit:
    # A passkey belongs to a name; browsers make none for an address of numbers.
    return Visit(browser, site.replace("127.0.0.1", "localhost"), "desk", "light")


def confirm(window: Visit) -> None:
    window.page.fill("input[name=password]", PASSWORD)
    window.page.click("main button.btn-primary, .entrance-card button.btn-primary")


def test_an_authenticator_app(browser: Browser, site: str, alice: User) -> None:
    window = visit(browser, site)
    window.log_in(alice)
    page = window.page
    page.goto(f"{window.site}/accounts/second-factor/totp/activate/")
    confirm(window)
    page.wait_for_selector("img.qr")
    secret = page.locator("button.copy").get_attribute("data-copy")
    assert secret
    code = str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.fill("input[name=code]", code)
    page.click(".entrance-card button.btn-primary")
    page.wait_for_selector("ul.codes li")
    assert page.locator("ul.codes li").count() == 10
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    assert window.complaints == []

    cache.clear()  # the code was used a moment ago, and the next comes in half a minute
    other = visit(browser, site)
    other.page.goto(f"{other.site}/accounts/login/")
    other.page.fill("input[name=login]", alice.email)
    other.page.fill("input[name=password]", PASSWORD)
    other.page.press("input[name=password]", "Enter")
    other.page.wait_for_selector("input[name=code]")
    recovery = page.locator("ul.codes li").first.inner_text()
    other.page.fill("input[name=code]", recovery)
    other.page.press("input[name=code]", "Enter")
    other.page.wait_for_url("**/t/aalund/")
    assert other.complaints == []


def test_a_passkey_is_made_and_logs_in_by_itself(browser: Browser, site: str, alice: User) -> None:
    window = visit(browser, site)
    chromium = window.context.new_cdp_session(window.page)
    chromium.send("WebAuthn.enable")
    chromium.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    window.log_in(alice)
    page = window.page
    page.goto(f"{window.site}/accounts/second-factor/webauthn/add/")
    confirm(window)
    page.check("input[name=passwordless]")
    page.click("[data-passkey-button]")
    page.wait_for_selector("ul.codes li")
    assert Authenticator.objects.filter(user=alice, type="webauthn").exists()

    page.goto(f"{window.site}/t/aalund/")
    page.context.clear_cookies()
    page.goto(f"{window.site}/accounts/login/")
    page.click("form[data-passkey] [data-passkey-button]")
    page.wait_for_url("**/t/aalund/")
    assert window.complaints == []
