"""The message catalogues: what the program says, and how each language says it.

One .po file a language, kept in git; .mo files are made from them and are not. GNU gettext is not
needed: polib reads and writes, and Babel's Python extractor finds what to translate, templates
being turned into something like Python first by Django's own `templatize`.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib

# Function → which arguments are the message (and its plural, and its context: "c").
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
HEADER = {
    "Project-Id-Version": "READY",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}
PLURALS = {"da": "nplurals=2; plural=(n != 1);"}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What is to be translated; context and plural are "" where there are none."""

    text: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a catalogue finds it by."""
        return self.context, self.text


@dataclass(slots=True)
class Update:
    """What bringing a catalogue up to date did or would do: message texts."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def sources(base: Path, packages: Iterable[str]) -> Iterator[Path]:
    """Every file that may hold messages: the packages' Python, and the templates."""
    for package in packages:
        for path in sorted((base / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path
    for suffix in ("*.html", "*.txt"):
        yield from sorted((base / "templates").rglob(suffix))


def update(catalogue: polib.POFile, found: dict[Message, list[str]]) -> Update:
    """Make the catalogue hold exactly the messages found, keeping what is translated."""
    done = Update()
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    entries = []
    for message, files in sorted(found.items(), key=lambda one: (one[1][0], one[0])):
        entry = known.pop(message.key, None)
        if entry is None:
            done.added.append(message.text)
            entry = polib.POEntry(msgid=message.text, msgctxt=message.context or None)
        entry.obsolete = False
        if message.plural and not entry.msgstr_plural:
            entry.msgstr_plural, entry.msgstr = {0: "", 1: ""}, ""
        elif not message.plural:
            entry.msgstr_plural = {}
        entry.msgid_plural = message.plural
        # Files without line numbers: else every change of code would change the catalogue.
        entry.occurrences = [(name, "") for name in files]
        formatted = bool(_PLACEHOLDER.search(message.text))
        entry.flags = [flag for flag in entry.flags if flag != "python-format"]
        entry.flags += ["python-format"] if formatted else []
        entries.append(entry)
    done.removed = [entry.msgid for entry in known.values()]
    catalogue[:] = entries
    return done


def faults(catalogue: polib.POFile, found: dict[Message, list[str]]) -> list[str]:
    """What keeps a catalogue from being complete, a line each."""
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    lines = [
        f"missing: {message.text!r} ({files[0]})"
        for message, files in sorted(found.items())
        if message.key not in known
    ]
    wanted = {message.key: message for message in found}
    for key, entry in known.items():
        if entry.obsolete or key not in wanted:
            lines.append(f"obsolete: {entry.msgid!r}")
        elif entry.fuzzy:
            lines.append(f"fuzzy: {entry.msgid!r}")
        elif not entry.translated() or entry.msgid_plural != wanted[key].plural:
            lines.append(f"untranslated: {entry.msgid!r}")
        else:
            lines += _wrong_placeholders(entry)
    return lines


def _wrong_placeholders(entry: polib.POEntry) -> list[str]:
    wanted = set(_PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
    said = [entry.msgstr] if not entry.msgid_plural else list(entry.msgstr_plural.values())
    return [
        f"other placeholders: {entry.msgid!r} → {text!r}"
        for text in said
        # A singular may leave the number out ("a day"), but nothing may be made up.
        if not set(_PLACEHOLDER.findall(text)) <= wanted
        or (not entry.msgid_plural and set(_PLACEHOLDER.findall(text)) != wanted)
    ]


def opened(path: Path, language: str) -> polib.POFile:
    """The catalogue at the path, or an empty one for the language."""
    catalogue = polib.pofile(str(path)) if path.exists() else polib.POFile()
    catalogue.wrapwidth = 96
    catalogue.metadata = {
        **HEADER,
        "Language": language,
        "Plural-Forms": PLURALS.get(language, "nplurals=2; plural=(n != 1);"),
    }
    return catalogue


def compile_all(locale: Path) -> list[Path]:
    """Make every .mo that is older than its .po; returns those made.

    Each is written beside its place and moved there whole: several processes may start at once.
    """
    made = []
    for po in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
            continue
        draft = mo.with_name(f"{mo.name}.{os.getpid()}")
        with io.BytesIO(polib.pofile(str(po)).to_binary()) as content:
            draft.write_bytes(content.read())
        draft.replace(mo)
        made.append(mo)
    return made
