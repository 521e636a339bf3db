"""{% load parts %}: the small pieces of READY's pages, drawn the same everywhere."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.http import QueryDict
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ready.web.formats import date_text

register = template.Library()

# State → the word that stands beside its shape when a page has none more exact.
STATES: dict[str, Promise | str] = {
    "fine": _("Fine"),
    "attention": _("Attention"),
    "alarm": _("Alarm"),
    "unheard": _("Not heard"),
    "other": _("Other make"),
    "collector": _("Collector"),
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A symbol of static/img/icons.svg; decoration only, so a word must stand beside it."""
    return format_html(
        '<svg class="icon icon-{}{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        name,
        f" {extra}" if extra else "",
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def state(name: str, word: str | Promise = "", title: str = "") -> SafeString:
    """{% state "alarm" "Leak" %}: shape, colour and word. Unknown names are a defect: KeyError."""
    default = STATES[name]
    return format_html(
        '<span class="state state-{}"{}>{}<span class="state-words">{}</span></span>',
        name,
        format_html(' title="{}"', title) if title else "",
        icon(f"state-{name}"),
        word or default,
    )


@register.simple_tag
def state_sign(name: str, word: str | Promise) -> SafeString:
    """{% state_sign "alarm" "Leak" %}: a state where there is room for its shape only."""
    if name not in STATES:
        raise KeyError(name)
    return format_html(
        '<span class="state state-{} is-bare" title="{}">{}<span class="visually-hidden">{}</span>'
        "</span>",
        name,
        word,
        icon(f"state-{name}"),
        word,
    )


@register.simple_tag
def copyable(text: str) -> SafeString:
    """A serial or customer number that a click copies; never grouped."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" data-copied="{}" title="{}">'
        "{} {}</button>",
        text,
        _("Copied"),
        _("Copy"),
        text,
        icon("copy"),
    )


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field drawn with the classes of our fields, and marked when it is wrong."""
    style = "form-control"
    if isinstance(field.field.widget, CheckboxInput):
        style = "form-check-input"
    elif isinstance(field.field.widget, Select):
        style = "form-select"
    attrs: dict[str, str | bool] = {"class": f"{style} is-invalid" if field.errors else style}
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


@register.inclusion_tag("components/day.html")
def day_input(name: str, value: date | None, identifier: str, label: str) -> dict[str, Any]:
    """{% day_input "from" first "chart-from" label %}: a day to type or choose, outside a form."""
    attrs = {"id": identifier, "class": "form-control", "aria-label": label}
    return {
        "widget": {
            "name": name,
            "value": "" if value is None else date_text(value),
            "attrs": attrs,
        }
    }


# Where a long Danish word may be parted: its halves are words of their own.
_SEAM = re.compile(r"(?<=\w\w)(?=(?:nummer|styrke|interval|tidspunkt)\b)")


@register.filter
def breakable(words: object) -> str:
    """A column's head that may break within its long words, so that the column is no wider than
    what stands in it ("Kundenummer": Kunde-nummer)."""
    return _SEAM.sub("\u00ad", str(words))


@register.filter
def initials(person: object) -> str:
    """One or two letters for a person: of the first and last word of their name."""
    words = str(person).split("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.inclusion_tag("components/spark.html")
def spark(values: Sequence[int | None], label: str) -> dict[str, Any]:
    """Thirty days as little bars: whole numbers, oldest first; None leaves a gap.

    label: what it shows, in words, for those who do not see it.
    """
    width, height = 5, 30
    top = max((value for value in values if value is not None), default=0) or 1
    bars = [
        {
            "x": at * width,
            "y": height - max(1, value * height // top),
            "height": max(1, value * height // top),
        }
        for at, value in enumerate(values)
        if value  # nothing happened and nothing known look alike here: the thin baseline
    ]
    return {"bars": bars, "width": len(values) * width, "height": height, "label": label}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The current address's query with some parts changed; None takes a part away."""
    request = context.get("request")
    params: QueryDict = request.GET.copy() if request else QueryDict(mutable=True)
    for name, value in changes.items():
        if value is None or value == "":
            params.pop(name, None)
        else:
            params[name] = str(value)
    return f"?{params.urlencode()}" if params else "?"
