"""`python -m ready.local run` before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from ready.local.folders import DataFolder
from ready.local.programs import ROOT


def start(data: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ready.local", "run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "READY_DATA_DIR": str(data)} | env,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_busy_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = start(tmp_path, PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "make run PORT=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "postgres").exists()


def test_bad_port(tmp_path: Path) -> None:
    done = start(tmp_path, PORT="eighty")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("PORT=eighty")


def test_second_start_in_the_same_folder(tmp_path: Path) -> None:
    DataFolder(tmp_path).claim("http://127.0.0.1:8000/")
    done = start(tmp_path, PORT="8001")
    assert done.returncode == 1
    assert "READY runs already at http://127.0.0.1:8000/" in done.stderr
