"""Keys as those who administer them over HTTP find them."""

from __future__ import annotations

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import listing
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.tenancy.domain.issuing import NOUN
from guilder_server.tenancy.domain.keys import ApiKey
from guilder_server.tenancy.infra.tables import API_KEYS


class PostgresApiKeys:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def api_key(self, tenant: Tenant, id: str) -> ApiKey | None:
        return await self._reads.one(API_KEYS.lookup, tenant.id, id)

    async def api_keys(self, tenant: Tenant, query: ListQuery) -> Page:
        return await listing.page(self._pool, API_KEYS, tenant.id, query, [], "key", NOUN)
