"""Secrets that have to be read again: encrypted, so that a copy of the database gives none away.

AES-256-GCM with a random nonce of 96 bits, as NIST SP 800-38D has it; a key seals far fewer than
the 2^32 messages for which such nonces are safe. What a seal was made for is authenticated with
it: moved to another row, it does not open. The first byte names the format.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guilder_server.postgres import snapshots

_FORMAT = b"\x01"
_NONCE_BYTES = 12
# In front of a sealed snapshot, where others have the number of their dictionary.
_SEALED_SNAPSHOT = b"\xff"
_ANSWER = b"an answer that is kept for its idempotency key"


def is_sealed(snapshot: bytes) -> bool:
    """Whether only the one who has the key can read it."""
    return snapshot[:1] == _SEALED_SNAPSHOT


class SealBroken(Exception):
    """Sealed with another key, for another purpose, or damaged."""

    def __init__(self) -> None:
        super().__init__(
            "a secret in the database cannot be read: GUILDER_SEALING_KEY is not the one that it "
            "was sealed with"
        )


class Seals:
    def __init__(self, key: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"guilder seals").derive(
            key.encode()
        )
        self._cipher = AESGCM(derived)

    def seal(self, secret: bytes, purpose: bytes) -> bytes:
        """`purpose` says what the secret is and whose: it must be told again to open the seal."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, secret, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """Raises SealBroken."""
        if sealed[:1] != _FORMAT:
            raise SealBroken
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, rest, purpose)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def pack(self, json: bytes) -> bytes:
        """A snapshot of an answer that holds a secret."""
        return _SEALED_SNAPSHOT + self.seal(snapshots.pack(json), _ANSWER)

    def unpack(self, snapshot: bytes) -> bytes:
        """The JSON of any snapshot, sealed or not."""
        if is_sealed(snapshot):
            snapshot = self.open(snapshot[1:], _ANSWER)
        return snapshots.unpack(snapshot)
