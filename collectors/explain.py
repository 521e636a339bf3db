"""A telegram byte by byte, for the Telegram inspector: with the utility's own keys and formats."""

import binascii
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

import wmbus
from collectors import formats
from collectors.faults import in_words
from collectors.pipeline import known
from collectors.services import LIMITS
from ready.audit.services import Actor, record
from wmbus.explain import Explanation, explain
from wmbus.inspection import Part, Section
from wmbus.words import marked as _l

# What a telegram is worth, as `wmbus.Trust` says it.
_TRUST = {
    wmbus.Trust.MAC: _l("authenticated"),
    wmbus.Trust.PLAUSIBLE: _l("decrypted, layout known"),
    wmbus.Trust.NONE: _l("not authenticated"),
}
_SECURITY = {
    wmbus.Security.NONE: _l("not encrypted"),
    wmbus.Security.ELL: _l("extended link layer, AES-CTR"),
    wmbus.Security.MODE_5: _l("security mode 5, AES-CBC"),
    wmbus.Security.MODE_7: _l("security mode 7, AES-CBC with MAC"),
    wmbus.Security.MODE_10: _l("security mode 10, AES-CCM"),
}


class NotATelegram(ValueError):
    """What was pasted is no telegram, or the key no key; the text says why, translated."""


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Some bytes and what they say. `id` joins bytes and field on the page; `at` is the place of
    the first byte in its section."""

    id: str
    at: int
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
    """Everything the page shows. `problem`, `layer`, `offset` say where decoding failed.

    `key` tells which key was used: "typed", "stored" or "" for none; `key_stored` that READY has
    one for this meter, used or not.
    """

    address: wmbus.Address | None
    meter_id: int | None
    key: str
    key_stored: bool
    sections: tuple[ShownSection, ...]
    problem: str
    layer: str
    offset: int | None
    security: str
    trust: str


def inspect_text(text: str, key_text: str = "", *, actor: Actor) -> Inspection:
    """Explain a pasted telegram: hex, or a line of any receiver READY knows.

    A key may be given as 32 hex digits; otherwise the utility's own key of that meter is used.
    Raises NotATelegram.
    """
    try:
        envelope = formats.parse("text/plain", text.encode(), limits=LIMITS)
    except formats.EnvelopeError as error:
        raise NotATelegram(in_words(error.detail)) from error
    except UnicodeEncodeError as error:
        raise NotATelegram(_("This text holds signs that no text may hold.")) from error
    if not envelope.items:
        raise NotATelegram(_("There is no telegram in this text."))
    first = envelope.items[0]
    if isinstance(first, formats.Rejected):
        raise NotATelegram(in_words(first.detail))
    return inspect_frame(first.frame, key_text, actor=actor)


def inspect_frame(frame: bytes, key_text: str = "", *, actor: Actor | None) -> Inspection:
    """Explain a frame as received, and put the use of a key on the audit trail.

    Without an actor no key is used, so that only looking at a page writes nothing. Raises
    NotATelegram for a key that is none.
    """
    typed = _key(key_text)
    try:
        address = wmbus.address_of(frame)
    except wmbus.DecodeError:
        address = None
    meter = None if address is None else known.meters_of([address.meter]).get(address.meter)
    stored = None if meter is None else meter.key
    key = None if actor is None else typed or stored
    asked = False

    def key_for(_address: wmbus.Address) -> wmbus.Key | None:
        nonlocal asked
        asked = True
        return key

    headers = known.formats().headers
    with known.ring.using:  # another's request may read a telegram of this meter just now
        explanation = explain(frame, key_for=key_for, formats=headers)
    used = ""
    if asked and key is not None and actor is not None:
        used = "typed" if typed else "stored"
        with transaction.atomic():
            record(
                event="meter.key_used",
                actor=actor,
                object_type="meter",
                object_id="" if meter is None else meter.id,
                object_label="" if address is None else " ".join(address.meter),
                details={"key": used, "decoded": explanation.error is None},
            )
    error, telegram = explanation.error, explanation.telegram
    return Inspection(
        address=address,
        meter_id=None if meter is None else meter.id,
        key=used,
        key_stored=stored is not None,
        sections=_shown(explanation),
        problem="" if error is None else in_words(error.reason),
        layer="" if error is None else in_words(error.layer),
        offset=None if error is None else error.offset,
        security="" if telegram is None else in_words(_SECURITY[telegram.security]),
        trust="" if telegram is None else in_words(_TRUST[telegram.trust]),
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
        ShownSection(in_words(section.title), _parts(section, number))
        for number, section in enumerate(explanation.sections)
    )


_FEW = 4


def _meaning(part: Part, data: bytes) -> str:
    """What a part says; nothing where that is only its many bytes, which stand beside it."""
    long = part.end - part.start > _FEW
    if long and part.meaning == data[part.start : part.end].hex(" ").upper():
        return ""
    return in_words(part.meaning)


def _parts(section: Section, number: int) -> tuple[ShownPart, ...]:
    return tuple(
        ShownPart(
            id=f"p{number}-{place}",
            at=part.start,
            hex=tuple(f"{byte:02X}" for byte in section.data[part.start : part.end]),
            layer=in_words(part.layer),
            name=in_words(part.name),
            meaning=_meaning(part, section.data),
            problem=in_words(part.problem),
        )
        for place, part in enumerate(section.parts)
    )
