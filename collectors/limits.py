"""How often a collector may push, and how many pushes of one utility are worked on at once; both
in the memory of a web process.

Not exact over several processes (each has its own buckets), which is enough to keep one mad box
from crowding out the others; docs/reference/push.md says so.
"""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
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


# Whoever came in so recently still counts as company.
_COMPANY_S = 10.0
# A database that stalled has held everybody up; nobody need rest for that.
_MOST_REST_S = 0.5


class Lanes:
    """A few at once for each; `most_waiting` more wait a little, and the rest are turned away.

    So whoever sends as much as they can holds at most `width + most_waiting` of a process's
    threads, and the others find one free. Those that wait cost the others nothing; those that work
    share the process's one interpreter, the database and the cores with them. So in company each
    also rests as long as it has worked, up to half a second: a lane takes half of the time at most.
    """

    def __init__(
        self,
        width: int,
        most_waiting: int,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._width = width
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._left = threading.Condition()
        self._inside: Counter[object] = Counter()
        self._waiting: Counter[object] = Counter()
        self._rests: dict[object, float] = {}  # until when each rests: one number a utility
        # Who came in last, and who came in last of all others; and when.
        self._last: tuple[object, float] = (None, float("-inf"))
        self._other: tuple[object, float] = (None, float("-inf"))

    @contextmanager
    def enter(self, who: object) -> Iterator[bool]:
        """Whether there was room; it is held until the block ends."""
        entered = self._enter(who)
        began = self._clock()
        try:
            yield entered
        finally:
            if entered:
                self._leave(who, began)

    def _enter(self, who: object) -> bool:
        until = self._clock() + self._patience_s
        with self._left:
            if self._waits(who) and self._waiting[who] >= self._most_waiting:
                return False
            self._waiting[who] += 1
            while (wait := self._waits(who)) and (left := until - self._clock()) > 0:
                self._left.wait(min(wait, left))
            self._waiting[who] -= 1
            if wait:
                self._forget(who)
                return False
            self._inside[who] += 1
            self._came(who)
            return True

    def _waits(self, who: object) -> float:
        """For how many seconds it has to wait by the clock; 0 when there is room."""
        if self._inside[who] >= self._width:
            return math.inf
        return max(0.0, self._rests.get(who, 0.0) - self._clock())

    def _came(self, who: object) -> None:
        if self._last[0] != who:
            self._other = self._last
        self._last = (who, self._clock())

    def _leave(self, who: object, began: float) -> None:
        with self._left:
            now = self._clock()
            other, at = self._other if self._last[0] == who else self._last
            if now - at < _COMPANY_S:
                rest = min(now - began, _MOST_REST_S)
                self._rests[who] = max(self._rests.get(who, 0.0), now + rest)
            self._inside[who] -= 1
            self._forget(who)
            self._left.notify_all()

    def _forget(self, who: object) -> None:
        if not self._inside[who] and not self._waiting[who]:
            del self._inside[who], self._waiting[who]
