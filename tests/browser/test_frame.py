"""The frame in a real browser: keys, help, menus, and light or dark.

Few tests with many steps, because each needs a served site of its own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from ready.accounts.models import User
from tests.browser.visit import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, site: str, alice: User) -> Iterator[Page]:
    """Alice at her desk, on Home, in a light room."""
    visit = Visit(browser, site, "desk", "light")
    visit.log_in(alice)
    yield visit.page
    assert visit.complaints == []
    visit.context.close()


def test_everything_in_the_frame_is_reached_by_keys(page: Page) -> None:
    # The first tab stop skips the navigation.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    # "?" opens the help, Escape closes it.
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    # What is typed into the search is no key.
    page.keyboard.press("/")
    page.keyboard.type("gm?/")
    expect(page.locator("#search")).to_have_value("gm?/")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("Escape")
    # "g" and a letter go to a section.
    for letter, path in (("m", "meters/"), ("c", "configuration/"), ("h", "")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(f"**/t/aalund/{path}")


def test_menus_close_and_the_language_is_chosen_in_one(page: Page) -> None:
    menu = page.locator(".menu-utility")
    menu.locator("summary").click()
    expect(menu.locator(".menu-panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.locator(".menu-panel")).to_be_hidden()
    menu.locator("summary").click()
    page.mouse.click(900, 880)
    expect(menu.locator(".menu-panel")).to_be_hidden()
    page.locator("details.menu", has=page.locator(".initials")).locator("summary").click()
    page.click("button[name=language][value=da]")
    expect(page.locator("html")).to_have_attribute("lang", "da")


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page) -> None:
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.locator("details.menu", has=page.locator("[data-theme-choice]")).locator("summary").click()
    page.click("[data-theme-choice=dark]")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    # At the next visit it is there when the body begins: no flash of the other one.
    page.add_init_script(
        """new MutationObserver((_changes, observer) => {
             if (!document.body) return;
             window.themeAtFirst = document.documentElement.dataset.bsTheme;
             observer.disconnect();
           }).observe(document, {childList: true, subtree: true});"""
    )
    page.reload()
    assert page.evaluate("window.themeAtFirst") == "dark"
    expect(page.locator("[data-theme-choice=dark]")).to_have_attribute("aria-pressed", "true")
