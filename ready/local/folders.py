"""The data folder that lasts, and the folder in /tmp that lives as long as one run."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from ready.local.errors import LocalError

# A socket's path may have 107 bytes (unix(7), sun_path), and a checkout may lie anywhere: sockets
# live in a short folder here, whatever TMPDIR says.
SHORT_PARENT = Path("/tmp")
_GUARD_LEAVES_WITHIN_S = 5.0
_UNLOCKED_GRACE_S = 60.0  # between a folder's creation and its lock


def _lock(path: Path) -> int | None:
    """Descriptor of the locked file, or None when another process holds it. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _runs(process: int) -> bool:
    """Whether the process runs; one that was killed and waits for its parent's look does not."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""
    except OSError:
        return False


class DataFolder:
    """Everything READY keeps between two runs; one supervisor at a time works in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock: int | None = None

    @property
    def logs(self) -> Path:
        """The folder of the children's logs."""
        return self.path / "logs"

    def claim(self, address: str) -> None:
        """Make the folder and hold it until this process ends. Raises LocalError.

        `address` is what the next one is told about this one.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self.lock = self._take_lock()
        except OSError as error:
            raise LocalError(
                f"The data folder {self.path} cannot be used: {error.strerror}.\n"
                "Choose another with READY_DATA_DIR=/some/folder."
            ) from error
        if self.lock is None:
            process, running_at = self._holder()
            raise LocalError(
                f"READY runs already at {running_at} (process {process}, "
                f"data folder {self.path}).\n"
                "Stop it, or choose another port and another data folder: "
                "make run PORT=8001 READY_DATA_DIR=/some/folder"
            )
        os.ftruncate(self.lock, 0)
        os.write(self.lock, f"{os.getpid()} {address}\n".encode())

    def _holder(self) -> tuple[int, str]:
        """Process id (0 when not known) and address of whoever holds the lock."""
        process, _, address = (self.path / "lock").read_text().strip().partition(" ")
        return (int(process) if process.isdigit() else 0), address or "an unknown address"

    def _take_lock(self) -> int | None:
        """As _lock; a killed supervisor's guard may hold the lock for a moment yet."""
        deadline = time.monotonic() + _GUARD_LEAVES_WITHIN_S
        while (lock := _lock(self.path / "lock")) is None:
            holder, _ = self._holder()
            if time.monotonic() > deadline or _runs(holder):
                return None
            time.sleep(0.05)
        return lock


class RunFolder:
    """A short-pathed folder for sockets and whatever else dies with the run.

    It holds a locked file; a folder whose lock is free was left by a run that was killed, and the
    next one sweeps it away.
    """

    def __init__(self) -> None:
        sweep()
        prefix = _prefix()
        try:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=SHORT_PARENT))
            self._lock = _lock(self.path / "lock")
        except OSError as error:
            raise LocalError(f"No folder can be made in {SHORT_PARENT}: {error.strerror}") from None
        if os.geteuid() == 0:
            # PostgreSQL, which refuses to run as root, must reach its own folders in here.
            self.path.chmod(0o711)

    def folder(self, name: str) -> Path:
        """A new private folder in the run folder."""
        path = self.path / name
        path.mkdir(mode=0o700)
        return path

    def remove(self) -> None:
        """Delete the folder. Whatever still uses it has lost it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _prefix() -> str:
    return f"ready-{os.geteuid()}-"


def sweep() -> None:
    """Remove the run folders of this user whose run is over."""
    for path in SHORT_PARENT.glob(f"{_prefix()}*"):
        try:
            facts = path.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
                continue
            fresh = time.time() - facts.st_mtime < _UNLOCKED_GRACE_S
            if fresh and not (path / "lock").exists():
                continue
            descriptor = _lock(path / "lock")
            if descriptor is None:
                continue
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)
        except OSError:
            continue  # another run swept it at the same moment
