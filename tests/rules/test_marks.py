"""No statement changes readings without marking their days, and one alone takes marks away: found
by reading the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("collectors", "meters", "notifications", "readings", "ready", "reports")
WRITES = re.compile(
    r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?readings_reading\b"
    r"|\bReading\.objects\b(?:[^\n]|\n\s+(?=\.))*\.(?:create|bulk_create|update|delete|bulk_update"
    r"|get_or_create|update_or_create)\("
)
# These write past the marks, and say why.
KNOWN = {
    # Thins and removes what a day's row already knows, while taking its mark away.
    "readings/daily.py": 2,
}
MARKED = {
    "readings/edits.py": 1,
    # Erased, and what came of the time since.
    "readings/erasure.py": 2,
    "readings/estimates.py": 1,
    "readings/giving_way.py": 2,
    "readings/history.py": 1,
    # The plain and the merging insert are one text in two statements.
    "readings/writing.py": 3,
}

# Marks nothing where the marks are known to stand (`readings.standing`): the plain insert, whose
# transaction locked the meters' states before it asks. The statement itself compares the terms.
TRUSTING = {"readings/writing.py": 1}
# Takes marks away, holding the lock on the meters' states that every writer of readings holds.
TAKEN = {"readings/daily.py": 1}
TRUSTS = re.compile(r"\btrusting=True\b")
TAKES = re.compile(
    r"(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|UPDATE|MERGE\s+INTO)\s+(?:ONLY\s+)?readings_dirtyday\b"
    r"|\bDirtyDay\.objects\b(?:[^\n]|\n\s+(?=\.))*\.(?:update|delete|bulk_update|update_or_create)\("
)


def found(what: re.Pattern[str]) -> dict[str, int]:
    """How often it stands in which of the programs' modules."""
    counts: dict[str, int] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                count = len(what.findall(path.read_text()))
                if count:
                    counts[str(path.relative_to(ROOT))] = count
    return counts


def test_every_statement_that_changes_readings_marks_their_days() -> None:
    assert found(WRITES) == KNOWN | MARKED, "wrap it in readings.marks.marking, then count it here"


def test_one_statement_trusts_marks_that_are_known_to_stand() -> None:
    assert found(TRUSTS) == TRUSTING, "who trusts must hold the meters' state rows: say why here"


def test_one_statement_takes_marks_away() -> None:
    assert found(TAKES) == TAKEN, "take marks by readings.daily.refresh"


@pytest.mark.parametrize(
    "taking",
    [
        "DELETE FROM readings_dirtyday d USING unnest(%s)",
        "DELETE\n    FROM ONLY readings_dirtyday",
        "TRUNCATE readings_dirtyday",
        "UPDATE readings_dirtyday SET day = %s",
        "DirtyDay.objects.all().delete()",
        "DirtyDay.objects.filter(day__lt=day)\n    .delete()",
    ],
)
def test_another_one_would_be_found(taking: str) -> None:
    assert TAKES.search(taking)
