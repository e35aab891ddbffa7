"""Attempts as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.requests import Kind
from guilder_server.gateways.infra.tables import gateway_attempts
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

ATTEMPTS = Mapping(Attempt, gateway_attempts)

_DUE = """
SELECT t.id, t.account_id, t.livemode, a.id
FROM gateway_attempts a JOIN tenants t ON t.id = a.tenant_id
WHERE a.state IN ('pending', 'unknown') AND a.lease_until < %s AND a.kind = ANY(%s)
ORDER BY a.lease_until LIMIT %s
"""


class PostgresAttempts:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool = pool
        self._reads = reads

    async def find(self, tenant: Tenant, id: str) -> Attempt | None:
        return await self._reads.one(ATTEMPTS.lookup, tenant.id, id)

    async def due(
        self, now: datetime, limit: int, kinds: Collection[Kind]
    ) -> Sequence[tuple[Tenant, str]]:
        """Open attempts of all tenants that nobody has in hand any more."""
        async with self._pool.jobs.query() as connection:
            rows = await (await connection.execute(_DUE, [now, list(kinds), limit])).fetchall()
        return [(Tenant(id, account, livemode), found) for id, account, livemode, found in rows]
