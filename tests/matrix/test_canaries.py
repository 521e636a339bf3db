"""What belongs to Birkelse is searched in everything made for Aalund, and keys in all of it.

Three times: with both walls up, with the database's down, with the application's down. Each wall
must hold by itself, or the two would hide each other's holes.
"""

import base64
import io
import logging
import re
import secrets
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from pypdf import PdfReader

from meters.models import KeyImport
from ready.accounts.models import User
from ready.celery import app
from ready.tenancy.context import tenant_context
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


def test_no_key_lies_open_in_the_database(world: World) -> None:
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


def in_the_broker(world: World) -> list[str]:
    """What of `traces` is in Redis. Values are read as what they are: a dump would be packed."""
    found = []
    with app.connection_for_read() as link:
        broker = link.default_channel.client
        read: dict[bytes, Callable[[Any], Any]] = {
            b"string": broker.get,
            b"list": lambda key: broker.lrange(key, 0, -1),
            b"hash": broker.hgetall,
            b"set": broker.smembers,
            b"zset": lambda key: broker.zrange(key, 0, -1, withscores=True),
            b"stream": broker.xrange,
        }
        for key in broker.scan_iter():
            kind = broker.type(key)
            kind = kind if isinstance(kind, bytes) else str(kind).encode()
            text = _flat(key) + _flat(read[kind](key))
            text += _unpacked(text)
            found += [f"{what} in {key!r}" for what in found_in(text, world)]
    return found


def _flat(value: object) -> bytes:
    """Everything in a value of the broker's, one after the other."""
    if isinstance(value, bytes):
        return value + b"\n"
    if isinstance(value, dict):
        return b"".join(_flat(one) for pair in value.items() for one in pair)
    if isinstance(value, list | set | tuple):
        return b"".join(_flat(one) for one in value)
    return f"{value}\n".encode()


def _unpacked(text: bytes) -> bytes:
    """What a message's body says: Celery writes it in base64."""
    bodies = re.findall(rb'"body": "([A-Za-z0-9+/=]+)"', text)
    return b"\n".join(base64.b64decode(body) for body in bodies)


def test_the_search_finds_what_lies_in_the_broker(world: World) -> None:
    """Planted as a key, as a value of each kind, and as a task's argument."""
    key, text = world.own.keys[0].hex(), world.other.canary
    with app.connection_for_read() as link:
        broker = link.default_channel.client
        plants = {
            "string": lambda: broker.set("planted-string", f"{key} " * 20),
            "list": lambda: broker.rpush("planted-list", text * 20),
            "hash": lambda: broker.hset("planted-hash", key, "1"),
            "set": lambda: broker.sadd("planted-set", text),
            "zset": lambda: broker.zadd("planted-zset", {text: 1}),
        }
        assert in_the_broker(world) == []
        for kind, plant in plants.items():
            plant()  # type: ignore[no-untyped-call]
            try:
                assert len(in_the_broker(world)) == 1, kind
            finally:
                broker.delete(f"planted-{kind}")
    with app.connection_for_write() as link:
        app.send_task("tests.planted", [text], queue="planted", connection=link)
        try:
            assert in_the_broker(world)
        finally:
            link.default_channel.client.delete("planted")


def test_the_broker_learns_nothing(mode: str, world: World) -> None:
    """Committed acts that ring a bell: a key stored, keys and meters imported, a push."""
    client = world.client("administrator")
    t = f"/t/{world.own.tenant.slug}"
    key = secrets.token_bytes(16)
    world.own.keys.append(key)
    number = f"{secrets.randbelow(10**8):08d}"
    file = SimpleUploadedFile("k.csv", f"serial;key\n{number};{key.hex()}\n".encode())
    assert client.post(f"{t}/meters/keys/upload/", {"file": file}).status_code == 302
    with tenant_context(world.own.tenant.pk):
        pk = KeyImport.objects.latest("pk").pk
    client.post(f"{t}/meters/keys/{pk}/apply/", {"register": "on"})
    meter = world.own.things["meter"]
    assert client.post(f"{t}/meters/{meter}/key/set/", {"key": key.hex()}).status_code < 400
    assert in_the_broker(world) == [], mode


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
