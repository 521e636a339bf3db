"""What an attacker sends to every page: forms of other sites, and fields that no form has."""

import copy

import pytest
from django.test import Client

from ready.accounts.models import Membership, User
from ready.policy import DEVICE, Role
from ready.tenancy.context import tenant_context
from tests.conftest import as_admin
from tests.matrix.cells import answered, ask, cells_of
from tests.matrix.parameters import FORMS
from tests.matrix.sites import CLOSED, Site, sites
from tests.matrix.test_matrix import checksums, rolled_back
from tests.matrix.world import World

POSTS = [
    site
    for site in sites()
    if "POST" in site.needs
    and not {CLOSED, DEVICE} & set(site.needs.values())
    and not site.name.startswith("api:")
]


def test_no_form_of_another_site_is_taken(world: World) -> None:
    """Each POST, sent with a person's cookies but without the token of READY's own pages."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.cookies = copy.deepcopy(world.client("administrator").cookies)
    taken = []
    with as_admin() as link:
        before = checksums(link)
        for site in POSTS:
            cell = next(
                cell
                for cell in cells_of(site, world)
                if (cell.method, cell.actor, cell.objects) == ("POST", "administrator", "own")
            )
            data = FORMS[site.name](world) if site.name in FORMS else {}
            data.pop("_body", None)
            data.pop("_type", None)
            response = browser.post(
                cell.path, data, headers={"origin": "https://evil.example", "host": "testserver"}
            )
            if response.status_code != 403:
                taken.append(f"{site.name}: {response.status_code}")
        after = checksums(link)
    assert taken == []
    assert [name for name in before if before[name] != after[name]] == []
    assert len(POSTS) > 60


FORGED = {
    "tenant": "2",
    "tenant_id": "2",
    "id": "1",
    "pk": "1",
    "user": "1",
    "user_id": "1",
    "role": "administrator",
    "is_superuser": "on",
    "is_staff": "on",
    "is_active": "on",
    "limited": "",
    "licence": "fixed_network",
    "priority_meters": "999999",
    "suspended_at": "",
    "actor": "somebody",
    "sessions_from": "",
}


@pytest.mark.parametrize(
    "site",
    [
        site
        for site in POSTS
        if site.name in FORMS
        and site.name not in ("configuration:change_role",)
        and not site.name.startswith("platform:")
    ],
    ids=lambda site: site.name,
)
def test_fields_that_no_form_has_change_nothing(site: Site, world: World) -> None:
    """Beside the form's own: nobody's role, utility or limits come from the body."""
    cell = next(
        cell
        for cell in cells_of(site, world)
        if (cell.method, cell.actor, cell.objects) == ("POST", "administrator", "own")
    )
    form = FORMS[site.name]
    with rolled_back():
        before = _powers(world)
        forged = {name: value for name, value in FORGED.items() if name not in form(world)}
        FORMS[site.name] = lambda world: {**forged, **form(world)}
        try:
            answered(cell, ask(cell, world))
        finally:
            FORMS[site.name] = form
        after = _powers(world)
    member = f"{world.own.tenant.slug} {world.own.things['member']}"
    own = {member} if site.name == "configuration:limit_user" else set()
    changed = {name for name in before if before[name] != after.get(name)} - own
    assert changed == set()


def _powers(world: World) -> dict[str, object]:
    """Who is what in both utilities, and what the utilities themselves may."""
    told: dict[str, object] = {}
    for utility in (world.own, world.other):
        with tenant_context(utility.tenant.pk):
            for one in Membership.objects.filter(tenant=utility.tenant):
                name = f"{utility.tenant.slug} {one.user_id}"
                told[name] = (one.role, one.limited, one.disabled_at)
            terms = type(utility.tenant).objects.get(pk=utility.tenant.pk)
            told[utility.tenant.slug] = (
                terms.pk,
                terms.licence,
                terms.priority_meters,
                terms.alarm_meters,
                terms.suspended_at,
            )
    told["shut out"] = list(User.objects.filter(is_active=False).values_list("pk", flat=True))
    assert any(isinstance(one, tuple) and one[0] == Role.ADMINISTRATOR for one in told.values())
    return told
