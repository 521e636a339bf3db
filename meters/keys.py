"""Sealing and opening meters' decryption keys.

A stored key is AES-256-GCM under the master key (READY_MASTER_KEY, outside the database). The
authenticated data binds it to its utility, meter and version, so a sealed key moved to another
row does not open. Layout: format byte 1 · nonce (12) · ciphertext and tag (32).
"""

import base64
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORMAT = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed key does not open: another master key, another row, or damaged bytes."""


@lru_cache(maxsize=2)
def _cipher(master_key: str) -> AESGCM:
    return AESGCM(base64.b64decode(master_key))


def _bound_to(tenant_id: int, meter_id: int, version: int) -> bytes:
    return b"ready meter key|%d|%d|%d" % (tenant_id, meter_id, version)


def seal(key: bytes, *, tenant_id: int, meter_id: int, version: int) -> bytes:
    """The 16-byte AES key of a meter, sealed for this row alone."""
    if len(key) != 16:
        raise ValueError(f"a meter key has 16 bytes, not {len(key)}")
    nonce = secrets.token_bytes(_NONCE)
    sealed = _cipher(settings.MASTER_KEY).encrypt(
        nonce, key, _bound_to(tenant_id, meter_id, version)
    )
    return _FORMAT + nonce + sealed


def open_sealed(sealed: bytes, *, tenant_id: int, meter_id: int, version: int) -> bytes:
    """The key again. Raises SealBroken."""
    if sealed[:1] != _FORMAT:
        raise SealBroken(f"unknown seal format {sealed[:1].hex()}")
    nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return _cipher(settings.MASTER_KEY).decrypt(
            nonce, body, _bound_to(tenant_id, meter_id, version)
        )
    except InvalidTag:
        raise SealBroken(f"key {version} of meter {meter_id} does not open") from None
