"""Requests of people: a browser's cookie stands for them, in one of their accounts.

A cookie comes along with whatever page sends a request, so a request that changes something must
come from a page of ours and carry what only that page was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guilder_server.http.auth import Credential
from guilder_server.kernel.errors import Forbidden, InvalidRequest

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MODES = {"true": True, "false": False}


class Sessions(Protocol):
    """`cookie` is its name, `origin` where our pages are."""

    @property
    def cookie(self) -> str: ...

    @property
    def origin(self) -> str: ...

    async def find(self, token: str, account: str | None, livemode: bool) -> Credential:
        """Raises Unauthenticated, Forbidden and InvalidRequest."""

    def proves(self, session: str, csrf_token: str) -> bool:
        """Whether this was told to a page of the session."""


def session_token(headers: Mapping[bytes, bytes], sessions: Sessions) -> str | None:
    """What the cookie of a session holds."""
    return cookies_of(headers.get(b"cookie", b"")).get(sessions.cookie) or None


async def by_session(
    token: str, method: str, headers: Mapping[bytes, bytes], sessions: Sessions
) -> Credential:
    """The person who asks."""
    account = _text(headers, b"stripe-account")
    credential = await sessions.find(token, account, _livemode(headers))
    if method not in _SAFE:
        _require_own_page(headers, sessions, credential)
    return credential


def cookies_of(header: bytes) -> dict[str, str]:
    """The cookies by name; the first of a name counts."""
    found: dict[str, str] = {}
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found


def _require_own_page(
    headers: Mapping[bytes, bytes], sessions: Sessions, credential: Credential
) -> None:
    sent = _text(headers, b"x-csrf-token")
    proved = sent is not None and sessions.proves(credential.session or "", sent)
    if _text(headers, b"origin") != sessions.origin or not proved:
        raise Forbidden(
            "A request with a session's cookie that changes something needs the header Origin of "
            "this server, and X-CSRF-Token as GET /v1/sessions/current tells it.",
            code="csrf_token_invalid",
        )


def _livemode(headers: Mapping[bytes, bytes]) -> bool:
    sent = _text(headers, b"stripe-livemode")
    if sent is None:
        return False
    if sent.lower() not in _MODES:
        raise InvalidRequest("parameter_invalid", "Stripe-Livemode must be true or false.")
    return _MODES[sent.lower()]


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1").strip()
