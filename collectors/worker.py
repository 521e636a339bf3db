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
AFTER_FAILURE_SECONDS = 0.1
# However much waits, replays come to a turn so often.
REPLAY_SECONDS = 5.0
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
    turns, replays = pipeline.Turns(), pipeline.Turns()
    held: object = None
    while True:
        try:
            held = _say_alive(held)
            _work(turns, replays)
        except Error as error:
            log.warning("inbox: database trouble, trying again: %s", error)
            connection.close()
            time.sleep(AFTER_TROUBLE_SECONDS)
            continue
        except Exception:
            # What it was about is kept back for a while; the others are not to wait for it.
            log.exception("inbox: unexpected; it is tried again")
            time.sleep(AFTER_FAILURE_SECONDS)
            continue
        _bell.wait(LOOK_SECONDS)
        _bell.clear()


def _work(turns: pipeline.Turns, replays: pipeline.Turns) -> None:
    """Work until there is nothing to do: batches first, replays when idle or every so often."""
    replayed_at = time.monotonic()
    while True:
        busy = pipeline.work_one(turns)
        if not busy or time.monotonic() - replayed_at > REPLAY_SECONDS:
            busy = pipeline.replay_some(replays) or busy
            replayed_at = time.monotonic()
        if not busy:
            return


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
