"""The queue of deliveries: rows whose next attempt has a time.

Nothing is claimed by writing. A worker holds an endpoint by an advisory lock of a session that
it keeps open, so that a worker that is killed lets go of everything at that moment, and what it
had in hand is due as it was before. That an endpoint has one worker at a time also means that
one process counts how many requests it is sent at once.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import psycopg

from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.columns import BIGINT, INSTANT, INTEGER, JSONB, TEXT
from guilder_server.postgres.pool import Connection, DatabaseLost, Pool, session
from guilder_server.postgres.reads import Lookup, MergedReads
from guilder_server.webhooks.domain.delivery import ATTEMPTS_KEPT, Outcome
from guilder_server.webhooks.infra.tables import ENDPOINTS
from guilder_server.webhooks.ports import Due, HoldsLost, Place, Target

# Should this machine vanish from the network, the server notices within half a minute.
_NOTICED = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"

# From endpoint to endpoint along the index, a step for each: what waits for one of them, be it a
# million, is not looked at.
_WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT tenant_id, endpoint_id FROM webhook_deliveries
     WHERE next_attempt_at IS NOT NULL ORDER BY tenant_id, endpoint_id LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.endpoint_id FROM waiting w CROSS JOIN LATERAL (
        SELECT tenant_id, endpoint_id FROM webhook_deliveries d
        WHERE next_attempt_at IS NOT NULL
          AND (d.tenant_id, d.endpoint_id) > (w.tenant_id, w.endpoint_id)
        ORDER BY tenant_id, endpoint_id LIMIT 1
    ) n
)
SELECT tenant_id, endpoint_id FROM waiting w WHERE EXISTS (
    SELECT FROM webhook_deliveries d
    WHERE d.tenant_id = w.tenant_id AND d.endpoint_id = w.endpoint_id AND d.next_attempt_at <= %s
)
"""
_DUE = """
SELECT k.tenant_id, k.endpoint_id, d.id, d.version, d.event_id, d.tries, (
    SELECT count(*) FROM webhook_deliveries o
    WHERE o.tenant_id = k.tenant_id AND o.id > 'whd_' || split_part(d.event_id, '_', 2)
      AND o.id < 'whd_' || split_part(d.event_id, '_', 2) || '~' AND o.status <> 'delivered'
)
FROM unnest(%s, %s, %s) AS k(tenant_id, endpoint_id, wanted) CROSS JOIN LATERAL (
    SELECT id, version, event_id, tries FROM webhook_deliveries w
    WHERE w.tenant_id = k.tenant_id AND w.endpoint_id = k.endpoint_id AND w.next_attempt_at <= %s
    ORDER BY w.next_attempt_at LIMIT k.wanted
) d
"""
# Another version means that it was put on its way again meanwhile, or given up: that stands, and
# the attempt goes into the log. Only what was given up has arrived nevertheless, if it has.
_SETTLE = f"""
UPDATE webhook_deliveries d SET version = d.version + 1,
    status = CASE WHEN d.version = v.version OR d.status = 'canceled' AND v.status = 'delivered'
        THEN v.status ELSE d.status END,
    tries = CASE WHEN d.version = v.version THEN v.tries ELSE d.tries END,
    next_attempt_at = CASE WHEN d.version = v.version THEN v.next_attempt_at
        ELSE d.next_attempt_at END,
    attempts = CASE WHEN v.attempt IS NULL THEN d.attempts
        WHEN jsonb_array_length(d.attempts) < {ATTEMPTS_KEPT} THEN d.attempts || v.attempt
        ELSE (d.attempts - 0) || v.attempt END
FROM unnest(%s, %s, %s, %s, %s, %s, %s)
    AS v(tenant_id, id, version, status, tries, next_attempt_at, attempt)
WHERE d.tenant_id = v.tenant_id AND d.id = v.id
"""
_CANCEL = """
UPDATE webhook_deliveries SET status = 'canceled', next_attempt_at = NULL, version = version + 1
WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM webhook_deliveries
    WHERE tenant_id = %s AND endpoint_id = %s AND next_attempt_at IS NOT NULL AND EXISTS (
        SELECT FROM webhook_endpoints w WHERE w.tenant_id = webhook_deliveries.tenant_id
        AND w.id = endpoint_id AND (w.slot IS NULL OR w.disabled_at IS NOT NULL)
    ) LIMIT 1000
)
"""
_TARGETS: Lookup[Target | None] = Lookup(
    "SELECT webhook_endpoints.tenant_id, webhook_endpoints.id, t.account_id, t.livemode, t.id, "
    f"{ENDPOINTS.columns} "
    "FROM unnest(%s, %s) AS k(tenant_id, id) JOIN webhook_endpoints USING (tenant_id, id) "
    "JOIN tenants t ON t.id = webhook_endpoints.tenant_id",
    (BIGINT, TEXT),
    lambda row: Target(Tenant(row[2], row[0], row[1]), ENDPOINTS.load(row[3:])),
)


class PostgresDeliveryQueue:
    def __init__(self, database_url: str, pool: Pool, reads: MergedReads) -> None:
        self._url, self._pool, self._reads = database_url, pool, reads
        self._session: Connection | None = None
        self._held: set[Place] = set()

    async def close(self) -> None:
        """Lets go of everything."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        self._held = set()

    async def waiting(self, now: datetime) -> list[Place]:
        async with self._pool.jobs.point() as connection:
            return await (await connection.execute(_WAITING, [now])).fetchall()

    async def hold(self, places: Collection[Place]) -> set[Place]:
        # A lock that is taken twice has to be let go twice.
        keys = {_lock_of(place): place for place in places if place not in self._held}
        sql = "SELECT k FROM unnest(%s::bigint[]) AS k WHERE pg_try_advisory_lock(k)"
        rows = await self._in_session(sql, [list(keys)])
        self._held |= {keys[key] for (key,) in rows}
        return self._held.intersection(places)

    async def release(self, places: Collection[Place]) -> None:
        keys = [_lock_of(place) for place in places]
        sql = "SELECT pg_advisory_unlock(k) FROM unnest(%s::bigint[]) AS k"
        await self._in_session(sql, [keys])
        self._held -= set(places)

    async def due(self, wanted: Mapping[Place, int], now: datetime) -> dict[Place, list[Due]]:
        asked = [
            BIGINT.array([tenant for tenant, _ in wanted]),
            TEXT.array([endpoint for _, endpoint in wanted]),
            INTEGER.array(list(wanted.values())),
            now,
        ]
        found: dict[Place, list[Due]] = {}
        async with self._pool.jobs.point() as connection:
            for row in await (await connection.execute(_DUE, asked)).fetchall():
                found.setdefault((row[0], row[1]), []).append(Due(*row[2:]))
        return found

    async def targets(self, places: Collection[Place]) -> dict[Place, Target]:
        # Asked for together, they are read in one trip.
        reads = self._reads
        targets: list[Target | None] = await asyncio.gather(
            *(reads.one(_TARGETS, *place) for place in places)
        )
        together = zip(places, targets, strict=True)
        return {place: target for place, target in together if target is not None}

    async def settle(self, outcomes: Sequence[tuple[int, Due, Outcome]]) -> None:
        rows = [outcome for _, _, outcome in outcomes]
        arrays = [
            BIGINT.array([tenant for tenant, _, _ in outcomes]),
            TEXT.array([due.id for _, due, _ in outcomes]),
            INTEGER.array([due.version for _, due, _ in outcomes]),
            TEXT.array([row.status for row in rows]),
            INTEGER.array([row.tries for row in rows]),
            INSTANT.array([row.next_attempt_at for row in rows]),
            JSONB.array([_jsonable(row) for row in rows]),
        ]
        async with self._pool.jobs.point() as connection:
            await connection.execute(_SETTLE, arrays)

    async def cancel(self, place: Place) -> int:
        canceled = 0
        async with self._pool.jobs.point() as connection:
            while True:
                done = (await connection.execute(_CANCEL, place)).rowcount
                canceled += done
                if done < 1000:
                    return canceled

    async def _in_session(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            if self._session is None:
                self._session = await session(self._url, _NOTICED)
            return await (await self._session.execute(sql, parameters)).fetchall()
        except (psycopg.OperationalError, DatabaseLost) as error:
            await self.close()
            raise HoldsLost from error


def _lock_of(place: Place) -> int:
    """A number for the endpoint. Should two ever share one, a worker takes both or none."""
    named = f"guilder webhook endpoint {place[0]} {place[1]}".encode()
    return int.from_bytes(sha256(named).digest()[:8], signed=True)


def _jsonable(outcome: Outcome) -> Any:
    return None if outcome.attempt is None else msgspec.to_builtins(outcome.attempt)
