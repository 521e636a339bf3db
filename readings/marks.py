"""Marking days whose readings changed, within the statement that changes them.

Every statement that inserts, updates or deletes readings goes through `marking`, so there is no
moment at which a reading has changed and its day is not marked (`readings.models.DirtyDay`). No
trigger does it: one on the readings costs every batch more than the marks themselves
(docs/decisions/0011-write-path.md). A test reads the code for statements that go past this.
"""

# What marks stand under (`readings.standing`): `taken` is another after a crash, and in a copy of
# the database, a table made anew or a server started again (their numbers and its time); of days
# after `newest` no mark was taken. No row where nobody has seen to one yet.
TERMS = """
    SELECT t.zone, concat_ws(' ', k.token, k.tableoid, pg_postmaster_start_time(), (
               SELECT oid FROM pg_database WHERE datname = current_database())) AS taken,
           k.newest
    FROM tenancy_tenant t JOIN readings_taking k ON k.tenant_id = t.id
    WHERE t.id = current_setting('app.tenant')::int
      AND k.tenant_id = current_setting('app.tenant')::int"""
_UNLESS_THEY_STAND = """AND NOT EXISTS (
    SELECT FROM terms WHERE zone = %s::text AND taken = %s::text AND newest < %s::date)"""


def marking(change: str, told_by: str = "changed", *, trusting: bool = False) -> str:
    """The statement's beginning: `WITH changed AS (…), marked AS (…)`; a SELECT must follow.

    change: inserts, updates or deletes readings of the current utility, and returns at least their
    `meter_id` and `ts`. told_by: a table with the same two of all of them, for a change that
    touches every row of it or fails, and need return nothing then.

    trusting: marks nothing where marks are known to stand. Three more parameters follow those of
    the change, `standing.Trust` or three NULLs; the SELECT may read what holds, `terms` (zone,
    taken, newest), at most one row.

    A mark that stands already stays; what keeps it from being taken away meanwhile is the lock on
    the meter's state row, which every writer holds.
    """
    terms, unless = (f"terms AS ({TERMS}),", _UNLESS_THEY_STAND) if trusting else ("", "")
    return f"""
        WITH changed AS ({change}), {terms}
        marked AS (
            INSERT INTO readings_dirtyday (tenant_id, meter_id, day)
            SELECT DISTINCT t.id, c.meter_id, (c.ts AT TIME ZONE t.zone)::date
            FROM tenancy_tenant t CROSS JOIN {told_by} c
            WHERE t.id = current_setting('app.tenant')::int {unless}
              -- Looking first is half the price of running into what is there; with OFFSET it is
              -- one probe of the key, never a join with all the marks there are.
              AND NOT EXISTS (
                  SELECT 1 FROM readings_dirtyday d
                  WHERE d.tenant_id = current_setting('app.tenant')::int
                    AND d.meter_id = c.meter_id AND d.day = (c.ts AT TIME ZONE t.zone)::date
                  OFFSET 0)
            ON CONFLICT DO NOTHING
        )"""  # noqa: S608  our own statements
