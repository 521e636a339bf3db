"""What the pipeline must know of meters: who owns an address, its key, its formats.

Meters and open keys (a cipher a meter, reused) stay in the worker's memory, bounded. The database
keeps a version that every change to them moves on; it is read in each batch's transaction, so that
a new key is in force with the next batch.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from django.db import connection

from collectors.models import FrameFormat
from meters.keys import SealBroken, open_sealed
from ready.tenancy.context import current_tenant_id
from wmbus import SHIPPED_FORMATS, Key, Telegram, Trust

Identity = tuple[str, str]  # manufacturer (KAM also for KAW), 8-digit number


@dataclass(frozen=True, slots=True)
class KnownMeter:
    """A meter of the current utility, as the pipeline needs it. `key` is None without one."""

    id: int
    interval_s: int
    key: Key | None
    version: int | None


class Directory:
    """Meters that were asked for, by utility and address, as of a version of its registry."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._meters: dict[int, tuple[int, dict[Identity, KnownMeter]]] = {}

    def meters_of(self, identities: set[Identity]) -> dict[Identity, KnownMeter]:
        """The current utility's meters among these addresses. Whom it does not know is asked for
        each time: a new meter is found at once."""
        tenant_id = current_tenant_id()
        version = _registry_version()
        was, known = self._meters.get(tenant_id, (None, {}))
        if was != version:
            known = {}
        # Not `identities - known.keys()`, which walks through all that is known.
        missing = {identity for identity in identities if identity not in known}
        if missing:
            # Today only its owner is entitled to a collector's telegrams; sharing adds tenants.
            owned = owners(missing, [tenant_id])
            if len(known) + len(owned) > self._most:
                known = {}
                owned = owners(identities, [tenant_id])
            known |= meters_of(owned)
        self._meters[tenant_id] = (version, known)
        return known


def _registry_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT registry_version FROM tenancy_tenant WHERE id = %s", [current_tenant_id()]
        )
        return int(cursor.fetchone()[0])


class KeyRing:
    """Open keys by (tenant, meter), the least recently used forgotten. For all threads: `using` is
    held while keys are opened or decoded with, since a `Key` is for one thread at a time."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._keys: OrderedDict[tuple[int, int], tuple[bytes, Key]] = OrderedDict()
        self.using = Lock()

    def open(self, tenant_id: int, meter_id: int, version: int, sealed: bytes) -> Key | None:
        """The meter's key; None when its seal does not open (told as "no key")."""
        with self.using:
            return self._open(tenant_id, meter_id, version, sealed)

    def _open(self, tenant_id: int, meter_id: int, version: int, sealed: bytes) -> Key | None:
        held = self._keys.get((tenant_id, meter_id))
        if held is not None and held[0] == sealed:
            self._keys.move_to_end((tenant_id, meter_id))
            return held[1]
        try:
            key = Key(open_sealed(sealed, tenant_id=tenant_id, meter_id=meter_id, version=version))
        except SealBroken:
            return None
        if len(self._keys) >= self._most:
            self._keys.popitem(last=False)
        self._keys[tenant_id, meter_id] = (sealed, key)
        return key


directory = Directory()
ring = KeyRing()


def owners(identities: Iterable[Identity], tenants: Iterable[int]) -> dict[Identity, set[int]]:
    """Which of these utilities know which address: the routing that precedes all decoding."""
    wanted = sorted(set(identities))
    found: dict[Identity, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.manufacturer, a.number, a.tenant_id
               FROM unnest(%s::text[], %s::text[]) AS w(manufacturer, number)
               CROSS JOIN LATERAL (
                   SELECT manufacturer, number, tenant_id FROM meters_meteraddress
                   WHERE manufacturer = w.manufacturer AND number = w.number
                     AND tenant_id = ANY(%s)
                   OFFSET 0  -- a probe an address, whatever the statistics of a new utility say
               ) AS a""",
            [[maker for maker, _ in wanted], [number for _, number in wanted], list(tenants)],
        )
        for maker, number, tenant_id in cursor.fetchall():
            found.setdefault((maker, number), set()).add(tenant_id)
    return found


def meters_of(identities: Iterable[Identity]) -> dict[Identity, KnownMeter]:
    """The current utility's meters among these addresses, with their newest key opened."""
    tenant_id = current_tenant_id()
    wanted = sorted(set(identities))
    known: dict[Identity, KnownMeter] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.manufacturer, m.number, m.id, m.interval_s, m.version,
                      k.version, k.sealed
               FROM unnest(%s::text[], %s::text[]) AS w(manufacturer, number)
               CROSS JOIN LATERAL (
                   SELECT id, tenant_id, manufacturer, number, interval_s, version
                   FROM meters_meter
                   WHERE tenant_id = %s AND manufacturer = w.manufacturer AND number = w.number
                   OFFSET 0
               ) AS m
               LEFT JOIN LATERAL (
                   SELECT version, sealed FROM meters_meterkey
                   WHERE tenant_id = m.tenant_id AND meter_id = m.id
                   ORDER BY version DESC LIMIT 1
               ) AS k ON true""",
            [[maker for maker, _ in wanted], [number for _, number in wanted], tenant_id],
        )
        for maker, number, meter_id, interval_s, version, key_version, sealed in cursor.fetchall():
            known[maker, number] = KnownMeter(
                id=meter_id,
                interval_s=interval_s,
                key=None
                if sealed is None
                else ring.open(tenant_id, meter_id, key_version, bytes(sealed)),
                version=version,
            )
    return known


@dataclass(slots=True)
class KnownFormats:
    """Formats of compact frames by signature: the shipped ones, and what this utility's meters
    taught; `doubtful` are those that no second telegram has confirmed yet. believed: signatures
    that may be believed since this batch. Nothing is written before `write`.
    """

    headers: dict[int, bytes]
    doubtful: set[int]
    believed: set[int] = field(default_factory=set)
    _new: dict[int, int] = field(default_factory=dict)  # signature → the meter that taught it

    def learn(self, telegram: Telegram, meter_id: int) -> None:
        """Take in what a telegram teaches."""
        signature, headers = telegram.signature, telegram.learned
        if signature is None:
            return
        believable = not telegram.encrypted or telegram.trust is not Trust.NONE
        if signature in self.doubtful:
            if believable:
                self.doubtful.discard(signature)
                self.believed.add(signature)
        elif headers is not None and signature not in self.headers:
            self.headers[signature] = headers
            self._new[signature] = meter_id
            (self.believed if believable else self.doubtful).add(signature)

    def write(self) -> None:
        """Keep what was learned, in the order of the signatures: another worker may learn it, too.

        The meters must be locked by then, or two workers could wait for each other.
        """
        for signature in sorted(self.believed | self._new.keys()):
            confirmed = signature in self.believed
            if signature in self._new:
                FrameFormat.objects.get_or_create(
                    signature=signature,
                    defaults={
                        "headers": self.headers[signature],
                        "learned_from_id": self._new[signature],
                        "confirmed": confirmed,
                    },
                )
            else:
                FrameFormat.objects.filter(signature=signature).update(confirmed=True)


def formats() -> KnownFormats:
    """What the current utility knows."""
    headers: dict[int, bytes] = {}
    doubtful: set[int] = set()
    for signature, header, confirmed in FrameFormat.objects.values_list(
        "signature", "headers", "confirmed"
    ):
        headers[signature] = bytes(header)
        if not confirmed:
            doubtful.add(signature)
    return KnownFormats({**headers, **SHIPPED_FORMATS}, doubtful - SHIPPED_FORMATS.keys())
