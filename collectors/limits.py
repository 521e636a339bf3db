"""How often a collector may push, and how many pushes of one utility are worked on at once; both
in the memory of a web process.

Not exact over several processes (each has its own buckets), which is enough to keep one mad box
from crowding out the others; docs/reference/push.md says so.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

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


class Lanes:
    """A few at once for each; `most_waiting` more wait a little, and the rest are turned away.

    So whoever sends as much as they can holds at most `width + most_waiting` of a process's
    threads, and the others find one free. Those that wait cost the others nothing; those that work
    share the process's one interpreter with them, so `width` is what a loud neighbour takes.
    """

    def __init__(self, width: int, most_waiting: int, patience_s: float) -> None:
        self._width = width
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._left = threading.Condition()
        self._inside: Counter[object] = Counter()
        self._waiting: Counter[object] = Counter()

    @contextmanager
    def enter(self, who: object) -> Iterator[bool]:
        """Whether there was room; it is held until the block ends."""
        entered = self._enter(who)
        try:
            yield entered
        finally:
            if entered:
                with self._left:
                    self._inside[who] -= 1
                    self._forget(who)
                    self._left.notify_all()

    def _enter(self, who: object) -> bool:
        with self._left:
            if self._inside[who] >= self._width:
                if self._waiting[who] >= self._most_waiting:
                    return False
                self._waiting[who] += 1
                free = self._left.wait_for(
                    lambda: self._inside[who] < self._width, self._patience_s
                )
                self._waiting[who] -= 1
                if not free:
                    self._forget(who)
                    return False
            self._inside[who] += 1
            return True

    def _forget(self, who: object) -> None:
        if not self._inside[who] and not self._waiting[who]:
            del self._inside[who], self._waiting[who]
