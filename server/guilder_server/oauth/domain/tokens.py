"""Access tokens: JWTs after RFC 9068, which only this server makes and only it has to take.

So a header has the three fields that ours have and no others. What a stranger could put there, a
key of their own (`jwk`, `jku`, `x5u`, `x5c`), another algorithm or no signature at all, is refused
before any key is looked at.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guilder_server.kernel.clock import unix

ALGORITHM = "ES256"
TYPE = "at+jwt"
LONGEST = 8192
_LONGEST_HEADER = 300
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class BadToken(Exception):
    """The message says what is wrong, for the log; never to a caller."""


class Expired(BadToken):
    pass


@dataclass(frozen=True, slots=True)
class AccessClaims:
    client: str
    account: str
    livemode: bool
    scopes: frozenset[str]
    ends: int

    def check(self, now: datetime) -> None:
        if unix(now) >= self.ends:
            raise Expired("expired")


def looks_like_one(token: str) -> bool:
    return token.count(".") == 2


def kid_of(token: str) -> str:
    """The key that it says it is signed with. Raises BadToken for a header that is not ours."""
    first, dot, _ = token.partition(".")
    if not dot or len(token) > LONGEST or len(first) > _LONGEST_HEADER:
        raise BadToken("malformed")
    header = _json(first)
    if header.keys() != {"alg", "typ", "kid"}:
        raise BadToken("header")
    if header["alg"] != ALGORITHM:
        raise BadToken("algorithm")
    if header["typ"] != TYPE:
        raise BadToken("type")
    kid = header["kid"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise BadToken("kid")
    return kid


def claims_of(
    *, issuer: str, client: str, account: str, livemode: bool, scopes: tuple[str, ...], jti: str,
    now: datetime, ends: datetime,
) -> dict[str, Any]:  # fmt: skip
    """What a token says."""
    return {
        "iss": issuer,
        "sub": client,
        "client_id": client,
        "aud": issuer,
        "iat": unix(now),
        "nbf": unix(now),
        "exp": unix(ends),
        "jti": jti,
        "scope": " ".join(scopes),
        "account": account,
        "livemode": livemode,
    }


def read(claims: Mapping[str, Any], issuer: str, now: datetime) -> AccessClaims:
    """What a token with a good signature says. Raises BadToken."""
    if claims.get("iss") != issuer:
        raise BadToken("issuer")
    if claims.get("aud") != issuer:
        raise BadToken("audience")
    client, account, scope = claims.get("client_id"), claims.get("account"), claims.get("scope")
    if not (isinstance(client, str) and isinstance(account, str) and isinstance(scope, str)):
        raise BadToken("claims")
    starts, ends, livemode = claims.get("nbf"), claims.get("exp"), claims.get("livemode")
    if claims.get("sub") != client or not isinstance(livemode, bool):
        raise BadToken("claims")
    if type(starts) is not int or type(ends) is not int:
        raise BadToken("claims")
    if unix(now) < starts:
        raise BadToken("not yet good")
    found = AccessClaims(client, account, livemode, frozenset(scope.split()), ends)
    found.check(now)
    return found


def unverified_subject(assertion: str) -> str | None:
    """Whom an assertion is about, as it says itself: good for nothing but to find their keys."""
    parts = assertion.split(".")
    if len(parts) != 3 or len(assertion) > LONGEST:
        return None
    try:
        subject = _json(parts[1]).get("sub")
    except BadToken:
        return None
    return subject if isinstance(subject, str) else None


def _json(part: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise BadToken("malformed") from None
    if not isinstance(found, dict):
        raise BadToken("malformed")
    return found
