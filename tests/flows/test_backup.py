"""docs/how-to/backup.md, rehearsed: dumped, restored into a new cluster, and in use again."""

import io
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from collectors.models import InboundBatch
from collectors.outcomes import Outcome
from ready.audit import sealing, verification
from ready.local.postgres import ADMINISTRATOR, THROW_AWAY, Cluster, installation
from ready.local.servers import run_folder
from ready.local.supervisor import Supervisor
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.collectors.test_push import KEY, Box, at, item, outcomes, readings, telegram, work
from tests.conftest import _ROLES, _admin_url

pytestmark = pytest.mark.slow
PASSWORD = "another-administrator"


@dataclass
class Elsewhere:
    """A cluster that has never heard of READY."""

    url: str
    host: str


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with run_folder() as folder, Supervisor(tmp_path) as supervisor:
        data = folder.folder("data")
        if os.geteuid() == 0:
            data.chmod(0o711)
        cluster = Cluster(installation(), data / "postgres", folder.path, THROW_AWAY)
        supervisor.start(cluster.prepare(PASSWORD))
        yield Elsewhere(cluster.url(ADMINISTRATOR, PASSWORD), str(cluster.sockets))
        connection.close()


@pytest.fixture
def moved(committed: None) -> Iterator[Any]:
    """Lets Django's connection go to another server, and come back for the cleaning up."""
    known = dict(connection.settings_dict)
    yield connection.settings_dict
    connection.close()
    connection.settings_dict.update(known)


def program(name: str, *arguments: str) -> None:
    """One of PostgreSQL's own."""
    done = subprocess.run(
        [str(installation() / "bin" / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_dump_restored_into_a_new_cluster_goes_on(
    moved: dict[str, Any], aalund: Tenant, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    with tenant_context(aalund.pk):
        factories.meter(number="63000001", key=KEY)
        box = Box(factories.token(factories.collector()))
    settled = [item(telegram("63000001", 5), at(9))]
    unsettled = [item(telegram("63000001", 6, session=2), at(10))]
    first = box.push(settled)
    work()
    second = box.push(unsettled)
    sealing.seal(aalund.pk)
    dump = tmp_path / "ready.dump"
    old = urlsplit(_admin_url())._replace(path=f"/{quote(str(moved['NAME']))}").geturl()

    kept = ("--format=custom", "--no-unlogged-table-data")
    program("pg_dump", *kept, f"--file={dump}", f"--dbname={old}")
    connection.close()
    new = urlsplit(elsewhere.url)
    moved.update(NAME="ready", USER=ADMINISTRATOR, PASSWORD=PASSWORD, HOST=elsewhere.host, PORT="")
    call_command("setup_roles", stdout=io.StringIO())
    connection.close()
    program("pg_restore", "--exit-on-error", f"--dbname={new.geturl()}", str(dump))
    moved.update(USER="ready_app", PASSWORD=_ROLES["ready_app"])

    # The walls stand: no table of a utility without them, and the role passes none.
    with psycopg.connect(elsewhere.url) as link:
        walls = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        with psycopg.connect(old) as before:
            assert link.execute(walls).fetchone() == before.execute(walls).fetchone()
        owners = link.execute(
            """SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"""
        ).fetchall()
        assert owners == [("ready_owner",)]
    with pytest.raises(Exception, match=r"app\.tenant"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM meters_meter")
    connection.close()
    # The trail is whole.
    assert verification.verify(aalund.pk, [], timezone.now()).faults == []
    # What was promised is there, is worked on, and sent again is nothing new.
    work()
    assert [reading.e1 for reading in readings(aalund)] == [5 * 3_600_000, 6 * 3_600_000]
    assert box.push(settled) == first
    assert box.push(unsettled) == second
    with tenant_context(aalund.pk):
        assert InboundBatch.objects.count() == 2
    # And pushes go on.
    box.push([item(telegram("63000001", 7, session=3), at(11))])
    work()
    assert outcomes(aalund) == [Outcome.STORED] * 3
