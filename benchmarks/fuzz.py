"""Feed mutated telegrams to the decoder: `python -m benchmarks.fuzz --count 10000000`.

    --count 10000000    inputs
    --corpus FOLDER     real telegrams to mutate beside our own (wmbus.jsonl, wired.jsonl), if there
    --seed 1            the same seed gives the same inputs
    --seconds 60        stop after that time, whatever the count

Checked for every input: a telegram or a `DecodeError`, nothing else; the records and the short way
as well; the address by the short way is the plain path's; at most five milliseconds of processor
time (only an input that takes longer by the clock is tried again by processor time: so a busy
machine does not count, and asking for that time, which can cost more than decoding, is rare);
memory flat. The last line sums up. Exit status 1 on a failure.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import wmbus
from wmbus import SHIPPED_FORMATS, Address, DecodeError, Key, encode, link
from wmbus.compact import split_headers
from wmbus.decoder import address_of_frame
from wmbus.header import describe
from wmbus.link import HEADER

LIMIT = 0.005
KEY = Key(bytes(range(16)))
_METERS = (
    Address("KAM", "12345678", 0x1B, 0x16),
    Address("KAM", "87654321", 0x34, 0x04),
    Address("ABC", "11223344", 0x01, 0x07),
)
_MEBIBYTE = 1 << 20


def memory() -> float:
    """Resident memory in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEBIBYTE


def own_messages() -> list[tuple[Address, bytes]]:
    """What our own telegrams carry: a CI and all behind it, before encryption."""
    found = []
    for meter in _METERS:
        for headers in SHIPPED_FORMATS.values():
            described = [describe(raw) for raw in split_headers(headers)]
            if any(header.kind == "real" for header in described):
                continue
            values = [1] * len(described)
            found.append((meter, b"\x78" + encode.records(headers, values)))
            found.append((meter, b"\x79" + encode.compact(headers, values)))
    return found


def real_frames(folder: Path | None) -> list[tuple[bytes, Key | None]]:
    """The telegrams of a corpus with their keys; none without a corpus."""
    found: list[tuple[bytes, Key | None]] = []
    for name, field in (("wmbus.jsonl", "telegram"), ("wired.jsonl", "hex")):
        path = folder / name if folder else None
        if path is None or not path.exists():
            continue
        for line in path.read_text().splitlines():
            case = json.loads(line)
            text = case.get("key") or ""
            try:
                frame = bytes.fromhex(case[field])
            except ValueError:
                continue
            found.append((frame, Key(bytes.fromhex(text)) if len(text) == 32 else None))
    return found


def mutate(data: bytes, numbers: random.Random) -> bytes:
    """Change, cut, double or insert a few bytes."""
    changed = bytearray(data)
    for _ in range(numbers.choice((0, 1, 1, 2, 3, 8))):
        if not changed:
            break
        at = numbers.randrange(len(changed))
        choice = numbers.random()
        if choice < 0.6:
            changed[at] = numbers.randrange(256)
        elif choice < 0.7:
            changed[at] ^= 1 << numbers.randrange(8)
        elif choice < 0.8:
            del changed[at:]
        elif choice < 0.9:
            changed[at:at] = changed[at : at + numbers.randrange(16)]
        else:
            changed[at:at] = numbers.randbytes(numbers.randrange(8))
    return bytes(changed)


class Inputs:
    """An endless stream of inputs with the key to use."""

    def __init__(self, numbers: random.Random, folder: Path | None) -> None:
        self.numbers = numbers
        self.messages = own_messages()
        self.frames = real_frames(folder)

    def next(self) -> tuple[bytes, Key | None]:
        """One input: mutated inside or outside the encryption, or plain noise."""
        numbers = self.numbers
        choice = numbers.random()
        if choice < 0.05:
            return numbers.randbytes(numbers.randrange(300)), KEY
        if self.frames and choice < 0.6:
            frame, key = numbers.choice(self.frames)
            return mutate(frame, numbers), key
        meter, message = numbers.choice(self.messages)
        message = mutate(message, numbers)[:200]
        if choice < 0.8:
            frame = encode.extended_ctr(meter, KEY, message, session=1, access=1)
        else:
            frame = encode.frame(meter, b"\x7a\x01\x00\x00\x00" + message[1:])
        if choice < 0.7:
            frame = mutate(frame, numbers)
        checksums = numbers.choice(("none", "none", "none", "A", "B"))
        if checksums in ("A", "B") and HEADER < len(frame) < 240 and frame[0] < 240:
            frame = link.add_checksums(frame, "A" if checksums == "A" else "B")
        return frame, KEY


def address(way: Callable[..., Address], frame: bytes) -> object:
    """The address that one of the two ways finds, or what it says is wrong."""
    try:
        return way(frame, crc="auto")
    except DecodeError as error:
        return type(error), str(error)


def try_one(frame: bytes, key: Key | None, allow: bool) -> str:
    """Decode, and read the records if there is a chance that they differ; the outcome in a word.

    The address by the short way must be the plain path's, errors included.
    """
    assert address(wmbus.address_of, frame) == address(address_of_frame, frame)
    try:
        telegram = wmbus.decode(frame, key_for=lambda _: key, already_decrypted=allow)
        if telegram.offset < 0:  # rebuilt: not yet walked in this form
            assert len(telegram.records) <= len(telegram.payload)
    except DecodeError as error:
        return type(error).__name__ if str(error) else "without a reason"
    return "decoded"


def processor_time(frame: bytes, key: Key | None, allow: bool) -> float:
    """Seconds of processor time that one input takes."""
    start = time.process_time()
    try_one(frame, key, allow)
    return time.process_time() - start


def main() -> int:
    """Run, report every 250,000 inputs, sum up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    inputs = Inputs(random.Random(options.seed), options.corpus)
    outcomes: Counter[str] = Counter()
    slowest, slowest_frame, failures, after_start = 0.0, b"", 0, 0.0
    deadline = time.monotonic() + options.seconds
    done = 0
    for number in range(options.count):
        if number % 1024 == 0 and time.monotonic() > deadline:
            break
        done = number + 1
        if number == min(100_000, options.count // 2):
            after_start = memory()
        frame, key = inputs.next()
        allow = bool(number & 1)
        start = time.perf_counter()
        try:
            outcomes[try_one(frame, key, allow)] += 1
        except Exception as error:  # whatever else it is, it is a finding
            failures += 1
            print(f"{frame.hex()}: {error!r}", flush=True)
        took = time.perf_counter() - start
        if took > LIMIT:
            took = min(processor_time(frame, key, allow) for _ in range(3))
        if took > slowest:
            slowest, slowest_frame = took, frame
        if number % 250_000 == 249_999:
            print(f"{number + 1:,} inputs, {memory():.0f} MiB, {dict(outcomes)}", flush=True)
    print(f"slowest input: {slowest_frame.hex()}")
    grown = memory() - after_start if after_start else 0.0
    print(dict(outcomes))
    print(
        f"inputs {done:,} · failures {failures} · slowest {slowest * 1000:.2f} ms · "
        f"memory grew {grown:.1f} MiB"
    )
    return 1 if failures or slowest > LIMIT or grown > 20 else 0


if __name__ == "__main__":
    sys.exit(main())
