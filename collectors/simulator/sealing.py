"""The meters' ciphers, by pycryptodome.

READY decrypts with another library (`wmbus.crypto`), so that each implementation checks the
other: a mistake in one would not be undone by the same mistake.
"""

from Crypto.Cipher import AES

from wmbus.crypto import Key


class MeterCipher(Key):
    """A simulated meter's key for `wmbus.encode`: the two modes that its telegrams need."""

    __slots__ = ("_secret",)

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._secret = bytes(raw)

    def ctr(self, block: bytes, data: bytes) -> bytes:
        """AES-CTR from the 16-byte counter `block`, whose last byte counts."""
        cipher = AES.new(self._secret, AES.MODE_CTR, nonce=block[:15], initial_value=block[15:])
        return cipher.encrypt(data)

    def cbc_encrypt(self, initial: bytes, data: bytes) -> bytes:
        """AES-CBC without padding; `data` is a multiple of 16 bytes."""
        return AES.new(self._secret, AES.MODE_CBC, iv=initial).encrypt(data)
