"""Events as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from guilder_server.events.domain.event import Event
from guilder_server.events.infra.tables import events
from guilder_server.kernel.ids import first_id
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import listing
from guilder_server.postgres.mapping import Mapping
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads

EVENTS = Mapping(Event, events)

_SLACK = timedelta(seconds=1)
_BETWEEN = (
    f"SELECT {EVENTS.columns} FROM events WHERE tenant_id = %s AND id > %s AND id < %s "
    "AND created >= %s AND created < %s ORDER BY id LIMIT %s"
)
_FORGET = """
DELETE FROM events WHERE ctid IN (
    SELECT ctid FROM events WHERE created < %s LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""


class PostgresEvents:
    """`undelivered` selects the ids of a tenant's events that have not been received."""

    def __init__(
        self, pool: Pool, reads: MergedReads, undelivered: Callable[[int], sa.Select[Any]]
    ) -> None:
        self._pool, self._reads, self._undelivered = pool, reads, undelivered

    async def find(self, tenant: Tenant, id: str) -> Event | None:
        return await self._reads.one(EVENTS.lookup, tenant.id, id)

    async def payload(self, tenant: Tenant, id: str) -> bytes | None:
        """As it is kept."""
        found = await self.find(tenant, id)
        return None if found is None else found.payload

    async def page(
        self,
        tenant: Tenant,
        query: ListQuery,
        types: Sequence[str],
        *,
        delivered: bool | None = None,
    ) -> Page:
        conditions = [sa.or_(*(_of_type(type) for type in types))] if types else []
        if delivered is not None:
            missed = events.c.id.in_(self._undelivered(tenant.id))
            conditions.append(sa.not_(missed) if delivered else missed)
        return await listing.page(self._pool, EVENTS, tenant.id, query, conditions, "evt", "event")

    async def between(
        self, tenant: Tenant, since: datetime, until: datetime, after: str | None, limit: int
    ) -> list[Event]:
        # An id is made a moment before or after its event reads the clock.
        first = after or first_id("evt", since - _SLACK)
        asked = [tenant.id, first, first_id("evt", until + _SLACK), since, until, limit]
        async with self._pool.point([tenant.id]) as connection:
            found = await connection.execute(_BETWEEN, asked)
        rows = await found.fetchall()
        return [EVENTS.load(row) for row in rows]

    async def forget(self, before: datetime) -> int:
        """Delete the events from before then."""
        gone = 0
        async with self._pool.jobs.query() as connection:
            while True:
                deleted = (await connection.execute(_FORGET, [before])).rowcount
                gone += deleted
                if deleted < 10_000:
                    return gone


def _of_type(type: str) -> sa.ColumnElement[bool]:
    if type.endswith("*"):
        return events.c.type.startswith(type[:-1], autoescape=True)
    return events.c.type == type
