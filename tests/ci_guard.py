"""A pytest plugin: under READY_CI=1 nothing that matters may be skipped.

On a laptop a browser test may be skipped where there is no Chromium. In CI that would be a green
run that looked at nothing, so a skipped test of these kinds counts as failed there: tests marked
`browser`, tests that use the database, and modules skipped as a whole. tests/conftest.py loads it.
"""

import os
from collections.abc import Generator

import pytest

# Fixtures of pytest-django that lead to the database.
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup"})


def matters(item: pytest.Item) -> bool:
    """Whether the test needs a browser or the database."""
    if item.get_closest_marker("browser") or item.get_closest_marker("django_db"):
        return True
    return bool(DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ())))


def strict() -> bool:
    """Whether this run is CI's."""
    return os.environ.get("READY_CI") == "1"


def fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a skipped report a failed one that says why it was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"READY_CI=1: this test may not be skipped here. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skipped tests that matter fail; an expected failure is no skip."""
    report = yield
    if strict() and report.skipped and not hasattr(report, "wasxfail") and matters(item):
        fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself hides tests of any kind."""
    report = yield
    if strict() and report.skipped:
        fail(report)
    return report
