"""Starts one of READY's programs as it is, with a clock that is wrong, or as a mutant.

`python -m benchmarks.chaos.start MODULE ARGUMENTS`: CHAOS_MUTANT names the mutant, the file
CHAOS_CLOCK holds the seconds by which the clock is off. CHAOS_APPLIED is told when a mutant's patch
went in: one that breaks off is no mutant that was caught.
"""

import os
import runpy
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django
import time_machine

from benchmarks.chaos.mutants import MUTANTS


def main() -> None:
    """Become the program."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
    clock = Path(os.environ["CHAOS_CLOCK"])
    offset = float(clock.read_text()) if clock.exists() else 0.0
    if offset:
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=offset), tick=True).start()
    mutant = os.environ.get("CHAOS_MUTANT", "")
    if mutant:
        django.setup()
        MUTANTS[mutant].break_it()
        with Path(os.environ["CHAOS_APPLIED"]).open("a") as applied:
            applied.write(f"{sys.argv[1]}\n")
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
