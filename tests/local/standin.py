"""A small project for the supervisor's tests: real servers, and children that are web servers.

`python standin.py FOLDER` keeps its data in FOLDER, prints `UP` when all run, and stops on a
signal. FOLDER/children holds a file a child: its process ids. FOLDER/plan.json may change things.
"""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ready.local.errors import LocalError, StopRequested
from ready.local.folders import DataFolder
from ready.local.processes import Program
from ready.local.servers import run_folder, start_servers
from ready.local.supervisor import Supervisor, say


class Page(BaseHTTPRequestHandler):
    """Answers everything with its process id."""

    def do_GET(self) -> None:
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def child(name: str, folder: Path, stubborn: bool) -> None:
    """Serve pages from a process with a child of its own; note both process ids."""
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    note = folder / "children" / name
    facts = {"pid": os.getpid(), "own": own.pid, "port": server.server_port}
    note.with_suffix(".new").write_text(json.dumps(facts))
    note.with_suffix(".new").rename(note)

    def leave(number: int, frame: object) -> None:
        own.kill()
        with (folder / "order").open("a") as order:
            order.write(f"{name}\n")
        os._exit(0)

    if not stubborn:
        signal.signal(signal.SIGTERM, leave)
    server.serve_forever()


def main(folder: Path) -> int:
    """Start everything, then watch."""
    data = DataFolder(folder)
    plan_file = folder / "plan.json"
    plan = json.loads(plan_file.read_text()) if plan_file.exists() else {}
    try:
        data.claim("the stand-in")
        (folder / "children").mkdir(exist_ok=True)
        with run_folder() as run, Supervisor(data.logs, data.lock) as supervisor:
            try:
                if not plan.get("bare"):
                    servers = start_servers(supervisor, plan, folder, run, "secret")
                    (folder / "database").write_text(servers.database_url)
                    (folder / "redis").write_text(servers.redis_url)
                for name in ("first", "second"):
                    arguments = ["child", name, str(folder), str(name in plan.get("stubborn", []))]
                    note = folder / "children" / name
                    note.unlink(missing_ok=True)
                    supervisor.start(
                        Program(
                            name=name,
                            argv=(sys.executable, __file__, *arguments),
                            env=os.environ,
                            folder=folder,
                            ready=note.exists,
                            stop_within_s=1.0,
                            foundation=name == "first",
                        )
                    )
                if "broken" in plan:
                    supervisor.steps(
                        Program(
                            name="broken",
                            argv=(sys.executable, "-c", plan["broken"]),
                            env=os.environ,
                            folder=folder,
                        )
                    )
                say(f"UP {time.time()}")
                supervisor.watch()
            except StopRequested:
                say("STOPPING")
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    say("STOPPED")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "child":
        child(sys.argv[2], Path(sys.argv[3]), sys.argv[4] == "True")
    else:
        sys.exit(main(Path(sys.argv[1])))
