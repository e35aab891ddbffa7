"""What the audit trail needs of a database."""

from __future__ import annotations

from typing import Protocol

from guilder_server.audit.domain.entry import Entry, Wanted
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class TrailStore(Protocol):
    async def entry(self, tenant: Tenant, id: str) -> Entry | None: ...

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        """Raises NoSuchReference for a cursor that names nothing, and InvalidRequest where more
        would have to be looked through than one request may."""
