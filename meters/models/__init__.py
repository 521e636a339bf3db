"""What is installed where: places, customers, meters, their keys and their newest values.

Each subject has a module of its own; everybody else imports from here.
"""

from meters.models.groups import GroupColour, GroupMember, MeterGroup
from meters.models.imports import MeterImport
from meters.models.installations import Installation, Occupancy
from meters.models.keys import KeyImport, KeyImportRow, MeterKey
from meters.models.lists import ListLayout, SavedFilter
from meters.models.meter import PRIORITY_INTERVAL_S, Medium, Meter, MeterAddress
from meters.models.places import Customer, SupplyPoint
from meters.models.registers import RegisterColumns
from meters.models.replays import ReplayWanted
from meters.models.state import AnyInForce, MeterState, UtcDay

__all__ = [
    "AnyInForce",
    "Customer",
    "GroupColour",
    "GroupMember",
    "Installation",
    "KeyImport",
    "KeyImportRow",
    "ListLayout",
    "Medium",
    "Meter",
    "MeterAddress",
    "MeterGroup",
    "MeterImport",
    "MeterKey",
    "MeterState",
    "Occupancy",
    "PRIORITY_INTERVAL_S",
    "RegisterColumns",
    "ReplayWanted",
    "SavedFilter",
    "SupplyPoint",
    "UtcDay",
]
