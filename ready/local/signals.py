"""Waiting that a signal ends at once."""

import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from ready.local.errors import StopRequested

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# One wish may come twice: a signal to the whole group, and make passes on its own.
_SAME_WISH_S = 0.3


class Signals:
    """Counts the wishes to stop; `pause` returns early on any signal, a child's end included."""

    def __init__(self) -> None:
        self.wishes = 0
        self.stopping = False
        self.also_asked: Callable[[], bool] = lambda: False
        self._last_wish = float("-inf")
        self._former: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        for number in (*STOPPING, signal.SIGCHLD):
            self._former[number] = signal.signal(number, self._note)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number not in STOPPING:
            return
        now = time.monotonic()
        if now - self._last_wish > _SAME_WISH_S:
            self.wishes += 1
        self._last_wish = now

    def pause(self, seconds: float) -> None:
        """Wait until the time is up or a signal comes.

        Raises StopRequested on the wish to stop, until `stopping` is set.
        """
        self.check()
        if select.select([self._reader], [], [], max(seconds, 0.0))[0]:
            try:
                os.read(self._reader, 4096)
            except BlockingIOError:
                return
        self.check()

    def check(self) -> None:
        """Raise StopRequested when somebody wished to stop (by a signal, or as `also_asked` finds
        out) and nothing is stopping yet."""
        if not self.stopping and (self.wishes or self.also_asked()):
            raise StopRequested
