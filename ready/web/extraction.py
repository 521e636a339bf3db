"""Finding what is to be translated. Needs Babel, which only development installs."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation import templatize

from ready.web.catalogue import KEYWORDS, Message


def messages_of(path: Path, name: str) -> list[Message]:
    """The messages of one Python file or template; `name` stands in error messages."""
    code = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What is left of a template is indented at will, which Python's tokens are not.
        code = "\n".join(line.lstrip() for line in templatize(code, origin=name).splitlines())
    messages = []
    for _line, text, _comments, context in extract(
        "python", BytesIO(code.encode()), keywords=KEYWORDS
    ):
        single, plural = (text, "") if isinstance(text, str) else (text[0], text[1])
        if single:
            messages.append(Message(single, plural or "", context or ""))
    return messages


def find(base: Path, paths: Iterable[Path]) -> dict[Message, list[str]]:
    """Every message with the files (relative to `base`, in order) that say it.

    ValueError where one text is used both with and without a plural, or with two: a catalogue can
    hold only one of them.
    """
    found: dict[Message, list[str]] = {}
    for path in paths:
        name = path.relative_to(base).as_posix()
        for message in messages_of(path, name):
            files = found.setdefault(message, [])
            if name not in files:
                files.append(name)
    return _one_plural_each(found)


def _one_plural_each(found: dict[Message, list[str]]) -> dict[Message, list[str]]:
    by_key: dict[tuple[str, str], Message] = {}
    for message in sorted(found):
        other = by_key.get(message.key)
        if other is not None and other.plural and message.plural:
            raise ValueError(f"{message.text!r} has two plurals, see {found[message][0]}")
        by_key[message.key] = message
    # Sorted order puts the plain use before the one with a plural, which serves both.
    merged: dict[Message, list[str]] = {}
    for message, files in found.items():
        kept = by_key[message.key]
        merged[kept] = sorted({*merged.get(kept, []), *files})
    return merged
