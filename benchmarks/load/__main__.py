"""How much READY takes in, from a push over HTTP to a committed reading: `make load`.

    --duration 600      seconds of pushing at full load
    --meters 100000     distinct meters
    --tenants 2         utilities that share them
    --collectors 20     collectors that share the utilities
    --peak 10000        telegrams a second to have bodies for
    --scenario 60       seconds of each scenario; its load is half the peak
    --backlog 1000000   telegrams that wait in the scenario of that name
    --slow 1000         slow connections
    --workers 1         worker processes
    --only …            these parts alone (`PARTS`)

Bodies are encrypted beforehand and kept in build/load. Everything runs on this machine, the
pushing client too, whose CPU is told apart. One line a figure.
"""

import argparse
import io
import time
from pathlib import Path

from benchmarks.load import scenarios
from benchmarks.load.rig import Rig
from benchmarks.load.scenarios import Ground, latencies, tell
from benchmarks.load.telegrams import PER_BODY, Size, write
from ready.local.ports import require_free
from ready.local.programs import ROOT

PARTS = ("sustained", "half", "broker", "database", "backlog", "alarms", "noisy", "slow", "bombs")
# So many batches may wait while the load is on: enough to keep a worker busy, few enough that the
# figure is that of the whole way and not of the inbox (half a second's worth at full speed).
MOST_WAITING = 10


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=600)
    parser.add_argument("--meters", type=int, default=100_000)
    parser.add_argument("--tenants", type=int, default=2)
    parser.add_argument("--collectors", type=int, default=20)
    parser.add_argument("--peak", type=float, default=10_000)
    parser.add_argument("--scenario", type=float, default=60)
    parser.add_argument("--backlog", type=int, default=1_000_000)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--port", type=int, default=8055)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    return parser.parse_args()


def sustained(ground: Ground, duration_s: float, peak: float) -> None:
    """Full load, and the same rows by COPY."""
    rig = ground.rig
    first, count = ground.take(duration_s * peak)
    before = rig.cpu()
    began = time.perf_counter()
    told = rig.push(ground.bodies, first, count, duration_s=duration_s, most_waiting=MOST_WAITING)
    rig.drain()
    seconds = time.perf_counter() - began
    telegrams = told.taken * PER_BODY
    rate = telegrams / seconds
    after = rig.cpu()
    tell("sustained: telegrams/s, push to reading", f"{rate:.0f} over {seconds:.0f} s", "10,000")
    tell("sustained: push", latencies(told))
    used = {name: after[name] - before.get(name, 0.0) for name in after}
    used["client"] = told.cpu_s
    for name, cpu in sorted(used.items(), key=lambda one: -one[1]):
        tell(f"sustained: CPU of {name}", f"{cpu / telegrams * 1e6:.0f} µs a telegram, {cpu:.0f} s")
    with rig.database() as link:
        ended = link.execute(
            "SELECT outcome, sum(times) FROM collectors_outcomehour GROUP BY 1 ORDER BY 1"
        ).fetchall()
        readings = link.execute("SELECT count(*) FROM readings_reading").fetchone()
        assert readings is not None
        tell("sustained: outcomes", ", ".join(f"{outcome}: {times}" for outcome, times in ended))
        share = readings[0] / telegrams
        tell("sustained: readings", f"{readings[0]}, {share:.0%} of telegrams", "≥ 75 %")
        data = io.BytesIO()
        rows = "COPY (SELECT * FROM readings_reading) TO STDOUT (FORMAT BINARY)"
        with link.cursor().copy(rows) as out:
            for piece in out:
                data.write(piece)
        link.execute("CREATE TABLE load_copy (LIKE readings_reading INCLUDING DEFAULTS)")
        link.execute("ALTER TABLE load_copy ADD PRIMARY KEY (tenant_id, meter_id, ts)")
        copying = time.perf_counter()
        with link.cursor().copy("COPY load_copy FROM STDIN (FORMAT BINARY)") as into:
            view = data.getbuffer()
            for start in range(0, len(view), 1 << 20):
                into.write(view[start : start + (1 << 20)])
        copied = readings[0] / (time.perf_counter() - copying)
        link.execute("DROP TABLE load_copy")
    tell("the same rows by binary COPY", f"{copied:.0f} rows/s")
    tell("sustained: readings/s against COPY", f"{readings[0] / seconds / copied:.3f}")


def main() -> None:
    """Measure and print."""
    chosen = options()
    require_free(chosen.port)
    rate = chosen.peak / 2
    needed = chosen.duration * chosen.peak + chosen.scenario * rate * 17 + chosen.backlog * 1.25
    size = Size(chosen.meters, chosen.tenants, chosen.collectors, int(needed))
    folder = ROOT / "build" / "load"
    folder.mkdir(parents=True, exist_ok=True)
    bodies: Path = folder / f"bodies-{size.meters}-{size.tenants}-{size.collectors}-{size.bodies}"
    if not bodies.exists():
        began = time.perf_counter()
        write(bodies, size)
        tell("bodies made and encrypted beforehand", f"{time.perf_counter() - began:.0f} s")
    # Collectors of the load push as hard as they can; their limit is not what is measured.
    settings = {"READY_PUSH_RATE_PER_MINUTE": "60000", "READY_PUSH_MAX_BACKLOG_AGE_S": "3600"}
    with Rig(folder, chosen.port, chosen.workers, settings).running(size) as rig:
        ground = Ground(rig, size, bodies, rate, chosen.scenario)
        parts = {
            "sustained": lambda: sustained(ground, chosen.duration, chosen.peak),
            "half": lambda: scenarios.half(ground),
            "broker": lambda: scenarios.broker_off(ground),
            "database": lambda: scenarios.database_killed(ground),
            "backlog": lambda: scenarios.backlog(ground, chosen.backlog),
            "alarms": lambda: scenarios.alarms(ground, chosen.backlog // 4),
            "noisy": lambda: scenarios.noisy(ground),
            "slow": lambda: scenarios.slow(ground, chosen.slow),
            "bombs": lambda: scenarios.bombs(ground),
        }
        for name in chosen.only:
            parts[name]()


if __name__ == "__main__":
    main()
