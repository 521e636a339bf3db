"""What ends with the readings it is about: findings, corrections, estimates, statistics of days,
and the outdoor temperature that charts show beside them."""

from datetime import date, tzinfo

from django.db import connection

from readings.daily import start_of
from ready.tenancy.context import current_tenant_id

_BY_INSTANT = (
    ("readings_finding", "ts"),
    ("readings_version", "ts"),
    ("readings_estimation", "ends_at"),
    ("readings_outdoorhour", "ts"),
)
_BY_DAY = ("readings_performanceday", "readings_heardday", "readings_outdoorday")


def end_belonging(first: date, zone: tzinfo) -> int:
    """Remove what belongs to local days before `first`; how many rows went.

    Runs in the utility's context, at every look: mostly there is nothing. Reading plans stay: what
    holds on a day may have begun long before it.
    """
    gone = 0
    with connection.cursor() as cursor:
        for table, column in _BY_INSTANT:
            cursor.execute(
                f"DELETE FROM {table} WHERE tenant_id = %s AND {column} < %s",  # noqa: S608
                [current_tenant_id(), start_of(first, zone)],
            )
            gone += cursor.rowcount
        for table in _BY_DAY:
            cursor.execute(
                f"DELETE FROM {table} WHERE tenant_id = %s AND day < %s",  # noqa: S608
                [current_tenant_id(), first],
            )
            gone += cursor.rowcount
    return gone
