"""Merged reads: the rows that concurrent requests want by key, fetched in one round trip.

The mirror of the committer. While one trip is under way the wishes of other requests gather;
the next trip takes them all, one statement for each kind of row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from guilder_server.postgres.columns import BIGINT, BYTEA, ColumnType
from guilder_server.postgres.pool import DatabaseLost, Pool

T = TypeVar("T")
Key = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Lookup(Generic[T]):
    """A statement that takes one array per part of the key, and whose rows start with the key.

    The key begins with the tenant, whose rows alone the statement then sees; or `by_hash` it is
    the hash of something whose tenant is not known yet. In a row it must be what the table has,
    and not what was asked for: so a row that the statement should not have found is nobody's.
    """

    sql: str
    key: tuple[ColumnType, ...]
    load: Callable[[Sequence[Any]], T]
    by_hash: bool = False

    def __post_init__(self) -> None:
        if self.key[0] is not (BYTEA if self.by_hash else BIGINT):
            raise TypeError(f"a lookup begins with a tenant, or is by hash: {self.sql}")


Wishes = dict[Lookup[Any], dict[Key, asyncio.Future[Any]]]
Wanted = Mapping[Lookup[Any], Collection[Key]]


class MergedReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wishes: Wishes = {}
        self._running: asyncio.Task[None] | None = None

    async def one(self, lookup: Lookup[T], *key: Any) -> T | None:
        """The row under `key`, or None. Sees every commit that was answered before the call.

        Raises DatabaseLost.
        """
        wished = self._wishes.setdefault(lookup, {})
        future = wished.get(key)
        if future is None:
            future = wished[key] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        found: T | None = await asyncio.shield(future)
        return found

    async def all(self, lookup: Lookup[T], keys: Collection[Key]) -> dict[Key, T]:
        """The rows under many keys, in a trip of their own; what is not there is left out.

        Raises DatabaseLost.
        """
        width = len(lookup.key)
        [rows] = await self._fetch({lookup: keys})
        return {row[:width]: lookup.load(row[width:]) for row in rows}

    async def _run(self) -> None:
        try:
            while self._wishes:
                wishes, self._wishes = self._wishes, {}
                await self._fulfil(wishes)
        finally:
            self._running = None

    async def _fulfil(self, wishes: Wishes) -> None:
        """Gives every wish its answer, be it an error."""
        futures = [future for wished in wishes.values() for future in wished.values()]
        try:
            found = await self._fetch(wishes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the readers shall hear it
            if len(futures) == 1 or isinstance(error, DatabaseLost):
                for future in futures:
                    _refuse(future, error)
                return
            # Something is wrong with one of the keys: the others shall have their rows.
            for lookup, wished in wishes.items():
                for key, future in wished.items():
                    await self._fulfil({lookup: {key: future}})
            return
        for (lookup, wished), rows in zip(wishes.items(), found, strict=True):
            width = len(lookup.key)
            row_of = {row[:width]: row[width:] for row in rows}
            for key, future in wished.items():
                _answer(future, lookup, row_of.get(key))

    async def _fetch(self, wanted: Wanted) -> list[list[Key]]:
        """The rows for each lookup."""
        try:
            return await self._trip(wanted)
        except DatabaseLost:
            # The server may have restarted, and reading twice harms nobody.
            return await self._trip(wanted)

    async def _trip(self, wanted: Wanted) -> list[list[Key]]:
        firsts: dict[bool, set[Any]] = {False: set(), True: set()}
        for lookup, keys in wanted.items():
            firsts[lookup.by_hash].update(key[0] for key in keys)
        async with self._pool.lookup(firsts[False], firsts[True]) as connection:
            cursors = []
            for lookup, keys in wanted.items():
                parts = zip(*keys, strict=True)
                arrays = [kind.array(part) for kind, part in zip(lookup.key, parts, strict=True)]
                cursors.append(await connection.execute(lookup.sql, arrays))
        return [await cursor.fetchall() for cursor in cursors]


def _answer(future: asyncio.Future[Any], lookup: Lookup[Any], row: Key | None) -> None:
    try:
        future.set_result(None if row is None else lookup.load(row))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this row is for its reader
        _refuse(future, error)


def _refuse(future: asyncio.Future[Any], error: Exception) -> None:
    future.set_exception(error)
    future.exception()  # it has been looked at, should all who asked have gone away
