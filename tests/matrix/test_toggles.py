"""One permission more or less flips exactly the cells that name it, and at once.

`make test` toggles four of the delegable (role, permission) pairs, others each day; `make matrix`
all of them.
"""

from zlib import crc32

import pytest
from django.core.cache import cache

from ready.accounts.models import RolePermission
from ready.policy import CHANGEABLE, PERMISSIONS, Role, held_by
from ready.tenancy.context import tenant_context
from tests.matrix.cells import WHOLE, Cell, answered, ask, cells_of, day
from tests.matrix.sites import Site, sites
from tests.matrix.test_matrix import rolled_back
from tests.matrix.world import ROLES, World

PAIRS = [
    (role, code)
    for role in CHANGEABLE
    for code, permission in PERMISSIONS.items()
    if role in permission.delegable
]
CHOSEN = PAIRS if WHOLE else sorted(PAIRS, key=lambda pair: crc32(f"{pair} {day()}".encode()))[:4]
SITES = [site for site in sites() if "tenant" in site.parameters]


def doors(world: World, actor: str, only: Site | None = None) -> dict[tuple[str, str], Cell]:
    """The cell of each method of each pattern, with the utility's own objects."""
    return {
        (cell.site.name, cell.method): cell
        for site in ([only] if only else SITES)
        for cell in cells_of(site, world)
        if cell.actor == actor and cell.objects == "own" and cell.method in site.needs
    }


@pytest.mark.parametrize(("role", "code"), CHOSEN)
def test_a_permission_flips_the_cells_that_name_it(role: Role, code: str, world: World) -> None:
    actor = next(name for name, one in ROLES.items() if one is role)
    cells = doors(world, actor)
    held = code in held_by(role, {})
    flipped = set()
    with rolled_back():
        with tenant_context(world.own.tenant.pk):
            RolePermission.objects.create(role=role, code=code, held=not held)
        cache.clear()
        for key, cell in cells.items():
            # A few that name other codes are asked, too; make matrix asks them all.
            names_it = code in _named(cell)
            if not (names_it or WHOLE or crc32(f"{key} {code} {day()}".encode()) % 10 == 0):
                continue
            with rolled_back():
                answer = answered(cell, ask(cell, world))
            if (answer == "403") != (cell.expected == "403"):
                flipped.add(key)
    named = {key for key, cell in cells.items() if code in _named(cell) and _flips(cell, code)}
    assert flipped == named


def _named(cell: Cell) -> set[str | None]:
    """Every permission that the cell's declaration names."""
    return {cell.site.needs[cell.method], *cell.site.also}


def _flips(cell: Cell, code: str) -> bool:
    """Whether this permission decides: what else the cell wants is held."""
    return _named(cell) - {code} <= held_by(ROLES[cell.actor], {})


def test_every_permission_that_can_be_given_or_taken_is_toggled() -> None:
    assert {code for _role, code in PAIRS} == {
        code for code, permission in PERMISSIONS.items() if permission.delegable
    }
