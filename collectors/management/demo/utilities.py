"""Which utilities the demo has, and the town behind each."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache

from collectors.simulator import AALUND, BIRKELSE, Plan, Radio, Town
from ready.tenancy.models import Tenant

SEED = 1
# A telegram a minute from each meter: livelier than a fixed network (96 s), calmer than the
# drive-by setting (16 s). The first of each hour lies within a minute of the full hour.
INTERVAL_S = 60


@dataclass(frozen=True, slots=True)
class Utility:
    """A demo utility: its town's plan and size, and the unit it counts energy in."""

    plan: Plan
    meters: int
    energy_unit: str = "MWh"


UTILITIES = (Utility(AALUND, 500), Utility(BIRKELSE, 25))


@lru_cache(maxsize=4)
def radio_of(utility: Utility, created_at: datetime) -> Radio:
    """The town of a utility and the air over it.

    The day on which the utility was set up is the town's anchor: so every later start finds the
    very same town.
    """
    day = created_at.astimezone(UTC).date()
    anchor = datetime.combine(day, time(), UTC)
    return Radio(Town(SEED, utility.meters, anchor, utility.plan), INTERVAL_S)


def tenant_of(utility: Utility) -> Tenant | None:
    """The utility's row, or None while it is not set up."""
    return Tenant.objects.filter(slug=utility.plan.slug).first()
