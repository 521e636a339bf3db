"""From frames to telegrams: whose meter, which key, what does it say."""

from collections.abc import Sequence
from typing import cast

import wmbus
from collectors.outcomes import Outcome
from collectors.pipeline import known
from collectors.pipeline.items import Item
from wmbus.words import marked as _

# The decoder's errors, the more special first, and what each means to an operator.
_OUTCOMES: tuple[tuple[type[wmbus.DecodeError], Outcome], ...] = (
    (wmbus.WaitingForFullFrame, Outcome.WAITING),
    (wmbus.Waiting, Outcome.WAITING),
    (wmbus.NoKey, Outcome.NO_KEY),
    (wmbus.NotEncrypted, Outcome.IMPLAUSIBLE),
    (wmbus.WrongKey, Outcome.WRONG_KEY),
    (wmbus.SecurityError, Outcome.WRONG_KEY),
    (wmbus.Unsupported, Outcome.UNSUPPORTED),
    (wmbus.NotMeterData, Outcome.NO_VALUES),
    (wmbus.MeterReportsError, Outcome.NO_VALUES),
    (wmbus.DecodeError, Outcome.BROKEN),
)
_CRC: dict[str, wmbus.Checksums] = {
    "removed": "none",
    "format_a": "A",
    "format_b": "B",
    "unknown": "auto",
}


def identify(items: Sequence[Item]) -> None:
    """Read each frame's address and find its meter; nothing is decoded before this."""
    for item in items:
        if item.pending:
            try:
                item.identity = wmbus.address_of(item.frame, crc=_CRC[item.crc]).meter
            except wmbus.DecodeError as error:
                item.end(_outcome(error), error)
    addressed = [item for item in items if item.pending and item.identity is not None]
    if not addressed:
        return
    meters = known.directory.meters_of({cast(known.Identity, item.identity) for item in addressed})
    for item in addressed:
        item.meter = meters.get(cast(known.Identity, item.identity))
        if item.meter is None:
            item.end(Outcome.UNKNOWN_METER)


def decode(items: Sequence[Item]) -> known.KnownFormats:
    """Decode what has a meter; returns the formats, with what was learned on the way (unwritten).

    Two rounds: a compact frame may stand in the batch before the full frame that explains it.
    """
    formats = known.formats()
    waiting = [item for item in items if item.pending]
    for _round in range(2):
        decode_each(waiting, formats)
        waiting = [
            item
            for item in waiting
            if item.outcome is Outcome.WAITING and item.signature in formats.believed
        ]
        for item in waiting:
            item.outcome = Outcome.PENDING
        if not waiting:
            break
    return formats


def decode_each(items: Sequence[Item], formats: known.KnownFormats) -> None:
    """Decode once what has a meter; one thread at a time, since they share the meters' keys."""
    with known.ring.using:
        for item in items:
            _decode(item, formats)


def _decode(item: Item, formats: known.KnownFormats) -> None:
    meter = item.meter
    if meter is None:
        raise AssertionError("identify() settles items without a meter")
    try:
        telegram = wmbus.decode(
            item.frame,
            key_for=lambda address: meter.key,
            formats=formats.headers,
            already_decrypted=item.source.decrypts,
            crc=_CRC[item.crc],
        )
    except wmbus.DecodeError as error:
        item.signature = getattr(error, "signature", None)
        item.end(_outcome(error), error)
        return
    if meter.key is not None and not telegram.encrypted and not item.source.decrypts:
        # Anyone can send it, so it teaches no layout either.
        item.end(Outcome.IMPLAUSIBLE, _("plaintext from a meter that has a key"))
        return
    formats.learn(telegram, meter.id)
    if telegram.encrypted and telegram.trust is wmbus.Trust.NONE:
        # One wrong key in 65,536 passes a checksum: a layout nobody knew must be told twice.
        item.signature = telegram.signature
        item.end(Outcome.WAITING, _("first telegram of a new layout; a second must agree"))
        return
    item.telegram = telegram


def _outcome(error: wmbus.DecodeError) -> Outcome:
    return next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
