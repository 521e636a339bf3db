"""The two servers READY needs: embedded ones, or those that DATABASE_URL and REDIS_URL name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ready.local.folders import RunFolder
from ready.local.postgres import ADMINISTRATOR, LASTING, Cluster, installation
from ready.local.supervisor import Supervisor
from ready.local.valkey import Valkey


@dataclass(frozen=True)
class Servers:
    """Where the servers answer."""

    database_url: str  # as a role that may create roles
    redis_url: str


@contextmanager
def run_folder() -> Iterator[RunFolder]:
    """A run folder that is removed at the end."""
    folder = RunFolder()
    try:
        yield folder
    finally:
        folder.remove()


def start_servers(
    supervisor: Supervisor,
    given: Mapping[str, str],
    data: Path,
    run: RunFolder,
    password: str,
    settings: tuple[str, ...] = LASTING,
) -> Servers:
    """Start what `given` (the environment) does not name. Raises LocalError."""
    database_url = given.get("DATABASE_URL", "")
    redis_url = given.get("REDIS_URL", "")
    if not database_url:
        cluster = Cluster(installation(), data / "postgres", run.path, settings)
        supervisor.start(cluster.prepare(password))
        database_url = cluster.url(ADMINISTRATOR, password)
    if not redis_url:
        valkey = Valkey(data / "valkey", run.path)
        supervisor.start(valkey.prepare())
        redis_url = valkey.url
    return Servers(database_url, redis_url)
