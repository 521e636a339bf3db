"""The lane for alarms: leaks, bursts, tampering and reverse flow are told ahead of the bulk.

Batches that wait are looked at, the newest first, by decoding alone; a reading's alarm is opened
and put into the outbox. All else is left to the bulk, which later finds the alarm open. A batch is
looked at once, and noted before it is touched: what kills a worker must not kill it here again.
"""

import logging
from datetime import timedelta

from django.db import connection

from collectors.pipeline.apart import NOBODYS_FAULT
from collectors.pipeline.batches import unpack
from collectors.pipeline.claims import Claim, Turns
from collectors.pipeline.counters import doubt_repeats
from collectors.pipeline.decoding import decode, identify
from collectors.pipeline.items import Item
from collectors.pipeline.path import interpret
from collectors.pipeline.settling import codes_of
from meters import state
from meters.conditions import ALARMS
from notifications.services import Observation, open_alarms
from readings.models import Kind
from ready.tenancy.context import tenant_context

log = logging.getLogger(__name__)

# While the bulk keeps up it is as quick as this lane: only what has waited is looked at, for it is
# decoded twice. With the time between two looks this stays well below two seconds.
_WAITED_S = 1.0
# An older reading is history, not news; newer ones of its meter may wait in other batches.
_NEWS = timedelta(days=1)


def look_for_alarms(turns: Turns) -> bool:
    """Look at one batch that waits, of whichever utility's turn it is. False: none does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM collectors_pendingwork WHERE NOT looked")
        queues = [(tenant_id, 0) for (tenant_id,) in cursor.fetchall()]
    for queue in turns.order(queues):
        waiting = _newest_of(queue[0])
        if waiting is not None:
            turns.served(queue)
            _look(waiting)
            return True
    return False


def _newest_of(tenant_id: int) -> Claim | None:
    with tenant_context(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """WITH next AS MATERIALIZED (
                   SELECT tenant_id, received_on, batch_id FROM collectors_pendingwork
                   WHERE tenant_id = %s AND NOT looked
                     AND (attempts > 0 OR not_before <= now() - make_interval(secs => %s))
                   ORDER BY received_on DESC, batch_id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
               UPDATE collectors_pendingwork w SET looked = true FROM next
               WHERE w.tenant_id = next.tenant_id AND w.received_on = next.received_on
                 AND w.batch_id = next.batch_id
               RETURNING w.received_on, w.batch_id""",
            [tenant_id, _WAITED_S],
        )
        row = cursor.fetchone()
    return None if row is None else Claim(tenant_id, row[0], row[1], attempt=0)


def _look(waiting: Claim) -> None:
    try:
        with tenant_context(waiting.tenant_id):
            _, items = unpack(waiting)
            identify(items)
            # A format is learned where its telegram is settled: told twice, one telegram would
            # confirm itself.
            decode(items)
            # Hardly any telegram tells an alarm; the others need not become readings here.
            told = [item for item in items if ALARMS.intersection(codes_of(item) or ())]
            interpret(told)
            alarms = _alarms(told)
            if alarms:
                known = state.lock({alarm.meter_id for alarm in alarms})
                # What was recorded and sent again is no more news here than in the bulk.
                doubt_repeats(items, known)
                open_alarms(
                    _alarms(told), since={meter_id: was.read_at for meter_id, was in known.items()}
                )
    except NOBODYS_FAULT:
        raise
    except Exception:
        log.exception("batch %s: its alarms come with the bulk", waiting.batch_id)


def _alarms(items: list[Item]) -> list[Observation]:
    """The alarms in what has just been read."""
    found = []
    for item in items:
        codes = ALARMS.intersection(codes_of(item) or ()) if item.readings else frozenset()
        if item.meter is None or not codes:
            continue
        found += [
            Observation(item.meter.id, reading.at, sorted(codes))
            for reading in item.readings
            if reading.kind is Kind.NOW and reading.at > item.source.received_at - _NEWS
        ]
    return found
