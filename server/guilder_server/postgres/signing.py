"""Ed25519: who has the key can sign a head, and everybody can tell."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Signer:
    def __init__(self, seed: str) -> None:
        """`seed` is 32 bytes in hexadecimal."""
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, text: str) -> bytes:
        return self._key.sign(text.encode())


def is_signed(text: str, public_key: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
