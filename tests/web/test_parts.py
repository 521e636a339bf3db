"""The pieces in templates: what they escape, and that they name nothing that does not exist."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import get_template
from django.test import RequestFactory

BASE = Path(__file__).parents[2]
TEMPLATES = sorted((BASE / "templates").rglob("*.html"))
SYMBOLS = set(re.findall(r'<symbol id="([\w-]+)"', (BASE / "static/img/icons.svg").read_text()))

_COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
EACH = pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: path.relative_to(BASE / "templates").as_posix()
)


def render(source: str, **context: object) -> str:
    return Template("{% load formats parts %}" + source).render(Context(context)).strip()


def test_a_state_is_a_shape_and_a_word() -> None:
    text = render('{% state "alarm" words %}', words="<Leak>")
    assert "#state-alarm" in text
    assert "&lt;Leak&gt;" in text


def test_an_unknown_state_is_a_defect() -> None:
    with pytest.raises(KeyError):
        render('{% state "purple" %}')


def test_every_state_has_a_symbol_and_a_colour() -> None:
    tokens = (BASE / "static/css/tokens.css").read_text()
    for name in ("fine", "attention", "alarm", "unheard", "other", "collector"):
        assert f"state-{name}" in SYMBOLS
        assert f"--{name}-tint:" in tokens
        assert f"#state-{name}" in render(f'{{% state "{name}" %}}')


def test_copyable_keeps_the_number_as_it_is() -> None:
    text = render("{% copyable serial %}", serial="00123456")
    assert 'data-copy="00123456"' in text
    assert ">00123456 " in text


def test_no_value_is_a_dash_and_never_zero() -> None:
    assert render("{{ nothing|number }}", nothing=None) == "–"
    assert render("{{ nothing|moment }}", nothing=None) == "–"
    assert render("{{ nothing|ago }}", nothing=None) == "–"


def test_spark_draws_a_bar_a_value_and_leaves_gaps() -> None:
    text = render("{% spark values 'Thirty days' %}", values=[0, None, 5, 10])
    assert text.count("<rect") == 2
    assert 'height="30"' in text  # the largest fills it
    assert 'height="15"' in text
    assert 'aria-label="Thirty days"' in text


def test_spark_of_nothing_is_a_baseline() -> None:
    assert render("{% spark values 'None' %}", values=[]).count("<rect") == 0


def test_query_changes_one_part_and_keeps_the_rest() -> None:
    request = RequestFactory().get("/", {"q": "lund & søn", "page": "3"})
    assert render("{% query page=4 %}", request=request) == "?q=lund+%26+s%C3%B8n&amp;page=4"
    assert render("{% query page=None %}", request=request) == "?q=lund+%26+s%C3%B8n"


@pytest.mark.parametrize(
    ("person", "letters"),
    [("Anna Lund", "AL"), ("bo@aalund.example", "B"), ("Åse Marie Ørsted", "ÅØ"), ("", "")],
)
def test_initials_are_of_the_first_and_last_name(person: str, letters: str) -> None:
    assert render("{{ person|initials }}", person=person) == letters


@EACH
def test_template_obeys_the_content_security_policy(path: Path) -> None:
    text = _COMMENT.sub("", path.read_text())
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text, flags=re.DOTALL)
    assert re.findall(r"\sstyle\s*=", text) == []
    assert re.findall(r"<style", text) == []
    assert re.findall(r"\son[a-z]+\s*=", text) == []
    assert re.findall(r"hx-on", text) == []
    inline = [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag]
    assert [tag for tag in inline if 'type="application/json"' not in tag] == []


@EACH
def test_template_names_only_files_and_symbols_that_exist(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"\{% static ['\"]([^'\"]+)['\"] %\}", text):
        assert finders.find(name), f"{path}: no static file {name}"
    for name in re.findall(r"\{% icon \"([\w-]+)\"", text):
        assert name in SYMBOLS, f"{path}: no symbol {name}"


@EACH
def test_template_compiles(path: Path) -> None:
    try:
        get_template(path.relative_to(BASE / "templates").as_posix())
    except TemplateSyntaxError as error:
        pytest.fail(f"{path}: {error}")


def test_what_others_made_has_licence_and_version_as_the_table_says() -> None:
    vendor = BASE / "static" / "vendor"
    table = (vendor / "README.md").read_text()
    folders = [path for path in vendor.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        version = (folder / "VERSION").read_text().strip()
        assert (folder / "LICENSE").stat().st_size > 200
        assert re.search(rf"\| `{folder.name}/` \|[^|]+\| {re.escape(version)} \|", table)
        for file in folder.iterdir():
            if file.suffix in (".js", ".css"):
                assert f"`{file.name}`" in table
