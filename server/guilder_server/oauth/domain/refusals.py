"""What a client is told that asks for a token in vain: the errors of RFC 6749, section 5.2."""

from __future__ import annotations

from typing import Literal, TypeAlias

Error: TypeAlias = Literal[
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
]


class TokenRefused(Exception):
    """`description` is for whoever wrote the client: it repeats nothing that was sent."""

    def __init__(self, error: Error, description: str, retry_after_s: int | None = None) -> None:
        super().__init__(error)
        self.retry_after_s = retry_after_s
        self.error: Error = error
        self.description = description


def invalid_client() -> TokenRefused:
    """The same whatever was wrong: a client that does not exist, a secret, a signature."""
    return TokenRefused(
        "invalid_client", "There is no such client, or it did not show that it is itself."
    )


def too_many(wait_s: float) -> TokenRefused:
    seconds = int(wait_s) + 1
    told = f"There were too many failures, or too many tokens. Try again in {seconds} seconds."
    return TokenRefused("temporarily_unavailable", told, seconds)
