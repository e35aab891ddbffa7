"""Checkpoints read back."""

from __future__ import annotations

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.checkpoint import NOUN, Checkpoint
from guilder_server.ledger.infra.tables import CHECKPOINTS
from guilder_server.postgres import listing
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads


class PostgresCheckpoints:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def checkpoint(self, tenant: Tenant, id: str) -> Checkpoint | None:
        return await self._reads.one(CHECKPOINTS.lookup, tenant.id, id)

    async def checkpoints(self, tenant: Tenant, query: ListQuery) -> Page:
        return await listing.page(self._pool, CHECKPOINTS, tenant.id, query, (), "lc", NOUN)
