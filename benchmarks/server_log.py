"""PostgreSQL's log as a server has it that has been at work for a while."""

from collections.abc import Callable

# Of 16 MB each: the 2 GB that `ready.local.postgres.MEASURED` keeps.
_FILES = 128


def fill(execute: Callable[[str], object]) -> None:
    """Have a new server make the files of its log; it then uses them again. While it makes one,
    every commit waits. execute: as an administrator."""
    for _ in range(_FILES):
        execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")
    execute("CHECKPOINT")
