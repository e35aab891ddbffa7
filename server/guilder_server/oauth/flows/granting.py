"""Giving tokens to clients that have shown that they are themselves: RFC 6749, section 4.4."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.neighbours import neighbourhood
from guilder_server.oauth.domain import tokens
from guilder_server.oauth.domain.client import KnownClient
from guilder_server.oauth.domain.refusals import TokenRefused, invalid_client, too_many
from guilder_server.oauth.domain.signing import TOKEN_LIFE
from guilder_server.oauth.domain.tokens import BadToken
from guilder_server.oauth.flows.guesses import Guesses
from guilder_server.oauth.flows.keys import SigningKeys
from guilder_server.oauth.ports import ClientStore, Refusals, Signatures
from guilder_server.tenancy import digest, held, remember

GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_SCOPE = 4096
# What a client signs to show that it is itself is not meant to be kept; an hour is what libraries
# write. Its clock may be ahead.
_LONGEST_ASSERTED = timedelta(hours=1)
_AHEAD = timedelta(minutes=1)
# Names of clients that do not exist, from one address.
_INVENTED, _INVENTED_EVERY_S = 100, 0.1
# Tokens that one client is given: each is good for minutes.
_GIVEN, _GIVEN_EVERY_S = 100, 0.1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a token. `basic` are id and secret in its Authorization header; `certificate`
    is what a trusted proxy says of the client's certificate."""

    params: Mapping[str, str]
    basic: tuple[str, str] | None = None
    certificate: frozenset[str] = frozenset()
    address: str | None = None

    def __repr__(self) -> str:
        return f"Asked({sorted(self.params)})"  # its values are secrets


@dataclass(frozen=True, slots=True)
class Grant:
    token: str
    scopes: tuple[str, ...]
    expires_in_s: int

    def __repr__(self) -> str:
        return f"Grant({self.scopes})"


@dataclass(frozen=True, slots=True)
class Place:
    """Where this server is: its `issuer` is also whom tokens are for."""

    issuer: str
    token_endpoint: str


class Granting:
    def __init__(
        self,
        store: ClientStore,
        refusals: Refusals,
        keys: SigningKeys,
        signatures: Signatures,
        guesses: Guesses,
        place: Place,
        pepper: bytes,
        ids: Ids,
        clock: Clock,
        *,
        livemode_allowed: bool,
    ) -> None:
        self._store, self._refusals, self._keys = store, refusals, keys
        self._signatures, self._guesses = signatures, guesses
        # As many as of keys that do not exist. Clients that were given a token are let through.
        self._invented = Guesses(burst=_INVENTED, every_s=_INVENTED_EVERY_S)
        self._granted: dict[str, bool] = {}
        self._given = Guesses(burst=_GIVEN, every_s=_GIVEN_EVERY_S)
        self._place, self._pepper = place, pepper
        self._ids, self._clock = ids, clock
        self._livemode_allowed = livemode_allowed

    async def grant(self, asked: Asked) -> Grant:
        """Raises TokenRefused."""
        _require_grant(asked.params)
        name = _client_id(asked)
        whence = neighbourhood(asked.address)
        who = f"{whence} {name}"
        wait_s = max(self._guesses.wait_s(who), self._given.wait_s(name))
        if name not in self._granted:
            wait_s = max(wait_s, self._invented.wait_s(whence))
        if wait_s:
            raise too_many(wait_s)
        known = await self._store.known(name)
        try:
            if known is None or known.client.deleted_at is not None:
                self._invented.count(whence)
                raise invalid_client()
            await self._authenticate(known, asked)
            self._require_open(known)
            scopes = _scopes(known, asked.params.get("scope"))
        except TokenRefused as refused:
            self._guesses.count(who)
            if known is not None:
                await self._audit(known, asked, refused)
            raise
        remember(self._granted, name, True)
        self._given.count(name)
        return await self._made(known, scopes)

    async def _audit(self, known: KnownClient, asked: Asked, refused: TokenRefused) -> None:
        """So many only: whoever knows a client's name may fail in it from everywhere."""
        if self._guesses.wait_s(known.client.id):
            return
        self._guesses.count(known.client.id)
        actor = Actor("oauth_client", known.client.id, asked.address)
        await self._refusals.audit(known, actor, "refuse_oauth_token", refused.error)

    async def _made(self, known: KnownClient, scopes: tuple[str, ...]) -> Grant:
        now = self._clock.now()
        claims = tokens.claims_of(
            issuer=self._place.issuer,
            client=known.client.id,
            account=known.tenant.account,
            livemode=known.tenant.livemode,
            scopes=scopes,
            jti=self._ids.new("oat"),
            now=now,
            ends=now + TOKEN_LIFE,
        )
        token = self._signatures.sign(claims, await self._keys.signing())
        return Grant(token, scopes, int(TOKEN_LIFE.total_seconds()))

    async def _authenticate(self, known: KnownClient, asked: Asked) -> None:
        match known.client.authentication:
            case "client_secret":
                sent = asked.basic[1] if asked.basic else asked.params.get("client_secret", "")
                kept = digest(self._pepper, sent)
                if not known.client.takes_secret(kept, self._clock.now()):
                    raise invalid_client()
            case "private_key_jwt":
                await self._check_assertion(known, asked.params.get("client_assertion", ""))
            case "tls_client_auth":
                _require_only_certificate(asked)
                if known.client.certificate_identity not in asked.certificate:
                    raise invalid_client()

    async def _check_assertion(self, known: KnownClient, assertion: str) -> None:
        """RFC 7523, section 3."""
        try:
            claims = self._signatures.asserted(assertion, known.client.public_keys)
        except BadToken:
            raise invalid_client() from None
        now, own = self._clock.now(), known.client.id
        audience = claims.get("aud")
        meant = audience if isinstance(audience, list) else [audience]
        jti, ends = claims.get("jti"), _instant(claims.get("exp"))
        starts = _instant(claims["nbf"]) if "nbf" in claims else now
        if (
            claims.get("iss") != own
            or claims.get("sub") != own
            or not {self._place.issuer, self._place.token_endpoint} & {str(one) for one in meant}
            or ends is None
            or starts is None
            or not now < ends <= now + _LONGEST_ASSERTED + _AHEAD
            or now + _AHEAD < starts
            or not isinstance(jti, str)
            or not 0 < len(jti) <= 255
            or not jti.isprintable()
        ):
            raise invalid_client()
        if not await self._store.once(known, hashlib.sha256(jti.encode()).digest(), ends):
            raise invalid_client()

    def _require_open(self, known: KnownClient) -> None:
        if known.account_status != "active":
            raise TokenRefused("unauthorized_client", f"The account is {known.account_status}.")
        if known.tenant.livemode and not self._livemode_allowed:
            raise TokenRefused(
                "unauthorized_client",
                "This server does not take live mode clients: GUILDER_MODE=live is not set on it.",
            )


def _require_grant(params: Mapping[str, str]) -> None:
    wanted = params.get("grant_type")
    if wanted is None:
        raise TokenRefused("invalid_request", "There is no grant_type in the form.")
    if wanted != GRANT:
        raise TokenRefused("unsupported_grant_type", f"The only grant_type here is {GRANT}.")


def _client_id(asked: Asked) -> str:
    """Who it says it is. It may show so in one way only."""
    params = asked.params
    ways = [asked.basic is not None, "client_secret" in params, "client_assertion" in params]
    if sum(ways) > 1:
        raise TokenRefused("invalid_request", "A client authenticates in one way at a time.")
    named = params.get("client_id")
    if asked.basic is not None:
        said: str | None = asked.basic[0]
    elif "client_assertion" in params:
        if params.get("client_assertion_type") != ASSERTION:
            raise TokenRefused("invalid_request", f"client_assertion_type must be {ASSERTION}.")
        said = tokens.unverified_subject(params["client_assertion"])
    else:
        said = named
    if not said or not said.isprintable() or len(said) > 255:
        raise invalid_client()
    if named is not None and named != said:
        raise TokenRefused("invalid_request", "client_id is not the client that authenticates.")
    return said


def _require_only_certificate(asked: Asked) -> None:
    if asked.basic or asked.params.keys() & {"client_secret", "client_assertion"}:
        raise invalid_client()


def _scopes(known: KnownClient, wanted: str | None) -> tuple[str, ...]:
    """What is asked for, if the client may have all of it; all that it may have by default."""
    if wanted is None:
        return known.client.scopes
    listed = wanted.split(" ") if len(wanted) <= LONGEST_SCOPE else []
    if not listed or not all(held(known.client.scopes, one) for one in listed):
        raise TokenRefused(
            "invalid_scope", "The client may not have all of these scopes; leave scope out for all "
            "that it may have."
        )  # fmt: skip
    return tuple(sorted(set(listed)))


def _instant(claim: Any) -> datetime | None:
    if type(claim) not in (int, float) or not 0 <= claim < unix(datetime.max.replace(tzinfo=UTC)):
        return None
    return datetime.fromtimestamp(claim, UTC)
