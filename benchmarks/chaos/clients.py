"""Collectors that push until told to stop, and a ledger of every acknowledgement.

A batch is sent until it is answered 200; only then is its line written to the ledger. What is
about to be sent stands in another file before: it may be stored though no answer came.
"""

import argparse
import http.client
import json
import random
import signal
import threading
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from benchmarks.chaos import town

_stop = threading.Event()


class Ledger:
    """Two files of JSON lines: what was sent at least once, and what was acknowledged."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._sent = (folder / "sent.jsonl").open("a")
        self._acked = (folder / "acked.jsonl").open("a")

    def sending(self, batch: town.Batch) -> None:
        """Before the first try."""
        line = {
            "tenant": batch.tenant,
            "collector": batch.collector,
            "digest": batch.digest,
            "told": [asdict(one) for one in batch.told],
        }
        self._write(self._sent, line)

    def acked(self, batch: town.Batch, seconds: float) -> None:
        """After an answer of 200, which took so long from its own try on."""
        self._write(
            self._acked,
            {
                "tenant": batch.tenant,
                "digest": batch.digest,
                "items": len(batch.told),
                "seconds": round(seconds, 4),
            },
        )

    def _write(self, file: IO[str], line: dict[str, Any]) -> None:
        with self._lock:
            file.write(json.dumps(line) + "\n")
            file.flush()


def push_all(
    ledger: Ledger, source: Any, port: int, token: str, pause_s: float, chance: random.Random
) -> None:
    """One collector's life: 5 % of its batches later than their successor, 5 % twice."""
    link: http.client.HTTPConnection | None = None
    held: town.Batch | None = None
    while not _stop.is_set():
        batch = next(source)
        if held is None and chance.random() < 0.05:
            held = batch
            continue
        queue = [batch, batch] if chance.random() < 0.05 else [batch]
        if held is not None and batch is not held:
            queue.append(held)
            held = None
        for one in queue:
            link = _deliver(ledger, one, link, port, token)
        _stop.wait(pause_s * (0.5 + chance.random()))


def _deliver(
    ledger: Ledger,
    batch: town.Batch,
    link: http.client.HTTPConnection | None,
    port: int,
    token: str,
) -> http.client.HTTPConnection | None:
    ledger.sending(batch)
    while True:
        begun = time.monotonic()
        try:
            if link is None:
                link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            link.request(
                "POST",
                "/api/v1/collect/telegrams",
                batch.body,
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            answer = link.getresponse()
            answer.read()
            if answer.status == 200:
                ledger.acked(batch, time.monotonic() - begun)
                return link
        except (OSError, http.client.HTTPException):
            if link is not None:
                link.close()
            link = None
        if _stop.wait(0.2):
            # Told to stop: a batch without an answer may or may not be stored.
            return link


def main() -> None:
    """Push for every collector of the file that `seed` wrote, until SIGTERM."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--pause", type=float, required=True)
    options.add_argument("--start", required=True)
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: _stop.set())
    made = json.loads((chosen.folder / "town.json").read_text())
    ledger = Ledger(chosen.folder)
    start = datetime.fromisoformat(chosen.start)
    threads = [
        threading.Thread(
            target=push_all,
            args=(
                ledger,
                town.batches(chosen.seed, tenant, place, start),
                chosen.port,
                box["token"],
                chosen.pause,
                random.Random(f"{chosen.seed} {tenant} {place} client"),
            ),
        )
        for tenant, facts in made.items()
        for place, box in enumerate(facts["collectors"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
