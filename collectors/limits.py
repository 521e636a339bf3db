"""How often a collector may push: a token bucket each, in the memory of a web process.

Not exact over several processes (each has its own buckets), which is enough to keep one mad box
from crowding out the others; docs/reference/push.md says so.
"""

import threading
import time
from collections import OrderedDict

_MOST = 10_000


class Buckets:
    """`rate` pushes a minute, in bursts of at most a minute's worth."""

    def __init__(self, rate: int) -> None:
        self._rate = rate / 60
        self._most = float(rate)
        self._lock = threading.Lock()
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def wait(self, who: object, now: float | None = None) -> int:
        """Take one; 0 when there was one, else the whole seconds until there is."""
        now = time.monotonic() if now is None else now
        with self._lock:
            level, at = self._levels.pop(who, (self._most, now))
            level = min(self._most, level + (now - at) * self._rate)
            if len(self._levels) >= _MOST:
                self._levels.popitem(last=False)
            if level < 1:
                self._levels[who] = (level, now)
                return int((1 - level) / self._rate) + 1
            self._levels[who] = (level - 1, now)
            return 0
