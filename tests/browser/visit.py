"""A person's browser window."""

from pathlib import Path

from playwright.sync_api import Browser, Page

from ready.accounts.models import User

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
# Rules of WCAG 2.0 to 2.2, A and AA, and axe's own best practices where they are serious.
_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
_FINDINGS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => `${one.id}: ${one.help}: ${one.nodes.map(node =>
        node.target.join(" ") + " (" + node.failureSummary + ")").join("; ")}`)"""


class Visit:
    """A browser window that remembers what went wrong in it."""

    def __init__(self, browser: Browser, site: str, size: str, scheme: str) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        self.site = site
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self, user: User) -> None:
        self.page.goto(f"{self.site}/accounts/login/")
        self.page.fill("input[name=login]", user.email)
        self.page.fill("input[name=password]", "Kobberkedel-1")
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url("**/t/aalund/")

    def barriers(self) -> list[str]:
        """What axe-core finds serious on the page as it stands (none wanted)."""
        # Evaluated by the debugger: the page's own policy lets no such script in.
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(_AXE)
        found: list[str] = self.page.evaluate(_FINDINGS)
        return found
