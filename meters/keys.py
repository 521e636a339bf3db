"""Sealing and opening meters' decryption keys.

A stored key is AES-256-GCM under the master key (READY_MASTER_KEY, outside the database). The
authenticated data binds it to its utility, meter and version, so a sealed key moved to another
row does not open. Layout: format byte 2 · which master key (4) · nonce (12) · ciphertext and
tag (32); format 1 has no second part.

The master key is changed with `manage.py rotate_keys`: READY_MASTER_KEY is the new one,
READY_MASTER_KEY_OLD the one before, which only opens.
"""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_OLD_FORMAT = b"\x01"
_FORMAT = b"\x02"
_NONCE = 12
_NAME = 4


class SealBroken(Exception):
    """A sealed key does not open: another master key, another row, or damaged bytes."""


@lru_cache(maxsize=4)
def _cipher(master_key: str) -> AESGCM:
    return AESGCM(base64.b64decode(master_key))


@lru_cache(maxsize=4)
def _name(master_key: str) -> bytes:
    """Tells master keys apart without telling anything of them."""
    told = hashlib.sha256(b"ready master key name|" + base64.b64decode(master_key)).digest()
    return told[:_NAME]


def _masters() -> list[str]:
    return [settings.MASTER_KEY, *settings.MASTER_KEYS_OLD]


def _bound_to(tenant_id: int, meter_id: int, version: int) -> bytes:
    return b"ready meter key|%d|%d|%d" % (tenant_id, meter_id, version)


def seal(key: bytes, *, tenant_id: int, meter_id: int, version: int) -> bytes:
    """The 16-byte AES key of a meter, sealed for this row alone."""
    return _seal(key, _bound_to(tenant_id, meter_id, version))


def open_sealed(sealed: bytes, *, tenant_id: int, meter_id: int, version: int) -> bytes:
    """The key again. Raises SealBroken."""
    try:
        return _open(sealed, _bound_to(tenant_id, meter_id, version))
    except SealBroken as error:
        raise SealBroken(f"key {version} of meter {meter_id}: {error}") from None


def seal_imported(key: bytes, *, tenant_id: int, import_id: int, line: int) -> bytes:
    """A key between preview and import, sealed for its line of the import alone."""
    return _seal(key, b"ready imported key|%d|%d|%d" % (tenant_id, import_id, line))


def open_imported(sealed: bytes, *, tenant_id: int, import_id: int, line: int) -> bytes:
    """The key again. Raises SealBroken."""
    return _open(sealed, b"ready imported key|%d|%d|%d" % (tenant_id, import_id, line))


def sealed_now(sealed: bytes) -> bool:
    """Whether it is the present master key that opens this."""
    return sealed[:1] == _FORMAT and sealed[1 : 1 + _NAME] == _name(settings.MASTER_KEY)


def fingerprint(key: bytes, *, tenant_id: int) -> bytes:
    """Equal for equal keys of one utility; tells nothing without the master key."""
    secret = hashlib.sha256(
        b"ready key fingerprints|" + base64.b64decode(settings.MASTER_KEY)
    ).digest()
    return hmac.digest(secret, b"%d|" % tenant_id + key, "sha256")[:16]


def _seal(key: bytes, bound_to: bytes) -> bytes:
    if len(key) != 16:
        raise ValueError(f"a meter key has 16 bytes, not {len(key)}")
    nonce = secrets.token_bytes(_NONCE)
    master = settings.MASTER_KEY
    return _FORMAT + _name(master) + nonce + _cipher(master).encrypt(nonce, key, bound_to)


def _open(sealed: bytes, bound_to: bytes) -> bytes:
    if sealed[:1] == _FORMAT:
        name, rest = sealed[1 : 1 + _NAME], sealed[1 + _NAME :]
        masters = [master for master in _masters() if _name(master) == name]
    elif sealed[:1] == _OLD_FORMAT:
        rest, masters = sealed[1:], _masters()
    else:
        raise SealBroken(f"unknown seal format {sealed[:1].hex()}")
    for master in masters:
        try:
            return _cipher(master).decrypt(rest[:_NONCE], rest[_NONCE:], bound_to)
        except (InvalidTag, ValueError):
            continue
    raise SealBroken("does not open")
