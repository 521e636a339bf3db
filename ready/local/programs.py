"""READY's processes: their commands, and what each may know."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ready.local.addresses import as_role
from ready.local.credentials import Credentials
from ready.local.ports import HOST
from ready.local.processes import Program
from ready.local.servers import Servers

ROOT = Path(__file__).resolve().parents[2]

# Not passed on to children: addresses with another role's password, and make's own business.
_PRIVATE = (
    "DATABASE_URL",
    "REDIS_URL",
    "READY_OWNER_PASSWORD",
    "READY_APP_PASSWORD",
    "READY_MAINTENANCE_PASSWORD",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "PYTHONPATH",
    "PYTHONHOME",
)

_NEVER_CHECKED = ("messages",)  # commands that run no checks, and do not know the option


def base_environment(given: Mapping[str, str], data: Path) -> dict[str, str]:
    """The caller's environment made fit for a child: complete even when it was empty."""
    env = {name: value for name, value in given.items() if name not in _PRIVATE}
    env.setdefault("PATH", os.defpath)
    env.setdefault("HOME", str(data))  # some libraries look for one
    env.setdefault("READY_ENV", "development")
    env["READY_DATA_DIR"] = str(data)
    env["PYTHONUTF8"] = "1"
    env["PYTHONUNBUFFERED"] = "1"  # logs to the second
    return env


@dataclass(frozen=True)
class Ready:
    """READY's programs for one data folder, port and pair of servers."""

    given: Mapping[str, str]
    data: Path
    port: int
    servers: Servers
    credentials: Credentials

    @property
    def address(self) -> str:
        """Where people find it."""
        return f"http://{HOST}:{self.port}/"

    def building(self) -> list[list[Program]]:
        """Steps that make translations and database what this code needs, in order.

        Those in one list may run beside each other.
        """
        c = self.credentials
        passwords = {
            "READY_OWNER_PASSWORD": c.owner_password,
            "READY_APP_PASSWORD": c.app_password,
            "READY_MAINTENANCE_PASSWORD": c.maintenance_password,
        }
        administrator = self._environment(self.servers.database_url) | passwords
        return [
            [
                self._manage("setup-roles", administrator, "setup_roles"),
                self._manage("messages", self._app(), "messages", "--compile"),
            ],
            [self._manage("migrate", self._as("ready_owner", c.owner_password), "migrate")],
        ]

    def filling(self) -> list[list[Program]]:
        """Steps at every start, in order: room for what comes, and the demo."""
        return [
            [self._manage("partitions", self._maintenance(), "partitions", "--apply")],
            [self._manage("demo-seed", self._app(), "demo_seed")],
        ]

    def worker(self) -> Program:
        """What turns pushes into readings."""
        return self._celery(
            "worker",
            "worker",
            *("--pool", "prefork", "--concurrency", "1"),
            *("--without-mingle", "--without-gossip"),
            *("--hostname", f"ready-{self.port}@%h"),
        )

    def web(self) -> Program:
        """What people and collectors talk to."""
        return Program(
            name="web",
            argv=(
                *self._python("gunicorn", "ready.wsgi"),
                *("--config", "python:ready.serving"),
                *("--bind", f"{HOST}:{self.port}"),
            ),
            env={"READY_WEB_STOP_SECONDS": "2"} | self._app(),
            folder=ROOT,
            stop_within_s=4.0,
        )

    def companions(self) -> list[Program]:
        """What works beside the pages; the demo's feeder last, since it pushes to them."""
        return [
            self._celery("beat", "beat", "--schedule", str(self.data / "beat"), "--pidfile="),
            self._manage("maintain", self._maintenance(), "maintain", "--forever"),
            self._manage("demo-feed", self._app(), "demo_feed"),
        ]

    def _environment(self, database_url: str) -> dict[str, str]:
        given = self.given
        return base_environment(given, self.data) | {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.servers.redis_url,
            "READY_SECRET_KEY": given.get("READY_SECRET_KEY") or self.credentials.secret_key,
            "READY_MASTER_KEY": given.get("READY_MASTER_KEY") or self.credentials.master_key,
            "READY_BASE_URL": given.get("READY_BASE_URL") or self.address,
            "PORT": str(self.port),
        }

    def _as(self, role: str, password: str) -> dict[str, str]:
        return self._environment(as_role(self.servers.database_url, role, password))

    def _app(self) -> dict[str, str]:
        return self._as("ready_app", self.credentials.app_password)

    def _maintenance(self) -> dict[str, str]:
        return self._as("ready_maintenance", self.credentials.maintenance_password)

    def _python(self, module: str, *arguments: str) -> tuple[str, ...]:
        # By module: a console script names the folder that the virtualenv was made in.
        return (sys.executable, "-m", module, *arguments)

    def _manage(self, name: str, env: Mapping[str, str], *arguments: str) -> Program:
        # Django's checks of the code (half a second a process) are made by `make test`.
        unchecked = () if arguments[0] in _NEVER_CHECKED else ("--skip-checks",)
        argv = (sys.executable, "manage.py", *arguments, *unchecked)
        return Program(name=name, argv=argv, env=env, folder=ROOT, stop_within_s=1.5)

    def _celery(self, name: str, *arguments: str) -> Program:
        return Program(
            name=name,
            argv=(*self._python("celery", "--app", "ready"), *arguments, "--loglevel", "INFO"),
            env=self._app(),
            folder=ROOT,
            stop_within_s=6.0,  # its pool alone takes two to three to end
        )
