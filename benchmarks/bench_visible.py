"""How long from a push to the value on the meter's page, against a running `make run`.

    python -m benchmarks.bench_visible --port 8000 --data .ready-data --pushes 100

Logs in as the demo's person, pushes an encrypted telegram of a demo meter that is otherwise
silent over the real endpoint, and fetches the page's own fragment until its values change. The
demo goes on meanwhile. Ends with one line of figures.
"""

import argparse
import http.cookiejar
import json
import re
import statistics
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from datetime import time as midnight
from pathlib import Path

from collectors.simulator import AALUND, Radio, Town
from collectors.simulator.radio import Transmission

HOUR_MS = 3_600_000
LOOK_EVERY_S = 0.02
GIVE_UP_S = 30.0


class Browser:
    """Keeps cookies; fetches and posts as a browser without pictures would."""

    def __init__(self, address: str) -> None:
        self._address = address
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, path: str) -> str:
        """A page's text."""
        with self._opener.open(self._address + path) as answer:
            return str(answer.read().decode())

    def log_in(self, email: str, password: str) -> None:
        """Through the real form."""
        page = self.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise SystemExit("the log-in page has no form")
        form = {"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        request = urllib.request.Request(
            self._address + "/accounts/login/",
            urllib.parse.urlencode(form).encode(),
            {"Referer": self._address + "/accounts/login/"},
        )
        self._opener.open(request).read()


def push(address: str, token: str, frame: bytes) -> None:
    """Hand one telegram over, heard just now."""
    body = json.dumps(
        {"telegrams": [{"telegram": frame.hex(), "timestamp": datetime.now(UTC).isoformat()}]}
    ).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/api/v1/collect/telegrams", body, headers)
    urllib.request.urlopen(request).read()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=Path(".ready-data"))
    parser.add_argument("--pushes", type=int, default=100)
    parser.add_argument("--anchor", help="day the demo was set up (default: today)")
    options = parser.parse_args()
    address = f"http://127.0.0.1:{options.port}"
    login = json.loads((options.data / "demo-login.json").read_text())
    tokens = json.loads((options.data / "demo-feed.json").read_text())["tokens"]
    day = datetime.now(UTC).date()
    if options.anchor:
        day = datetime.fromisoformat(options.anchor).date()
    town = Town(1, 500, datetime.combine(day, midnight(), UTC), AALUND)
    radio = Radio(town)
    meter = next(
        one
        for one in town.meters
        if one.silent_from is not None and one.known_key == one.key and one.kind.security == "ell"
    )
    browser = Browser(address)
    browser.log_in(login["email"], login["password"])
    found = re.search(
        r"/t/aalund/meters/(\d+)/", browser.get(f"/t/aalund/meters/?q={meter.number}")
    )
    if found is None:
        raise SystemExit(f"meter {meter.number} is not in the list")
    values = f"/t/aalund/meters/{found[1]}/values/"
    before = browser.get(values)
    now_ms = int(time.time() * 1000)
    took = []
    for number in range(options.pushes):
        # Contents of rising hours, so that each telegram tells another energy.
        told_ms = now_ms - (options.pushes - number) * HOUR_MS
        _, frame = radio.content(Transmission(meter, number * 8, told_ms))
        began = time.perf_counter()
        push(address, tokens[town.sites[0].name], frame)
        while browser.get(values) == before:
            if time.perf_counter() - began > GIVE_UP_S:
                raise SystemExit(f"telegram {number} is not visible after {GIVE_UP_S:.0f} s")
            time.sleep(LOOK_EVERY_S)
        took.append(time.perf_counter() - began)
        before = browser.get(values)
    took.sort()
    within = sum(1 for one in took if one <= 2.0)
    print(
        f"push to page: median {statistics.median(took):.3f} s · "
        f"p95 {took[int(len(took) * 0.95) - 1]:.3f} s · max {took[-1]:.3f} s · "
        f"within 2 s: {within} of {len(took)}"
    )


if __name__ == "__main__":
    main()
