"""Pictures of every page of a running READY, to be looked at: `make screenshots` after `make run`.

    python -m benchmarks.screenshots --port 8000 --data .ready-data --out build/screenshots

Desk (1440 px) and phone (390 px), Danish and English, light and dark. Prints every complaint of
the browser's console and exits with 1 when there was one.
"""

import argparse
import json
import shutil
import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
LOCALES = {"da": "da-DK", "en": "en-GB"}
# Pages that no link of the navigation leads to; the rest is found on the pages themselves.
MORE = ("meters/new/",)


def found_pages(page: Page, home: str) -> dict[str, str]:
    """Every page that the rail and the sections' tabs lead to: name → address."""
    links = "links => links.map(link => link.href.split('#')[0])"
    page.goto(home)
    sections = page.locator("nav.rail a").evaluate_all(links)
    found = list(dict.fromkeys([home, *sections]))
    for section in sections:
        page.goto(section)
        found += page.locator("nav.tabs a").evaluate_all(links)
    found += [home + path for path in MORE]
    return {
        address.removeprefix(home).strip("/").replace("/", "-") or "home": address
        for address in dict.fromkeys(found)
        if address.startswith(home)
    }


def shoot(page: Page, address: str, file: Path) -> None:
    """One page, once its own requests are through."""
    page.goto(address)
    page.wait_for_timeout(1200)
    page.screenshot(path=str(file), full_page=True)
    print(file)


def main() -> int:
    """Take all pictures; 1 when the console complained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=Path(".ready-data"))
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    options = parser.parse_args()
    site = f"http://127.0.0.1:{options.port}"
    login = json.loads((options.data / "demo-login.json").read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for (size, (width, height)), language, scheme in product(
            SIZES.items(), LOCALES, ("light", "dark")
        ):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                locale=LOCALES[language],
                color_scheme="light" if scheme == "light" else "dark",
            )
            page = context.new_page()
            page.on(
                "console",
                lambda said: complaints.append(said.text) if said.type == "error" else None,
            )
            view = f"{size}-{language}-{scheme}"
            shoot(page, f"{site}/accounts/login/", options.out / f"log-in-{view}.png")
            page.fill("input[name=login]", login["email"])
            page.fill("input[name=password]", login["password"])
            page.press("input[name=password]", "Enter")
            page.wait_for_url("**/switch/**")
            for name, address in found_pages(page, f"{site}/t/aalund/").items():
                shoot(page, address, options.out / f"{name}-{view}.png")
            page.goto(f"{site}/t/aalund/meters/")
            meter = page.locator("a[href*='/meters/']").evaluate_all(
                "links => links.map(a => a.href).find(href => /meters\\/\\d+\\/$/.test(href))"
            )
            shoot(page, meter, options.out / f"meter-{view}.png")
            context.close()
        browser.close()
    for complaint in complaints:
        print("console:", complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
