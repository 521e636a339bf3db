"""Taking off the protection: from a body as sent to readable application data, and its worth.

Modes 0, 5, 7, 10 of the transport layer and AES-CTR of the extended link layer. Whatever the mode,
the order is: try the key; if there is none or it does not fit, see whether the body is readable as
it stands; that is accepted only where the caller expects it ("already decrypted").
"""

from typing import NamedTuple

from wmbus.authentication import Authentication
from wmbus.checksum import crc
from wmbus.crypto import DERIVE_ENCRYPTION, DERIVE_MAC, Key, macs_equal
from wmbus.errors import (
    BadChecksum,
    BadMac,
    Layer,
    Malformed,
    NoKey,
    NotEncrypted,
    Truncated,
    Unsupported,
    WrongKey,
)
from wmbus.extended import ENCRYPTION_CTR, ENCRYPTION_NONE, Extended
from wmbus.telegram import Security
from wmbus.transport import Transport
from wmbus.words import marked as _

MARK = b"\x2f\x2f"  # decrypted data of modes 5 and 7 begin with two fillers
SHORTEST_MAC = 4  # a shorter one proves no more than a CRC does


class Opened(NamedTuple):
    """Readable application data. `mac`: a message authentication code fits; `encrypted`: the data
    came encrypted and the key fits."""

    data: bytes
    security: Security
    encrypted: bool
    mac: bool


def open_extended(
    header: Extended, data: bytes, addresses: list[bytes], key: Key | None, allow_plain: bool
) -> tuple[bytes, bool]:
    """What stands behind the checksum of an extended link layer II or IV, and was it encrypted.

    `addresses` are those the sender may have used in the initial vector, likeliest first.
    """
    body = data[header.behind :]
    if len(body) < 3:
        raise Truncated("nothing_behind_link", layer=Layer.EXTENDED, offset=len(data))
    if header.encryption not in (ENCRYPTION_NONE, ENCRYPTION_CTR):
        raise Unsupported(
            "link_encryption",
            number=header.encryption,
            layer=Layer.EXTENDED,
            offset=header.behind - 1,
        )
    plain = _checked(body)
    if header.encryption == ENCRYPTION_NONE:
        if not plain:
            raise BadChecksum("payload_checksum", layer=Layer.EXTENDED, offset=header.behind)
        return body[2:], False
    if key is not None:
        for address in addresses:
            opened = key.ctr(header.initial(address), body)
            if _checked(opened):
                return opened[2:], True
    if plain:
        if allow_plain:
            return body[2:], False
        raise _not_encrypted(Layer.EXTENDED, header.behind)
    if key is None:
        raise _no_key(Layer.EXTENDED, header.behind)
    raise WrongKey(
        "wrong_key_checksum",
        layer=Layer.EXTENDED,
        offset=header.behind,
    )


def _checked(body: bytes) -> bool:
    return crc(body[2:]) == body[0] | body[1] << 8


def _no_key(layer: Layer, offset: int) -> NoKey:
    return NoKey("no_key", layer=layer, offset=offset)


def _not_encrypted(layer: Layer, offset: int) -> NotEncrypted:
    return NotEncrypted(
        "not_encrypted",
        layer=layer,
        offset=offset,
    )


def open_transport(
    header: Transport,
    layer: Authentication | None,
    data: bytes,
    address: bytes,
    key: Key | None,
    allow_plain: bool,
) -> Opened:
    """The application data behind a transport header. `address` is the meter's, as M and A."""
    mode = header.mode
    body = data[header.behind :]
    if mode == 0:
        mac = _verified(header, layer, data, address, key) if layer and key else False
        return Opened(body, Security.NONE, False, mac)
    if mode == 5:
        return _open_5(header, layer, data, address, key, allow_plain)
    if mode == 7:
        return _open_7(header, layer, data, address, key, allow_plain)
    if mode == 10:
        return _open_10(header, data, address, key, allow_plain)
    name = _MODE_NAMES.get(mode)
    at = header.behind - 2
    if name is None:
        raise Unsupported("mode_unsupported", mode=mode, layer=Layer.TRANSPORT, offset=at)
    raise Unsupported(
        "mode_unsupported_named", mode=mode, name=name, layer=Layer.TRANSPORT, offset=at
    )


_MODE_NAMES = {
    1: _("manufacturer's own"),
    2: "DES-CBC",
    3: "DES-CBC",
    4: _("AES-CBC without initial vector"),
    8: _("AES-CTR with CMAC"),
    9: "AES-GCM",
    13: "TLS",
}


def _blocks(header: Transport, data: bytes) -> tuple[bytes, bytes]:
    """Encrypted and plain part of a body of which CW counts the encrypted 16-byte blocks."""
    length = 16 * (header.configuration >> 4 & 0x0F)
    body = data[header.behind :]
    if length > len(body):
        raise Truncated(
            "encrypted_cut",
            expected=length,
            left=len(body),
            layer=Layer.TRANSPORT,
            offset=len(data),
        )
    return body[:length], body[length:]


def _open_5(
    header: Transport,
    layer: Authentication | None,
    data: bytes,
    address: bytes,
    key: Key | None,
    allow_plain: bool,
) -> Opened:
    """Mode 5: AES-CBC with the meter's own key; initial vector M, A, and 8 times ACC (9.4.3)."""
    sent, rest = _blocks(header, data)
    if not sent:
        return Opened(rest, Security.MODE_5, False, False)
    if key is not None:
        initial = address + bytes((header.access or 0,)) * 8
        opened = key.cbc_decrypt(initial, sent)
        if opened.startswith(MARK):
            mac = _verified(header, layer, data, address, key) if layer else False
            return Opened(opened[2:] + rest, Security.MODE_5, True, mac)
    return Opened(_readable(header, sent, key, allow_plain) + rest, Security.MODE_5, False, False)


def _readable(header: Transport, sent: bytes, key: Key | None, allow_plain: bool) -> bytes:
    """`sent` where it is plaintext and may be; otherwise the fitting error."""
    if sent.startswith(MARK):
        if allow_plain:
            return sent[2:]
        raise _not_encrypted(Layer.TRANSPORT, header.behind)
    if key is None:
        raise _no_key(Layer.TRANSPORT, header.behind)
    raise WrongKey(
        "wrong_key_mark",
        layer=Layer.TRANSPORT,
        offset=header.behind,
    )


def _open_7(
    header: Transport,
    layer: Authentication | None,
    data: bytes,
    address: bytes,
    key: Key | None,
    allow_plain: bool,
) -> Opened:
    """Mode 7: AES-CBC with a key derived for this message, and a MAC in the layer above (9.4.5)."""
    sent, rest = _blocks(header, data)
    if key is None:
        plain = _readable(header, sent, key, allow_plain)
        return Opened(plain + rest, Security.MODE_7, False, False)
    if layer is None or not layer.mac:
        raise Malformed("mode_7_without_mac", layer=Layer.TRANSPORT, offset=header.ci_at)
    counter = header.counter or layer.counter
    _needs_kdf_a(header, counter)
    try:
        strong = _verified(header, layer, data, address, key)
    except BadMac:
        if allow_plain and sent.startswith(MARK):
            return Opened(sent[2:] + rest, Security.MODE_7, False, False)
        raise
    identity = address[2:6]
    opened = key.derive(DERIVE_ENCRYPTION, counter, identity).cbc_decrypt(bytes(16), sent)
    if sent and not opened.startswith(MARK):
        raise WrongKey("wrong_key_mark", layer=Layer.TRANSPORT, offset=header.behind)
    return Opened(opened[2:] + rest, Security.MODE_7, bool(sent), strong)


def _needs_kdf_a(header: Transport, counter: bytes) -> None:
    if header.derivation != 1:
        raise Unsupported(
            "key_derivation", number=header.derivation, layer=Layer.TRANSPORT, offset=header.behind
        )
    if len(counter) != 4:
        raise Malformed("key_without_counter", layer=Layer.TRANSPORT, offset=header.ci_at)


def _verified(
    header: Transport, layer: Authentication | None, data: bytes, address: bytes, key: Key
) -> bool:
    """Check the MAC if there is one: raises BadMac, or tells whether it is a strong one."""
    if layer is None or not layer.mac:
        return False
    counter = header.counter or layer.counter
    if len(counter) != 4:
        raise Malformed("mac_without_counter", layer=Layer.AUTHENTICATION, offset=header.ci_at)
    mac = key.derive(DERIVE_MAC, counter, address[2:6]).cmac(layer.covered(data[header.ci_at :]))
    if not macs_equal(mac[: len(layer.mac)], layer.mac):
        raise BadMac(
            "bad_mac",
            layer=Layer.AUTHENTICATION,
            offset=layer.behind - len(layer.length) - len(layer.mac),
        )
    return len(layer.mac) >= SHORTEST_MAC


def _open_10(
    header: Transport, data: bytes, address: bytes, key: Key | None, allow_plain: bool
) -> Opened:
    """Mode 10: AES-CCM (OMS profile D). The low byte of CW counts encrypted bytes, FF is all.

    Nonce: M, number, version, type, 00, counter with the high byte first. Authenticated beside the
    data: the header from CI up to the counter.
    """
    tag_length = 4 * ((header.extension >> 8 & 3) + 1)
    body = data[header.behind :]
    count = header.configuration & 0xFF
    if count == 0xFF:
        count = len(body) - tag_length
    if count < 0 or len(body) < count + tag_length:
        raise Truncated("tag_cut", layer=Layer.TRANSPORT, offset=len(data))
    if len(body) > count + tag_length:
        raise Unsupported(
            "mode_10_in_part",
            layer=Layer.TRANSPORT,
            offset=header.behind + count + tag_length,
        )
    if key is None:
        if body.startswith(MARK) and not allow_plain:
            raise _not_encrypted(Layer.TRANSPORT, header.behind)
        raise _no_key(Layer.TRANSPORT, header.behind)
    if header.derivation not in (0, 1):
        raise Unsupported(
            "key_derivation", number=header.derivation, layer=Layer.TRANSPORT, offset=header.behind
        )
    if header.derivation == 1:
        key = key.derive(DERIVE_ENCRYPTION, header.counter, address[2:6])
    opened = key.ccm_decrypt(
        address + b"\0" + header.counter[::-1],
        body,
        data[header.ci_at : header.counter_at],
        tag_length,
    )
    if opened is None:
        raise BadMac(
            "bad_tag",
            layer=Layer.TRANSPORT,
            offset=len(data) - tag_length,
        )
    return Opened(opened, Security.MODE_10, True, True)
