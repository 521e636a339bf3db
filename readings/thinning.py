"""Which readings of a local day stay when it is thinned: SQL that judges each.

The first reading stays, and each that is the first to tell some counting register of that day:
what a register stood at on the midnight before follows from it. That is one reading, or a second
where the first told only a part. What the day ended with is in its daily row; only where its last
reading did not tell every register of the day does that reading stay, and each that was the last
to tell one.

Judged again with what it left, a day keeps the same: no reading that stays depends on one that
goes. So a month may be thinned twice.
"""

from meters.registers import REGISTERS

_COUNTING = tuple(register.column for register in REGISTERS if register.cumulative)


def told(alias: str) -> str:
    """The counting registers that a reading tells, as bits."""
    bits = (
        f"(({alias}.{column} IS NOT NULL)::int << {place})"
        for place, column in enumerate(_COUNTING)
    )
    return f"({' | '.join(bits)})"


def judged(rows: str) -> str:
    """Rows and whether each stays, as `stays`.

    rows: a SELECT of readings, of their day whole or from some instant on, with besides:
    day; told: as above; earlier: what the day told before that instant, NULL where nothing.
    """
    # Two frames, so two passes over a day: each more costs as much as reading it. Fenced off, what
    # is reckoned of a row is reckoned once.
    return f"""
        SELECT j.*,
               (before IS NULL AND earlier IS NULL)
               OR told & ~(coalesce(before, 0) | coalesce(earlier, 0)) <> 0
               OR (final <> coalesce(before, 0) | told | coalesce(after, 0) | coalesce(earlier, 0)
                   AND (after IS NULL OR told & ~after <> 0)) AS stays
        FROM (
            SELECT i.*, bit_or(told) OVER up AS before, bit_or(told) OVER down AS after,
                   coalesce(first_value(told) OVER down, told) AS final
            FROM ({rows} OFFSET 0) i
            WINDOW up AS (PARTITION BY i.meter_id, i.day ORDER BY i.ts
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                   down AS (PARTITION BY i.meter_id, i.day ORDER BY i.ts DESC
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) j"""  # noqa: S608
