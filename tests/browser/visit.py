"""A person's browser window."""

from playwright.sync_api import Browser, Page

from ready.accounts.models import User

SIZES = {"desk": (1440, 900), "phone": (390, 844)}


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
