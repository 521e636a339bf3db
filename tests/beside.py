"""Work in a thread of its own, for what waits for a lock."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

from tests.conftest import as_admin


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """A call that begins the work in a thread of its own and returns when that waits for a lock
    (or is done); it is done when the block is left."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)

    def begin() -> None:
        thread.start()
        while thread.is_alive() and not _somebody_waits():
            time.sleep(0.01)

    yield begin
    thread.join()
    assert failed == []


def _somebody_waits() -> bool:
    with as_admin() as link:
        row = link.execute(
            """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
               WHERE NOT l.granted AND a.datname = current_database()"""
        ).fetchone()
    return row is not None and row[0] > 0
