"""Logging in through a utility's provider in a real browser: forms may not end elsewhere there."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pytest_django import Settings

from ready.accounts.models import User
from ready.tenancy.models import Tenant
from tests.accounts.oidc_provider import serving
from tests.accounts.test_sign_in import linked, set_up
from tests.browser.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("committed")]


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_the_button_leads_there_and_back(
    browser: Browser,
    site: str,
    settings: Settings,
    aalund: Tenant,
    alice: User,
    bob: User,
    size: str,
    scheme: str,
) -> None:
    settings.OUTBOUND_PRIVATE = frozenset({"127.0.0.1"})
    with serving() as provider:
        set_up(aalund, provider)
        linked(aalund, bob, provider)
        window = Visit(browser, site, size, scheme)
        window.page.goto(f"{site}/t/aalund/log-in/")
        assert window.barriers() == []
        _picture(window, f"log-in-{size}")
        window.page.click("button.btn-primary")
        window.page.wait_for_url("**/t/aalund/")
        assert window.complaints == []

        office = Visit(browser, site, size, scheme)
        office.log_in(alice)
        office.page.goto(f"{site}/t/aalund/configuration/sign-in/")
        assert office.barriers() == []
        _picture(office, f"settings-{size}")
        office.page.goto(f"{site}/t/aalund/log-in/")
        _picture(office, f"link-{size}")


def _picture(window: Visit, name: str) -> None:
    """A picture to look at, where READY_PICTURES names a folder."""
    if folder := os.environ.get("READY_PICTURES"):
        window.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
