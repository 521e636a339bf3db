"""What is wrong with a telegram: kept so that everyone sees it in their own language.

A telegram's `detail` holds the code and the parameters of a decoder's fault, or the template and
the parameters of other words, as JSON:

    {"fault": "wired_length", "layer": "wired link", "offset": 1, "with": {"length": 2}}
    {"words": "Line %(number)d is none of the kinds of line …", "with": {"number": 4}}

`shown` turns it into words. Details of earlier versions are plain English and come out as they are.
"""

import json
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext as _

import wmbus
from wmbus.faults import FAULTS
from wmbus.words import Words, say

LONGEST = 200  # characters that a telegram's detail holds


def kept(fault: "wmbus.DecodeError | str") -> str:
    """The form that is kept, of a decoder's fault or of words; '' for no words at all."""
    if isinstance(fault, wmbus.DecodeError):
        form = {
            "fault": fault.code,
            "layer": str(fault.layer),
            "offset": fault.offset,
            "with": fault.params,
        }
    elif isinstance(fault, Words):
        form = _form(fault)
    else:
        return fault[:LONGEST]
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST else str(fault)[:LONGEST]


def _form(words: Words) -> dict[str, Any]:
    return {
        "words": words.template,
        "with": {
            name: _form(value) if isinstance(value, Words) else value
            for name, value in words.params.items()
        },
    }


def shown(detail: str) -> str:
    """A kept detail in the language of the reader."""
    if not detail.startswith("{"):
        return in_words(detail)
    try:
        form = json.loads(detail)
        if "fault" in form:
            reason = Words(FAULTS[form["fault"]], **form["with"])
            return place(reason, form["layer"], form["offset"])
        return in_words(_words(form))
    except (ValueError, KeyError, TypeError):
        return detail  # cut, or of a later version


def _words(form: dict[str, Any]) -> Words:
    params = {
        name: _words(value) if isinstance(value, dict) else value
        for name, value in form["with"].items()
    }
    return Words(form["words"], **params)


def in_words(text: str) -> str:
    """A text of the decoder or of the formats in the language of the reader."""
    return say(text, gettext)


def place(reason: str, layer: str, offset: int) -> str:
    """A reason with where it happened."""
    return _("%(reason)s (%(layer)s layer, byte %(offset)d)") % {
        "reason": in_words(reason),
        "layer": in_words(layer),
        "offset": offset,
    }
