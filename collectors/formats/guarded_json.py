"""JSON from strangers: parsed by orjson, with bounds before and a survey after.

orjson by itself refuses NaN, infinite numbers, lone surrogates and what is not UTF-8, and turns
integers beyond 64 bits into floats; it takes the last of two equal keys without a word, and
allocates without bound. Those two are seen to here.
"""

import json
import re
from itertools import chain
from typing import Final, NoReturn

import orjson

from collectors.formats.envelope import EnvelopeCode, EnvelopeError, Limits
from collectors.formats.text import BOM
from wmbus.words import Words
from wmbus.words import marked as _

_BLANKS: Final = b" \t\r\n"
_CONTAINERS: Final = frozenset((dict, list))
_PLACE: Final = re.compile(r": line \d+ column \d+ \(char \d+\)$")


class AmbiguousObject(dict[str, object]):
    """An object in which a key stands twice; `key` is the first such key."""

    key: str = ""


def load(body: bytes, limits: Limits) -> object:
    """The value of one JSON text. Raises EnvelopeError.

    Memory: at most `limits.max_values` values are made, whatever the body holds. An object with a
    key twice comes back as AmbiguousObject.
    """
    body = body.removeprefix(BOM)
    if len(body) > limits.max_values:
        _bound(body, limits)
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _refuse(body, error)
    keys = _survey(value, limits)
    if _pairs(body) > keys:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer)
    return value


def clean(value: object) -> object:
    """The value with NUL characters replaced, which PostgreSQL takes in no text."""
    if type(value) is str:
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


def _bound(body: bytes, limits: Limits) -> None:
    # Every value but the first follows a comma or an opening bracket, so this is an upper bound,
    # and a body of no more bytes than values needs no counting. Texts may hold those characters
    # too: the limits leave room for that.
    opened = body.count(b"{") + body.count(b"[")
    if opened > limits.max_objects or opened + body.count(b",") > limits.max_values:
        raise EnvelopeError(
            EnvelopeCode.TOO_MANY_VALUES,
            Words(
                _(
                    "The body holds more than %(values)d values or %(objects)d objects and lists, "
                    "far more than its telegrams need."
                ),
                values=limits.max_values,
                objects=limits.max_objects,
            ),
        )


def _pairs(body: bytes) -> int:
    """How often a quote stands before a colon: at least once a key, for that is how keys end.

    Texts may hold that pair as well, so more pairs than keys is only a suspicion; as many pairs
    as keys is proof that no key was lost.
    """
    if any(blank in body for blank in _BLANKS):
        body = body.translate(None, _BLANKS)
    return body.count(b'":')


def _survey(value: object, limits: Limits) -> int:
    """Count the keys of all objects, level by level: recursion would be the sender's to exhaust."""
    keys = 0
    level = [value] if type(value) in _CONTAINERS else []
    for _depth in range(limits.max_depth):
        if not level:
            return keys
        objects = [container for container in level if isinstance(container, dict)]
        lists = [container for container in level if isinstance(container, list)]
        keys += sum(map(len, objects))
        members = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(lists)]
        if _CONTAINERS.isdisjoint(map(type, members)):
            return keys
        level = [member for member in members if type(member) in _CONTAINERS]
    raise EnvelopeError(
        EnvelopeCode.TOO_DEEP,
        Words(_("Objects and lists may be nested %(most)d deep."), most=limits.max_depth),
    )


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    seen: set[str] = set()
    twice = AmbiguousObject(plain)
    for key, _value in pairs:
        if key in seen:
            twice.key = key
            break
        seen.add(key)
    return twice


def _integer(digits: str) -> int | float:
    """What orjson makes of an integer; it has refused longer ones than a float can hold."""
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else float(number)


def _refuse(body: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise EnvelopeError(
            EnvelopeCode.NOT_UTF8,
            Words(_("JSON must be UTF-8: %(reason)s."), reason=fault.reason),
            Words(_("byte %(number)d"), number=fault.start),
        ) from None
    if "depth" in error.msg:
        code, detail = EnvelopeCode.TOO_DEEP, _("Objects and lists are nested too deep.")
    else:
        code, detail = (
            EnvelopeCode.BAD_JSON,
            Words(_("The body is no JSON: %(error)s."), error=_PLACE.sub("", error.msg)),
        )
    raise EnvelopeError(
        code,
        detail,
        Words(_("line %(line)d column %(column)d"), line=error.lineno, column=error.colno),
    ) from None
