"""Events as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from guilder_server.events.domain.event import Event
from guilder_server.events.infra.tables import events
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import listing
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

EVENTS = Mapping(Event, events)


class PostgresEvents:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def find(self, tenant: Tenant, id: str) -> Event | None:
        return await self._reads.one(EVENTS.lookup, tenant.id, id)

    async def page(self, tenant: Tenant, query: ListQuery, types: Sequence[str]) -> Page:
        conditions = [sa.or_(*(_of_type(type) for type in types))] if types else []
        return await listing.page(self._pool, EVENTS, tenant.id, query, conditions, "evt", "event")


def _of_type(type: str) -> sa.ColumnElement[bool]:
    if type.endswith("*"):
        return events.c.type.startswith(type[:-1], autoescape=True)
    return events.c.type == type
