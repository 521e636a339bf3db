"""Data folders and run folders."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ready.local.errors import LocalError
from ready.local.folders import SHORT_PARENT, DataFolder, RunFolder, sweep
from ready.local.programs import ROOT


def test_data_folder_is_private_and_made_with_its_parents(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "one" / "two")
    folder.claim("here")
    assert folder.path.stat().st_mode & 0o077 == 0
    assert folder.logs.is_dir()


def test_data_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="cannot be used: .*\n.*READY_DATA_DIR="):
        DataFolder(tmp_path / "file").claim("here")


def test_second_claim_names_the_first(tmp_path: Path) -> None:
    DataFolder(tmp_path).claim("http://127.0.0.1:8123/")
    # A lock belongs to an open file, so a second look from this process is refused too.
    with pytest.raises(LocalError, match=f"at http://127.0.0.1:8123/ .process {os.getpid()}"):
        DataFolder(tmp_path).claim("elsewhere")


def test_run_folders_are_short_and_go_when_their_run_is_over() -> None:
    mine = RunFolder()
    code = (
        "import os, signal\n"
        "from ready.local.folders import RunFolder\n"
        "print(RunFolder().path, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    stranger = SHORT_PARENT / f"ready-{os.geteuid()}-link"
    target = left.with_name(f"{left.name}.target")
    target.mkdir()
    stranger.symlink_to(target)
    try:
        sweep()
        assert not left.exists()
        assert mine.path.is_dir()
        assert target.is_dir(), "a link was followed"
        socket = mine.path / "postgres/.s.PGSQL.5432.lock"
        assert len(os.fsencode(socket)) < 107
    finally:
        stranger.unlink()
        shutil.rmtree(target, ignore_errors=True)
        mine.remove()
    assert not mine.path.exists()


def test_run_folder_in_the_making_is_left_alone() -> None:
    path = SHORT_PARENT / f"ready-{os.geteuid()}-making"
    path.mkdir()
    try:
        sweep()
        assert path.is_dir()
        old = time.time() - 120
        os.utime(path, (old, old))
        sweep()
        assert not path.exists()
    finally:
        shutil.rmtree(path, ignore_errors=True)
