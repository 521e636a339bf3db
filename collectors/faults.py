"""What is wrong with a telegram: kept so that everyone sees it in their own language.

A telegram's `detail` holds the code and the parameters of a decoder's fault, or the template and
the parameters of other words, as JSON:

    {"fault": "no_key", "layer": "transport", "offset": 15}
    {"words": "Line %(number)d is none of the kinds of line …", "number": 4}

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
    form: dict[str, Any]
    if isinstance(fault, wmbus.DecodeError):
        form = {"fault": fault.code, "layer": str(fault.layer), "offset": fault.offset}
        form |= {name: value for name, value in fault.params.items() if name not in form}
    elif isinstance(fault, Words):
        form = {"words": fault.template} | _parts(fault)
    else:
        return fault[:LONGEST]
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST else str(fault)[:LONGEST]


def _parts(words: Words) -> dict[str, Any]:
    return {
        name: {"words": value.template} | _parts(value) if isinstance(value, Words) else value
        for name, value in words.params.items()
    }


def shown(detail: str) -> str:
    """A kept detail in the language of the reader."""
    if not detail.startswith("{"):
        return in_words(detail)
    try:
        form = json.loads(detail)
        if "fault" in form:
            params = {name: value for name, value in form.items() if name != "fault"}
            layer, offset = params.pop("layer"), params.pop("offset")
            return place(Words(FAULTS[form["fault"]], **params), layer, offset)
        return in_words(_built(form))
    except (ValueError, KeyError, TypeError):
        return detail  # cut, or of a later version


def _built(form: dict[str, Any]) -> Words:
    return Words(
        form["words"],
        **{
            name: _built(value) if isinstance(value, dict) else value
            for name, value in form.items()
            if name != "words"
        },
    )


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
