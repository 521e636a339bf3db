"""READY's five sections and the pages in them: what the rail, the tabs and `g` keys show."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ready.accounts.rights import rights_for
from ready.policy import Rights, can


@dataclass(frozen=True, slots=True)
class Page:
    """An entry: the view's name, and the permission without which it is not shown. `also` names
    the views that are parts of this page: they mark its tab."""

    name: str
    label: Promise | str
    permission: str
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the rail. `key` is pressed after g; `namespaces` tell which views are in it,
    `views` which of another namespace are, too."""

    label: Promise | str
    icon: str
    key: str
    pages: tuple[Page, ...]
    namespaces: frozenset[str]
    views: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """A page with its address in the current utility."""

    label: Promise | str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A section with what the person may open in it."""

    label: Promise | str
    icon: str
    key: str
    url: str
    current: bool
    links: tuple[Link, ...]


SECTIONS = (
    Section(
        pgettext_lazy("section", "Home"),
        "home",
        "h",
        (Page("home", pgettext_lazy("section", "Home"), "meters.view"),),
        frozenset({"home"}),
    ),
    Section(
        _("Meters"),
        "meters",
        "m",
        (
            Page(
                "meters:list",
                _("Meters"),
                "meters.view",
                frozenset({"meters:new", "meters:edit_selected", "meters:delete_selected"}),
            ),
            Page("meters:map", _("Map"), "meters.view"),
            Page("readings:priority", _("Priority meters"), "meters.view"),
            Page("meters:groups", _("Groups"), "meters.view", frozenset({"meters:group"})),
            Page("readings:exchanges", _("Meter exchange actions"), "meters.view"),
            Page(
                "meters:customers",
                _("Customers"),
                "customers.view",
                frozenset({"meters:edit_customer"}),
            ),
            Page(
                "meters:imports",
                _("Import"),
                "meters.import",
                frozenset({"meters:import", "meters:upload", "meters:choose_columns"}),
            ),
            Page("keys:doctor", _("Key doctor"), "keys.view_state"),
            Page("keys:imports", _("Import keys"), "keys.import"),
        ),
        frozenset({"meters", "readings", "keys"}),
        # What is shown under a meter or a place, whichever app makes it.
        frozenset(
            {
                "notifications:events",
                "collectors:meter",
                "collectors:reading",
                "reports:send_report",
                "reports:residents",
                "reports:erasure",
                "reports:certificate",
            }
        ),
    ),
    Section(
        _("Analysis"),
        "analysis",
        "a",
        (
            Page("reports:comparison", _("Data comparison"), "meters.view"),
            Page("reports:consumption", _("Consumption reports"), "reports.view"),
        ),
        frozenset({"reports"}),
    ),
    Section(
        _("Operation"),
        "operation",
        "o",
        (
            Page(
                "collectors:telegrams",
                _("Telegrams"),
                "operation.view",
                frozenset({"collectors:telegram"}),
            ),
            Page("collectors:quarantine", _("Quarantine"), "operation.view"),
            Page(
                "collectors:list",
                _("Collectors"),
                "operation.view",
                frozenset({"collectors:new", "collectors:edit"}),
            ),
            Page(
                "collectors:inspector",
                _("Telegram inspector"),
                "inspector.use",
                frozenset({"collectors:inspect"}),
            ),
            Page("notifications:info_codes", _("Info codes"), "operation.view"),
            Page("notifications:outbox", _("Outbox"), "operation.view"),
        ),
        frozenset({"collectors", "notifications"}),
    ),
    Section(
        _("Configuration"),
        "configuration",
        "c",
        (
            Page("configuration", pgettext_lazy("page", "Settings"), "configuration.view"),
            Page(
                "configuration:users",
                _("Users"),
                "people.view",
                frozenset({"configuration:user"}),
            ),
            Page("configuration:roles", _("Roles and permissions"), "people.view"),
            Page("configuration:tokens", _("API tokens"), "api_tokens.edit"),
            Page("configuration:sign_in", _("Single sign-on"), "sign_in.edit"),
            Page(
                "readings:keeping",
                _("Keeping of readings"),
                "configuration.view",
                frozenset({"readings:keep"}),
            ),
            Page(
                "readings:outdoor",
                _("Outdoor temperature"),
                "configuration.view",
                frozenset(
                    {
                        "readings:check_outdoor",
                        "readings:import_outdoor",
                        "readings:remove_outdoor",
                    }
                ),
            ),
            Page("reports:letterhead", _("Letterhead"), "configuration.edit"),
            Page("audit:trail", _("Audit log"), "audit.view"),
        ),
        frozenset({"configuration", "change_configuration", "audit"}),
    ),
)


def navigation(request: HttpRequest) -> tuple[Item, ...]:
    """The sections that this person may open in the current utility; none outside a utility."""
    tenant = getattr(request, "tenant", None)
    rights = rights_for(request)
    if tenant is None or rights is None:
        return ()
    match = request.resolver_match
    name = match.view_name if match else ""
    return tuple(
        item for section in SECTIONS if (item := _item(section, tenant.slug, rights, name))
    )


def _item(section: Section, slug: str, rights: Rights, view_name: str) -> Item | None:
    links = tuple(
        Link(page.label, url, view_name == page.name or view_name in page.also)
        for page in section.pages
        if can(rights, page.permission) and (url := _address(page.name, slug))
    )
    if not links:
        return None
    return Item(
        section.label, section.icon, section.key, links[0].url, _here(view_name) is section, links
    )


def _here(view_name: str) -> Section | None:
    """The section that lists the view as a page or a part of one, else the one its namespace is
    in."""
    for section in SECTIONS:
        if view_name in section.views or any(
            page.name == view_name or view_name in page.also for page in section.pages
        ):
            return section
    namespace = view_name.split(":")[0]
    return next((one for one in SECTIONS if namespace in one.namespaces), None)


def _address(name: str, slug: str) -> str:
    try:
        return reverse(name, args=[slug])
    except NoReverseMatch:
        return ""
