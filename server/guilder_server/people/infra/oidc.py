"""An OpenID provider: discovery, the exchange of a code, and an ID token that is not believed
before everything about it is right.

Only the issuer's own keys count, from the address that it names itself: never a key, nor the
address of one, in the token. Which algorithms are taken is decided here, all of them asymmetric.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from guilder_server.kernel.errors import Unavailable
from guilder_server.people.domain import tokens
from guilder_server.people.domain.person import Identity
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.ports import Claims, TokenRefused

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_TIMEOUT = httpx.Timeout(10.0)
_LEEWAY_S = 60
_KNOWN_FOR_S = 3600.0
# A token with a key that is not known yet makes us ask again, but not as often as tokens come.
_ASKED_AGAIN_AFTER_S = 30.0
_LONGEST = 255
_LARGEST_TOKEN = 16_384


class OidcProvider:
    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scopes: str,
        name: str | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self.name = name or urlsplit(issuer).netloc
        self._client_id, self._client_secret, self._scopes = client_id, client_secret, scopes
        self._elapsed = elapsed
        # Reading the certificates of the world takes longer than all that is done with them.
        self._tls = httpx.create_ssl_context()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def authorization_url(
        self, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        metadata = await self._discovered()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=state,
                code_verifier=verifier,
                nonce=nonce,
            )
        return str(url)

    async def claims(
        self, code: str, redirect_uri: str, nonce: str, verifier: str, now: datetime
    ) -> Claims:
        metadata = await self._discovered()
        async with self._client(redirect_uri) as client:
            try:
                granted = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=verifier
                )
            except OAuthError:
                raise TokenRefused("provider_refused") from None
            except (httpx.HTTPError, AttributeError, TypeError, ValueError) as error:
                raise _unreachable() from error
            token = granted.get("id_token") if isinstance(granted, dict) else None
            if not isinstance(token, str) or len(token) > _LARGEST_TOKEN:
                raise TokenRefused("token_malformed")
            said = await self._verified(token, nonce, now)
            if "email" not in said and "userinfo_endpoint" in metadata:
                said = await self._with_userinfo(client, metadata["userinfo_endpoint"], said)
        return _claims(said)

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret,
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            scope=self._scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT,
            verify=self._tls,
            follow_redirects=False,
        )

    async def _verified(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        claimed = _unbelieved(token)

        def refuse(reason: Reason) -> TokenRefused:
            subject, email = _plain(claimed.get("sub")), _plain(claimed.get("email"))
            identity = None if subject is None else Identity(self.issuer, subject)
            return TokenRefused(reason, identity, email)

        header = _part(token, 0)
        if header.get("alg") not in ALGORITHMS:
            raise refuse("token_algorithm")
        try:
            said = jwt.decode(token, await self._keys_for(header.get("kid")), list(ALGORITHMS))
        except (JoseError, ValueError, TypeError):
            raise refuse("token_signature") from None
        reason = self._wrong(said.claims, nonce, now)
        if reason is not None:
            raise refuse(reason)
        return dict(said.claims)

    def _wrong(self, said: dict[str, Any], nonce: str, now: datetime) -> Reason | None:
        """What is wrong with claims that the issuer did sign."""
        if said.get("iss") != self.issuer:
            return "token_issuer"
        audience = said.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or self._client_id not in audiences:
            return "token_audience"
        party = said.get("azp")
        if party != self._client_id and (party is not None or len(audiences) > 1):
            return "token_audience"
        ends, made, present = said.get("exp"), said.get("iat"), now.timestamp()
        # What is no number is in no order: it must not pass for a time to come.
        if not (_is_time(ends) and ends > present - _LEEWAY_S):
            return "token_expired"
        if not (_is_time(made) and made <= present + _LEEWAY_S):
            return "token_expired"
        given = said.get("nonce")
        if not isinstance(given, str) or not tokens.same(given, nonce):
            return "token_nonce"
        return None if _plain(said.get("sub")) else "token_malformed"

    async def _with_userinfo(
        self, client: AsyncOAuth2Client, url: str, said: dict[str, Any]
    ) -> dict[str, Any]:
        """Some providers tell an email only when they are asked again."""
        try:
            answer = await client.get(url)
            told = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError, OAuthError) as error:
            raise _unreachable() from error
        if not isinstance(told, dict) or told.get("sub") != said["sub"]:
            return said
        # What verifies an email speaks of the one that stands beside it.
        email = {name: told.get(name) for name in ("email", "email_verified")}
        return {"name": told.get("name")} | said | email

    async def _discovered(self) -> dict[str, Any]:
        now = self._elapsed()
        if self._metadata is not None and self._metadata[0] > now:
            return self._metadata[1]
        told = await self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if told.get("issuer") != self.issuer or not all(_safe(told.get(one)) for one in wanted):
            raise _unreachable()
        if not _safe(told.get("userinfo_endpoint")):
            told.pop("userinfo_endpoint", None)
        self._metadata = (now + _KNOWN_FOR_S, told)
        return told

    async def _keys_for(self, kid: object) -> KeySet:
        now = self._elapsed()
        if self._keys is not None and now - self._keys[0] < _KNOWN_FOR_S:
            asked, keys = self._keys
            known = kid is None or any(key.kid == kid for key in keys.keys)
            if known or now - asked < _ASKED_AGAIN_AFTER_S:
                return keys
        metadata = await self._discovered()
        told = await self._fetched(metadata["jwks_uri"])
        try:
            keys = KeySet(_readable(told.get("keys")))
        except (AttributeError, TypeError) as error:
            raise _unreachable() from error
        self._keys = (now, keys)
        return keys

    async def _fetched(self, url: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(
                timeout=_TIMEOUT, verify=self._tls, follow_redirects=False
            ) as client:
                answer = await client.get(url, headers={"accept": "application/json"})
                told = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError) as error:
            raise _unreachable() from error
        if not isinstance(told, dict):
            raise _unreachable()
        return told


def _claims(said: dict[str, Any]) -> Claims:
    email, name, verified = said.get("email"), said.get("name"), said.get("email_verified")
    return Claims(
        identity=Identity(said["iss"], said["sub"]),
        email=email if isinstance(email, str) else None,
        # Some say "true" in a string; anything else is no verification.
        email_verified=verified is True or verified == "true",
        name=name if isinstance(name, str) else None,
    )


def _readable(keys: Any) -> list[Key]:
    """The keys that may sign a token: asymmetric ones, for signatures. A provider may have others,
    of kinds that nobody here knows."""
    found = []
    for key in keys:
        if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig":
            with suppress(JoseError, KeyError, TypeError, ValueError):
                found.append(JWKRegistry.import_key(key))
    return found


def _plain(value: object) -> str | None:
    """A text that can be stored and compared."""
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable():
        return value
    return None


def _part(token: str, number: int) -> dict[str, Any]:
    try:
        part = token.split(".")[number]
        decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _unbelieved(token: str) -> dict[str, Any]:
    """What a token says, for nothing but telling those whom it speaks of."""
    return _part(token, 1)


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _safe(url: object) -> bool:
    """Over TLS, or to this machine."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return parts.scheme == "https" or (parts.scheme == "http" and loopback)


def _unreachable() -> Unavailable:
    return Unavailable(
        "Your provider does not answer as it should at the moment. Try again in a while."
    )
