"""`make test`: every check in order, a line each; the first that fails ends the run."""

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ready.local.sandbox import foreground, sandbox
from ready.local.signals import Signals
from ready.local.supervisor import say

_PYTHON = (sys.executable, "-m")
_MANAGE = (sys.executable, "manage.py")
# Through the interpreter: a script's first line names the folder the virtualenv was made in.
_LINT_IMPORTS = (sys.executable, str(Path(sys.executable).with_name("lint-imports")))

# Name → command, in order. What is in BESIDE_SERVERS runs with a database and a broker.
STEPS: Mapping[str, tuple[str, ...]] = {
    "format": (*_PYTHON, "ruff", "format", "--check", "."),
    "lint": (*_PYTHON, "ruff", "check", "."),
    "types": (*_PYTHON, "mypy"),
    "imports": _LINT_IMPORTS,
    "templates": (*_PYTHON, "djlint", "templates", "--lint", "--quiet", "--allow-empty-input"),
    "django": (*_MANAGE, "check", "--fail-level", "WARNING"),
    "migrations": (*_MANAGE, "makemigrations", "--check", "--dry-run"),
    "messages": (*_MANAGE, "messages", "--check"),
    "translations": (*_MANAGE, "messages", "--compile"),
    "pytest": (*_PYTHON, "pytest", "-n", "2"),
}
BESIDE_SERVERS = ("django", "migrations", "messages", "translations", "pytest")
TALKATIVE = ("pytest",)  # shows its own progress


def check(steps: Sequence[str], pytest_arguments: Sequence[str]) -> int:
    """Run the named steps in the order of STEPS; 0, or the exit code of the first that failed.

    Raises LocalError when the servers do not start, StopRequested on Ctrl-C.
    """
    began = time.monotonic()
    alone = [name for name in STEPS if name in steps and name not in BESIDE_SERVERS]
    served = [name for name in STEPS if name in steps and name in BESIDE_SERVERS]
    with Signals() as signals:
        env = os.environ | {"READY_ENV": "test"}
        code = _run(signals, alone, env, pytest_arguments)
    if code == 0 and served:
        with sandbox(os.environ) as (supervisor, env):
            code = _run(supervisor.signals, served, env, pytest_arguments)
    if code == 0:
        say(f"All {len(alone) + len(served)} checks passed in {time.monotonic() - began:.0f} s")
    return code


def _run(
    signals: Signals, names: Sequence[str], env: Mapping[str, str], pytest_arguments: Sequence[str]
) -> int:
    for name in names:
        argv = [*STEPS[name], *(pytest_arguments if name == "pytest" else ())]
        began = time.monotonic()
        if name in TALKATIVE:
            code, output = foreground(signals, argv, env), ""
        else:
            code, output = _captured(signals, argv, env)
        seconds = time.monotonic() - began
        if code:
            say(f"{output.rstrip()}\nFAILED {name} after {seconds:.1f} s: {' '.join(argv[1:])}")
            return code
        say(f"ok {name} {seconds:.1f} s")
    return 0


def _captured(signals: Signals, argv: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile("w+") as output:
        code = foreground(signals, argv, env, output)
        output.seek(0)
        return code, output.read()
