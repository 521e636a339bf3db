"""Two threads in each worker process: one looks for batches, when rung and by itself; the other for
alarms in the batches that wait.

So a dead broker delays work by at most LOOK_SECONDS and loses none. While it lives the thread
holds a shared advisory lock; whether any worker is alive is then a question to the database,
and the answer cannot be stale: the lock goes with the connection.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

from collectors import pipeline

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
AFTER_TROUBLE_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 0.1
# However much waits, replays come to a turn so often.
REPLAY_SECONDS = 5.0
# A reading's alarm is told within two seconds of its push, whatever else waits.
ALARM_SECONDS = 0.4
ALIVE_LOCK = (0x52454144, 1)  # "READ", 1

_bell = threading.Event()


def look_now() -> None:
    """Wake the thread of this process."""
    _bell.set()


def start() -> threading.Thread:
    """Begin looking, for as long as the process lives."""
    inbox = threading.Thread(target=_look_forever, name="inbox", daemon=True)
    inbox.start()
    threading.Thread(target=_look_for_alarms_forever, name="alarms", daemon=True).start()
    return inbox


def _look_forever() -> None:
    turns, replays = pipeline.Turns(), pipeline.Turns()
    held: object = None
    while True:
        with _patience("inbox"):
            held = _say_alive(held)
            _work(turns, replays)
            _bell.wait(LOOK_SECONDS)
            _bell.clear()


def _look_for_alarms_forever() -> None:
    turns = pipeline.Turns()
    while True:
        with _patience("alarms"):
            while pipeline.look_for_alarms(turns):
                pass
            time.sleep(ALARM_SECONDS)


@contextmanager
def _patience(what: str) -> Iterator[None]:
    """Outlive whatever goes wrong, and wait a little before the next try."""
    try:
        yield
    except Error as error:
        log.warning("%s: database trouble, trying again: %s", what, error)
        connection.close()
        time.sleep(AFTER_TROUBLE_SECONDS)
    except Exception:
        # What it was about is kept back for a while; the others are not to wait for it.
        log.exception("%s: unexpected; it is tried again", what)
        time.sleep(AFTER_FAILURE_SECONDS)


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
