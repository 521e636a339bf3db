"""No address of a utility asks the database more often because there is more of everything.

The addresses are those of the URL configuration, files, reports and data for charts included: a
page that somebody adds tomorrow is asked too. What single pages may ask is recorded beside this,
in test_statements.
"""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ready.policy import Role
from ready.tenancy.context import tenant_context
from tests.matrix import world
from tests.matrix.cells import objects_of
from tests.matrix.sites import Site, sites
from tests.matrix.things import Utility, furnish

pytestmark = pytest.mark.django_db
TIMES_MORE = 3
# The chart of a meter asks most.
MOST = 45


def asked(client: Client, address: str) -> int:
    """How often the database is asked for an answer, to its last byte."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
        assert len(answer.getvalue()) >= 0
    assert answer.status_code < 500, address
    return len(captured)


def addresses(own: Utility) -> dict[str, str]:
    """Every address of a utility that can be looked at, by its name."""
    here = world.World(own=own, other=own)

    def told(site: Site) -> str:
        _kind, values = next(objects_of(site, here))
        return site.path(values)

    return {
        site.name: told(site)
        for site in sites()
        if "GET" in site.needs and site.route.startswith(("t/", "platform/"))
    }


def test_no_address_asks_more_often_because_there_is_more_to_show() -> None:
    own = world._utility("aalund", "Aalund Varme")
    client = world.signed_in(own.people[Role.ADMINISTRATOR])
    paths = addresses(own)
    assert len(paths) > 80
    for path in paths.values():
        client.get(path)  # what is looked up once a process
    few = {name: asked(client, path) for name, path in paths.items()}
    for number in range(TIMES_MORE):
        more = Utility(own.tenant, f"{own.canary}-{number}", people=own.people)
        with tenant_context(own.tenant.pk):
            furnish(more)
            world.person(more, f"colleague {number}", Role.USER)
    many = {name: asked(client, path) for name, path in paths.items()}
    assert {name: (few[name], many[name]) for name in paths if few[name] != many[name]} == {}
    highest = max(many, key=many.__getitem__)
    assert many[highest] <= MOST, highest
