"""Who a token stands for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Unauthenticated
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain import tokens
from guilder_server.oauth.domain.client import KnownClient
from guilder_server.oauth.domain.tokens import AccessClaims, BadToken
from guilder_server.oauth.flows.guesses import Guesses
from guilder_server.oauth.flows.keys import SigningKeys
from guilder_server.oauth.ports import ClientStore, Refusals, Signatures
from guilder_server.tenancy import Remembered, remember, require_active


@dataclass(frozen=True, slots=True)
class Bearer:
    """A client as one of its tokens lets it in."""

    tenant: Tenant
    client: str
    permissions: frozenset[str]
    plan: str | None


class Bearers:
    """Checks tokens, and remembers those that were good for as long as they are: a signature is
    looked at once, but whether its client is still there every five seconds."""

    def __init__(
        self,
        store: ClientStore,
        keys: SigningKeys,
        signatures: Signatures,
        refusals: Refusals,
        guesses: Guesses,
        issuer: str,
        clock: Clock,
        *,
        livemode_allowed: bool,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients: Remembered[str, KnownClient] = Remembered(
            store.known, store.all_known, elapsed
        )
        self._keys, self._signatures = keys, signatures
        self._refusals, self._guesses = refusals, guesses
        self._issuer, self._clock = issuer, clock
        self._livemode_allowed = livemode_allowed
        self._good: dict[bytes, AccessClaims] = {}

    async def find(self, token: str) -> Bearer:
        """Raises BadToken, and Forbidden for an account that is suspended or closed."""
        claims = await self._claims(token)
        known = await self._clients.get(claims.client)
        if known is None or known.client.deleted_at is not None:
            raise BadToken("client")
        tenant = known.tenant
        if (tenant.account, tenant.livemode) != (claims.account, claims.livemode):
            raise BadToken("tenant")
        if tenant.livemode and not self._livemode_allowed:
            raise Unauthenticated(
                "This server does not take live mode tokens. Set GUILDER_MODE=live on the server."
            )
        require_active(tenant, known.account_status)
        return Bearer(tenant, known.client.id, claims.scopes, known.plan)

    async def renew(self) -> int:
        """Ahead of time, what is in use: see Remembered."""
        return await self._clients.renew()

    async def refused(self, token: str, reason: str) -> None:
        """Puts a token that was not good into the audit of the client that it names. That is a
        word of whoever made it up, so only so many are written down."""
        named = tokens.unverified_subject(token)
        known = await self._clients.get(named) if named and named.isprintable() else None
        if known is None or self._guesses.wait_s(known.client.id):
            return
        self._guesses.count(known.client.id)
        actor = Actor("oauth_client", known.client.id)
        await self._refusals.audit(known, actor, "refuse_access_token", reason)

    async def _claims(self, token: str) -> AccessClaims:
        kid = tokens.kid_of(token)
        public = await self._keys.public(kid)
        if public is None:
            raise BadToken("unknown key")
        now, digest = self._clock.now(), hashlib.sha256(token.encode()).digest()
        known = self._good.get(digest)
        if known is not None:
            known.check(now)
            return known
        claims = tokens.read(self._signatures.verified(token, public), self._issuer, now)
        remember(self._good, digest, claims)
        return claims
