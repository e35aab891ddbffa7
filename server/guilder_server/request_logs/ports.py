"""What the request log needs of where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.request_logs.domain.entry import RequestLog, Wanted


class RequestLogStore(Protocol):
    async def find(self, tenant: Tenant, id: str) -> RequestLog | None: ...

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page: ...


class Writer(Protocol):
    async def write(self, entries: Sequence[tuple[int, RequestLog]]) -> None:
        """Each with the number of its tenant. May raise anything: then they are lost."""

    async def close(self) -> None: ...
