"""The request log in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres import columns, listing
from guilder_server.postgres.pool import Connection, Pool, session
from guilder_server.postgres.reads import MergedReads
from guilder_server.request_logs.domain.entry import NOUN, RequestLog, Wanted
from guilder_server.request_logs.infra.tables import REQUEST_LOGS, request_logs

_FORGET = """
DELETE FROM request_logs WHERE ctid IN (
    SELECT ctid FROM request_logs WHERE created < %s LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""
_MOST_AT_ONCE = 10_000
# A log that loses its last moments with the machine is a log; it need not wait for the disk.
_WRITING = "-c synchronous_commit=off -c statement_timeout=10s -c lock_timeout=2s"


class PostgresRequestLogs:
    def __init__(self, pool: Pool, reads: MergedReads) -> None:
        self._pool, self._reads = pool, reads

    async def find(self, tenant: Tenant, id: str) -> RequestLog | None:
        return await self._reads.one(REQUEST_LOGS.lookup, tenant.id, id)

    async def page(self, tenant: Tenant, query: ListQuery, wanted: Wanted) -> Page:
        asked = {name: value for name, value in asdict(wanted).items() if value is not None}
        conditions = [request_logs.c[name] == value for name, value in asked.items()]
        return await listing.page(
            self._pool, REQUEST_LOGS, tenant.id, query, conditions, "req", NOUN
        )

    async def forget(self, before: datetime) -> int:
        """Delete the requests from before then, some at a time."""
        gone = 0
        async with self._pool.jobs.query() as connection:
            while True:
                deleted = (await connection.execute(_FORGET, [before])).rowcount
                gone += deleted
                if deleted < _MOST_AT_ONCE:
                    return gone


class PostgresWriter:
    """Writes on a connection of its own, made when it is needed."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: Connection | None = None

    async def write(self, entries: Sequence[tuple[int, RequestLog]]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await session(self._url, _WRITING)
            columns.register(self._connection.adapters)
        arrays = REQUEST_LOGS.arrays([tenant for tenant, _ in entries], [e for _, e in entries])
        await self._connection.execute(REQUEST_LOGS.insert_sql, arrays)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
