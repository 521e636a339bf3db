"""What is wrong with a telegram is kept by code, and read in the reader's language."""

import json

import pytest
from django.utils import translation

import wmbus
from collectors import faults
from wmbus import DecodeError, Layer
from wmbus.faults import FAULTS
from wmbus.words import Words

ERROR = DecodeError(
    "field_cut", layer=Layer.TRANSPORT, offset=12, what="status", expected=1, left=0
)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "status: 1 bytes expected, 0 left (transport layer, byte 12)"),
        ("da", "status: 1 byte ventet, 0 tilbage (laget transport, byte 12)"),
    ],
)
def test_a_fault_of_the_decoder(language: str, words: str) -> None:
    kept = faults.kept(ERROR)
    assert json.loads(kept)["fault"] == "field_cut"
    with translation.override(language):
        assert faults.shown(kept) == words


def test_words_within_words() -> None:
    inner = Words("The telegram has an odd number of hex digits: %(count)d.", count=7)
    kept = faults.kept(Words("Line %(number)d: %(fault)s", number=4, fault=inner))
    with translation.override("da"):
        assert faults.shown(kept) == "Linje 4: Telegrammet har et ulige antal hexcifre: 7."


def test_plain_words_are_translated_where_they_are_known() -> None:
    with translation.override("da"):
        assert faults.shown(faults.kept("plaintext from a meter that has a key")).startswith(
            "ukrypt"
        )
        assert faults.shown("ValueError: of another version") == "ValueError: of another version"
        assert faults.shown("") == ""


@pytest.mark.parametrize(
    "detail", ['{"fault":"none_such"', '{"fault":"none_such","with":{}}', '{"words":1}', "{}"]
)
def test_what_cannot_be_read_is_shown_as_it_is(detail: str) -> None:
    assert faults.shown(detail) == detail


def test_what_is_too_long_is_kept_in_english() -> None:
    long = Words("The field %(field)s %(rule)s.", field="x" * 200, rule="must be a text")
    kept = faults.kept(long)
    assert len(kept) == faults.LONGEST
    assert faults.shown(kept) == kept


def test_every_fault_is_said_in_danish() -> None:
    """Not only translated: with the same parameters."""
    numbers = {"least", "left", "length", "expected", "surplus", "number", "mode", "most"}

    class Params(dict[str, object]):
        def __missing__(self, name: str) -> object:
            return 7 if name in numbers else "X"

    with translation.override("da"):
        for code, template in FAULTS.items():
            if code in ("reserved_length", "ci_unsupported"):
                continue  # a length in hex; and nothing but signs and parameters
            danish = translation.gettext(template)
            assert danish != template, code
            assert danish % Params()
        assert {wmbus.Layer.LINK: "forbindelse"}[Layer.LINK] == faults.in_words(Layer.LINK)
