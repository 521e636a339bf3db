"""Telling of refusals without letting whoever is refused fill the trail.

The first refusals of one cause are each written down. Once there were many within a while, only
every doubling is, with how many there were: a million refusals leave a dozen entries more. Counts
stand in the table of the log-in throttle, which keeps no names and is swept.
"""

from django.db import connection

from ready.accounts.throttle import bucket_key

FREE = 100
_QUIET_S = 600


def told(*cause: str | int) -> int | None:
    """Count a refusal of this cause; its number where it is to be written down, else None.

    A cause must not have anything in it that whoever is refused can choose freely. The count
    begins anew after ten quiet minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_loginthrottle AS t (bucket, failures, last_at)
            VALUES (%(key)s, 1, clock_timestamp())
            ON CONFLICT (bucket) DO UPDATE SET
                failures = CASE
                    WHEN t.last_at < clock_timestamp() - interval '1 second' * %(quiet)s THEN 1
                    ELSE least(t.failures, 2000000000) + 1 END,
                last_at = clock_timestamp()
            RETURNING failures
            """,
            {"key": bucket_key("refused", *(str(one) for one in cause)), "quiet": _QUIET_S},
        )
        (count,) = cursor.fetchone()
    number = int(count)
    return number if number <= FREE or number & (number - 1) == 0 else None
