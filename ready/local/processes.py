"""One child process: how it is started, watched and ended."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ready.local import logs
from ready.local.errors import LocalError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Account:
    """The user that a server runs as when READY itself runs as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """A child to run: a service that stays, or a step that ends."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    ready: Callable[[], bool] | None = None
    ready_within_s: float = 30.0
    starts: int = 1  # attempts before a start counts as failed
    foundation: bool = False  # stops alone, after all that was started later has ended
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 3.0
    kill_signal: signal.Signals = signal.SIGKILL  # when it does not stop, or its parent vanished
    account: Account | None = None
    descriptors: tuple[int, ...] = ()  # open files that it inherits


def die_with_parent(parent: int, number: int) -> None:
    """Ask the kernel for this signal when the parent ends (prctl(2)); Linux only."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), number)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for the signal (proc_pid_status(5), SigCgt)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "")
    return bool(int(caught.partition(":")[2] or "0", 16) >> (number - 1) & 1)


class Child:
    """A running program in a session, hence a process group, of its own."""

    def __init__(self, program: Program, folder: Path) -> None:
        """Start it; its output is appended to NAME.log in `folder`. Raises LocalError."""
        self.program = program
        self.log = folder / f"{program.name}.log"
        parent = os.getpid()
        with self.log.open("ab") as output:
            self.log_start = output.tell()
            try:
                self._process = subprocess.Popen(
                    program.argv,
                    env=dict(program.env),
                    cwd=program.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=program.account.uid if program.account else None,
                    group=program.account.gid if program.account else None,
                    extra_groups=[] if program.account else None,
                    pass_fds=program.descriptors,
                    # Safe here: the supervisor has one thread.
                    preexec_fn=lambda: die_with_parent(parent, program.kill_signal),
                )
            except OSError as error:
                raise LocalError(
                    f"{program.name} cannot be started ({program.argv[0]}): {error.strerror}"
                ) from error
        self.group = self._process.pid
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """The process id, which is also the group's."""
        return self._process.pid

    def ended(self) -> bool:
        """True once the child itself has ended; its group may live on."""
        return self._process.poll() is not None

    def succeeded(self) -> bool:
        """True when it ended with exit code 0."""
        return self._process.poll() == 0

    def end_in_words(self) -> str:
        """How it ended, for a message."""
        code = self._process.poll()
        if code is None:
            return "runs"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def ask_to_stop(self) -> None:
        """Send the program's stop signal to the child alone, which knows its own children."""
        self._process.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        """Send the kill signal to the child, and SIGKILL to all of its group that is left."""
        if not self.ended():
            self._process.send_signal(self.program.kill_signal)
        if self.ended() or self.program.kill_signal == signal.SIGKILL:
            self.kill_group()

    def kill_group(self) -> None:
        """End what is left of the group, the child itself included."""
        try:
            os.killpg(self.group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def last_words(self, lines: int = 20) -> str:
        """The end of what it wrote since this start."""
        return logs.tail(self.log, lines, self.log_start)
