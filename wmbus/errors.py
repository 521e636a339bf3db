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


class Layer(StrEnum):
    """The layers of a telegram, outermost first."""

    LINK = "link"
    WIRED = "wired link"
    EXTENDED = "extended link"
    AUTHENTICATION = "authentication"
    TRANSPORT = "transport"
    APPLICATION = "application"


class DecodeError(Exception):
    """Base of all that `wmbus.decode` raises.

    Attributes: `reason` in words, `layer`, `offset` (byte of the frame without link checksums) and
    `address`, the meter's address or None while it was not known yet. If the failure lies in
    application data, `data` holds them decrypted, and `data_offset` is their place in the frame.
    """

    def __init__(
        self, reason: str, *, layer: Layer, offset: int, address: Address | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.layer = layer
        self.offset = offset
        self.address = address
        self.data: bytes | None = None
        self.data_offset = 0

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
    """The meter answered with an application error; `code` is its number or None."""

    def __init__(
        self,
        reason: str,
        *,
        code: int | None,
        layer: Layer,
        offset: int,
        address: Address | None = None,
    ) -> None:
        super().__init__(reason, layer=layer, offset=offset, address=address)
        self.code = code


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
        reason: str,
        *,
        signature: int,
        payload: bytes,
        layer: Layer,
        offset: int,
        address: Address | None = None,
    ) -> None:
        super().__init__(reason, layer=layer, offset=offset, address=address)
        self.signature = signature
        self.payload = payload


class WaitingForFragments(Waiting):
    """A fragment of a longer message: hand all fragments to `decode_fragments` together."""

    def __init__(
        self,
        reason: str,
        *,
        fragment: int,
        more: bool,
        layer: Layer,
        offset: int,
        address: Address | None = None,
    ) -> None:
        super().__init__(reason, layer=layer, offset=offset, address=address)
        self.fragment = fragment
        self.more = more
