"""The doorbell. It carries nothing: what there is to do stands in PostgreSQL."""

import logging
import time

from celery import shared_task
from celery.signals import worker_init, worker_process_init, worker_shutting_down
from kombu.exceptions import OperationalError

from collectors import courtesy, worker
from ready.policy import SYSTEM, access

log = logging.getLogger(__name__)
_QUIET_SECONDS = 10.0
# Whom this process has rung for is awake for longer (`worker.AWAKE_SECONDS`): ringing for each of
# many pushes cost the worker a fifth of its time.
_RUNG_SECONDS = 0.5
_silent_until = 0.0


@shared_task  # type: ignore[untyped-decorator]
@access(SYSTEM)
def ring() -> None:
    """Wake this worker's looking thread."""
    worker.look_now()


@worker_init.connect  # type: ignore[untyped-decorator]
def give_way(**_: object) -> None:
    """Before its processes are there, which are of its session."""
    courtesy.give_way_as_a_session()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def give_way_no_more(**_: object) -> None:
    """It is waited for."""
    courtesy.give_way_no_more()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def look_at_the_inbox(**_: object) -> None:
    """Each worker process looks by itself, broker or no broker."""
    worker.start()


def ring_softly() -> None:
    """Ring if there is a broker; a push must not suffer when there is none.

    Who was rung for just now looks by itself for a while. After a failure the bell is left alone
    for longer: a hanging broker would cost every push its time-out, and workers look anyway.
    """
    global _silent_until
    now = time.monotonic()
    if now < _silent_until:
        return
    _silent_until = now + _RUNG_SECONDS
    try:
        ring.apply_async(retry=False, expires=60)
    except (OperationalError, OSError) as error:
        _silent_until = now + _QUIET_SECONDS
        log.warning("no doorbell for %.0f s: %s", _QUIET_SECONDS, error)
