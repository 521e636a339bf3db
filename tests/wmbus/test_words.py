"""Faults by code, and words that can be said in another language."""

import ast
from pathlib import Path

import wmbus
from wmbus import DecodeError, Layer, WaitingForFullFrame
from wmbus.faults import FAULTS
from wmbus.words import Words, listed, say

SOURCES = sorted(Path(wmbus.__file__).parent.rglob("*.py"))
KINDS: list[type[DecodeError]] = [
    DecodeError,
    *DecodeError.__subclasses__(),
    *wmbus.SecurityError.__subclasses__(),
    wmbus.BadMac,
]
ERRORS = {kind.__name__ for kind in KINDS}


def codes_in_use() -> set[str]:
    """Every code that the source gives to an error as its first argument."""
    return {
        node.args[0].value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ERRORS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_fault_has_words_and_all_words_are_used() -> None:
    made_by_the_errors_themselves = {"format_unknown", "fragment"}
    assert codes_in_use() | made_by_the_errors_themselves == set(FAULTS)


def test_an_error_says_what_and_where() -> None:
    error = DecodeError("frame_cut", layer=Layer.LINK, offset=7, expected=9, left=7)
    assert str(error) == "length byte says 9 bytes, 7 are there (link layer, byte 7)"
    assert (error.code, error.params) == ("frame_cut", {"expected": 9, "left": 7})
    waiting = WaitingForFullFrame(0x1234, payload=b"", layer=Layer.APPLICATION, offset=0)
    assert waiting.reason.params == {"signature": "1234"}


def test_words_know_what_they_were_made_of() -> None:
    words = Words("%(count)d bytes of %(what)s", count=3, what="sand")
    assert words == "3 bytes of sand"
    assert (words.template, words.params) == (
        "%(count)d bytes of %(what)s",
        {"count": 3, "what": "sand"},
    )


def test_words_are_said_in_another_language() -> None:
    danish = {
        "%(count)d bytes of %(what)s": "%(count)d byte %(what)s",
        "sand": "sand af guld",
        "water": "vand",
    }

    def translate(text: str) -> str:
        return danish.get(text, text)

    words = Words("%(count)d bytes of %(what)s", count=3, what="sand")
    assert say(words, translate) == "3 byte sand af guld"
    assert say(listed(["water", words]), translate) == "vand, 3 byte sand af guld"
    assert say("water", translate) == "vand"
    assert say("", translate) == ""  # a catalogue's empty text is its head
