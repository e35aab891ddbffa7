"""Tokens that let somebody in, and what is kept of them.

256 random bits need no slow hash; without the pepper a copy of the database lets nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal, TypeAlias

from guilder_server.kernel.ids import secret

Purpose: TypeAlias = Literal[
    "session",
    "csrf",
    "form",
    "invitation",
    "state",
    "browser",
    "attempt",
    "recovery",
    "reset",
]

LENGTH = 43  # of 5.94 bits each


def new() -> str:
    return secret(LENGTH)


def digest(pepper: bytes, purpose: Purpose, token: str) -> bytes:
    """What is stored in place of a token: never the same for two purposes."""
    return hmac.new(pepper, f"{purpose}:{token}".encode(), hashlib.sha256).digest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Compared in a time that tells nothing."""
    left = one.encode() if isinstance(one, str) else one
    right = other.encode() if isinstance(other, str) else other
    return hmac.compare_digest(left, right)
