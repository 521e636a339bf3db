"""`python -m collectors.simulator`: a town's telegrams into a file, or pushed to a READY."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime

from collectors.simulator.clock import seconds
from collectors.simulator.push import PushClient, PushRefused, body_of, item_of
from collectors.simulator.radio import Radio
from collectors.simulator.town import AALUND, BIRKELSE, DEFAULT_ANCHOR, Town

_STEP_MS = 60_000  # telegrams are made for so long a stretch at a time


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m collectors.simulator",
        description="A Danish district-heating town whose meters send encrypted telegrams.",
    )
    parser.add_argument("--seed", type=int, default=1, help="everything follows from it")
    parser.add_argument("--meters", type=int, default=50, help="how many are installed")
    parser.add_argument("--town", choices=["aalund", "birkelse"], default="aalund")
    parser.add_argument(
        "--anchor",
        type=datetime.fromisoformat,
        default=DEFAULT_ANCHOR,
        help="the day around which leaks, faults and exchanges are arranged",
    )
    parser.add_argument(
        "--start",
        type=datetime.fromisoformat,
        help="first instant, with zone (default: the anchor; with --speed 1: now)",
    )
    parser.add_argument("--minutes", type=int, default=10, help="how long a stretch to simulate")
    parser.add_argument("--interval", type=int, default=16, help="seconds between telegrams")
    parser.add_argument(
        "--speed",
        type=int,
        default=0,
        help="simulated seconds in a real one; 0 (default): as fast as it goes",
    )
    parser.add_argument("--out", help="write NDJSON in order of hearing to this file, - for stdout")
    parser.add_argument("--keys", help="write the keys that the utility has to this CSV file")
    parser.add_argument("--post", help="push batches to this address")
    parser.add_argument(
        "--token",
        action="append",
        default=[],
        help="a collector's token, or COLLECTOR=TOKEN for each collector",
    )
    return parser.parse_args(argv)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def main(argv: list[str]) -> int:
    """Run the command; 0 when all was written or taken."""
    options = _arguments(argv)
    if not (options.out or options.post or options.keys):
        print("nothing to do: give --out, --post or --keys", file=sys.stderr)
        return 2
    plan = BIRKELSE if options.town == "birkelse" else AALUND
    town = Town(options.seed, options.meters, _aware(options.anchor), plan)
    if options.keys:
        _write_keys(town, options.keys)
    if not (options.out or options.post):
        return 0
    radio = Radio(town, options.interval)
    if options.start is not None:
        start_ms = seconds(_aware(options.start)) * 1000
    else:
        start_ms = int(time.time()) * 1000 if options.speed == 1 else town.anchor * 1000
    end_ms = start_ms + options.minutes * 60_000
    if options.out:
        _write(radio, start_ms, end_ms, options.out)
    if options.post:
        return _post(radio, start_ms, end_ms, options)
    return 0


def _write_keys(town: Town, path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("manufacturer,number,meter_type,key\n")
        for meter in town.meters:
            known = meter.known_key
            if known is not None:
                kind = meter.kind
                file.write(f"{kind.manufacturer},{meter.number},{kind.name},{known.hex()}\n")


def _write(radio: Radio, start_ms: int, end_ms: int, path: str) -> None:
    file = sys.stdout if path == "-" else open(path, "w", encoding="utf-8")  # noqa: SIM115
    try:
        for begin in range(start_ms, end_ms, _STEP_MS):
            for heard in radio.telegrams(begin, min(begin + _STEP_MS, end_ms)):
                item = {"gateway": heard.site, **item_of(heard)}
                file.write(json.dumps(item, separators=(",", ":")) + "\n")
    finally:
        if file is not sys.stdout:
            file.close()


def _post(radio: Radio, start_ms: int, end_ms: int, options: argparse.Namespace) -> int:
    tokens = dict(text.split("=", 1) for text in options.token if "=" in text)
    general = [text for text in options.token if "=" not in text]
    sites = [site.name for site in radio.town.sites]
    missing = [site for site in sites if site not in tokens]
    if missing and not general:
        print(f"no token for {', '.join(missing)}", file=sys.stderr)
        return 2
    clients = {site: PushClient(options.post, tokens.get(site) or general[0]) for site in sites}
    try:
        return _push(radio, start_ms, end_ms, options.speed, clients)
    finally:
        for client in clients.values():
            client.close()


def _push(
    radio: Radio, start_ms: int, end_ms: int, speed: int, clients: dict[str, PushClient]
) -> int:
    began = time.monotonic()
    batches = telegrams = 0
    for begin in range(start_ms, end_ms, _STEP_MS):
        for delivery in radio.deliveries(begin, min(begin + _STEP_MS, end_ms)):
            if speed:
                due = began + (delivery.at_ms - start_ms) / 1000 / speed
                time.sleep(max(0.0, due - time.monotonic()))
            try:
                clients[delivery.site].push(body_of(delivery))
            except PushRefused as error:
                print(f"batch {delivery.batch} was refused: {error}", file=sys.stderr)
                return 1
            batches += 1
            telegrams += len(delivery.heard)
    took = time.monotonic() - began
    print(f"{telegrams} telegrams in {batches} batches pushed in {took:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
