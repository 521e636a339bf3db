"""The words for conditions: the decoder's own and those on the pages are the same."""

import pytest
from django.utils import translation

from meters import conditions
from wmbus.conditions import TABLES, Name, conditions_of

NAMES = sorted({name for table in TABLES.values() for name in table.values()})


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.slug)
def test_every_condition_has_the_same_words_everywhere(name: Name) -> None:
    for language, words in (("en", name.english), ("da", name.danish)):
        with translation.override(language):
            assert conditions.describe(name.slug) == words


@pytest.mark.parametrize("level", range(1, 8))
def test_past_conditions_have_the_same_words_everywhere(level: int) -> None:
    (past,) = conditions_of("kamstrup water 16", level << 10)
    assert not past.current
    for language, words in (("en", past.english), ("da", past.danish)):
        with translation.override(language):
            assert conditions.describe(f"leak@{level}") == words
