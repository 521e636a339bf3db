"""A thread in each worker process that looks for batches: when rung, and by itself.

So a dead broker delays work by at most LOOK_SECONDS and loses none. While it lives the thread
holds a shared advisory lock; whether any worker is alive is then a question to the database,
and the answer cannot be stale: the lock goes with the connection.
"""

import logging
import threading
import time

from django.db import Error, connection

from collectors import pipeline

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
AFTER_TROUBLE_SECONDS = 1.0
ALIVE_LOCK = (0x52454144, 1)  # "READ", 1

_bell = threading.Event()


def look_now() -> None:
    """Wake the thread of this process."""
    _bell.set()


def start() -> threading.Thread:
    """Begin looking, for as long as the process lives."""
    thread = threading.Thread(target=_look_forever, name="inbox", daemon=True)
    thread.start()
    return thread


def _look_forever() -> None:
    turns = pipeline.Turns()
    held: object = None
    while True:
        try:
            held = _say_alive(held)
            while pipeline.work_one(turns):
                pass
        except Error as error:
            log.warning("inbox: database trouble, trying again: %s", error)
            connection.close()
            time.sleep(AFTER_TROUBLE_SECONDS)
        except Exception:
            log.exception("inbox: unexpected; the batch stays and is tried again")
            connection.close()
            time.sleep(AFTER_TROUBLE_SECONDS)
        _bell.wait(LOOK_SECONDS)
        _bell.clear()


def _say_alive(held: object) -> object:
    """Take the lock once a connection; returns the connection that holds it."""
    with connection.cursor() as cursor:
        if connection.connection is not held:
            cursor.execute("SELECT pg_try_advisory_lock_shared(%s, %s)", ALIVE_LOCK)
    return connection.connection


def any_alive() -> bool:
    """Whether some worker is connected and looking."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
                   AND classid = %s AND objid = %s AND objsubid = 2
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            """,
            ALIVE_LOCK,
        )
        return bool(cursor.fetchone()[0])
