"""Reading one meter, its place and its customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from meters.models import (
    PRIORITY_INTERVAL_S,
    Customer,
    Installation,
    Meter,
    MeterKey,
    MeterState,
    SupplyPoint,
)
from meters.registers import COLUMNS
from meters.standing import Sign, signs


@dataclass(frozen=True, slots=True)
class MeterPage:
    """What the head of a meter's page tells; place and customer are of the open installation.

    key_since: when the key in force was stored, None where there is none.
    """

    meter: Meter
    state: MeterState
    place: SupplyPoint | None
    customer: Customer | None
    installed_at: datetime | None
    key_since: datetime | None
    signs: Sequence[Sign]

    @property
    def interval_min(self) -> int:
        """How often a reading is kept, in minutes."""
        return self.meter.interval_s // 60

    @property
    def is_priority(self) -> bool:
        return self.meter.interval_s == PRIORITY_INTERVAL_S

    @property
    def values(self) -> dict[str, int | None]:
        """The newest values by register column, base units."""
        return {column: getattr(self.state, column) for column in COLUMNS}


def meter_page(pk: int, now: datetime) -> MeterPage:
    """One meter of this utility. Raises Meter.DoesNotExist."""
    meter = Meter.objects.select_related("state").get(pk=pk)
    installation = (
        Installation.objects.select_related("supply_point__customer")
        .filter(meter=pk, ends_at=None)
        .first()
    )
    key_since = (
        MeterKey.objects.filter(meter=pk)
        .order_by("-version")
        .values_list("created_at", flat=True)
        .first()
    )
    state = meter.state
    return MeterPage(
        meter=meter,
        state=state,
        place=installation.supply_point if installation else None,
        customer=installation.supply_point.customer if installation else None,
        installed_at=installation.starts_at if installation else None,
        key_since=key_since,
        signs=signs(
            in_stock=meter.in_stock,
            heard_at=state.heard_at,
            conditions=state.conditions,
            trouble=state.trouble,
            now=now,
        ),
    )
