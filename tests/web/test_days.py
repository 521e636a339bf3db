"""Days as people type them."""

from datetime import date

import pytest
from django import forms
from django.template import Context, Template

from ready.web.days import DayField, parse_day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("18-04-2024", date(2024, 4, 18)),
        (" 8.4.2024 ", date(2024, 4, 8)),
        ("18/04/2024", date(2024, 4, 18)),
        ("2024-04-18", date(2024, 4, 18)),
        ("29-02-2023", None),
        ("04-2024", None),
        ("18-04-24", None),
        ("", None),
        ("١٨-٠٤-٢٠٢٤x", None),
    ],
)
def test_days_are_read_in_one_form_and_iso(text: str, day: date | None) -> None:
    assert parse_day(text) == day


class _Form(forms.Form):
    first = DayField()


def test_a_form_shows_the_day_in_the_one_form() -> None:
    assert 'value="18-04-2024"' in str(_Form({"first": "2024-04-18"})["first"])
    assert 'value="18-04-2024"' in str(_Form(initial={"first": date(2024, 4, 18)})["first"])


def test_what_is_no_day_stays_to_be_mended() -> None:
    form = _Form({"first": "31-31-2024"})
    assert form.errors["first"] == ["Type a day as in 18-04-2024."]
    assert 'value="31-31-2024"' in str(form["first"])


def test_the_tag_draws_the_same_outside_a_form() -> None:
    drawn = Template('{% load parts %}{% day_input "from" day "chart-from" "From" %}').render(
        Context({"day": date(2024, 4, 18)})
    )
    assert 'name="from" value="18-04-2024"' in drawn
    assert 'id="chart-from"' in drawn
    assert 'aria-label="From"' in drawn
