"""Replays as PostgreSQL carries them out: some events at a time, with how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import INSTANT, TEXT
from guilder_server.postgres.pool import Pool
from guilder_server.webhooks.domain.delivery import delivery_id, of_event
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.infra.tables import REPLAYS
from guilder_server.webhooks.ports import Happened, Place

_PENDING = (
    f"SELECT tenant_id, t.account_id, t.livemode, {REPLAYS.columns} FROM webhook_replays "
    "JOIN tenants t ON t.id = tenant_id WHERE status = 'pending' ORDER BY created LIMIT 100"
)
_BACKLOG = (
    "SELECT count(*) FROM (SELECT FROM webhook_deliveries "
    "WHERE tenant_id = %s AND endpoint_id = %s AND next_attempt_at <= %s LIMIT %s) d"
)
_FAILED = (
    "SELECT event_id, event_type, created FROM webhook_deliveries "
    "WHERE tenant_id = %s AND endpoint_id = %s AND status IN ('failed', 'canceled') "
    "AND created >= %s AND created < %s AND id > %s ORDER BY id LIMIT %s"
)
# The replay goes forward and its deliveries come due in one statement, or neither does.
_PUT = """
WITH forward AS (
    UPDATE webhook_replays SET version = version + 1, status = %s, events = %s, cursor = %s
    WHERE tenant_id = %s AND id = %s AND version = %s RETURNING tenant_id, endpoint_id
), put AS (
    INSERT INTO webhook_deliveries (tenant_id, id, version, created, event_id, event_type,
        endpoint_id, status, tries, next_attempt_at, attempts)
    SELECT f.tenant_id, e.id, 1, e.created, e.event_id, e.type, f.endpoint_id, 'pending', 0, %s,
        '[]'
    FROM forward f CROSS JOIN unnest(%s, %s, %s, %s) AS e(id, event_id, type, created)
    ON CONFLICT (tenant_id, id) DO UPDATE SET status = 'pending', tries = 0,
        version = webhook_deliveries.version + 1, next_attempt_at = excluded.next_attempt_at
)
SELECT FROM forward
"""


@dataclass(frozen=True, slots=True)
class _Missed:
    id: str
    type: str
    created: datetime


class PostgresReplayQueue:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def pending(self) -> list[tuple[Tenant, Replay]]:
        async with self._pool.jobs.point() as connection:
            rows = await (await connection.execute(_PENDING)).fetchall()
        return [(Tenant(*row[:3]), REPLAYS.load(row[3:])) for row in rows]

    async def backlog(self, place: Place, now: datetime, most: int) -> int:
        async with self._pool.point([place[0]]) as connection:
            cursor = await connection.execute(_BACKLOG, [*place, now, most])
        row = await cursor.fetchone()
        assert row is not None
        found: int = row[0]
        return found

    async def failed(self, tenant: Tenant, replay: Replay, limit: int) -> list[_Missed]:
        after = of_event(replay.cursor)[1] if replay.cursor else ""
        asked = [tenant.id, replay.endpoint_id, replay.since, replay.until, after, limit]
        async with self._pool.point([tenant.id]) as connection:
            cursor = await connection.execute(_FAILED, asked)
        rows = await cursor.fetchall()
        return [_Missed(*row) for row in rows]

    async def put(
        self,
        tenant: Tenant,
        replay: Replay,
        after: Replay,
        events: Sequence[Happened],
        now: datetime,
    ) -> bool:
        asked: list[Any] = [
            *(after.status, after.events, after.cursor),
            *(tenant.id, replay.id, replay.version),
            now,
            TEXT.array([delivery_id(event.id, replay.endpoint_id) for event in events]),
            TEXT.array([event.id for event in events]),
            TEXT.array([event.type for event in events]),
            INSTANT.array([event.created for event in events]),
        ]
        async with self._pool.jobs.point() as connection:
            return (await connection.execute(_PUT, asked)).rowcount == 1
