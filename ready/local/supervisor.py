"""Starts programs in order, watches them, starts again what ends, and stops all in reverse order.

Promises: nothing outlives it, not even when it is killed itself (each child asks the kernel for a
signal at its parent's end, and ready.local.guard ends the groups); a child that ends is started
again, later each time; a stop takes less than ten seconds.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ready.local import guard, logs
from ready.local.errors import LocalError
from ready.local.processes import Child, Program
from ready.local.signals import Signals

STOP_WITHIN_S = 9.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_AFTER_S = 60.0  # a child that ran this long starts again without delay
_POLL_S = 0.02
_LOOK_S = 1.0


def say(text: str) -> None:
    """A line for the terminal; a closed terminal is no reason to fail."""
    try:
        print(text, flush=True)
    except OSError:
        return


class Service:
    """A program that is to run until the supervisor stops."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.child: Child | None = None
        self.delay_s = FIRST_DELAY_S
        self.start_at = 0.0


class Supervisor:
    """Owns the children. Use as a context manager: leaving it stops all of them."""

    def __init__(self, folder: Path, lock: int | None = None) -> None:
        """`folder` takes the logs; `lock` is a descriptor that is held until all have ended."""
        self.folder = folder
        self.signals = Signals()
        self.services: list[Service] = []
        self._lock = lock
        self._guard: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def __enter__(self) -> Self:
        self.signals.__enter__()
        self._start_guard()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
        self.signals.__exit__(kind, error, trace)

    # ── Starting ──────────────────────────────────────────────────────────────────────────────
    def steps(self, *programs: Program) -> None:
        """Run programs beside each other to their ends.

        Raises LocalError with the last lines of the first that failed.
        """
        children = [self._spawn(program) for program in programs]
        try:
            while not all(child.ended() for child in children):
                self.signals.pause(_LOOK_S)
        finally:
            for child in children:
                self._bury(child)
        for child in children:
            if not child.succeeded():
                raise LocalError(self._failure(child, child.end_in_words()))

    def start(self, program: Program) -> None:
        """Start a service and wait until it is ready, if it can tell. Raises LocalError."""
        service = Service(program)
        self.services.append(service)
        for attempt in range(1, program.starts + 1):
            service.child = self._spawn(program)
            reason = self._wait_until_ready(service.child)
            if reason is None:
                return
            self._bury(service.child)
            if attempt == program.starts:
                raise LocalError(self._failure(service.child, reason))
            self.signals.pause(FIRST_DELAY_S)

    def _wait_until_ready(self, child: Child) -> str | None:
        """None when it is, else why not."""
        if child.program.ready is None:
            return None
        deadline = child.started + child.program.ready_within_s
        while not child.program.ready():
            if child.ended():
                return child.end_in_words()
            if time.monotonic() > deadline:
                return f"was not ready within {child.program.ready_within_s:g} s"
            self.signals.pause(_POLL_S)
        return None

    def wait_for(self, ready: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait until `ready()`. A service that ends meanwhile fails the start: LocalError."""
        deadline = time.monotonic() + within_s
        while not ready():
            for service in self.services:
                if service.child is not None and service.child.ended():
                    self._bury(service.child)
                    raise LocalError(self._failure(service.child, service.child.end_in_words()))
            if time.monotonic() > deadline:
                raise LocalError(f"{what} was not ready within {within_s:g} s; see {self.folder}")
            self.signals.pause(_POLL_S * 5)

    def _failure(self, child: Child, reason: str) -> str:
        words = child.last_words()
        shown = f"Its last lines, from {child.log}:\n{words}" if words else f"See {child.log}."
        return f"{child.program.name} {reason}. {shown}"

    # ── Watching ──────────────────────────────────────────────────────────────────────────────
    def watch(self) -> None:
        """Keep every service running. Ends by StopRequested only."""
        while True:
            self.tend()
            due = [s.start_at for s in self.services if s.child is None]
            now = time.monotonic()
            self.signals.pause(min([_LOOK_S, *(at - now for at in due)]))

    def tend(self) -> None:
        """One look at the guard and every service: bury what ended, start what is due."""
        if self._guard is None or self._guard.poll() is not None:
            self._start_guard()
        for service in self.services:
            now = time.monotonic()
            child = service.child
            if child is not None and child.ended():
                if now - child.started > STEADY_AFTER_S:
                    service.delay_s = FIRST_DELAY_S
                self._bury(child)
                service.child = None
                service.start_at = now + service.delay_s
                say(
                    f"{service.program.name} {child.end_in_words()}; "
                    f"starting it again in {service.delay_s:g} s (see {child.log})"
                )
                service.delay_s = min(service.delay_s * 2, LONGEST_DELAY_S)
            elif child is None and now >= service.start_at:
                service.child = self._spawn(service.program)

    # ── Stopping ──────────────────────────────────────────────────────────────────────────────
    def stop(self) -> None:
        """Stop every service, the last started first. A second Ctrl-C kills what is left.

        Those that stand on a foundation are asked one after the other without waiting, and the
        foundation when all of them have ended.
        """
        self.signals.stopping = True
        wishes = self.signals.wishes
        deadline = time.monotonic() + STOP_WITHIN_S
        above: list[Child] = []
        for service in reversed(self.services):
            if service.child is None:
                continue
            if service.program.foundation:
                self._await_end(above, deadline, wishes)
                above = []
            service.child.ask_to_stop()
            above.append(service.child)
            if service.program.foundation:
                self._await_end(above, deadline, wishes)
                above = []
        self._await_end(above, deadline, wishes)
        self.services.clear()

    def _await_end(self, children: Sequence[Child], deadline: float, wishes: int) -> None:
        """Give each child its time from now on, then kill it."""
        asked = time.monotonic()
        for child in children:
            limit = min(deadline, asked + child.program.stop_within_s)
            while not child.ended() and self.signals.wishes == wishes:
                left = limit - time.monotonic()
                if left <= 0:
                    break
                self.signals.pause(min(_LOOK_S, left))
            if not child.ended():
                say(f"{child.program.name} does not stop: killed")
            self._bury(child)

    def _bury(self, child: Child) -> None:
        """End the child if it runs, and whatever it left in its group."""
        child.kill()
        deadline = time.monotonic() + 1.0
        while not child.ended() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        child.kill_group()
        while not child.ended():
            time.sleep(_POLL_S)
        self._groups.discard(child.group)
        self._tell_guard(f"-{child.group}\n")

    # ── Children and their guard ──────────────────────────────────────────────────────────────
    def _spawn(self, program: Program) -> Child:
        logs.rotate(self.folder / f"{program.name}.log")
        child = Child(program, self.folder)
        self._groups.add(child.group)
        self._tell_guard(f"+{child.group}\n")
        return child

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=(self._lock,) if self._lock is not None else (),
        )
        for group in self._groups:
            self._tell_guard(f"+{group}\n")

    def _tell_guard(self, line: str) -> None:
        if self._guard is None or self._guard.stdin is None:
            return
        try:
            self._guard.stdin.write(line.encode())
        except BrokenPipeError:
            return  # it was killed; tend() starts another
