"""A telegram byte by byte, for the Telegram inspector: with the utility's own keys and formats."""

import binascii
from dataclasses import dataclass

from django.utils.translation import gettext as _

import wmbus
from collectors import formats
from collectors.pipeline import known
from collectors.services import LIMITS
from wmbus.explain import Explanation, explain


class NotATelegram(ValueError):
    """What was pasted is no telegram, or the key no key; the text says why, translated."""


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Some bytes and what they say. `id` joins bytes and field on the page."""

    id: str
    hex: tuple[str, ...]
    layer: str
    name: str
    meaning: str
    problem: str


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A run of bytes with its parts."""

    title: str
    parts: tuple[ShownPart, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything the page shows. `problem`, `layer`, `offset` say where decoding failed."""

    address: wmbus.Address | None
    meter_id: int | None
    key_used: bool
    sections: tuple[ShownSection, ...]
    problem: str
    layer: str
    offset: int | None
    security: str
    trust: str


def inspect_text(text: str, key_text: str = "") -> Inspection:
    """Explain a pasted telegram: hex, or a line of any receiver READY knows.

    A key may be given as 32 hex digits; otherwise the utility's own key of that meter is used.
    Raises NotATelegram.
    """
    try:
        envelope = formats.parse("text/plain", text.encode(), limits=LIMITS)
    except (formats.EnvelopeError, UnicodeEncodeError) as error:
        raise NotATelegram(str(error)) from error
    if not envelope.items:
        raise NotATelegram(_("There is no telegram in this text."))
    first = envelope.items[0]
    if isinstance(first, formats.Rejected):
        raise NotATelegram(first.detail)
    return inspect_frame(first.frame, key_text)


def inspect_frame(frame: bytes, key_text: str = "") -> Inspection:
    """Explain a frame as received. Raises NotATelegram for a key that is none."""
    typed = _key(key_text)
    try:
        address = wmbus.address_of(frame)
    except wmbus.DecodeError:
        address = None
    meter = None if address is None else known.meters_of([address.meter]).get(address.meter)
    key = typed or (None if meter is None else meter.key)
    explanation = explain(frame, key_for=lambda _address: key, formats=known.formats().headers)
    return Inspection(
        address=address,
        meter_id=None if meter is None else meter.id,
        key_used=key is not None,
        sections=_shown(explanation),
        problem="" if explanation.error is None else explanation.error.reason,
        layer="" if explanation.error is None else str(explanation.error.layer),
        offset=None if explanation.error is None else explanation.error.offset,
        security="" if explanation.telegram is None else str(explanation.telegram.security),
        trust="" if explanation.telegram is None else str(explanation.telegram.trust),
    )


def _key(text: str) -> wmbus.Key | None:
    digits = "".join(text.split())
    if not digits:
        return None
    try:
        raw = binascii.unhexlify(digits)
    except (binascii.Error, ValueError):
        raise NotATelegram(_("A key is written with the digits 0–9 and A–F.")) from None
    if len(raw) != 16:
        raise NotATelegram(
            _("A key has 32 digits; this one has %(count)d.") % {"count": len(digits)}
        )
    return wmbus.Key(raw)


def _shown(explanation: Explanation) -> tuple[ShownSection, ...]:
    return tuple(
        ShownSection(
            section.title,
            tuple(
                ShownPart(
                    id=f"p{number}-{place}",
                    hex=tuple(f"{byte:02X}" for byte in section.data[part.start : part.end]),
                    layer=part.layer,
                    name=part.name,
                    meaning=part.meaning,
                    problem=part.problem,
                )
                for place, part in enumerate(section.parts)
            ),
        )
        for number, section in enumerate(explanation.sections)
    )
