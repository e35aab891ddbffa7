"""Signatures: how a listener knows that a request came from us and is not an old one.

Every attempt is signed twice, in the two ways that client libraries verify:

- `Stripe-Signature: t=<unix>,v1=<hex>` over `<unix>.<body>`, keyed by the whole secret as text;
- `webhook-signature: v1,<base64>` over `<id>.<unix>.<body>`, keyed by the bytes that the part of
  the secret after `whsec_` is the base64 of (https://www.standardwebhooks.com, the specification).

A secret of `whsec_` and the base64 of random bytes serves both.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
KEY_BYTES = 32


def secret_of(key: bytes) -> str:
    """The secret that stands for these random bytes, as a listener is given it."""
    return PREFIX + b64encode(key).decode()


def signed_headers(
    secrets: Sequence[str], event_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers that sign `body`, once for each of `secrets`: two while one is being rolled.

    `timestamp` is when this attempt is made, in Unix seconds; listeners refuse what is older
    than five minutes. The id stays the same from attempt to attempt.
    """
    text = str(timestamp).encode()
    official = [_hex(secret.encode(), text + b"." + body) for secret in secrets]
    standard = [
        _base64(b64decode(secret.removeprefix(PREFIX)), b".".join((event_id.encode(), text, body)))
        for secret in secrets
    ]
    return {
        "Stripe-Signature": ",".join([f"t={timestamp}", *(f"v1={one}" for one in official)]),
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{one}" for one in standard),
    }


def _hex(key: bytes, message: bytes) -> str:
    return hmac.digest(key, message, sha256).hex()


def _base64(key: bytes, message: bytes) -> str:
    return b64encode(hmac.digest(key, message, sha256)).decode()
