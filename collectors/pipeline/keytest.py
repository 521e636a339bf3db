"""Trying a key on a meter's last kept telegrams, before anything depends on it."""

from collections.abc import Iterable
from dataclasses import dataclass

import wmbus
from collectors.models import Telegram
from collectors.pipeline import known

_NEWEST = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of a meter's newest telegrams were encrypted and tried, and how many opened."""

    tried: int
    opened: int

    @property
    def fits(self) -> bool | None:
        """True where it opened one, False where none of several opened; None: nobody can say."""
        if self.tried == 0:
            return None
        return self.opened > 0


def try_key(manufacturer: str, number: str, key: bytes) -> Verdict:
    """Try a key on the newest kept telegrams of an address of the current utility."""
    frames = [
        bytes(frame)
        for frame in Telegram.objects.filter(number=number, manufacturer=manufacturer)
        .order_by("-received_on", "-batch_id", "-item")
        .values_list("frame", flat=True)[:_NEWEST]
    ]
    return _tried(frames, key)


def _tried(frames: Iterable[bytes], key: bytes) -> Verdict:
    tried = opened = 0
    cipher = wmbus.Key(key)
    headers = known.formats().headers
    for frame in frames:
        try:
            telegram = wmbus.decode(frame, key_for=lambda _: cipher, formats=headers, crc="auto")
        except wmbus.WaitingForFullFrame:
            tried, opened = tried + 1, opened + 1  # it opened; its layout is not known yet
        except (wmbus.WrongKey, wmbus.SecurityError):
            tried += 1
        except wmbus.DecodeError:
            continue  # says nothing about the key
        else:
            if telegram.encrypted:
                tried, opened = tried + 1, opened + 1
    return Verdict(tried, opened)
