"""Merged reads: the rows that concurrent requests want by key, fetched in one round trip.

The mirror of the committer. While one trip is under way the wishes of other requests gather;
the next trip takes them all, one statement for each kind of row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg

from guilder_server.kernel.errors import Unavailable
from guilder_server.postgres.columns import ColumnType
from guilder_server.postgres.pool import Pool

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Lookup(Generic[T]):
    """A statement that takes one array per part of the key, and whose rows start with the key."""

    sql: str
    key: tuple[ColumnType, ...]
    load: Callable[[Sequence[Any]], T]


class MergedReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wishes: dict[Lookup[Any], dict[tuple[Any, ...], asyncio.Future[Any]]] = {}
        self._running: asyncio.Task[None] | None = None

    async def one(self, lookup: Lookup[T], *key: Any) -> T | None:
        """The row under `key`, or None. Sees every commit that was answered before the call."""
        wished = self._wishes.setdefault(lookup, {})
        future = wished.get(key)
        if future is None:
            future = wished[key] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        found: T | None = await asyncio.shield(future)
        return found

    async def _run(self) -> None:
        try:
            while self._wishes:
                wishes, self._wishes = self._wishes, {}
                try:
                    await self._fetch(wishes)
                except Exception as error:
                    self._fail(wishes, error)
        finally:
            self._running = None

    async def _fetch(self, wishes: dict[Lookup[Any], dict[tuple[Any, ...], Any]]) -> None:
        for attempt in (1, 2):
            try:
                rows = await self._trip(wishes)
                break
            except psycopg.OperationalError:
                # The server restarted under a pooled connection. Reading twice harms nobody.
                if attempt == 2:
                    raise
        for (lookup, wished), found in zip(wishes.items(), rows, strict=True):
            width = len(lookup.key)
            for row in found:
                future = wished.pop(row[:width], None)
                if future and not future.done():
                    future.set_result(lookup.load(row[width:]))
            for future in wished.values():
                if not future.done():
                    future.set_result(None)

    async def _trip(self, wishes: dict[Lookup[Any], dict[tuple[Any, ...], Any]]) -> list[list[Any]]:
        async with self._pool.point() as connection, connection.pipeline():
            cursors = []
            for lookup, wished in wishes.items():
                parts = zip(*wished, strict=True)
                arrays = [kind.array(part) for kind, part in zip(lookup.key, parts, strict=True)]
                cursors.append(await connection.execute(lookup.sql, arrays))
            return [await cursor.fetchall() for cursor in cursors]

    def _fail(
        self, wishes: dict[Lookup[Any], dict[tuple[Any, ...], Any]], error: Exception
    ) -> None:
        shown = error
        if isinstance(error, (psycopg.OperationalError, TimeoutError)):
            shown = Unavailable("The database did not answer. Nothing was changed; try again.")
        for wished in wishes.values():
            for future in wished.values():
                if not future.done():
                    future.set_exception(shown)
