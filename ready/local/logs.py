"""One log file a child, in the data folder."""

from pathlib import Path

ROTATE_AT_BYTES = 4 * 1024 * 1024
KEPT = 3
_TAIL_BYTES = 16 * 1024


def rotate(path: Path) -> None:
    """Set a log that has grown aside as NAME.log.1; the older ones move on, the oldest goes."""
    try:
        if path.stat().st_size < ROTATE_AT_BYTES:
            return
    except FileNotFoundError:
        return
    for number in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))


def tail(path: Path, lines: int, since: int = 0) -> str:
    """The last lines of what was written after byte `since`, indented for the terminal."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(since, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
