"""One item of a batch on its way through the pipeline."""

from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

import wmbus
from collectors import faults
from collectors.outcomes import Outcome
from collectors.pipeline.known import Identity, KnownMeter
from readings.models import Origin
from readings.services import NewReading
from wmbus import Telegram


@dataclass(frozen=True, slots=True)
class Source:
    """Where a telegram came in: its batch, and what the collector says of itself."""

    tenant_id: int
    received_on: date
    batch_id: int
    received_at: datetime
    collector_id: int
    origin: Origin
    decrypts: bool
    zone: tzinfo  # the utility's


@dataclass(slots=True)
class Item:
    """A telegram and what is known of it so far; `outcome` is PENDING until it is settled."""

    index: int
    source: Source
    frame: bytes
    heard_at: datetime | None
    rssi_dbm: int | None = None
    crc: str = "unknown"
    outcome: Outcome = Outcome.PENDING
    detail: str = ""
    signature: int | None = None
    identity: Identity | None = None
    meter: KnownMeter | None = None
    telegram: Telegram | None = None
    counted: bool = False  # as heard, when it first came
    readings: list[NewReading] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Whether a later step is still to decide."""
        return self.outcome is Outcome.PENDING

    def end(self, outcome: Outcome, fault: wmbus.DecodeError | str = "") -> None:
        """Settle it; `fault` is kept so that it can be said in any language."""
        self.outcome = outcome
        self.detail = faults.kept(fault)
