"""The plugin that keeps CI from skipping what matters, run on small test files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ready.local.programs import ROOT

TESTS = """
import pytest

@pytest.fixture
def db() -> None: ...

@pytest.mark.browser
def test_browser() -> None: pytest.skip("no chromium")

@pytest.mark.browser
@pytest.mark.skipif(True, reason="marked")
def test_marked() -> None: ...

def test_database(db: None) -> None: pytest.skip("no database")

def test_neither() -> None: pytest.skip("only on Mondays")

@pytest.mark.browser
@pytest.mark.xfail(strict=True, reason="known")
def test_expected_to_fail() -> None: assert False
"""


def outcome(folder: Path, text: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_some.py").write_text(text)
    options = [
        "-p",
        "tests.ci_guard",
        "-p",
        "no:django",
        "-p",
        "no:valkey",
        "-p",
        "no:cacheprovider",
    ]
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, str(folder)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "READY_CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_ci_a_skip_that_matters_fails(tmp_path: Path) -> None:
    done = outcome(tmp_path, TESTS, "1")
    assert done.returncode == 1
    # Skipped by a mark, a test ends before it begins: an error.
    assert "2 failed, 1 skipped, 1 xfailed, 1 error" in done.stdout
    assert "READY_CI=1: this test may not be skipped here" in done.stdout
    assert "no chromium" in done.stdout


def test_elsewhere_it_is_skipped(tmp_path: Path) -> None:
    done = outcome(tmp_path, TESTS, "")
    assert done.returncode == 0
    assert "4 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize(("ci", "code"), [("1", 2), ("", 5)])
def test_a_module_that_skips_itself(tmp_path: Path, ci: str, code: int) -> None:
    text = "import pytest\npytest.skip('not here', allow_module_level=True)\n"
    assert outcome(tmp_path, text, ci).returncode == code
