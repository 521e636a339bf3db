"""meters.standing: what a list row says of a meter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.outcomes import Outcome
from meters.standing import TROUBLES, signs, silence_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(**fields: Any) -> list[tuple[str, str]]:
    fields = {
        "in_stock": False,
        "heard_at": NOW - timedelta(minutes=5),
        "conditions": [],
        "trouble": None,
        "now": NOW,
        **fields,
    }
    return [(sign.shape, sign.words) for sign in signs(**fields)]


def test_nothing_wrong_is_said_plainly() -> None:
    assert told() == [("fine", "Fine")]


def test_the_loudest_comes_first() -> None:
    assert told(heard_at=NOW - timedelta(days=3), conditions=["battery", "leak"], trouble=18) == [
        ("alarm", "Leak"),
        ("attention", "Cannot be read: wrong key"),
        ("unheard", "Not heard for 3 days"),
        ("attention", "Low battery level"),
    ]


def test_a_condition_that_is_over_says_nothing() -> None:
    assert told(conditions=["leak@7"]) == [("fine", "Fine")]


def test_a_meter_in_stock_is_not_missed() -> None:
    assert told(in_stock=True, heard_at=None) == [("other", "In stock")]


def test_an_unknown_trouble_is_still_trouble() -> None:
    assert told(trouble=99) == [("attention", "Cannot be read")]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(hours=23, minutes=59), ""),
        (timedelta(days=1), "Not heard for a day"),
        (timedelta(days=2, hours=5), "Not heard for 2 days"),
    ],
)
def test_silence_begins_after_a_day(age: timedelta, words: str) -> None:
    assert silence_of(NOW - age, NOW) == words


def test_never_heard() -> None:
    assert silence_of(None, NOW) == "Never heard"


def test_every_reason_for_quarantine_of_a_known_meter_has_its_words() -> None:
    reasons = {one.value for one in Outcome if one.quarantined}
    assert set(TROUBLES) == reasons - {Outcome.UNKNOWN_METER.value, Outcome.UNREADABLE.value}
