"""Handing telegrams over as a concentrator does: READY's native JSON over HTTP."""

import http.client
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

from collectors.simulator.radio import Delivery, Heard

_LONGEST_PAUSE_S = 60


class PushRefused(Exception):
    """READY answered that the same batch must not be sent again; the message has its answer."""


def item_of(heard: Heard) -> dict[str, object]:
    """One telegram in READY's native push format (docs/reference/push.md)."""
    moment = datetime.fromtimestamp(heard.heard_ms // 1000, UTC)
    return {
        "telegram": heard.frame.hex().upper(),
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{heard.heard_ms % 1000:03d}Z",
        "rssi_dbm": heard.rssi_dbm,
        "link_mode": heard.meter.kind.link_mode,
        "crc": "removed",
    }


def body_of(delivery: Delivery) -> bytes:
    """A batch as a push body. The same batch gives the same bytes: so READY knows a repeat."""
    return json.dumps(
        {
            "gateway": delivery.site,
            "batch": delivery.batch,
            "telegrams": [item_of(heard) for heard in delivery.heard],
        },
        separators=(",", ":"),
    ).encode()


class PushClient:
    """Posts batches over one kept connection, again and again until READY has them.

    url: the whole address of the push endpoint. A batch is sent again after a broken connection
    and after 408, 429 or 5xx, when Retry-After says, else with growing pauses. `pause` sleeps for
    so many seconds.
    """

    def __init__(
        self, url: str, token: str, pause: Callable[[float], None] = time.sleep, timeout_s: int = 30
    ) -> None:
        self._address: SplitResult = urlsplit(url)
        if self._address.scheme not in ("http", "https") or not self._address.hostname:
            raise ValueError(f"{url!r} is no http address")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._pause = pause
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def push(self, body: bytes) -> dict[str, object]:
        """Send a batch until READY took it; its answer. Raises PushRefused."""
        attempt = 0
        while True:
            status, retry_after, answer = self._send(body)
            if 200 <= status < 300:
                taken: dict[str, object] = json.loads(answer)
                return taken
            if status and status not in (408, 429) and status < 500:
                raise PushRefused(f"{status}: {answer.decode('utf-8', 'replace')[:500]}")
            wait = float(retry_after) if retry_after.isdigit() else 0.5 * 2 ** min(attempt, 6)
            self._pause(min(wait, _LONGEST_PAUSE_S))
            attempt += 1

    def _send(self, body: bytes) -> tuple[int, str, bytes]:
        """Status (0: no answer), Retry-After and body of one try."""
        if self._connection is None:
            secure = self._address.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            host = self._address.hostname or ""
            self._connection = kind(host, self._address.port, timeout=self._timeout_s)
        try:
            self._connection.request("POST", self._address.path, body, self._headers)
            response = self._connection.getresponse()
            return response.status, response.headers.get("Retry-After", ""), response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, "", b""

    def close(self) -> None:
        """Let the connection go; the next push opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
