"""How many telegrams a core decodes: `python -m benchmarks.bench_decode`.

    --meters 10,1000,100000,1000000    sizes of the table of known meters
    --telegrams 100000                 telegrams a round, each of a meter drawn at random
    --rounds 5                         rounds; the median counts, in processor time of one core

Encrypted Kamstrup C1 telegrams, one full to seven compact, of heat, water and electricity meters
with a key of their own each. Counted is `wmbus.decode` from bytes to registers, with the key looked
up by what stands in the telegram, in a `KeyTable`; beside it, in turns, the same with a dictionary
by address. In the same run, the limit: bare AES and checksum of the same telegrams with the same
ciphers. Prints the resident memory of the process (Linux), and what telegrams cost that the short
way (`layouts.py`) is not made for.
"""

import argparse
import gc
import os
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import wmbus
from wmbus import SHIPPED_FORMATS, Address, Key, KeyFor, KeyTable, Telegram, encode, link
from wmbus.checksum import crc
from wmbus.decoder import decode_message
from wmbus.errors import DecodeError

# (version, device type, headers) of three common meters.
KINDS = (
    (0x34, 0x04, bytes.fromhex("040604FF0704FF080414043B0259025D04FF22026C44064414426C")),
    (0x1B, 0x16, bytes.fromhex("02FF2004134413615B6167")),
    (0x30, 0x02, bytes.fromhex("040404843C042B04AB3C")),
)
VALUES = (
    [5000, 31000, 21000, 12345, 250, 7012, 3804, 0, 0x3B37, 4900, 12000, 0x3B21],
    [0, 123456, 120000, 12, 9],
    [794, 0, 3, 0],
)
COMPACT_TO_FULL = 7
_MEBIBYTE = 1 << 20


def memory() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEBIBYTE


def known_meters(count: int) -> dict[Address, Key]:
    """`count` meters, each with a key whose cipher has been made."""
    keys = {}
    for number in range(count):
        version, device_type, _ = KINDS[number % len(KINDS)]
        key = Key(os.urandom(16))
        key.ctr(bytes(16), b"")
        keys[Address("KAM", f"{number:08}", version, device_type)] = key
    return keys


def telegrams(keys: dict[Address, Key], count: int, numbers: random.Random) -> list[bytes]:
    """`count` encrypted telegrams of meters drawn at random."""
    addresses = list(keys)
    frames = []
    for session in range(count):
        address = numbers.choice(addresses)
        kind = int(address.number) % len(KINDS)
        headers, values = KINDS[kind][2], [numbers.randrange(100), *VALUES[kind][1:]]
        if session % (COMPACT_TO_FULL + 1):
            frame = encode.kamstrup_compact(
                address, keys[address], headers, values, session=session, access=session & 0xFF
            )
        else:
            frame = encode.kamstrup_full(
                address,
                keys[address],
                encode.records(headers, values),
                session=session,
                access=session & 0xFF,
            )
        frames.append(frame)
    return frames


def rates(count: int, rounds: int, *works: Callable[[], None]) -> list[float]:
    """Median telegrams per second of processor time of each of `works`, which take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    return [count / statistics.median(taken) for taken in times]


class Figures(NamedTuple):
    """Telegrams a second of `decode` with a table and with a dictionary, of the bare limit and of
    the plain path; MiB of memory."""

    table: float
    dictionary: float
    limit: float
    plain: float
    memory: float


def measure(meters: int, count: int, rounds: int) -> Figures:
    """What a process finds with so many meters."""
    keys = known_meters(meters)
    frames = telegrams(keys, count, random.Random(meters))
    by_wire = [keys[wmbus.address_of(frame)] for frame in frames]
    table = KeyTable(keys.items())
    # Long-lived objects need not be searched for garbage again and again; a worker does the same.
    gc.collect()
    gc.freeze()

    def decoded(key_for: KeyFor) -> None:
        decode = wmbus.decode
        for frame in frames:
            decode(frame, key_for=key_for, crc="none")

    def bare() -> None:
        for frame, key in zip(frames, by_wire, strict=True):
            plain = key.ctr(frame[2:10] + frame[11:12] + frame[13:17] + b"\0\0\0", frame[17:])
            crc(plain[2:])

    few = frames[: max(1, count // 10)]

    def plain_path() -> None:
        for frame in few:
            decode_message(
                frame,
                key_for=table,
                formats=SHIPPED_FORMATS,
                already_decrypted=False,
                crc="none",
            )

    first = wmbus.decode(frames[0], key_for=table)
    assert isinstance(first, Telegram)
    assert first.trust is wmbus.Trust.PLAUSIBLE
    decoded(table)  # makes the plans
    by_table, by_dictionary, limit = rates(
        count, rounds, lambda: decoded(table), lambda: decoded(keys.get), bare
    )
    (plain,) = rates(len(few), rounds, plain_path)
    used = memory()
    gc.unfreeze()
    return Figures(by_table, by_dictionary, limit, plain, used)


def elsewhere(count: int, rounds: int) -> dict[str, float]:
    """Rates of `decode` for telegrams off the short way, one meter each."""
    address, key, other = Address("KAM", "12345678", 0x34, 0x04), Key(bytes(16)), Key(b"\1" * 16)
    headers, values = KINDS[0][2], VALUES[0]
    data = encode.records(headers, values)
    unknown = headers[:-2] + b"\x42\x6d"
    session = {"session": 1, "access": 1}
    full = encode.kamstrup_full(address, key, data, **session)
    frames = {
        "not encrypted": encode.frame(address, b"\x78" + data),
        "mode 5": encode.mode_5(address, key, data, access=1),
        "mode 7": encode.mode_7(address, key, data, counter=1, access=1),
        "mode 10": encode.mode_10(address, key, data, counter=1, access=1),
        "C1 with format A checksums": link.add_checksums(full, "A"),
        "C1 compact, unknown format": encode.kamstrup_compact(
            address, key, unknown, values, **session
        ),
        "C1, wrong key": encode.kamstrup_full(address, other, data, **session),
        "C1, no key": encode.kamstrup_full(
            address._replace(number="00000000"), other, data, **session
        ),
    }
    keys = {address: key}

    def repeated(frame: bytes, checksums: link.Checksums) -> Callable[[], None]:
        def work() -> None:
            for _ in range(count):
                try:
                    wmbus.decode(frame, key_for=keys.get, crc=checksums)
                except DecodeError as error:
                    str(error)

        return work

    return {
        name: rates(count, rounds, repeated(frame, "A" if "format A" in name else "none"))[0]
        for name, frame in frames.items()
    }


def main() -> None:
    """Print a line for each size, and the figures of the last line that the task asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--meters", default="10,1000,100000,1000000")
    parser.add_argument("--telegrams", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("   meters   decode/s   by dictionary/s   bare AES + checksum/s   plain path/s   MiB")
    decoded = []
    used = 0.0
    # A process each, as workers are: what an earlier size left in the memory slows the next.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for meters in map(int, options.meters.split(",")):
            found = processes.submit(measure, meters, options.telegrams, options.rounds).result()
            decoded.append(found.table)
            used = found.memory
            print(
                f"{meters:9,} {found.table:10,.0f} {found.dictionary:17,.0f} {found.limit:23,.0f}"
                f" {found.plain:14,.0f} {used:5,.0f}"
            )
    print("off the short way, telegrams/s:")
    for name, figure in elsewhere(max(options.telegrams // 20, 100), options.rounds).items():
        print(f"  {name:28} {figure:9,.0f}")
    print("the C++ peer, same mix, another machine: 7,142/s with 10 meters, 219/s with 1,000")
    drop = 1 - min(decoded) / max(decoded)
    print(
        f"decode slowest {min(decoded):,.0f}/s · fastest {max(decoded):,.0f}/s · "
        f"spread {drop:.0%} · memory {used:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
