"""Clients as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain.client import KIND, NOUN, Client, KnownClient
from guilder_server.oauth.infra.tables import CLIENTS, oauth_clients
from guilder_server.postgres import listing, trail
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

log = structlog.get_logger(__name__)

_WIDTH = len(CLIENTS.names)


def _known(row: Sequence[Any]) -> KnownClient:
    tenant_id, account, livemode, status, plan = row[_WIDTH:]
    tenant = Tenant(tenant_id, account, livemode)
    return KnownClient(CLIENTS.load(row[:_WIDTH]), tenant, status, plan)


_KNOWN = (
    f"SELECT {CLIENTS.columns}, t.id, t.account_id, t.livemode, c.status, c.plan "
    "FROM oauth_clients "
    "JOIN tenants t ON t.id = oauth_clients.tenant_id JOIN accounts c ON c.id = t.account_id "
    "WHERE oauth_clients.id = ANY(%s)"
)
_ONCE = (
    "INSERT INTO oauth_assertions (tenant_id, client_id, jti, expires_at) "
    "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_FORGET = "DELETE FROM oauth_assertions WHERE expires_at < %s"


class PostgresClients:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def client(self, tenant: Tenant, id: str) -> Client | None:
        return await self._reads.one(CLIENTS.lookup, tenant.id, id)

    async def clients(self, tenant: Tenant, query: ListQuery) -> Page:
        there = [oauth_clients.c.deleted_at.is_(None)]
        return await listing.page(self._pool, CLIENTS, tenant.id, query, there, "oac", NOUN)

    async def known(self, id: str) -> KnownClient | None:
        return (await self.all_known([id])).get(id)

    async def all_known(self, ids: Sequence[str]) -> Mapping[str, KnownClient]:
        # Whose clients they are, is what is looked for.
        async with self._pool.jobs.point() as connection:
            rows = await (await connection.execute(_KNOWN, [list(ids)])).fetchall()
        return {known.client.id: known for known in map(_known, rows)}

    async def once(self, known: KnownClient, jti: bytes, until: datetime) -> bool:
        place = [known.tenant.id, known.client.id, jti, until]
        async with self._pool.transaction([known.tenant.id]) as connection:
            noted = await connection.execute(_ONCE, place)
        return noted.rowcount == 1

    async def forget(self, before: datetime) -> int:
        """Of assertions that have expired, it need not be known any more that they were used."""
        async with self._pool.jobs.query() as connection:
            return (await connection.execute(_FORGET, [before])).rowcount


class AuditedRefusals:
    def __init__(self, pool: Pool, ids: Ids, clock: Clock) -> None:
        self._pool, self._ids, self._clock = pool, ids, clock

    async def audit(self, known: KnownClient, actor: Actor, action: str, error: str) -> None:
        log.warning("oauth_refused", action=action, client=known.client.id, error=error)
        entry = AuditEntry(
            id=self._ids.new("aud"),
            created=self._clock.now(),
            actor=actor,
            action=action,
            object=KIND,
            object_id=known.client.id,
            after={"error": error},
        )
        async with self._pool.jobs.query() as connection, connection.transaction():
            await trail.append(connection, known.tenant.account, entry)
