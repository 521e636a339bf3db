"""A minute of faults on purpose: what `make chaos` shows at length."""

import json
import os
import subprocess
import sys

import pytest

from ready.local.programs import ROOT


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_under_a_minute_of_faults() -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL") and not name.startswith("PYTEST")
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--mode", "quick"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"mode"')]
    verdict = json.loads(lines[-1])
    assert verdict["acked"] > 0
    assert verdict["faults"] > 0
    assert (verdict["lost"], verdict["double"], verdict["wrong"], verdict["pending"]) == (0,) * 4
    assert verdict["sums_equal"]
