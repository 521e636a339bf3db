"""Do wrong keys ever yield a reading? `python -m benchmarks.wrong_keys --count 10000000`.

    --count 10000000        random keys for each mode
    --modes full,compact,mode5,mode7,mode10

One telegram a mode, decoded with random keys. Accepted is a telegram with a trust other than
none: then the test has failed. Telegrams with trust none (decrypted by chance into well-formed
records of an unknown layout, which must not be stored) and refusals are counted by kind. The last
line sums up.
"""

import argparse
import os
import sys
import time
from collections import Counter

import wmbus
from wmbus import Address, DecodeError, Key, Trust, encode

WATER = Address("KAM", "12345678", 0x1B, 0x16)
HEADERS = bytes.fromhex("02FF2004134413615B6167")
VALUES = [0, 123456, 120000, 12, 9]
_CHUNK = 4096  # keys made from one reading of the system's random numbers


def frames() -> dict[str, bytes]:
    """One telegram for each mode, all with the same key."""
    key = Key(os.urandom(16))
    data = encode.records(HEADERS, VALUES)
    return {
        "full": encode.kamstrup_full(WATER, key, data, session=1, access=1),
        "compact": encode.kamstrup_compact(WATER, key, HEADERS, VALUES, session=1, access=1),
        "mode5": encode.mode_5(WATER, key, data, access=1),
        "mode7": encode.mode_7(WATER, key, data, counter=1, access=1),
        "mode10": encode.mode_10(WATER, key, data, counter=1, access=1),
    }


def attempt(frame: bytes, count: int) -> Counter[str]:
    """Outcomes of `count` random keys."""
    outcomes: Counter[str] = Counter()
    left = count
    while left:
        size = min(left, _CHUNK)
        left -= size
        pool = os.urandom(16 * size)
        for at in range(0, len(pool), 16):
            key = Key(pool[at : at + 16])
            try:
                telegram = wmbus.decode(frame, key_for=lambda _, key=key: key, crc="none")  # type: ignore[misc]
            except DecodeError as error:
                outcomes[type(error).__name__] += 1
            else:
                outcomes["unconfirmed" if telegram.trust is Trust.NONE else "accepted"] += 1
    return outcomes


def main() -> int:
    """Run all modes; exit status 1 if any wrong key was accepted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--modes", default="full,compact,mode5,mode7,mode10")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for mode, frame in frames().items():
        if mode not in options.modes.split(","):
            continue
        start = time.perf_counter()
        outcomes = attempt(frame, options.count)
        seconds = time.perf_counter() - start
        print(f"{mode:8} {options.count:,} keys in {seconds:,.0f} s: {dict(outcomes)}", flush=True)
        total += outcomes
    print(
        f"wrong keys {sum(total.values()):,} · accepted {total['accepted']} · "
        f"unconfirmed {total['unconfirmed']}"
    )
    return 1 if total["accepted"] else 0


if __name__ == "__main__":
    sys.exit(main())
