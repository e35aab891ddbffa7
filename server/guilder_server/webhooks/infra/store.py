"""Webhooks as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import listing
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.webhooks.domain.delivery import Delivery, of_event
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.infra.tables import (
    DELIVERIES,
    ENDPOINTS,
    REPLAYS,
    deliveries,
    endpoints,
    replays,
)

_SLOTS = "SELECT slot FROM webhook_endpoints WHERE tenant_id = %s AND slot IS NOT NULL"
_PENDING = (
    "SELECT event_id, count(*) FROM webhook_deliveries "
    "WHERE tenant_id = %s AND status <> 'delivered' AND id > %s AND id < %s "
    "AND event_id = ANY(%s) GROUP BY event_id"
)
_FORGET = """
DELETE FROM webhook_deliveries WHERE ctid IN (
    SELECT ctid FROM webhook_deliveries WHERE created < %(before)s AND next_attempt_at IS NULL
    -- What happened long ago may have been sent again lately.
    AND coalesce((attempts -> -1 ->> 'attempted_at')::bigint, 0) < extract(epoch FROM %(before)s)
    LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""


class PostgresWebhooks:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def endpoint(self, tenant: Tenant, id: str) -> Endpoint | None:
        return await self._reads.one(ENDPOINTS.lookup, tenant.id, id)

    async def endpoints(self, tenant: Tenant, query: ListQuery) -> Page:
        there = [endpoints.c.slot.is_not(None)]
        return await listing.page(
            self._pool, ENDPOINTS, tenant.id, query, there, "we", "webhook endpoint"
        )

    async def slots(self, tenant: Tenant) -> set[int]:
        async with self._pool.point([tenant.id]) as connection:
            cursor = await connection.execute(_SLOTS, [tenant.id])
        rows = await cursor.fetchall()
        return {slot for (slot,) in rows}

    async def delivery(self, tenant: Tenant, id: str) -> Delivery | None:
        return await self._reads.one(DELIVERIES.lookup, tenant.id, id)

    async def deliveries_to(
        self, tenant: Tenant, endpoint_id: str, query: ListQuery, status: str | None
    ) -> Page:
        conditions: list[sa.ColumnElement[bool]] = [deliveries.c.endpoint_id == endpoint_id]
        if status is not None:
            conditions.append(deliveries.c.status == status)
        return await self._deliveries(tenant, query, conditions)

    async def deliveries_of(self, tenant: Tenant, event_id: str, query: ListQuery) -> Page:
        first, end = of_event(event_id)
        conditions = [deliveries.c.id > first, deliveries.c.id < end]
        return await self._deliveries(tenant, query, conditions)

    async def replay(self, tenant: Tenant, id: str) -> Replay | None:
        return await self._reads.one(REPLAYS.lookup, tenant.id, id)

    async def replays(self, tenant: Tenant, endpoint_id: str, query: ListQuery) -> Page:
        conditions = [replays.c.endpoint_id == endpoint_id]
        return await listing.page(
            self._pool, REPLAYS, tenant.id, query, conditions, "whrp", "webhook replay"
        )

    async def pending(self, tenant: Tenant, event_ids: Sequence[str]) -> Mapping[str, int]:
        """How many endpoints have not received each of these events; none is not named."""
        if not event_ids:
            return {}
        first, end = of_event(min(event_ids))[0], of_event(max(event_ids))[1]
        asked: list[Any] = [tenant.id, first, end, list(event_ids)]
        async with self._pool.point([tenant.id]) as connection:
            cursor = await connection.execute(_PENDING, asked)
        rows = await cursor.fetchall()
        return dict(rows)

    async def forget(self, before: datetime) -> int:
        """Delete the log from before then, but for what is still on its way."""
        gone = 0
        async with self._pool.jobs.query() as connection:
            while True:
                deleted = (await connection.execute(_FORGET, {"before": before})).rowcount
                gone += deleted
                if deleted < 10_000:
                    return gone

    async def _deliveries(
        self, tenant: Tenant, query: ListQuery, conditions: Sequence[sa.ColumnElement[bool]]
    ) -> Page:
        return await listing.page(
            self._pool, DELIVERIES, tenant.id, query, conditions, "whd", "webhook delivery"
        )


def undelivered(tenant_id: int) -> sa.Select[Any]:
    """The ids of the tenant's events that some endpoint has not received yet, or never did."""
    waiting = deliveries.c.next_attempt_at.is_not(None)
    missed = deliveries.c.status.in_(("failed", "canceled"))
    own = deliveries.c.tenant_id == tenant_id
    return sa.select(deliveries.c.event_id).where(own, sa.or_(waiting, missed))
