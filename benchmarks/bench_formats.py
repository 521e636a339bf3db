"""What parsing a push costs.

    python -m benchmarks.bench_formats [--items 500] [--rounds 40]

Prints the best and the middle of the rounds for one body of each shape, in milliseconds, and the
resident memory that hostile bodies added at the peak (Linux).
"""

import argparse
import base64
import gzip
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import orjson

from collectors.formats import EnvelopeError, parse
from collectors.inflate import InflateError, inflate

_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_MEBIBYTE = 1 << 20


def telegrams(count: int) -> list[str]:
    """Invented telegrams of 77 bytes in hex: the length of a heat meter's full frame."""
    return [
        bytes((76, 0x44, 0x2D, 0x2C, *number.to_bytes(4, "little"), 0x34, 0x04, 0x8D)).hex().upper()
        + "5A" * 66
        for number in range(count)
    ]


def bodies(count: int) -> dict[str, tuple[str, bytes]]:
    """One body of each shape, by name, with its content type."""
    frames = telegrams(count)
    objects = [
        {
            "telegram": frame,
            "timestamp": (_START + timedelta(seconds=number)).isoformat(timespec="milliseconds"),
            "rssi_dbm": -40 - number % 60,
            "link_mode": "C1",
            "crc": "removed",
            "device": "im871a[0010]",
        }
        for number, frame in enumerate(frames)
    ]
    coded = [base64.b64encode(bytes.fromhex(frame)).decode() for frame in frames]
    envelope = {"gateway": "gw-7", "batch": "0190", "telegrams": objects}
    lines = [f"C1;1;1;2026-01-02 03:04:05.000;97;148;12345678;0x{frame}" for frame in frames]
    rows = [f"0006123456;12345678;2026-01-02 03:00:00;00;0801{frame[20:]}" for frame in frames]
    return {
        "native JSON": ("application/json", orjson.dumps(envelope)),
        "NDJSON": (
            "application/x-ndjson",
            b"\n".join(orjson.dumps(item) for item in objects),
        ),
        "rtl_wmbus lines": ("text/plain", "\n".join(lines).encode()),
        "bare hex lines": ("text/plain", "\n".join(frames).encode()),
        "base64 lines": ("text/plain", "\n".join(coded).encode()),
        "Elvaco CSV": ("text/csv", "\n".join(rows).encode()),
    }


def hostile() -> Iterator[tuple[str, Callable[[], object]]]:
    """Bodies at the limits that would cost much if nothing were bounded, one at a time."""
    size = 8 * _MEBIBYTE
    json = "application/json"
    for name, content_type, body in (
        ("empty objects, 8 MiB", json, b"[" + b"{}," * (size // 3 - 1) + b"{}]"),
        ("depth, 8 MiB", json, b"[" * size),
        ("numbers, 8 MiB", json, b"[" + b"1," * (size // 2 - 2) + b"1]"),
        ("one digit, 8 MiB", json, b"1" * size),
        ("one text, 8 MiB", json, b'["' + b"a" * (size - 4) + b'"]'),
        ("escaped text, 8 MiB", json, b'["' + rb"\":" * (size // 3 - 2) + b'"]'),
        ("equal keys, 8 MiB", json, _equal_keys(size)),
        ("line ends, 8 MiB", "application/x-ndjson", b"1" + b"\n" * (size - 2) + b"1"),
        ("blanks, 8 MiB", "text/plain", b"1" + b"\n" + b" " * (size - 3) + b"\n"),
        ("comments, 8 MiB", "text/plain", b"#\n" * (size // 2)),
        ("log lines, 50 KiB", "text/plain", b"telegram=|\n" * 5_000),
    ):
        yield name, partial(parse, content_type, body)
    bomb = gzip.compress(bytes(200 * _MEBIBYTE), 9)
    yield "gzip bomb, 200 MiB", lambda: inflate(_chunks(bomb), size)
    members = gzip.compress(b"") * 50_000
    yield "50 000 gzip members", lambda: inflate(_chunks(members), size)


def _equal_keys(size: int) -> bytes:
    item = b'{"telegram":"2A","telegram":"%s"},' % (b"5A" * 900)
    return b"[" + item * (size // len(item) - 1) + b"{}]"


def _peak_reset() -> int:
    """Forget the highest resident size so far; the size now, in KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


def _refused(work: Callable[[], object]) -> str:
    try:
        work()
    except (EnvelopeError, InflateError) as error:
        return type(error).__name__
    return "taken"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="What parsing a push costs.")
    arguments.add_argument("--items", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=40)
    options = arguments.parse_args()
    for name, (content_type, body) in bodies(options.items).items():
        spans = []
        for _ in range(options.rounds):
            begin = time.perf_counter()
            parse(content_type, body)
            spans.append((time.perf_counter() - begin) * 1000)
        print(
            f"{name:22} {options.items} items {len(body) // 1024:5} KiB "
            f"best {min(spans):6.2f} ms  middle {statistics.median(spans):6.2f} ms"
        )
    for name, work in hostile():
        before = _peak_reset()
        begin = time.perf_counter()
        outcome = _refused(work)
        span = (time.perf_counter() - begin) * 1000
        grown = (_peak() - before) / 1024
        print(f"{name:22} {outcome:14} {span:7.1f} ms  grown by {grown:5.1f} MiB")


if __name__ == "__main__":
    main()
