"""What apps do to keep their tables in order, besides partitions: planned, shown, carried out.

An app names a module in its configuration (`upkeep = "readings.maintenance"`); this app stands
below all others and knows none of them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from django.apps import apps


class Work(Protocol):
    """One planned change. Safe to be killed at any point, and to be done twice."""

    def describe(self) -> str:
        """One line for the plan."""

    def carry_out(self, now: datetime) -> None:
        """Do it, in transactions of its own. Raises OperationalError when it must be put off."""


class Keeper(Protocol):
    """What the named module offers."""

    def plan(self, now: datetime) -> Sequence[Work]:
        """What is due at `now` (aware); changes nothing."""

    def upkeep(self, now: datetime) -> Iterable[Work]:
        """Do what is cheap, then hand out what is planned, each piece before the next."""


def keepers() -> list[Keeper]:
    """Every app's keeper, in the order of the settings."""
    return [
        cast(Keeper, import_module(config.upkeep))
        for config in apps.get_app_configs()
        if hasattr(config, "upkeep")
    ]
