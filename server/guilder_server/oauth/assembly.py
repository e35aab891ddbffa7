"""The parts of OAuth, put together on a database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from guilder_server.http.origin import Origins
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.oauth.endpoints import TOKEN_PATH, OauthEndpoints
from guilder_server.oauth.flows.bearing import Bearers
from guilder_server.oauth.flows.clients import Clients
from guilder_server.oauth.flows.granting import Granting, Place
from guilder_server.oauth.flows.guesses import Guesses
from guilder_server.oauth.flows.keys import SigningKeys
from guilder_server.oauth.infra.certificates import identities
from guilder_server.oauth.infra.signatures import ASSERTION_ALGORITHMS, Jose
from guilder_server.oauth.infra.signing_keys import PostgresSigningKeys
from guilder_server.oauth.infra.store import AuditedRefusals, PostgresClients
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.seals import Seals
from guilder_server.tenancy import UseStore, grantable


class Oauth:
    """`issuer` is this server's address, `rotation` how long each key signs."""

    def __init__(
        self,
        pool: Pool,
        reads: MergedReads,
        seals: Seals,
        uses: UseStore,
        ids: Ids,
        clock: Clock,
        *,
        issuer: str,
        pepper: bytes,
        declared: Collection[str],
        livemode_allowed: bool,
        rotation: timedelta,
    ) -> None:
        self._store, jose = PostgresClients(pool, reads), Jose(seals)
        self._issuer, self._declared, self._clock = issuer, grantable(declared), clock
        self.keys = SigningKeys(PostgresSigningKeys(pool, seals), clock, rotation)
        self.clients = Clients(self._store, uses, jose, pepper, declared, ids, clock)
        refusals = AuditedRefusals(pool, ids, clock)
        self.bearers = Bearers(
            self._store,
            self.keys,
            jose,
            refusals,
            Guesses(),
            issuer,
            clock,
            livemode_allowed=livemode_allowed,
        )
        self._granting = Granting(
            self._store,
            refusals,
            self.keys,
            jose,
            Guesses(),
            Place(issuer, issuer + TOKEN_PATH),
            pepper,
            ids,
            clock,
            livemode_allowed=livemode_allowed,
        )

    def endpoints(self, origins: Origins, certificate_header: str | None) -> OauthEndpoints:
        """Where clients ask for tokens, and others for the keys that check them."""
        return OauthEndpoints(
            self._granting,
            self.keys,
            origins,
            self._issuer,
            self._declared,
            ASSERTION_ALGORITHMS,
            identities,
            certificate_header,
        )

    async def forget_assertions(self) -> int:
        return await self._store.forget(self._clock.now())
