"""From a kept batch to readings.

    claim a batch → parse its body → the path of each telegram (`path`) → settle the batch

Everything between claim and settle is one transaction: killed anywhere, nothing has happened and
the batch is worked on again; begun twice, the second finds it settled. A batch that fails as a
whole is taken apart, so that the telegram which does the harm is found, and delays nobody.
"""

import logging
import time
from collections.abc import Sequence

from collectors.pipeline import settling
from collectors.pipeline.alarms import look_for_alarms
from collectors.pipeline.apart import work_apart
from collectors.pipeline.batches import settle_whole, unpack
from collectors.pipeline.claims import Claim, Lost, Turns, begin, claim, settle
from collectors.pipeline.path import process
from collectors.pipeline.replaying import replay_some
from meters import state
from readings.services import NewReading, Superseded, store
from ready.tenancy.context import tenant_context
from ready.web.middleware import carrying

__all__ = ["Turns", "import_readings", "look_for_alarms", "replay_some", "work_one"]

log = logging.getLogger(__name__)

# So often a batch is tried as a whole; the third attempt takes it apart.
WHOLE_ATTEMPTS = 2


def work_one(turns: Turns) -> bool:
    """Claim and settle one batch of whichever utility's and collector's turn it is.

    False: nothing to do. Raises what stopped the work; the batch is kept and comes again.
    """
    claimed = claim(turns)
    if claimed is None:
        return False
    began = time.perf_counter()
    with carrying("-"):
        try:
            if claimed.attempt <= WHOLE_ATTEMPTS:
                _whole(claimed)
            else:
                log.error("batch %s, attempt %d: apart", claimed.batch_id, claimed.attempt)
                work_apart(claimed, process, after=WHOLE_ATTEMPTS)
        except Lost as lost:
            log.info("%s", lost)
            return True
        log.info(
            "batch %s of utility %s: %.0f ms",
            claimed.batch_id,
            claimed.tenant_id,
            (time.perf_counter() - began) * 1000,
        )
    return True


def _whole(claimed: Claim) -> None:
    with tenant_context(claimed.tenant_id):
        begin(claimed, lasting=False)
        batch, items = unpack(claimed)
        process(items)
        settle_whole(batch, items)
        settle(claimed)


def import_readings(readings: Sequence[NewReading]) -> list[Superseded]:
    """The door for readings that come without telegrams: history and files of other systems.

    Sets each reading's outcome; the meters' newest values follow.
    """
    newest = state.lock_times(reading.meter_id for reading in readings)
    gone = store(readings, newest)
    settling.tell_imported(readings, newest)
    return gone
