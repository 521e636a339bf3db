"""The partitioned time series, and what is known and decided about it.

Each subject has a module of its own; everybody else imports from here.
"""

from readings.models.billing import BilledValue, KeptReading
from readings.models.days import (
    DailyReading,
    DirtyDay,
    GreatestDay,
    HeardDay,
    PerformanceDay,
    ReadingPlan,
    Taking,
)
from readings.models.exchanges import PlannedExchange
from readings.models.keeping import FULL_MONTHS, KEEP_MONTHS, ErasureCertificate, Upkeep
from readings.models.outdoors import OutdoorDay, OutdoorHour
from readings.models.quality import Estimation, Finding, Version
from readings.models.reading import Kind, Origin, Reading, Status, Trust

__all__ = [
    "BilledValue",
    "DailyReading",
    "DirtyDay",
    "ErasureCertificate",
    "Estimation",
    "FULL_MONTHS",
    "Finding",
    "GreatestDay",
    "HeardDay",
    "KEEP_MONTHS",
    "KeptReading",
    "Kind",
    "Origin",
    "OutdoorDay",
    "OutdoorHour",
    "PerformanceDay",
    "PlannedExchange",
    "Reading",
    "ReadingPlan",
    "Status",
    "Taking",
    "Trust",
    "Upkeep",
    "Version",
]
