"""A batch that failed as a whole, worked on piece by piece until its poison is found.

First in slices; a slice that fails is taken apart into its items. After a worker died over a
slice, the next takes items alone, and notes each before it touches it: so the one that kills is
known by then. Only an item's own fault sets it aside. Trouble of the database is nobody's fault:
it ends the turn, and the batch comes again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from copy import copy

from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection
from django.utils import timezone

from collectors import counts
from collectors.formats import EnvelopeError
from collectors.models import InboundBatch
from collectors.outcomes import Outcome
from collectors.pipeline import settling
from collectors.pipeline.batches import note_outcomes, set_whole_aside, unpack
from collectors.pipeline.claims import Claim, Lost, absolve, begin, keep, let_go, settle, suspect
from collectors.pipeline.decoding import identify
from collectors.pipeline.items import Item
from ready.tenancy.context import tenant_context
from wmbus.words import Words
from wmbus.words import marked as _

log = logging.getLogger(__name__)

# A lost connection, a deadlock, a full disk, a table of another version: no telegram's fault.
NOBODYS_FAULT = (OperationalError, InterfaceError, InternalError, ProgrammingError)
_SLICE = 50
# An item that stops its worker is tried again: the worker may have been killed from outside. The
# next one begins with the same item, so where the machine is too busy to get past it soon, several
# such kills in a row may hit it (docs/decisions/0003-inbox.md).
_TRIES = 4
_TURN_S = 1.0
# After so many attempts, ten minutes and more, trouble that stays is held to be the item's.
_PATIENCE = 20

Process = Callable[[Sequence[Item]], object]


def work_apart(claimed: Claim, process: Process, *, after: int) -> None:
    """Settle what can be settled within a turn; `after` is how many attempts failed before this.

    process: takes items all the way, in the current transaction.
    """
    size = _SLICE if claimed.attempt == after + 1 else 1
    until = time.monotonic() + _TURN_S
    try:
        with tenant_context(claimed.tenant_id):
            begin(claimed)
            keep(claimed)
            batch, items = unpack(claimed)
    except (Lost, *NOBODYS_FAULT):
        raise
    except Exception as error:
        log.exception("batch %s cannot be opened", claimed.batch_id)
        with tenant_context(claimed.tenant_id):
            set_whole_aside(claimed, _why(error))
        return
    done = bytes(batch.outcomes or bytes(batch.items))
    left = [item for item in items if not done[item.index]]
    for start in range(0, len(left), size):
        if time.monotonic() > until:
            with tenant_context(claimed.tenant_id):
                begin(claimed)
                let_go(claimed, claimed.attempt - 1)
            return
        _work(claimed, left[start : start + size], process)
    with tenant_context(claimed.tenant_id):
        begin(claimed)
        InboundBatch.objects.filter(pk=batch.pk).update(settled_at=timezone.now())
        counts.count(batch.collector_id, [], batches=1)
        settle(claimed)


def _work(claimed: Claim, items: list[Item], process: Process) -> None:
    alone = len(items) == 1
    if alone:
        times = _touched(claimed, items[0])
        if times > _TRIES:
            if times == _TRIES + 1:  # unless it was this that stopped the worker
                with tenant_context(claimed.tenant_id):
                    identify(items)
            _set_aside(claimed, items[0], _("the worker stopped on this telegram"))
            return
    held = connection.connection
    tried = [copy(item) for item in items]  # so that a failure leaves nothing in them
    try:
        with tenant_context(claimed.tenant_id):
            begin(claimed)
            process(tried)
            note_outcomes(tried)
            keep(claimed)
    except Lost:
        raise
    except Exception as error:
        if isinstance(error, NOBODYS_FAULT) and claimed.attempt < _PATIENCE:
            # Unless the connection broke over it, as it may each time.
            if alone and connection.connection is held:
                with tenant_context(claimed.tenant_id):
                    absolve(claimed)
            raise
        if alone:
            log.exception("item %d of batch %s", items[0].index, claimed.batch_id)
            _set_aside(claimed, tried[0], _why(error))
            return
        for item in items:
            _work(claimed, [item], process)


def _why(error: Exception) -> str:
    if isinstance(error, EnvelopeError):
        return error.detail
    return Words(
        _("trouble inside READY (%(error)s)"), error=f"{type(error).__name__}: {error}"[:120]
    )


def _touched(claimed: Claim, item: Item) -> int:
    with tenant_context(claimed.tenant_id):
        begin(claimed)
        return suspect(claimed, item.index)


def _set_aside(claimed: Claim, item: Item, why: str) -> None:
    item.end(Outcome.FAILED, why)
    with tenant_context(claimed.tenant_id):
        begin(claimed)
        settling.keep_telegrams([item])
        note_outcomes([item])
        keep(claimed)
