"""`make run`: READY with its servers and its demo on this machine, until Ctrl-C."""

import http.client
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from ready.local.credentials import load_or_create
from ready.local.errors import LocalError, StopRequested
from ready.local.fingerprint import fingerprint
from ready.local.folders import DataFolder
from ready.local.ports import HOST, read_port, require_free
from ready.local.processes import Program, catches, die_with_parent
from ready.local.programs import ROOT, Ready
from ready.local.servers import run_folder, start_servers
from ready.local.supervisor import Supervisor, say

HEALTHY_WITHIN_S = 90.0


def data_folder() -> DataFolder:
    """The folder that READY_DATA_DIR names, else .ready-data in the checkout."""
    named = os.environ.get("READY_DATA_DIR", "")
    return DataFolder((ROOT / Path(named).expanduser()) if named else ROOT / ".ready-data")


def run(stop_with_parent: bool) -> None:
    """Start everything, say where it is, and keep it running until somebody stops it.

    With `stop_with_parent` the end of the starting process (make) is a wish to stop.
    Raises LocalError when the start cannot go on.
    """
    port = read_port(os.environ.get("PORT") or "8000")
    data = data_folder()
    data.claim(f"http://{HOST}:{port}/")
    require_free(port)
    credentials = load_or_create(data.path / "secrets.json")
    os.umask(0o077)
    began = time.monotonic()
    with run_folder() as folder, Supervisor(data.logs, data.lock) as supervisor:
        if stop_with_parent:
            parent = os.getppid()
            die_with_parent(parent, signal.SIGTERM)
            # On SIGINT make waits for its children, which it takes to have had Ctrl-C as well.
            # Sent to make alone it shows only in that make no longer catches it.
            if catches(parent, signal.SIGINT):
                supervisor.signals.also_asked = lambda: not catches(parent, signal.SIGINT)
        try:
            servers = start_servers(
                supervisor, os.environ, data.path, folder, credentials.admin_password
            )
            ready = Ready(os.environ, data.path, port, servers, credentials)
            _start(supervisor, ready)
            say(f"Started in {time.monotonic() - began:.1f} s; logs are in {data.logs}")
            say(f"READY is at {ready.address}")
            say(_login(data.path))
            say("Press Ctrl-C to stop.")
            supervisor.watch()
        except StopRequested:
            say("Stopping ...")
    say("READY has stopped.")


def _start(supervisor: Supervisor, ready: Ready) -> None:
    """Bring READY to where /healthz/ready says yes and the demo is in place."""
    stamp = ready.data / "prepared"
    state = _state(ready)
    prepared = state is not None and stamp.exists() and stamp.read_text() == state
    if not prepared:
        stamp.unlink(missing_ok=True)
        _steps(supervisor, ready.building())
    supervisor.start(ready.worker())
    if prepared:
        # The demo is there: the pages may load beside the rest.
        supervisor.start(ready.web())
        _steps(supervisor, ready.filling())
    else:
        _steps(supervisor, ready.filling())
        supervisor.start(ready.web())
    answer = Health(ready.port)
    try:
        supervisor.wait_for(answer.good, HEALTHY_WITHIN_S, "READY")
    except LocalError as error:
        raise LocalError(f"{error}\nIts last answer: {answer.text}") from None
    if state is not None:
        stamp.write_text(state)
    for program in ready.companions():
        supervisor.start(program)


def _state(ready: Ready) -> str | None:
    """What the stamp must say for the database to be fit; None for a server of the caller's."""
    if ready.given.get("DATABASE_URL"):
        return None
    return fingerprint(ROOT, ready.data / "postgres")


def _steps(supervisor: Supervisor, groups: Sequence[Sequence[Program]]) -> None:
    for programs in groups:
        began = time.monotonic()
        supervisor.steps(*programs)
        names = ", ".join(program.name for program in programs)
        say(f"  {names}: {time.monotonic() - began:.1f} s")


class Health:
    """Asks /healthz/ready."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.text = "none"

    def good(self) -> bool:
        """Whether it answers 200; what it said is kept in `text`."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=5.0)
        try:
            connection.request("GET", "/healthz/ready")
            response = connection.getresponse()
            body = response.read(2000).decode("utf-8", "replace")
            readable = response.headers.get_content_type() == "application/json"
            self.text = f"{response.status} {body if readable else response.reason}"
            return response.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _login(data: Path) -> str:
    path = data / "demo-login.json"
    try:
        login = json.loads(path.read_text())
        return f"Log in as {login['email']} with password {login['password']}"
    except (OSError, ValueError, KeyError) as error:
        raise LocalError(f"The demo's log-in cannot be read from {path}: {error!r}") from error
