"""What a person's hand must do before there is something to photograph: open menus, tick rows, walk
the steps of a form, give wrong files, see a refusal or a paper.

A scene gets the gallery, the utility's address and its own name, and keeps pictures whose names
begin with that. Scenes change nothing that a later scene would see: they stop before the last
step, or take back what they did.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as Late

PATIENCE = 5_000  # ms
METERS = """Serienummer;Adresse;Postnr;By;Målertype;Kundenr.;Kunde;Etiket
63990001;Nygade 1;9440;Aabybro;MULTICAL 603;88001;Lone Holm;1
63990002;Nygade 2;944;Aabybro;MULTICAL 603;88002;Per Holm;2
6399000X;Nygade 3;9440;Aabybro;MULTICAL 603;88003;Mia Holm;3
63990001;Nygade 4;9440;Aabybro;MULTICAL 603;88004;Ole Holm;4
"""
KEYS = "serial number;key\n63990001;000102030405060708090A0B0C0D0E0F\n63990002;XYZ\n"
OUTDOOR = "18-04-2024 16:00;7,4\n18-04-2024 17:00;varm\n18-04-2024 18:00;6,9\n"
OUTDOOR_GOOD = "18-04-2024 16:00;7,4\n18-04-2024 17:00;7,1\n18-04-2024 18:00;6,9\n"


class Keeper(Protocol):
    """Who takes the pictures."""

    @property
    def page(self) -> Page: ...
    @property
    def out(self) -> Path: ...
    @property
    def view(self) -> str: ...
    def keep(self, name: str, *, whole: bool = True) -> None: ...
    def visit(self, name: str, address: str) -> None: ...


def settle(page: Page) -> None:
    """Wait until the page has fetched its own parts; a page that follows live ones never rests."""
    try:
        page.wait_for_load_state("networkidle", timeout=PATIENCE)
    except Late:
        page.wait_for_timeout(500)


def _meters(page: Page, home: str) -> list[str]:
    page.goto(f"{home}meters/")
    found: list[str] = page.locator("tr[data-meter]").evaluate_all(
        "rows => rows.map(row => new URL(row.dataset.href, location).href)"
    )
    return found


def _open(page: Page, summary: Locator) -> None:
    summary.click(timeout=PATIENCE)
    page.wait_for_timeout(200)


def _upload(page: Page, name: str, text: str) -> None:
    page.set_input_files(
        "input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.locator("form:has(input[type=file]) .btn-primary").click()


def menus(gallery: Keeper, home: str, name: str) -> None:
    """Every menu of the meter list and of the bar, the help, the search, the drawer."""
    page = gallery.page
    page.goto(f"{home}meters/")
    settle(page)
    for number, summary in enumerate(page.locator(".list-tools summary").all()):
        _open(page, summary)
        gallery.keep(f"{name}-list-{number}", whole=False)
        page.keyboard.press("Escape")
    for number, summary in enumerate(page.locator(".bar summary").all()):
        _open(page, summary)
        gallery.keep(f"{name}-bar-{number}", whole=False)
        page.keyboard.press("Escape")
    page.locator(".bar [popovertarget=help]").click(timeout=PATIENCE)
    gallery.keep(f"{name}-help", whole=False)
    page.keyboard.press("Escape")
    page.locator("#search").press_sequentially("ravn")
    page.wait_for_timeout(500)
    gallery.keep(f"{name}-search", whole=False)


def selection(gallery: Keeper, home: str, name: str) -> None:
    """Ticked rows: the bar, its menus, the pages it leads to."""
    page = gallery.page
    page.goto(f"{home}meters/")
    settle(page)
    for place in (0, 1):
        page.locator("[data-tick]").nth(place).check(force=True)
    gallery.keep(f"{name}-bar", whole=False)
    for at, summary in enumerate(page.locator("#selection summary").all()):
        _open(page, summary)
        gallery.keep(f"{name}-bar-{at}", whole=False)
        page.keyboard.press("Escape")
    for button in ("edit", "delete"):
        page.locator(f"#selection [formaction*='/{button}/']").click(timeout=PATIENCE)
        gallery.keep(f"{name}-{button}")
        page.goto(f"{home}meters/")
        settle(page)
        page.locator("[data-tick]").first.check(force=True)
    page.goto(f"{home}meters/")
    settle(page)
    row = page.locator("tr[data-meter]").first
    if page.viewport_size and page.viewport_size["width"] > 767:
        row.locator("td.card-state").click()
        page.wait_for_timeout(600)
        gallery.keep(f"{name}-drawer", whole=False)


def imports(gallery: Keeper, home: str, name: str) -> None:
    """A file of meters with mistakes: columns, then what is wrong, line by line."""
    page = gallery.page
    page.goto(f"{home}meters/import/")
    _upload(page, "målere.csv", METERS)
    gallery.keep(f"{name}-columns")
    page.locator("button[name=check]").click()
    page.wait_for_selector("#import-state:not([hx-get])", timeout=60_000)
    gallery.keep(f"{name}-wrong")
    page.goto(f"{home}meters/import/")
    _upload(page, "målere.csv", "\n".join(METERS.splitlines()[:2]))
    page.locator("button[name=check]").click()
    page.wait_for_selector("#import-state:not([hx-get])", timeout=60_000)
    gallery.keep(f"{name}-fine")
    page.goto(f"{home}meters/import/")
    _upload(page, "målere.xlsx", "no workbook")
    gallery.keep(f"{name}-refused")
    page.goto(f"{home}meters/import/")
    gallery.keep(f"{name}-past")


def keys(gallery: Keeper, home: str, name: str) -> None:
    """A key file with mistakes."""
    page = gallery.page
    page.goto(f"{home}meters/keys/")
    _upload(page, "nøgler.csv", KEYS)
    gallery.keep(f"{name}-preview")


def outdoor(gallery: Keeper, home: str, name: str) -> None:
    """A file of outdoor temperatures: wrong, and fine; a period to take away."""
    page = gallery.page
    for state, text in (("wrong", OUTDOOR), ("fine", OUTDOOR_GOOD)):
        page.goto(f"{home}configuration/outdoor-temperature/")
        _upload(page, "vejr.csv", text)
        gallery.keep(f"{name}-{state}")
    page.goto(f"{home}configuration/outdoor-temperature/")
    page.locator(".outdoor-help summary").click()
    gallery.keep(f"{name}-help")


def meter_kinds(gallery: Keeper, home: str, name: str) -> None:
    """One meter in each unit of time, with last year and the temperature; meters of other media."""
    page = gallery.page
    meters = _meters(page, home)
    for step in ("hour", "day", "month", "year"):
        gallery.visit(f"{name}-{step}", f"{meters[0]}consumption/?step={step}")
    both = "step=day&before=year&outdoor=yes"
    gallery.visit(f"{name}-switches", f"{meters[0]}consumption/?{both}")
    for medium in ("water", "cooling", "electricity"):
        page.goto(f"{home}meters/?medium={medium}")
        row = page.locator("tr[data-meter]").first
        if row.count():
            gallery.visit(f"{name}-{medium}", f"{home}meters/{row.get_attribute('data-meter')}/")


def exchange(gallery: Keeper, home: str, name: str) -> None:
    """The three steps of an exchange, stopped before the last."""
    page = gallery.page
    page.goto(f"{home}meters/?show=stock")
    new = page.locator("tr[data-meter]").first.get_attribute("data-meter")
    meter = _meters(page, home)[0]
    gallery.visit(f"{name}-1", f"{meter}exchange/")
    gallery.visit(f"{name}-2", f"{meter}exchange/?new={new}")
    for field in page.locator("input[name^=start_]").all():
        field.fill("0")
    page.locator("form.exchange .btn-primary").click()
    gallery.keep(f"{name}-3")
    page.goto(f"{meter}exchange/?new={new}")
    for field in page.locator("input[name^=start_]").all():
        field.fill("x")
    page.locator("form.exchange .btn-primary").click()
    gallery.keep(f"{name}-2-wrong")
    gallery.visit(f"{name}-plan", f"{meter}exchange/plan/")


def mistakes(gallery: Keeper, home: str, name: str) -> None:
    """Forms with mistakes, refusals, addresses of nothing."""
    page = gallery.page
    page.goto(f"{home}meters/new/")
    page.fill("[name=number]", "12AB")
    page.locator("main form .btn-primary").first.click()
    gallery.keep(f"{name}-new-meter")
    page.goto(f"{home}operation/inspector/")
    page.fill("[name=telegram]", "2A44")
    page.locator(".inspector-form .btn-primary").click()
    gallery.keep(f"{name}-inspector")
    page.goto(f"{home}operation/inspector/")
    page.fill("[name=telegram]", "2A442D2C998734761B168D2091D37CAC21576C78")
    page.locator(".inspector-form .btn-primary").click()
    gallery.keep(f"{name}-inspected")
    page.goto(f"{home}nowhere/")
    gallery.keep(f"{name}-404")
    page.goto(f"{home}meters/new/")
    page.evaluate(
        "document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach(i => i.value = 'x')"
    )
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.locator("main form .btn-primary").first.click()
    gallery.keep(f"{name}-403")


def comparison(gallery: Keeper, home: str, name: str) -> None:
    """Three meters on one axis of time, and two registers of one on two axes."""
    page = gallery.page
    meters = [address.strip("/").rsplit("/", 1)[1] for address in _meters(page, home)[:3]]
    gallery.visit(f"{name}-meters", f"{home}analysis/comparison/?meters={','.join(meters)}")
    page.goto(f"{home}meters/{meters[0]}/")
    link = page.locator("a[href*='/comparison/?']").first
    if link.count():
        link.click()
        gallery.keep(f"{name}-registers")


def paper(gallery: Keeper, home: str, name: str) -> None:
    """The first page of a meter's report, as it prints."""
    page, tool = gallery.page, shutil.which("pdftoppm")
    if tool is None or "light" not in gallery.view or "desk" not in gallery.view:
        return
    address = f"{_meters(page, home)[0]}report.pdf"
    language = str(page.evaluate("navigator.language"))
    answer = page.request.get(address, headers={"Accept-Language": language})
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(answer.body())
        file.flush()
        target = gallery.out / f"{name}-report-{gallery.view}"
        subprocess.run(  # noqa: S603 — a fixed tool on our own file
            [tool, "-png", "-r", "90", "-singlefile", file.name, str(target)], check=True
        )


SCENES: dict[str, Callable[[Keeper, str, str], None]] = {
    "scene-menu": menus,
    "scene-selection": selection,
    "scene-import": imports,
    "scene-keys": keys,
    "scene-outdoor": outdoor,
    "scene-chart": meter_kinds,
    "scene-exchange": exchange,
    "scene-mistake": mistakes,
    "scene-comparison": comparison,
    "scene-paper": paper,
}
