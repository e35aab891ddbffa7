"""The audit trail, for who may read it."""

from __future__ import annotations

from guilder_server.audit.domain.entry import NOUN, Entry, Wanted
from guilder_server.audit.ports import TrailStore
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class Trail:
    def __init__(self, store: TrailStore) -> None:
        self._store = store

    async def retrieve(self, tenant: Tenant, id: str) -> Entry:
        found = await self._store.entry(tenant, id)
        if found is None:
            raise NotFound(NOUN, id, "id")
        return found

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        return await self._store.page(tenant, query, wanted)
