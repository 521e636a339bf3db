"""No statement changes readings without marking their days: found by reading the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("collectors", "meters", "notifications", "readings", "ready", "reports")
WRITES = re.compile(
    r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?readings_reading\b"
    r"|\bReading\.objects\b(?:[^\n]|\n\s+\.)*\.(?:create|bulk_create|update|delete|bulk_update"
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


def test_every_statement_that_changes_readings_marks_their_days() -> None:
    found: dict[str, int] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                count = len(WRITES.findall(path.read_text()))
                if count:
                    found[str(path.relative_to(ROOT))] = count
    assert found == KNOWN | MARKED, "wrap it in readings.marks.marking, then count it here"
