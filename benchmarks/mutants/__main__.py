"""`make mutants`: one wall is taken away at a time; the tests that guard it must notice.

    python -m benchmarks.mutants [--only WORDS] [--list]

First the chosen tests must pass with every wall in place: a test that fails anyway notices nothing.
Then each mutant (`walls.py`) changes the sources in a copy of the checkout, or the test database
right after its migrations, and the few tests that guard that wall run. It is caught when one of
them fails; an error instead of a failure (a source that no longer imports, a statement that the
database refuses) counts as not applied, and so does a text that is not found just once. The walls
that the database's catalogue lists are taken away one by one inside a test of their own
(tests/rules/test_walls_taken.py), whose count is added here.

Ends with 1 unless all were caught; the last line is `mutants: caught a/b`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.mutant import Mutant
from benchmarks.mutants.walls import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = "tests/rules/test_walls_taken.py"
_COPIED = (
    "ready",
    "meters",
    "readings",
    "notifications",
    "collectors",
    "reports",
    "wmbus",
    "tests",
    "templates",
    "static",
    "locale",
    "docs",
    "deploy",
)
_FILES = ("manage.py", "pyproject.toml", "docker-compose.yml", "Makefile")


def copied(folder: Path) -> Path:
    """The checkout's sources in a folder of their own."""
    for name in _COPIED:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "vendor")
        )
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    (folder / "static" / "vendor").symlink_to(ROOT / "static" / "vendor")
    return folder


def run(folder: Path, tests: Sequence[str], sql: str = "") -> tuple[int, str]:
    """pytest's exit code (1: tests failed) and what it printed."""
    env = os.environ | {
        "READY_MUTANT_SQL": sql,
        "READY_MATRIX": "all",
        "READY_TEST_TEMPLATE": "ready_mutants",
        "PYTHONPATH": str(folder),
    }
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run([*argv, *tests], cwd=folder, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def lines_of(output: str, word: str) -> list[str]:
    """The tests that pytest's summary lists under FAILED or ERROR."""
    return [
        line.split(" - ")[0].removeprefix(f"{word} ")
        for line in output.rpartition("short test summary info")[2].splitlines()
        if line.startswith(f"{word} ")
    ]


def tried(folder: Path, mutant: Mutant) -> tuple[str, str]:
    """How a mutant ended ("caught", "LIVES" or "NOT APPLIED") and the test or the reason."""
    path = folder / mutant.where if mutant.where else None
    before = path.read_text() if path else ""
    if path is not None:
        if before.count(mutant.old) != 1:
            times = before.count(mutant.old)
            return "NOT APPLIED", f"its text stands {times} times in {mutant.where}"
        path.write_text(before.replace(mutant.old, mutant.new))
    try:
        code, output = run(folder, mutant.tests, mutant.sql)
    finally:
        if path is not None:
            path.write_text(before)
    if code == 0:
        return "LIVES", " ".join(mutant.tests)
    failed, errors = lines_of(output, "FAILED"), lines_of(output, "ERROR")
    if code == 1 and failed and not errors:
        return "caught", failed[0]
    return "NOT APPLIED", " ".join(errors) or output[-400:]


def main() -> int:
    """Try every mutant; 1 unless each was caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name has these words")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    chosen = [one for one in MUTANTS if options.only in one.name]
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    began = time.monotonic()
    caught, total = 0, len(chosen)
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(Path(scratch) / "ready")
        tests = list(dict.fromkeys(test for one in chosen for test in one.tests))
        code, output = run(folder, [*tests, CATALOGUE])
        if code != 0:
            print(output[-3000:])
            print("with every wall in place the chosen tests must pass")
            print(f"mutants: caught 0/{total}")
            return 1
        if found := re.search(r"^catalogue: caught (\d+)/(\d+)$", output, re.MULTILINE):
            caught, total = int(found[1]), total + int(found[2])
            print(f"{found[0]}, one by one (policies, row-level security, composite keys, grants)")
        for mutant in chosen:
            started = time.monotonic()
            ended, why = tried(folder, mutant)
            caught += ended == "caught"
            print(f"{ended:11} {mutant.name} ({time.monotonic() - started:.0f} s): {why}")
            sys.stdout.flush()
    print(f"{time.monotonic() - began:.0f} s")
    print(f"mutants: caught {caught}/{total}")
    return 0 if caught == total else 1


if __name__ == "__main__":
    sys.exit(main())
