"""Workers give way to whoever answers pushes: what is taken can wait a moment, they cannot.

Linux shares the processors out among sessions first, where `sched_autogroup_enabled` is set, and
niceness counts only within a session. So a worker's processes give way, and its session, too.
(Containers are weighed by `cpu_shares` instead: docker-compose.yml.)
"""

import logging
import os
import random
import time
from pathlib import Path

log = logging.getLogger(__name__)

# How much a worker gives way (0 to 19): where a push wants a processor, a worker has a tenth of it.
NICENESS = 10
# "/autogroup-N nice M": how much the session gives way.
_SESSION = Path("/proc/self/autogroup")
# Whoever is no administrator may be refused: one such change in a tenth of a second is let through
# on the whole machine. Who ends does not wait long for it.
_TRIES, _LAST_TRIES = 20, 3
_BETWEEN_S = (0.05, 0.25)


def give_way() -> None:
    """The process, however it was started; never less than it gives way already."""
    os.nice(max(0, NICENESS - os.nice(0)))


def give_way_as_a_session() -> None:
    """The session, if this process began it; in somebody else's it is not ours to say."""
    given = _given()
    if given is not None and given < NICENESS:
        _give(NICENESS, _TRIES)


def give_way_no_more() -> None:
    """The session again weighs what others do: who is told to end should not be held up."""
    if _given() == NICENESS:
        _give(0, _LAST_TRIES)


def _given() -> int | None:
    """How much this process's own session gives way; None where sessions are not weighed, or it is
    not its own."""
    if os.getsid(0) != os.getpid():
        return None
    try:
        return int(_SESSION.read_text().rpartition(" ")[2])
    except (OSError, ValueError):
        return None


def _give(niceness: int, tries: int) -> None:
    for _ in range(tries):
        try:
            _SESSION.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(random.uniform(*_BETWEEN_S))  # noqa: S311
        except OSError as error:
            log.warning("the session's niceness stays as it is: %s", error)
            return
        else:
            return
    log.warning("the session's niceness stays as it is: others change theirs all the time")
