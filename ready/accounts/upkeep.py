"""What the maintenance process does for this app: forgets failed log-ins that are long past."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ready.accounts import throttle
from ready.tenancy.upkeep import Work


def plan(now: datetime) -> Sequence[Work]:
    """Nothing that would need to be shown first."""
    return ()


def upkeep(now: datetime) -> Iterable[Work]:
    """Sweep, which is cheap."""
    throttle.sweep()
    return ()
