"""English words that can be said in another language by whoever shows them.

`wmbus` speaks English and knows no other language. So that a caller can translate, all its words
are either plain texts or `Words`, which keep the template and the parameters they were made of:

    words = Words(_("%(count)d bytes follow"), count=12)
    words                                   # '12 bytes follow'
    gettext(words.template) % words.params  # what a caller does, see `say`

`_` only marks a text for the tools that collect messages.
"""

from collections.abc import Callable, Sequence


def marked(text: str) -> str:
    """The text itself: marks it as one to be translated. Imported as `_`."""
    return text


class Words(str):
    """A text made from a template with named parameters: numbers, codes, or words themselves."""

    __slots__ = ("params", "template")

    template: str
    params: dict[str, object]

    def __new__(cls, template: str, **params: object) -> "Words":
        words = str.__new__(cls, template % params)
        words.template = template
        words.params = params
        return words


def listed(texts: Sequence[str]) -> Words:
    """Several words with commas between them."""
    template = ", ".join(f"%({number})s" for number in range(len(texts)))
    return Words(template, **{str(number): text for number, text in enumerate(texts)})


def say(text: object, translate: Callable[[str], str]) -> str:
    """`text` in the language that `translate` (a gettext) speaks; parameters that are words too."""
    if isinstance(text, Words):
        params = {
            name: say(value, translate) if isinstance(value, str) else value
            for name, value in text.params.items()
        }
        return translate(text.template) % params
    return translate(str(text)) if text else ""
