from pathlib import Path

import polib
import pytest

from ready.web import catalogue, extraction
from ready.web.catalogue import Message


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A program of one module and one template."""
    (tmp_path / "meters" / "migrations").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    (tmp_path / "meters" / "words.py").write_text(
        "LABEL = _l('Dry')\n"
        "a = gettext('Not heard since %(day)s') % {'day': 1}\n"
        "b = ngettext('%(n)s meter', '%(n)s meters', 2)\n"
        "c = pgettext('section', 'Home')\n"
        "d = print('not this')\n"
    )
    (tmp_path / "meters" / "migrations" / "0001.py").write_text("_('nor this')\n")
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}\n      {% translate 'Dry' %}\n  <p>plain</p>\n"
        "{% blocktranslate trimmed count n=n %}\n  {{ n }} day\n{% plural %}\n  {{ n }} days\n"
        "{% endblocktranslate %}\n{# _('nor that') #}\n"
    )
    return tmp_path


def found_in(tree: Path) -> dict[Message, list[str]]:
    return extraction.find(tree, catalogue.sources(tree, ["meters"]))


def translated(found: dict[Message, list[str]]) -> polib.POFile:
    """A catalogue in which everything is said, in a language that turns words around."""
    book = catalogue.opened(Path("none.po"), "da")
    catalogue.update(book, found)
    for entry in book:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: entry.msgid, 1: entry.msgid_plural}
        else:
            entry.msgstr = f"[{entry.msgid}]"
    return book


def test_messages_are_found_in_code_and_templates(tree: Path) -> None:
    assert found_in(tree) == {
        Message("Dry"): ["meters/words.py", "templates/page.html"],
        Message("Not heard since %(day)s"): ["meters/words.py"],
        Message("%(n)s meter", "%(n)s meters"): ["meters/words.py"],
        Message("Home", "", "section"): ["meters/words.py"],
        Message("%(n)s day", "%(n)s days"): ["templates/page.html"],
    }


def test_a_complete_catalogue_has_no_faults(tree: Path) -> None:
    found = found_in(tree)
    assert catalogue.faults(translated(found), found) == []


def test_each_kind_of_fault_is_named(tree: Path) -> None:
    found = found_in(tree)
    book = translated(found)
    by_text = {entry.msgid: entry for entry in book}
    by_text["Dry"].flags.append("fuzzy")
    by_text["Home"].msgstr = ""
    by_text["Not heard since %(day)s"].msgstr = "Ikke hørt siden %(date)s"
    book.remove(by_text["%(n)s day"])
    book.append(polib.POEntry(msgid="Gone", msgstr="Væk"))
    assert sorted(line.split(":")[0] for line in catalogue.faults(book, found)) == [
        "fuzzy",
        "missing",
        "obsolete",
        "other placeholders",
        "untranslated",
    ]


def test_update_keeps_translations_adds_the_new_and_drops_the_old(tree: Path) -> None:
    book = translated(found_in(tree))
    words = tree / "meters" / "words.py"
    words.write_text(words.read_text().replace("'Dry'", "'Empty'"))
    done = catalogue.update(book, found_in(tree))
    assert done.added == ["Empty"]
    assert done.removed == []  # the template still says it
    (tree / "templates" / "page.html").unlink()
    done = catalogue.update(book, found_in(tree))
    assert sorted(done.removed) == ["%(n)s day", "Dry"]
    assert book.find("Home").msgstr == "[Home]"
    assert book.find("Empty").msgstr == ""


def test_updating_twice_changes_nothing(tree: Path) -> None:
    found = found_in(tree)
    book = translated(found)
    before = str(book)
    done = catalogue.update(book, found)
    assert (done.added, done.removed, str(book)) == ([], [], before)


def test_two_plurals_of_one_text_are_refused(tree: Path) -> None:
    (tree / "meters" / "more.py").write_text("ngettext('%(n)s meter', '%(n)s others', 2)\n")
    with pytest.raises(ValueError, match=r"has two plurals, see meters/"):
        found_in(tree)


def test_a_plain_use_is_served_by_the_one_with_a_plural(tree: Path) -> None:
    (tree / "meters" / "more.py").write_text("gettext('%(n)s meter')\n")
    assert found_in(tree)[Message("%(n)s meter", "%(n)s meters")] == [
        "meters/more.py",
        "meters/words.py",
    ]


def test_compiling_makes_only_what_is_out_of_date(tree: Path) -> None:
    folder = tree / "locale" / "da" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    translated(found_in(tree)).save(str(folder / "django.po"))
    assert catalogue.compile_all(tree / "locale") == [folder / "django.mo"]
    assert polib.mofile(str(folder / "django.mo")).find("Dry").msgstr == "[Dry]"
    assert catalogue.compile_all(tree / "locale") == []
    assert [path.name for path in sorted(folder.iterdir())] == ["django.mo", "django.po"]
