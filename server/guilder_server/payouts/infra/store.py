"""Payouts as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import datetime

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain.payout import NOUN, Payout
from guilder_server.payouts.infra.tables import payouts
from guilder_server.postgres import listing
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

PAYOUTS = Mapping(Payout, payouts)

_DUE = """
SELECT t.id, t.account_id, t.livemode, p.id
FROM payouts p JOIN tenants t ON t.id = p.tenant_id
WHERE p.ask_after <= %s ORDER BY p.ask_after LIMIT %s
"""


class PostgresPayouts:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def payout(self, tenant: Tenant, id: str) -> Payout | None:
        return await self._reads.one(PAYOUTS.lookup, tenant.id, id)

    async def payouts(self, tenant: Tenant, query: ListQuery, filters: Dict[str, str]) -> Page:
        """`filters` are columns and the values that they must have."""
        conditions = [payouts.c[name] == value for name, value in filters.items()]
        return await listing.page(self._pool, PAYOUTS, tenant.id, query, conditions, "po", NOUN)

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        async with self._pool.jobs.query() as connection:
            rows = await (await connection.execute(_DUE, [now, limit])).fetchall()
        return [(Tenant(*row[:3]), row[3]) for row in rows]
