"""Who may do what, everywhere: every address, method, actor and object, generated.

Expected is what the declaration says (`tests/matrix/cells.py`); nothing is listed by hand. Each
pattern is a test. `make test` asks a sixth of the cells, another sixth each day, besides those that
open and those of a neighbour's administrator; `make matrix` asks all and tells how many.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import transaction

from ready.audit.models import AuditEntry
from ready.policy import PUBLIC
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.conftest import as_admin
from tests.matrix.cells import Cell, answered, ask, cells_of, comparable
from tests.matrix.parameters import CHANGES_NOTHING, FORMS
from tests.matrix.sites import CLOSED, Site, sites
from tests.matrix.world import ROLES, STRANGERS, World

SITES = sites()
# Written whoever comes and whatever they may: the trail, and a session's own row.
_NOT_COMPARED = (
    "audit_auditentry",
    "audit_auditseal",
    "django_session",
    "usersessions_usersession",
    "accounts_session",
    "accounts_loginthrottle",  # how often somebody was refused
)
COUNTED = {"cells": 0, "asked": 0}


def checksums(link: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Rows and a checksum of every table."""
    tables = [
        name
        for (name,) in link.execute(
            """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition"""
        ).fetchall()
        if name not in _NOT_COMPARED
    ]
    text = " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(sum(hashtext({_row(name)})::bigint), 0) FROM {name} t"
        for name in tables
    )
    return {name: (rows, total) for name, rows, total in link.execute(text).fetchall()}


def _row(table: str) -> str:
    """A row as text; when a token was last used is written down whatever it may do."""
    return "(to_jsonb(t) - 'last_used_at')::text" if table == "accounts_apitoken" else "t::text"


def refusals(link: psycopg.Connection) -> int:
    """Entries of denied and failed acts."""
    row = link.execute("SELECT count(*) FROM audit_auditentry WHERE outcome <> 'ok'").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def rolled_back() -> Iterator[None]:
    """What a cell that opens does is looked at and undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_pattern(site: Site, world: World) -> None:
    assert None not in site.needs.values(), f"{site.name} declares no access"
    cells = cells_of(site, world)
    asked = [cell for cell in cells if cell.sampled()]
    COUNTED["cells"] += len(cells)
    COUNTED["asked"] += len(asked)
    wrong: list[str] = []
    with as_admin() as link:
        # Beyond the first hundred refusals in a while not each is told: not what is asked here.
        link.execute("DELETE FROM accounts_loginthrottle")
        before = checksums(link)
        for cell in asked:
            if cell.expected == "open":
                continue
            entries = refusals(link)
            answer = answered(cell, ask(cell, world))
            if answer != cell.expected:
                wrong.append(f"{cell}: {answer}, expected {cell.expected}")
            written = refusals(link) - entries
            if written != _denials(cell):
                wrong.append(f"{cell}: {written} refusals in the trail, not {_denials(cell)}")
        after = checksums(link)
        changed = [name for name in before if before[name] != after.get(name)]
        if changed:
            wrong.append(f"a refused request of {site.name} changed {', '.join(changed)}")
    for cell in asked:
        if cell.expected == "open":
            with rolled_back():
                answer = answered(cell, ask(cell, world))
            if answer != "open":
                wrong.append(f"{cell}: {answer}, expected open")
    assert not wrong, "\n".join(wrong)


def _denials(cell: Cell) -> int:
    """How many refusals a refused cell leaves in the trail: of people, whom it names, one; and
    of a token, whose utility it names, one."""
    if cell.site.name.startswith("api:"):
        if cell.actor == "revoked API token":
            return 1
        if cell.actor == "revoked collector":
            return int(cell.site.name == "api:push" and cell.method == "POST")
        acts = cell.method != "GET" or cell.expected == "403"
        return int(cell.actor == "API token" and acts)
    if not cell.site.route.startswith("t/") or cell.actor in STRANGERS:
        return 0
    outsider = cell.actor not in ROLES and cell.actor != "visiting operator"
    if outsider or cell.expected == "403" or cell.method != "GET":
        return 1
    return 0  # looking for what is not there is no act


@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_foreign_looks_absent(site: Site, world: World) -> None:
    """Another utility's object and none at all answer alike: status, body and headers."""
    if "tenant" not in site.parameters or len(site.parameters) < 2:
        # The utility itself: a neighbour's against one that does not exist.
        if "tenant" in site.parameters:
            cells = {cell.actor: cell for cell in cells_of(site, world) if cell.method == "GET"}
            there = cells["other administrator"]
            nowhere = Cell(
                site, "GET", there.actor, "absent", {**there.values, "tenant": "nowhere"}, "404"
            )
            assert comparable(there, ask(there, world)) == comparable(nowhere, ask(nowhere, world))
        return
    by_kind: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for cell in cells_of(site, world):
        kind, _space, parameter = cell.objects.partition(" ")
        if parameter and cell.actor == "administrator" and cell.method in site.needs:
            by_kind.setdefault((cell.method, cell.actor, parameter), {})[kind] = cell
    assert by_kind
    for pair in by_kind.values():
        foreign, absent = pair["foreign"], pair["absent"]
        with rolled_back():
            one = comparable(foreign, ask(foreign, world))
        with rolled_back():
            other = comparable(absent, ask(absent, world))
        assert one == other, f"{foreign} can be told from one that does not exist"


@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_visited_with_success(site: Site, world: World) -> None:
    """Somebody gets through with every method that a view of ours accepts, and it is recorded."""
    if CLOSED in site.needs.values() or site.name.startswith(("account_", "mfa_", "api:")):
        return  # a library's: what READY opens of it has tests of its own (tests/accounts)
    for method in site.needs:
        who = next(
            (
                cell
                for actor in ("administrator", "platform operator", "collector", "anonymous")
                for cell in cells_of(site, world)
                if cell.method == method
                and cell.actor == actor
                and cell.objects == "own"
                and cell.expected == "open"
            ),
            None,
        )
        assert who is not None, f"nobody may {method} {site.name}"
        with rolled_back():
            entries = done()
            response = ask(who, world)
            told = done()
        hint = (
            "; add the smallest form that works to FORMS in tests/matrix/parameters.py"
            if method != "GET" and site.name not in FORMS
            else ""
        )
        assert response.status_code < 400 or response.status_code == 503, (
            f"{who}: {response.status_code}{hint}"
        )
        if method != "GET" and site.needs[method] != PUBLIC and site.name not in CHANGES_NOTHING:
            assert told > entries, f"{who} changed something and left nothing in the trail"


def done() -> int:
    """Entries of acts that were done, as the running transaction sees them."""
    total = 0
    for pk in Tenant.objects.values_list("pk", flat=True):
        with tenant_context(pk):
            total += AuditEntry.objects.filter(outcome="ok").count()
    return total


def test_the_number_of_cells(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [cell for site in SITES for cell in cells_of(site, world)]
    asked = sum(cell.sampled() for cell in cells)
    with capsys.disabled():
        print(f"\nmatrix: {len(SITES)} patterns, {len(cells)} cells, {asked} of them asked")
    assert len(cells) > 1000
