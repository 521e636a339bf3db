"""Throw-away servers beside a command: what `make test` runs in."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from ready.local.credentials import generate
from ready.local.postgres import MEASURED, THROW_AWAY
from ready.local.processes import die_with_parent
from ready.local.programs import ROOT, base_environment
from ready.local.servers import run_folder, start_servers
from ready.local.signals import Signals
from ready.local.supervisor import Supervisor

_END_WITHIN_S = 5.0


@contextmanager
def sandbox(
    given: Mapping[str, str], settings: tuple[str, ...] = THROW_AWAY
) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """Both servers, empty and (unless `settings` say otherwise) unsafe against power cuts, and the
    environment for a test run.

    Everything is in a run folder and goes with it.
    """
    with run_folder() as folder:
        data = folder.folder("data")
        if os.geteuid() == 0:
            data.chmod(0o711)
        secrets = generate()
        with Supervisor(folder.folder("logs")) as supervisor:
            servers = start_servers(
                supervisor, given, data, folder, secrets.admin_password, settings
            )
            yield (
                supervisor,
                base_environment(given, data)
                | {
                    "READY_ENV": "test",
                    "DATABASE_URL": servers.database_url,
                    "REDIS_URL": servers.redis_url,
                    "READY_SECRET_KEY": secrets.secret_key,
                    "READY_MASTER_KEY": secrets.master_key,
                },
            )


def foreground(
    signals: Signals, argv: Sequence[str], env: Mapping[str, str], output: IO[str] | None = None
) -> int:
    """Run a command in the checkout, on this terminal, which sends it Ctrl-C itself; its exit code.

    What it prints goes to `output` where given. SIGTERM is passed on. Raises StopRequested when a
    signal ended the wait.
    """
    parent = os.getpid()
    process = subprocess.Popen(
        argv,
        env=dict(env),
        cwd=ROOT,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        # Safe here: the supervisor has one thread.
        preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),
    )
    try:
        while process.poll() is None:
            signals.pause(1.0)
    finally:
        signals.stopping = True
        deadline = time.monotonic() + _END_WITHIN_S
        while process.poll() is None and time.monotonic() < deadline:
            process.terminate()
            signals.pause(1.0)
        if process.poll() is None:
            process.kill()
            process.wait()
        signals.stopping = False
    return process.returncode


def with_servers(argv: Sequence[str], *, measured: bool = False) -> int:
    """Run a command beside throw-away servers; its exit code. Raises LocalError.

    measured: they write as safely as lasting ones, so that figures mean something.
    """
    settings = MEASURED if measured else THROW_AWAY
    with sandbox(os.environ, settings) as (supervisor, env):
        return foreground(supervisor.signals, argv, env)
