"""PostgreSQL's log as a server has it that has been at work for a while."""

from collections.abc import Callable

_FILE_MB = 16


def fill(execute: Callable[[str], object], *, megabytes: int) -> None:
    """Have a new server make the files of its log; it then uses them again, as many as its
    `min_wal_size` keeps. While it makes one, every commit waits. execute: as an administrator."""
    for _ in range(megabytes // _FILE_MB):
        execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")
    execute("CHECKPOINT")
