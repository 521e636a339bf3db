"""The smallest valid objects, made through the services that make the real ones."""

from itertools import count
from typing import Any

from django.db import connection

from collectors import tokens
from collectors.models import Collector
from collectors.services import register_collector
from meters import services
from meters.models import Medium, Meter
from readings.marks import marking
from ready.audit.services import Actor

ACTOR = Actor(None, "tests")
_numbers = count(70_000_001)
_names = count(1)


def meter(**fields: Any) -> Meter:
    """A meter in the current utility; `key` (16 bytes) gives it one."""
    key = fields.pop("key", None)
    fields.setdefault("manufacturer", "KAM")
    fields.setdefault("number", f"{next(_numbers):08d}")
    fields.setdefault("meter_type", "MULTICAL 603")
    fields.setdefault("medium", Medium.HEAT)
    made = services.register_meter(actor=ACTOR, **fields)
    if key is not None:
        services.set_key(meter=made, key=key, actor=ACTOR)
    return made


def place(**fields: Any) -> Any:
    """A supply point in the current utility."""
    fields.setdefault("street", f"Møllevej {next(_names)}")
    fields.setdefault("postal_code", "9440")
    fields.setdefault("city", "Aalund")
    fields.setdefault("customer", None)
    return services.register_supply_point(actor=ACTOR, **fields)


def collector(**fields: Any) -> Collector:
    """A concentrator in the current utility."""
    fields.setdefault("name", f"C-{next(_names):02d}")
    fields.setdefault("type", Collector.Type.CONCENTRATOR)
    return register_collector(actor=ACTOR, **fields)


def replays_wanted() -> bool:
    """Whether a replay waits; it may wait for a transaction of another test process to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM meters_replaywanted)")
        return bool(cursor.fetchone()[0])


def token(of: Collector) -> str:
    """A fresh token of a collector of the current utility."""
    return tokens.issue(collector=of, actor=ACTOR)


def mark_days() -> None:
    """Mark the days of all readings, after a test wrote some past READY's own statements."""
    with connection.cursor() as cursor:
        cursor.execute(f"{marking('SELECT meter_id, ts FROM readings_reading')} SELECT 1")
