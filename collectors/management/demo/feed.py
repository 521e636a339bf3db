"""Live telegrams of the demo's towns, pushed to the real endpoint as concentrators do."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from collectors.simulator import PushRefused, Radio, body_of

_TICK_S = 2.0
# After so long a standstill (a laptop that slept) the gap is history, not live telegrams.
STANDSTILL_MS = 15 * 60_000


class Pusher(Protocol):
    """Hands a batch over, for as long as it takes; raises PushRefused."""

    def push(self, body: bytes) -> object: ...


@dataclass(slots=True)
class Feed:
    """One town's collectors and how each hands over; `fed_until` in Unix milliseconds."""

    radio: Radio
    clients: Mapping[str, Pusher]
    fed_until: int

    def push_until(self, now_ms: int) -> int:
        """Push the batches that are due; how many telegrams. Waits for as long as READY is away.

        Raises PushRefused when READY will have none of it.
        """
        telegrams = 0
        for delivery in self.radio.deliveries(self.fed_until, now_ms):
            self.clients[delivery.site].push(body_of(delivery))
            telegrams += len(delivery.heard)
        self.fed_until = now_ms
        return telegrams


def run(
    feeds: Sequence[Feed],
    catch_up: Callable[[], None],
    say: Callable[[str], None],
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Feed until a collector is refused. `catch_up` fills the past up to now."""
    while True:
        for feed in feeds:
            now_ms = int(clock() * 1000)
            if now_ms - feed.fed_until > STANDSTILL_MS:
                catch_up()
                feed.fed_until = now_ms
            try:
                feed.push_until(now_ms)
            except PushRefused as error:
                say(f"READY refuses the demo's telegrams, so it stops: {error}")
                return
        sleep(_TICK_S)
