"""The AES modes of M-Bus over one 128-bit key, with the expensive objects kept for reuse.

A `Key` holds its cipher objects, because making one costs five times as much as using it: keep one
`Key` a meter and hand out the same object again. A `Key` is for one thread at a time.
"""

from hmac import compare_digest
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.cmac import CMAC

# First byte of the key derivation function A (EN 13757-7, 9.6.2): what the derived key is for.
DERIVE_ENCRYPTION = 0x00
DERIVE_MAC = 0x01

# One for all ciphers, each set to a block of its own before each use: 150 bytes a meter less.
_CTR = CTR(bytes(16))


class Key:
    """A meter's 16-byte key. Never printed, never pickled.

    >>> Key(bytes(16))
    <Key ****>
    """

    __slots__ = ("_ctr", "_ecb", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 16:
            raise ValueError(f"an AES-128 key has 16 bytes, not {len(raw)}")
        self._raw = bytes(raw)
        self._ctr: CipherContext | None = None
        self._ecb: CipherContext | None = None

    def __repr__(self) -> str:
        return "<Key ****>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Key must not leave the process: it is never pickled or copied")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and compare_digest(self._raw, other._raw)

    def __hash__(self) -> int:
        return hash(self._raw)

    def cipher(self) -> CipherContext:
        """The AES-CTR object of this key, always the same, made on first use. Before each use it
        must be set to a counter block (`reset_nonce`).
        """
        if self._ctr is None:
            self._ctr = Cipher(AES(self._raw), _CTR).encryptor()
        return self._ctr

    def ctr(self, block: bytes, data: bytes) -> bytes:
        """AES-CTR (encrypts and decrypts) starting at the 16-byte counter `block`."""
        context = self.cipher()
        context.reset_nonce(block)
        return context.update(data)

    def cbc_decrypt(self, initial: bytes, data: bytes) -> bytes:
        """AES-CBC without padding; `data` is a multiple of 16 bytes.

        One reused ECB object and one exclusive-or over the whole, since a CBC object cannot be
        set back to another initial vector.
        """
        if self._ecb is None:
            self._ecb = Cipher(AES(self._raw), ECB()).decryptor()  # noqa: S305  chained below
        blocks = int.from_bytes(self._ecb.update(data), "big")
        chain = int.from_bytes((initial + data)[: len(data)], "big")
        return (blocks ^ chain).to_bytes(len(data), "big")

    def cbc_encrypt(self, initial: bytes, data: bytes) -> bytes:
        """The inverse of `cbc_decrypt`, for the simulator and for commands."""
        encryptor = Cipher(AES(self._raw), ECB()).encryptor()  # noqa: S305  chained below
        last, out = int.from_bytes(initial, "big"), bytearray()
        for start in range(0, len(data), 16):
            block = int.from_bytes(data[start : start + 16], "big") ^ last
            encrypted = encryptor.update(block.to_bytes(16, "big"))
            last = int.from_bytes(encrypted, "big")
            out += encrypted
        return bytes(out)

    def cmac(self, data: bytes) -> bytes:
        """AES-CMAC (RFC 4493), 16 bytes."""
        mac = CMAC(AES(self._raw))
        mac.update(data)
        return mac.finalize()

    def derive(self, purpose: int, counter: bytes, identity: bytes) -> "Key":
        """Ephemeral key by KDF-A (EN 13757-7, 9.6.2; OMS Vol. 2, 9.5.7).

        `counter` and `identity` (the meter number) are 4 bytes each in wire order; `purpose` is
        DERIVE_ENCRYPTION or DERIVE_MAC.
        """
        return Key(self.cmac(bytes((purpose,)) + counter + identity + b"\x07" * 7))

    def ccm_decrypt(
        self, nonce: bytes, data: bytes, associated: bytes, tag_length: int
    ) -> bytes | None:
        """AES-CCM; the tag is the end of `data`. None when the tag does not fit."""
        try:
            return AESCCM(self._raw, tag_length).decrypt(nonce, data, associated)
        except InvalidTag:
            return None

    def ccm_encrypt(self, nonce: bytes, data: bytes, associated: bytes, tag_length: int) -> bytes:
        """AES-CCM; returns the encrypted bytes with the tag behind them."""
        return AESCCM(self._raw, tag_length).encrypt(nonce, data, associated)


def macs_equal(left: bytes, right: bytes) -> bool:
    """Compare two check values in constant time."""
    return compare_digest(left, right)
