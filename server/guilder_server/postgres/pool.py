"""The connections of one process."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from guilder_server.postgres import columns

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# Every statement of the committer and of the merged reads finds rows by primary key, from an
# array. A plan made while a table was empty would scan it whole, and be kept: say so once.
_PLANNER = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
_LOCK_TIMEOUT = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"


async def _configure(connection: Connection) -> None:
    columns.register(connection.adapters)
    connection.prepare_threshold = 0


class Pool:
    """Two kinds of connection: for point work by key, and for queries that the planner must
    be free to plan. All are in autocommit; who wants a transaction says BEGIN."""

    def __init__(self, database_url: str, points: int = 3, queries: int = 4) -> None:
        self._points = self._make(database_url, points, f"{_PLANNER} {_LOCK_TIMEOUT}")
        self._queries = self._make(database_url, queries, "-c statement_timeout=30s")

    @staticmethod
    def _make(url: str, size: int, options: str) -> AsyncConnectionPool[Connection]:
        return AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "options": options},
            configure=_configure,
            min_size=1,
            max_size=size,
            timeout=5,
            reconnect_timeout=3600,
            open=False,
        )

    async def open(self) -> None:
        await self._points.open(wait=True, timeout=30)
        await self._queries.open(wait=True, timeout=30)

    async def close(self) -> None:
        await self._points.close(timeout=5)
        await self._queries.close(timeout=5)

    def point(self) -> AbstractAsyncContextManager[Connection]:
        return self._points.connection()

    def query(self) -> AbstractAsyncContextManager[Connection]:
        return self._queries.connection()
