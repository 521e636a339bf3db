"""What can go wrong with a telegram: one tree; each branch is another matter to an operator.

    DecodeError
    ├── Truncated              bytes are missing: the receiver or the radio cut the frame
    ├── BadChecksum            a checksum of the link says that the frame was damaged on its way
    ├── Malformed              complete and undamaged, yet it breaks a rule of the standard
    ├── Unsupported            correct as far as can be seen, but no public description covers it
    ├── NotMeterData           a frame of another purpose: request, acknowledgement, installation
    ├── MeterReportsError      the meter itself answers with an application error (CI 6E, 6F, 70)
    ├── SecurityError          nothing of the contents may be used
    │   ├── NoKey              encrypted, and the caller has no key for this meter
    │   ├── WrongKey           a check value does not fit: another key, or bytes damaged in transit
    │   │   └── BadMac         a cryptographic check value does not fit: maybe forged
    │   └── NotEncrypted       declares encryption but carries plaintext, which was not allowed
    └── Waiting                right so far, but another telegram is needed first
        ├── WaitingForFullFrame     a compact frame of a format that is not known yet
        └── WaitingForFragments     one part of a message sent in several (AFL)

Each error names its layer and the offset of the byte where it happened, counted in the frame
without its link checksums (`link.strip`), and carries the meter's address once that is known.
"""

from enum import StrEnum

from wmbus.address import Address
from wmbus.faults import FAULTS
from wmbus.words import Words
from wmbus.words import marked as _


class Layer(StrEnum):
    """The layers of a telegram, outermost first."""

    LINK = _("link")
    WIRED = _("wired link")
    EXTENDED = _("extended link")
    AUTHENTICATION = _("authentication")
    TRANSPORT = _("transport")
    APPLICATION = _("application")


class DecodeError(Exception):
    """Base of all that `wmbus.decode` raises.

    Attributes: `code` and `params` say what is wrong and never change their meaning (`faults.py`);
    `reason` says the same in English words; `layer`; `offset` (byte of the frame without link
    checksums); and `address`, the meter's address or None while it was not known yet. If the
    failure lies in application data, `data` holds them decrypted, and `data_offset` is their place
    in the frame.
    """

    def __init__(
        self,
        code: str,
        *,
        layer: Layer,
        offset: int,
        address: Address | None = None,
        **params: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
        self.layer = layer
        self.offset = offset
        self.address = address
        self.data: bytes | None = None
        self.data_offset = 0

    @property
    def reason(self) -> Words:
        """What is wrong, in English words that can be translated."""
        return Words(FAULTS[self.code], **self.params)

    def __str__(self) -> str:
        return f"{self.reason} ({self.layer} layer, byte {self.offset})"


class Truncated(DecodeError):
    """Bytes are missing at the end."""


class BadChecksum(DecodeError):
    """A link checksum does not fit its block."""


class Malformed(DecodeError):
    """A rule of the standard is broken."""


class Unsupported(DecodeError):
    """Nothing public describes what stands here."""


class NotMeterData(DecodeError):
    """A valid frame that carries no data of a meter."""


class MeterReportsError(DecodeError):
    """The meter answered with an application error; `number` is the one it sent, or None."""

    @property
    def number(self) -> int | None:
        number = self.params.get("number")
        return number if isinstance(number, int) else None


class SecurityError(DecodeError):
    """The contents cannot be read or must not be believed."""


class NoKey(SecurityError):
    """Encrypted, and no key is known for `address`."""


class WrongKey(SecurityError):
    """A check of at least 16 bits failed after decryption."""


class BadMac(WrongKey):
    """A message authentication code does not fit."""


class NotEncrypted(SecurityError):
    """The header declares encryption, but the body is readable as it stands."""


class Waiting(DecodeError):
    """Another telegram is needed before this one can be read."""


class WaitingForFullFrame(Waiting):
    """A compact frame of an unknown format; keep it and decode it again once the format is known.

    `signature` names the missing format (0..65535); `payload` is the decrypted application data
    from the signature on, so that nothing is lost.
    """

    def __init__(
        self,
        signature: int,
        *,
        payload: bytes,
        layer: Layer,
        offset: int,
        address: Address | None = None,
    ) -> None:
        super().__init__(
            "format_unknown",
            signature=f"{signature:04X}",
            layer=layer,
            offset=offset,
            address=address,
        )
        self.signature = signature
        self.payload = payload


class WaitingForFragments(Waiting):
    """A fragment of a longer message: hand all fragments to `decode_fragments` together."""

    def __init__(
        self,
        fragment: int,
        *,
        more: bool,
        layer: Layer,
        offset: int,
        address: Address | None = None,
    ) -> None:
        super().__init__("fragment", number=fragment, layer=layer, offset=offset, address=address)
        self.fragment = fragment
        self.more = more
