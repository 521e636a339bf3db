"""`python -m benchmarks.chaos --mode quick | full | mutants`: `make chaos` calls it."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.chaos import checker, town
from benchmarks.chaos.house import House, Pattern, house
from benchmarks.chaos.mutants import MUTANTS
from benchmarks.chaos.nemesis import FAULTS, Nemesis
from ready.local.credentials import generate
from ready.local.errors import LocalError, StopRequested

# How long it should take to drain. It is waited for as long as it goes on: the machine may be busy.
DRAIN_S = 60.0
_STUCK_S = 120.0
# A mutant's batches come again after a few seconds; what lies longer than this lies for ever. An
# unbroken READY is measured by the same.
_MUTANT_STUCK_S = 15.0
EVIDENCE = Path("build/chaos")
_MUTANT_S = 10.0
_MUTANT_PAUSE_S = 0.5
_CONTROL = "control"
_QUICK_S = 25.0
_FULL_S = 600.0
_PAUSE_S = 0.5
_SEEDS = (11, 12, 13)
_FEWEST_EACH = 5


def experiment(
    seed: int,
    seconds: float,
    faults: list[str],
    *,
    mutant: str = "",
    small_disk: bool,
    pause: float,
    stuck_s: float = _STUCK_S,
    pattern: Pattern | None = None,
) -> dict[str, Any]:
    """One house, one seed: push and harm for so long, let it drain, compare."""
    with house(mutant, small_disk=small_disk, pattern=pattern) as home:
        try:
            result = _run(home, seed, seconds, faults, pause, stuck_s)
        except LocalError as error:
            result = {"passed": False, "error": str(error)}
        result["applied"] = home.applied.exists()
        result = {"seed": seed, "mutant": mutant, **result}
        if not result["passed"]:
            _keep(home, result)
    return result


def _run(
    home: House, seed: int, seconds: float, faults: list[str], pause: float, stuck_s: float
) -> dict[str, Any]:
    home.open(seed)
    nemesis = Nemesis(seed, faults, home.folder / "faults.log")
    clients = home.push(seed, pause, town.first_instant(datetime.now(UTC)).isoformat())
    home.wait(3.0)
    until = time.monotonic() + seconds
    ready_after: list[float] = []
    while time.monotonic() < until:
        nemesis.strike(home)
        if nemesis.last == "pg_kill":
            ready_after.append(home.wait_until(home.is_ready, 60, "READY after a kill"))
    # The last bells are not heard: what came last must be found all the same.
    nemesis.finish(home)
    home.hush(clients)
    home.clock.write_text("0")
    ended = time.monotonic()
    left = _drain(home, stuck_s)
    drained_s = time.monotonic() - ended
    with home.admin() as link:
        verdict = checker.check(link, home.folder)
    latencies = sorted(json.loads(line)["seconds"] for line in (home.folder / "acked.jsonl").open())
    return {
        "passed": verdict.passed,
        **asdict(verdict),
        "left": left,
        "faults": sum(nemesis.done.values()),
        "each": nemesis.done,
        "skipped": nemesis.skipped,
        "drained_s": round(drained_s, 1),
        "ready_after_pg_kill_s": round(max(ready_after), 1) if ready_after else None,
        "push_p50_s": _quantile(latencies, 0.5),
        "push_p99_s": _quantile(latencies, 0.99),
        "memory_mb": home.memory_mb(),
    }


def _drain(home: House, stuck_s: float) -> int:
    """Wait while less and less is pending; what is left in the end."""
    fewest, since, left = sys.maxsize, time.monotonic(), -1
    while time.monotonic() - since < stuck_s:
        home.wait(0.5)
        try:
            with home.admin() as link:
                left = checker.pending(link)
        except (OSError, psycopg.Error):
            continue  # the database may be on its way up
        if left == 0:
            return 0
        if left < fewest:
            fewest, since = left, time.monotonic()
    return left


def _quantile(ordered: list[float], part: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def _keep(home: House, result: dict[str, Any]) -> None:
    """The ledger, the logs and a picture of the tables, for whoever looks for the fault."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    name = "-".join(word for word in (stamp, str(result["seed"]), result["mutant"]) if word)
    target = EVIDENCE / name
    shutil.copytree(home.folder, target)
    shutil.copytree(home.logs, target / "logs")
    (target / "verdict.json").write_text(json.dumps(result, indent=1))
    home.dump(target / "database.sql")
    print(f"evidence: {target}", file=sys.stderr)


def quick(seed: int, faults: list[str]) -> bool:
    """A minute: what `make test` runs."""
    result = experiment(seed, _QUICK_S, faults, small_disk=False, pause=0.3)
    print(json.dumps({"mode": "quick", **result}))
    return bool(result["passed"])


def full(faults: list[str], seconds: float, pause: float, seeds: Sequence[int]) -> bool:
    """Some seeds; a fault that could not be injected is no pass."""
    results = []
    for seed in seeds:
        results.append(experiment(seed, seconds, faults, small_disk=True, pause=pause))
        told = {key: value for key, value in results[-1].items() if key != "each"}
        print(f"seed {seed}: {json.dumps(told)}", flush=True)
    each = {name: sum(one.get("each", {}).get(name, 0) for one in results) for name in faults}
    skipped: dict[str, str] = {}
    for one in results:
        skipped |= one.get("skipped", {})
    summary = {
        "mode": "full",
        "passed": all(one["passed"] for one in results),
        "acked": sum(one.get("acked", 0) for one in results),
        "faults": sum(each.values()),
        "each": each,
        "skipped": {name: why for name, why in skipped.items() if each[name] < _FEWEST_EACH},
        "seeds": results,
    }
    in_time = all(one.get("drained_s", DRAIN_S + 1) <= DRAIN_S for one in results)
    summary["drained_in_time"] = in_time
    enough = (
        summary["acked"] >= 100_000
        and summary["faults"] >= 150
        and min(each.values()) >= _FEWEST_EACH
    )
    for name, why in summary["skipped"].items():
        print(f"SKIPPED {name}: {why}")
    summary["enough"] = enough
    print(json.dumps(summary))
    print(
        f"full: acknowledged {summary['acked']}, faults {summary['faults']} "
        f"(fewest of a kind {min(each.values())}), "
        + ", ".join(f"{key} {sum(one.get(key, 0) for one in results)}" for key in _WRONGS)
        + f", sums {'equal' if all(one.get('sums_equal') for one in results) else 'DIFFER'}"
    )
    return bool(summary["passed"] and enough)


def mutants(names: list[str], seed: int) -> bool:
    """Each must be caught; one that gets through shows that the checker is blind to it.

    A READY that is not broken goes first, under all their faults and as little patience: were it
    "caught", the mutants would prove nothing.
    """
    faults = sorted({fault for name in names for fault in MUTANTS[name].faults})
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="ready-pattern-") as folder:
        pattern = Pattern(Path(folder), generate())
        for name in (_CONTROL, *names):
            began = time.monotonic()
            result = experiment(
                seed,
                _MUTANT_S * (2 if name == _CONTROL else 1),
                faults if name == _CONTROL else list(MUTANTS[name].faults),
                mutant="" if name == _CONTROL else name,
                small_disk=False,
                pause=_MUTANT_PAUSE_S,
                stuck_s=_MUTANT_STUCK_S,
                pattern=pattern,
            )
            outcomes[name] = _outcome(name, result)
            about = "nothing is broken" if name == _CONTROL else MUTANTS[name].about
            wrongs = {key: result[key] for key in _WRONGS if result.get(key)}
            why = result.get("error") or wrongs or "nothing wrong"
            seconds = time.monotonic() - began
            print(f"{outcomes[name]}  {name}: {about}: {why} ({seconds:.0f} s)", flush=True)
    caught = sum(outcomes[name] == "caught" for name in names)
    passed = caught == len(names) and outcomes[_CONTROL] == "passed"
    print(json.dumps({"mode": "mutants", "passed": passed, "outcomes": outcomes}))
    print(f"mutants: caught {caught}/{len(names)}")
    return passed


_WRONGS = ("lost", "double", "wrong", "pending")


def _outcome(name: str, result: dict[str, Any]) -> str:
    if name == _CONTROL:
        return "passed" if result["passed"] else "FAILED"
    if result.get("error") or not result["applied"]:
        return "NOT APPLIED"  # that it does not run is no proof of anything
    return "NOT CAUGHT" if result["passed"] else "caught"


def main() -> int:
    """Run what was asked for; 0 is a pass."""
    options = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    options.add_argument("--mode", choices=("quick", "full", "mutants"), default="quick")
    options.add_argument("--fault", choices=sorted(FAULTS), help="this one alone")
    options.add_argument("--mutants", nargs="+", choices=sorted(MUTANTS), help="these alone")
    options.add_argument("--seed", type=int, default=11)
    options.add_argument("--seconds", type=float, default=_FULL_S, help="of each seed of full")
    options.add_argument("--seeds", type=int, nargs="+", default=_SEEDS, help="of full")
    options.add_argument(
        "--pause", type=float, default=_PAUSE_S, help="between two pushes of a collector, in full"
    )
    chosen = options.parse_args()
    faults = [chosen.fault] if chosen.fault else sorted(FAULTS)
    if chosen.mode == "full":
        passed = full(faults, chosen.seconds, chosen.pause, chosen.seeds)
    elif chosen.mode == "mutants":
        passed = mutants(chosen.mutants or list(MUTANTS), chosen.seed)
    else:
        without_disk = [name for name in faults if name != "disk_full" or chosen.fault]
        passed = quick(chosen.seed, without_disk)
    print("PASSED" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    os.umask(0o077)
    try:
        sys.exit(main())
    except StopRequested:
        sys.exit(130)
