"""Cells: one request of one actor at one address, and the answer that the declaration demands."""

import copy
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zlib import crc32

import pytest

from ready.policy import DEVICE, PERMISSIONS, PLATFORM, PUBLIC, SIGNED_IN, WITHIN_GROUPS, held_by
from tests.matrix.parameters import FORMS, LIBRARY, NO_OBJECT, absent, thing_of
from tests.matrix.sites import CLOSED, METHODS, Site
from tests.matrix.world import ACTORS, DEVICES, LIMITED, OUTSIDERS, ROLES, STRANGERS, World

# The whole matrix with READY_MATRIX=all (`make matrix`); else this part of it, another each day.
WHOLE = os.environ.get("READY_MATRIX") == "all"
ONE_IN = 6
_OWN_PAGES = ("account_", "mfa_", "socialaccount_", "usersessions_")

# A person's own second factors: who has none is let in and finds none.
_MAY_BE_NONE = (
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
)

# What is not there for who is limited to a group without meters.
OF_METERS = {
    "meter",
    "stock_meter",
    "exchanged_meter",
    "exchanged",
    "priority_meter",
    "spare",
    "customer",
    "place",
    "former_place",
    "installation",
    "reading",
    "telegram",
    "number",
}
# A file of values names no object, but of no meter there is none.
ABOUT_METERS = {"reports:consumption_export"}
LOGIN, FORBIDDEN, ABSENT, UNAUTHORISED, NOT_ALLOWED, OPEN = (
    "log-in",
    "403",
    "404",
    "401",
    "405",
    "open",
)


@dataclass(frozen=True)
class Cell:
    """`objects`: "own", "foreign" or "absent", and for foreign ones which parameters are it."""

    site: Site
    method: str
    actor: str
    objects: str
    values: dict[str, Any] = field(compare=False)
    expected: str

    def __str__(self) -> str:
        return f"{self.method} {self.site.name} as {self.actor}, {self.objects} object"

    @property
    def path(self) -> str:
        return self.site.path(self.values)

    @property
    def always(self) -> bool:
        """Part of every sample: those that open, and a neighbour's administrator."""
        return self.objects == "own" and self.actor in ("administrator", "other administrator")

    def sampled(self) -> bool:
        """Whether today's sample has it; steady within a day, so that a failure repeats."""
        return WHOLE or self.always or (crc32(str(self).encode()) + day()) % ONE_IN == 0


def day() -> int:
    """The sample's number: READY_MATRIX_DAY, else the day."""
    return int(os.environ.get("READY_MATRIX_DAY") or date.today().toordinal())  # noqa: DTZ011


def objects_of(site: Site, world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    """The values of an address's parameters: own, each foreign one, and absent ones."""
    if not site.parameters:
        yield "own", {}
        return
    if CLOSED in site.needs.values() or site.name.startswith(("account", "mfa_")):
        yield "own", {name: LIBRARY.get(name, "x") for name in site.parameters}
        return
    things = {name: thing_of(site.name, name) for name in site.parameters}
    for name, thing in things.items():
        if thing is None or thing not in world.own.things:
            pytest.fail(
                f"{site.name} ({site.route}): nothing says what its parameter “{name}” names. Add "
                f'"{site.namespace}.{name}": "thing" to THINGS in tests/matrix/parameters.py and '
                "make the thing in tests/matrix/things.py.",
                pytrace=False,
            )
    own = {name: world.own.things[str(thing)] for name, thing in things.items()}
    yield "own", own
    inner = [
        name
        for name in site.parameters
        if name != "tenant" and f"{site.name}.{name}" not in NO_OBJECT
    ]
    for name in inner:
        thing = str(things[name])
        yield f"foreign {name}", {**own, name: world.other.things[thing]}
        yield f"absent {name}", {**own, name: absent(thing)}


def expected(site: Site, method: str, actor: str, objects: str, world: World) -> str:
    """The answer, from the declaration alone."""
    # Who is logged in and does not belong there sees not even a utility's open pages.
    if site.route.startswith("t/") and PUBLIC in site.needs.values() and actor in OUTSIDERS:
        return ABSENT
    if method not in site.needs:
        need = next(iter(site.needs.values()))
        verdict = _verdict(site, need, actor)
        if site.name.startswith("api:"):
            return NOT_ALLOWED
        return NOT_ALLOWED if verdict == OPEN else verdict
    verdict = _verdict(site, site.needs[method], actor)
    none = OF_METERS & _things(site) or site.name in ABOUT_METERS
    if actor == "user of no group" and verdict == OPEN and none:
        return ABSENT
    return ABSENT if verdict == OPEN and objects != "own" else verdict


def _things(site: Site) -> set[str]:
    return {str(thing_of(site.name, name)) for name in site.parameters}


def _verdict(site: Site, need: str | None, actor: str) -> str:
    if need is None:
        pytest.fail("a view without @access", pytrace=False)
    if need == CLOSED:
        return ABSENT
    if need == PUBLIC:
        return OPEN
    if need == DEVICE:
        return OPEN if actor == "collector" else UNAUTHORISED
    if actor == "API token" and site.name.startswith("api:"):
        return OPEN if need in PERMISSIONS and PERMISSIONS[need].token else FORBIDDEN
    if site.name.startswith("api:"):
        return UNAUTHORISED
    if actor in STRANGERS:
        return LOGIN
    if need == SIGNED_IN:
        return OPEN
    if need == PLATFORM:
        return OPEN if actor in ("platform operator", "visiting operator") else ABSENT
    wanted = {need, *site.also}
    if actor == "visiting operator":
        return OPEN if all(PERMISSIONS[one].visit for one in wanted) else FORBIDDEN
    if actor in OUTSIDERS or actor not in ROLES:
        return ABSENT
    held = held_by(ROLES[actor], {})
    if actor in LIMITED:
        held &= WITHIN_GROUPS
    return OPEN if wanted <= held else FORBIDDEN


def cells_of(site: Site, world: World) -> list[Cell]:
    """Every cell of a pattern: all methods, actors and objects."""
    found = []
    for objects, values in objects_of(site, world):
        for method in METHODS:
            if method not in ("GET", "POST") and (
                method not in site.needs or site.name.startswith(_OWN_PAGES)
            ):
                continue
            for actor in ACTORS:
                wanted = expected(site, method, actor, objects, world)
                found.append(Cell(site, method, actor, objects, values, wanted))
    return found


def ask(cell: Cell, world: World) -> Any:
    """Make the request."""
    client = world.client(cell.actor)
    if cell.site.name.startswith(_OWN_PAGES) and cell.method != "GET":
        # It may end the session: the visitor is a copy, with cookies of its own.
        client = copy.copy(client)
        client.cookies = copy.deepcopy(client.cookies)
    if cell.method == "GET":
        return client.get(cell.path)
    data = FORMS[cell.site.name](world) if cell.site.name in FORMS else {}
    body = data.pop("_body", None)
    if body is not None:
        return client.generic(cell.method, cell.path, body, data.pop("_type"))
    return (
        client.generic(cell.method, cell.path)
        if cell.method != "POST"
        else client.post(cell.path, data)
    )


def answered(cell: Cell, response: Any) -> str:
    """The answer in the words of `expected`."""
    status = response.status_code
    if status == 302 and response["Location"].startswith("/accounts/login/?next="):
        return LOGIN
    words = {401: UNAUTHORISED, 403: FORBIDDEN, 404: ABSENT, 405: NOT_ALLOWED}
    if status == 404 and cell.site.name in _MAY_BE_NONE:
        return OPEN
    if status in words:
        return words[status]
    if status < 400:
        return OPEN
    if (cell.site.name, status) == ("ready", 503) or status == 429:
        return OPEN  # open to all: in tests no worker runs, and they all come from one address
    # Past the door, but not to its taste: 400, 413, 415, 422 are answers about the form.
    return OPEN if status in (400, 409, 413, 415, 422) else str(status)


_MASKS = (
    re.compile(rb'csrfmiddlewaretoken" value="[^"]+"'),
    re.compile(rb'X-CSRFToken": "[^"]+"'),
    re.compile(rb"nonce-?[=-]\"?[\w+/=-]+"),
)


def comparable(cell: Cell, response: Any) -> tuple[int, bytes, dict[str, str]]:
    """What two answers must agree in: everything but the address itself and what is random."""
    body = bytes(response.content)
    for mask in _MASKS:
        body = mask.sub(b"", body)
    body = body.replace(cell.path.encode(), b"")
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("X-Request-ID", "Content-Length", "Content-Security-Policy")
    }
    return response.status_code, body, headers


__all__ = ["DEVICES", "WHOLE", "Cell", "answered", "ask", "cells_of", "comparable"]
