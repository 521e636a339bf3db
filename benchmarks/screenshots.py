"""Pictures of every page of a running READY, to be looked at: `make screenshots` after `make run`.

    python -m benchmarks.screenshots --port 8000 --data .ready-data --out build/screenshots

Desk (1440 px) and phone (390 px), Danish and English, light and dark. Pages are found by following
links, one of each kind; what needs a person's hand (menus, steps, refusals, papers) is in
`benchmarks.scenes`. Prints every complaint of the browser's console, every answer that is not 200
and every page wider than its window, and exits with 1 when there was one.
"""

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, sync_playwright

from benchmarks.scenes import SCENES, settle

SIZES = {"desk": (1440, 900), "phone": (390, 844), "wide": (1920, 1080)}
LOCALES = {"da": "da-DK", "en": "en-GB"}
SCHEMES = ("light", "dark")
# What `--view` leaves out unless it is asked for by name.
USUAL = ("desk", "phone")
UTILITY = "aalund"
# Pages that no plain link leads to, or that look different with another address.
MORE = (
    "meters/?q=ingenting",
    "meters/?show=stock",
    "meters/?show=imported",
    "meters/?cooling=20&sort=cooling",
    "meters/map/?layer=cooling",
    "meters/map/?layer=signal",
    "analysis/consumption/?resolution=day",
    "operation/telegrams/?q=ingenting",
)
# One page of each kind is enough, but a meter looks different by what it measures.
_ONE = re.compile(r"/\d[\d.-]*(?=/|$)")
_FILES = (".csv", ".xlsx", ".pdf", ".json", ".png", "logout/", "/start/")


def kind(address: str) -> str:
    """An address with what only names one thing taken out: /meters/12/ → /meters/N/."""
    return _ONE.sub("/N", urlsplit(address).path)


def name_of(address: str) -> str:
    """A file's name for an address."""
    parts = urlsplit(address)
    path = _ONE.sub("/N", parts.path).removeprefix(f"/t/{UTILITY}/").strip("/") or "home"
    return re.sub(r"[^\w-]+", "-", f"{path}-{parts.query}" if parts.query else path).strip("-")


def found_pages(page: Page, site: str) -> dict[str, str]:
    """Every kind of page that links lead to: name → address."""
    waiting = [f"{site}/t/{UTILITY}/", f"{site}/profile/", f"{site}/accounts/second-factor/"]
    waiting += [f"{site}/platform/", f"{site}/accounts/password/change/"]
    seen = {kind(address) for address in waiting}
    found: dict[str, str] = {}
    while waiting:
        address = waiting.pop(0)
        answer = page.goto(address)
        whole = page.locator("main").count()  # not a part that a page fetches
        if answer is None or answer.status != 200 or not whole:
            continue
        found.setdefault(name_of(page.url), page.url)
        links = page.locator("a[href]:not([download])").evaluate_all(
            "links => links.map(link => link.href.split('#')[0].split('?')[0])"
        )
        rows = page.locator("[data-href]").evaluate_all(
            "rows => rows.map(row => new URL(row.dataset.href, location).href.split('?')[0])"
        )
        for link in dict.fromkeys([*links, *rows]):
            inside = link.startswith(site) and not link.endswith(_FILES)
            other = "/t/" in link and f"/t/{UTILITY}/" not in link
            if inside and not other and kind(link) not in seen:
                seen.add(kind(link))
                waiting.append(link)
    found |= {name_of(path): f"{site}/t/{UTILITY}/{path}" for path in MORE}
    return found


class Gallery:
    """One view (size, language, scheme) being photographed."""

    def __init__(self, page: Page, view: str, out: Path, complaints: list[str]) -> None:
        self.page, self.view, self.out, self.complaints = page, view, out, complaints
        self.now = ""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complain(str(error)))

    def _heard(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind == "error" and "the server responded with a status of 4" not in text:
            self.complain(text)

    def complain(self, text: str) -> None:
        self.complaints.append(f"{self.now}-{self.view}: {text}")

    def keep(self, name: str, *, whole: bool = True) -> None:
        """Photograph the page as it stands."""
        self.now = name
        settle(self.page)
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.complain(f"{wide} px too wide")
        self.page.screenshot(path=str(self.out / f"{name}-{self.view}.png"), full_page=whole)

    def visit(self, name: str, address: str) -> None:
        """Photograph the page of an address."""
        self.now = name
        answer = self.page.goto(address)
        if answer is not None and answer.status != 200:
            self.complain(f"answered {answer.status}")
        self.keep(name)


def log_in(page: Page, site: str, login: dict[str, str]) -> None:
    """Log in and prove it afresh, so that guarded pages show their forms."""
    page.goto(f"{site}/accounts/login/")
    page.fill("input[name=login]", login["email"])
    page.fill("input[name=password]", login["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "/login/" not in address)
    page.goto(f"{site}/prove/?next=/")
    if page.locator("main input[name=password]").count():
        page.fill("main input[name=password]", login["password"])
        page.press("main input[name=password]", "Enter")
        page.wait_for_url(lambda address: "/reauthenticate/" not in address)


def shoot_all(
    browser: Browser,
    site: str,
    login: dict[str, str],
    views: Iterable[tuple[str, str, str]],
    only: re.Pattern[str],
    out: Path,
) -> list[str]:
    """Take the pictures; what there was to complain of."""
    complaints: list[str] = []
    pages: dict[str, str] | None = None
    for size, language, scheme in views:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=LOCALES[language],
            color_scheme="light" if scheme == "light" else "dark",
        )
        page = context.new_page()
        began = time.monotonic()
        gallery = Gallery(page, f"{size}-{language}-{scheme}", out, complaints)
        if only.search("log-in"):
            gallery.visit("log-in", f"{site}/accounts/login/")
            gallery.visit("password-reset", f"{site}/accounts/password/reset/")
        log_in(page, site, login)
        if pages is None:
            pages = found_pages(page, site)
        for name, address in pages.items():
            if only.search(name):
                gallery.visit(name, address)
        for name, scene in SCENES.items():
            if not only.search(name):
                continue
            try:
                scene(gallery, f"{site}/t/{UTILITY}/", name)
            except Error as error:
                gallery.complain(f"{name}: {error.message.splitlines()[0]}")
        context.close()
        print(f"{gallery.view}: {time.monotonic() - began:.0f} s", flush=True)
    return complaints


def main() -> int:
    """Take all pictures; 1 when there was something to complain of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=Path(".ready-data"))
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--only", default="", help="a pattern: take only pictures whose names fit")
    parser.add_argument("--view", default="", help="a pattern, like desk-da or wide")
    options = parser.parse_args()
    login = json.loads((options.data / "demo-login.json").read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    views = [
        view
        for view in product(SIZES, LOCALES, SCHEMES)
        if re.search(options.view, "-".join(view)) and (view[0] in USUAL or view[0] in options.view)
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        complaints = shoot_all(
            browser,
            f"http://127.0.0.1:{options.port}",
            login,
            views,
            re.compile(options.only),
            options.out,
        )
        browser.close()
    for complaint in complaints:
        print("complaint:", complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
