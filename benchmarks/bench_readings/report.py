"""One line a figure."""

import statistics
import time
from collections.abc import Callable


def say(name: str, figure: str) -> None:
    """One line a figure."""
    print(f"{name:<66} {figure}", flush=True)


def timed(name: str, ask: Callable[[], object], samples: int) -> tuple[float, float]:
    """p50 and p95 of a question in milliseconds, warm: a round before does not count; said and
    returned."""
    for _ in range(samples):
        ask()
    times = []
    for _ in range(samples):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    p50, p95 = statistics.median(times), times[min(len(times) - 1, len(times) * 95 // 100)]
    say(name, f"p50 {p50:8.1f} ms   p95 {p95:8.1f} ms")
    return p50, p95
