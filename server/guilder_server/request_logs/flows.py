"""Reading the request log."""

from __future__ import annotations

from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.request_logs.domain.entry import NOUN, RequestLog, Wanted
from guilder_server.request_logs.ports import RequestLogStore


class RequestLogs:
    def __init__(self, store: RequestLogStore) -> None:
        self._store = store

    async def retrieve(self, tenant: Tenant, id: str) -> RequestLog:
        found = await self._store.find(tenant, id)
        if found is None:
            raise NotFound(NOUN, id, "request_log")
        return found

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        return await self._store.page(tenant, query, wanted)
