"""What belongs to Birkelse is searched in everything made for Aalund, and keys in all of it.

Three times: with both walls up, with the database's down, with the application's down. Each wall
must hold by itself, or the two would hide each other's holes.
"""

import base64
import io
import logging
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from pypdf import PdfReader

from ready.accounts.models import User
from ready.celery import app
from ready.tenancy.models import TenantManager
from tests.conftest import as_admin
from tests.matrix.cells import Cell, ask, cells_of
from tests.matrix.sites import CLOSED, Site, sites
from tests.matrix.test_matrix import checksums, rolled_back
from tests.matrix.world import World

SITES = [site for site in sites() if "tenant" in site.parameters]
MODES = ("both walls", "without row-level security", "without the application's filters")


@pytest.fixture(params=MODES)
def mode(
    request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """One of the walls taken down, in this process and its own database only."""
    if request.param == MODES[1]:
        with as_admin() as link:
            walled = [
                str(name)
                for (name,) in link.execute(
                    """SELECT relname FROM pg_class WHERE relrowsecurity
                       AND relnamespace = 'public'::regnamespace AND NOT relispartition"""
                ).fetchall()
            ]
            for table in walled:
                link.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        yield request.param
        with as_admin() as link:
            for table in walled:
                link.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        return
    if request.param == MODES[2]:
        monkeypatch.setattr(TenantManager, "get_queryset", models.Manager.get_queryset)
    yield request.param


def traces(world: World) -> dict[str, list[bytes]]:
    """What must not turn up: Birkelse's texts, and both utilities' keys in every spelling."""
    foreign = [world.other.canary.encode(), world.other.canary.lower().encode()]
    keys = [
        spelling
        for utility in (world.own, world.other)
        for key in utility.keys
        for spelling in (
            key,
            key.hex().encode(),
            key.hex().upper().encode(),
            base64.b64encode(key),
            base64.urlsafe_b64encode(key),
            repr(key).encode(),
        )
    ]
    return {"a text of the neighbour": foreign, "a meter's key": keys}


def contents(response: Any) -> bytes:
    """All of an answer, unpacked where it is packed."""
    body = b"".join(response) if response.streaming else bytes(response.content)
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode()
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body += b"".join(archive.read(name) for name in archive.namelist())
    elif body.startswith(b"%PDF"):
        body += "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages).encode()
    return headers + body


def found_in(text: bytes, world: World) -> list[str]:
    """What of `traces` is in it."""
    return [
        what for what, spellings in traces(world).items() if any(one in text for one in spellings)
    ]


def cells(site: Site, world: World) -> list[Cell]:
    return [cell for cell in cells_of(site, world) if cell.actor == "administrator"]


def test_the_search_finds_what_is_there(world: World) -> None:
    """A test that cannot fail is none: Birkelse's own administrator sees the canary."""
    client = world.client("other administrator")
    text = contents(client.get(f"/t/{world.other.tenant.slug}/meters/"))
    assert found_in(text, world) == ["a text of the neighbour"]
    assert found_in(world.own.keys[0].hex().encode(), world) == ["a meter's key"]


def test_nothing_of_the_neighbour_is_in_what_aalund_sees(
    mode: str, world: World, caplog: pytest.LogCaptureFixture, mailoutbox: list[Any]
) -> None:
    caplog.set_level(logging.INFO)
    leaked, seen = [], 0
    for site in SITES:
        for cell in cells(site, world):
            if cell.method not in site.needs or CLOSED in site.needs.values():
                continue
            with rolled_back():
                response = ask(cell, world)
                text = contents(response)
            seen += 1
            if cell.objects.startswith("foreign") and response.status_code != 404:
                leaked.append(f"{cell}: {response.status_code}")
            leaked += [f"{cell}: {what}" for what in found_in(text, world)]
    mails = "\n".join(str(mail.message()) for mail in mailoutbox).encode()
    logs = caplog.text.encode()
    leaked += [f"mail: {what}" for what in found_in(mails, world)]
    leaked += [f"log: {what}" for what in found_in(logs, world)]
    assert leaked == [], f"{mode}: {len(leaked)} leaks in {seen} answers"
    assert seen > len(SITES)


def test_nothing_of_the_neighbours_is_changed(mode: str, world: World) -> None:
    """Committed, as in life: nothing is rolled back that should have been refused."""
    with as_admin() as link:
        before = checksums(link)
    wrong = []
    for site in SITES:
        for cell in cells(site, world):
            if cell.method == "GET" or cell.method not in site.needs:
                continue
            if not cell.objects.startswith("foreign"):
                continue
            response = ask(cell, world)  # committed: it must be refused
            if response.status_code != 404:
                wrong.append(f"{cell}: {response.status_code}")
    with as_admin() as link:
        after = checksums(link)
    assert wrong == []
    assert [name for name in before if before[name] != after[name]] == []


def test_no_key_lies_open_in_the_database_or_the_broker(world: World) -> None:
    keys = traces(world)["a meter's key"]
    with as_admin() as link:
        tables = [
            name
            for (name,) in link.execute(
                """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                   AND relkind IN ('r', 'p') AND NOT relispartition"""
            ).fetchall()
        ]
        for name in tables:
            dump = "\n".join(
                row[0] for row in link.execute(f"SELECT t::text FROM {name} t").fetchall()
            ).encode()
            assert not [key for key in keys if key in dump], f"a key in {name}"
    with app.connection_for_read() as link:
        broker = link.default_channel.client
        for key in broker.scan_iter():
            dumped = broker.dump(key) or b""
            assert not [one for one in keys if one in bytes(dumped)], f"a key in {key!r}"


def test_a_persons_name_is_no_part_of_a_strangers_refusal(world: World) -> None:
    """Birkelse's people knock at Aalund's door; Aalund's log names them only by number."""
    client = world.client("other administrator")
    client.get(f"/t/{world.own.tenant.slug}/meters/")
    log = contents(
        world.client("administrator").get(
            f"/t/{world.own.tenant.slug}/configuration/audit/?outcome=denied"
        )
    )
    assert found_in(log, world) == []
    assert User.objects.filter(email__contains=world.other.canary.lower()).exists()
