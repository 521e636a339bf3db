"""Four threads in each worker process: three look for batches, when rung and by themselves; the
fourth for alarms in the batches that wait.

Three for batches, so that one reads telegrams while PostgreSQL works for the others; with two, a
third of two cores stood idle. To each other they are as workers: a connection, a claim and a
transaction of its own each.

So a dead broker delays work by at most LOOK_SECONDS and loses none. While it lives the thread
holds a shared advisory lock; whether any worker is alive is then a question to the database,
and the answer cannot be stale: the lock goes with the connection.
"""

import gc
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

from collectors import pipeline
from collectors.courtesy import give_way

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
# Once rung, a worker looks again so often for so long: the bell rings once for many pushes.
AWAKE_LOOK_SECONDS = 0.1
AWAKE_SECONDS = 1.5
AFTER_TROUBLE_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 0.1
BATCH_THREADS = 3
# However much waits, replays come to a turn so often.
REPLAY_SECONDS = 5.0
# A reading's alarm is told within two seconds of its push, whatever else waits.
ALARM_SECONDS = 0.3
ALIVE_LOCK = (0x52454144, 1)  # "READ", 1

_bell = threading.Event()


def look_now() -> None:
    """Wake the threads of this process."""
    _bell.set()


def start() -> threading.Thread:
    """Begin looking, for as long as the process lives."""
    give_way()
    collect_seldom()
    # One row of turns, so that the threads go to different utilities where they can.
    turns, replays = pipeline.Turns(), pipeline.Turns()
    inboxes = [
        threading.Thread(
            target=_look_forever, args=(turns, replays), name=f"inbox-{number}", daemon=True
        )
        for number in range(1, BATCH_THREADS + 1)
    ]
    for inbox in inboxes:
        inbox.start()
    threading.Thread(target=_look_for_alarms_forever, name="alarms", daemon=True).start()
    return inboxes[0]


def collect_seldom() -> None:
    """Look for cycles of garbage after some batches, not fifty times in each.

    A batch makes tens of thousands of objects, nearly all freed by their counts; a worker knows
    hundreds of thousands of meters, which a full collection walks through. It took a quarter of
    the worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


def _look_forever(turns: pipeline.Turns, replays: pipeline.Turns) -> None:
    held: object = None
    awake_until = 0.0
    while True:
        with _patience("inbox"):
            held = _say_alive(held)
            _work(turns, replays)
            awake = time.monotonic() < awake_until
            if _bell.wait(AWAKE_LOOK_SECONDS if awake else LOOK_SECONDS):
                awake_until = time.monotonic() + AWAKE_SECONDS
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
