"""No statement changes readings without marking their days, and one alone takes marks away, which
tells so: found by reading the code."""

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
TRUSTS = re.compile(r"\btrusting=True\b")
# Whatever names the marks' table and neither reads from it nor adds to it: also where a statement
# is put together of names.
TAKES = re.compile(
    r"\bDELETE\s+FROM\s+readings_dirtyday\b"
    r"|(?<!\bFROM\s)(?<!\bJOIN\s)(?<!\bINSERT\sINTO\s)\breadings_dirtyday\b",
    re.IGNORECASE,
)
TAKEN = {"readings/standing.py": 1}
# The caller of that statement, which holds the lock on the meters' states that every writer of
# readings holds.
CALLS = re.compile(r"\bstanding\.take\b(?!`)|\bfrom readings\.standing import\b")
CALLERS = {"readings/daily.py": 1}
# No program asks for marks by their model, so none can delete them by it either.
BY_MODEL = re.compile(r"\bDirtyDay\b(?!`)|\bdirtyday\b")
THE_MODEL = {"readings/models/__init__.py": 2, "readings/models/days.py": 1}
# Made the table and its walls; nobody remembered marks then.
LONG_AGO = {
    "readings/migrations/0003_daily.py",
    "readings/migrations/0004_daily_partitioned.py",
    "reports/migrations/0002_limited_members.py",
}


def found(what: re.Pattern[str], *, migrations: bool = False) -> dict[str, int]:
    """How often it stands in which of the programs' modules."""
    counts: dict[str, int] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if migrations or "migrations" not in path.parts:
                count = len(what.findall(path.read_text()))
                if count:
                    counts[str(path.relative_to(ROOT))] = count
    return counts


def test_every_statement_that_changes_readings_marks_their_days() -> None:
    assert found(WRITES) == KNOWN | MARKED, "wrap it in readings.marks.marking, then count it here"


def test_one_statement_trusts_marks_that_are_known_to_stand() -> None:
    assert found(TRUSTS) == TRUSTING, "who trusts must hold the meters' state rows: say why here"


def test_one_statement_takes_marks_away() -> None:
    taking = found(TAKES, migrations=True)
    assert without_long_ago(taking) == TAKEN, "take marks by readings.standing.take, which tells so"


def test_nobody_takes_marks_by_their_model() -> None:
    by_model = found(BY_MODEL, migrations=True)
    assert without_long_ago(by_model) == THE_MODEL, "read marks by SQL, take them by standing.take"


def without_long_ago(counts: dict[str, int]) -> dict[str, int]:
    return {path: count for path, count in counts.items() if path not in LONG_AGO}


def test_who_takes_marks_holds_the_lock() -> None:
    assert found(CALLS) == CALLERS, "who takes marks must hold the meters' state rows: say why here"


@pytest.mark.parametrize(
    "taking",
    [
        "DELETE FROM readings_dirtyday d USING unnest(%s)",
        "DELETE\n    FROM ONLY readings_dirtyday",
        "DELETE  FROM  readings_dirtyday",
        "delete from public.readings_dirtyday",
        'DELETE FROM "readings_dirtyday"',
        "TRUNCATE readings_dirtyday",
        "TRUNCATE TABLE readings_upkeep, readings_dirtyday",
        "UPDATE readings_dirtyday SET day = %s",
        "MERGE INTO readings_dirtyday d",
        "DROP TABLE readings_dirtyday",
        'for table in ("readings_finding", "readings_dirtyday"):',
    ],
)
def test_another_statement_would_be_found(taking: str) -> None:
    assert TAKES.search(taking)


@pytest.mark.parametrize(
    "taking",
    [
        "DirtyDay.objects.all().delete()",
        "DirtyDay.objects.filter(day__lt=day)\n    .delete()",
        "models.DirtyDay._base_manager.update(day=day)",
        "from readings.models import DailyReading, DirtyDay",
        'apps.get_model("readings", "dirtyday")',
    ],
)
def test_another_use_of_the_model_would_be_found(taking: str) -> None:
    assert BY_MODEL.search(taking)


@pytest.mark.parametrize(
    "reading",
    [
        "SELECT day FROM readings_dirtyday WHERE tenant_id = %s",
        "SELECT 1\n    FROM readings_dirtyday d",
        "INSERT INTO readings_dirtyday (tenant_id, meter_id, day)",
    ],
)
def test_reading_and_adding_take_none(reading: str) -> None:
    assert not TAKES.search(reading)
