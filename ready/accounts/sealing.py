"""Secrets of people and utilities at rest: second factors, the secrets of identity providers.

AES-256-GCM under a key derived from the master key (READY_MASTER_KEY, outside the database), one
for each purpose; the purpose is authenticated, so that a sealed text moved elsewhere does not
open. Layout, in base64: format byte 1 · nonce (12) · ciphertext and tag.

While the master key is changed (`manage.py rotate_keys`) the earlier ones, READY_MASTER_KEY_OLD,
open as well; nothing is sealed under them.
"""

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SECOND_FACTOR = "second factor"
_FORMAT = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed text does not open: another master key, another purpose, or damaged bytes."""


def provider_purpose(tenant_id: int) -> str:
    """The secret of this utility's identity provider opens for this utility only."""
    return f"identity provider {tenant_id}"


def seal_text(text: str, *, purpose: str) -> str:
    """The text, sealed for this purpose alone."""
    nonce = secrets.token_bytes(_NONCE)
    body = _cipher(settings.MASTER_KEY, purpose).encrypt(nonce, text.encode(), purpose.encode())
    return base64.b64encode(_FORMAT + nonce + body).decode()


def open_text(sealed: str, *, purpose: str) -> str:
    """The text again. Raises SealBroken."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken(f"a sealed {purpose} is damaged") from None
    if raw[:1] != _FORMAT:
        raise SealBroken(f"a sealed {purpose} has an unknown format")
    for master in (settings.MASTER_KEY, *settings.MASTER_KEYS_OLD):
        try:
            return _opened(raw, master, purpose)
        except (InvalidTag, ValueError):
            continue
    raise SealBroken(f"a sealed {purpose} does not open")


def sealed_now(sealed: str, *, purpose: str) -> bool:
    """Whether it is the present master key that opens this."""
    try:
        _opened(base64.b64decode(sealed), settings.MASTER_KEY, purpose)
    except (InvalidTag, ValueError):
        return False
    return True


def _opened(raw: bytes, master: str, purpose: str) -> str:
    nonce, body = raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
    return _cipher(master, purpose).decrypt(nonce, body, purpose.encode()).decode()


@lru_cache(maxsize=256)  # a purpose for each utility's provider
def _cipher(master_key: str, purpose: str) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=f"ready {purpose}".encode()).derive(
        base64.b64decode(master_key)
    )
    return AESGCM(derived)
