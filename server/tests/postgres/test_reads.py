"""Merged reads: who wishes for what, and what everybody gets."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from guilder_server.kernel.changes import Changes
from guilder_server.postgres.columns import BIGINT
from guilder_server.postgres.pool import Connection, DatabaseLost, Pool
from guilder_server.postgres.reads import Lookup, MergedReads
from tests.postgres.library import (
    BOOKS,
    NOW,
    SHELVES,
    STRANGER,
    TENANT,
    Book,
    Library,
    Shelf,
    furnish,
    opened,
)

pytestmark = pytest.mark.anyio

SHELF_ROWS = [Shelf(f"shf_{number}", 1, NOW, f"number {number}") for number in range(5)]
BOOK = Book("bok_1", 1, NOW, "shf_1", 10)


class CountedPool(Pool):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.trips = 0

    def lookup(
        self, tenants: Collection[int], hashes: Collection[bytes]
    ) -> AbstractAsyncContextManager[Connection]:
        self.trips += 1
        return super().lookup(tenants, hashes)


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    furnish(database_url)
    async with opened(database_url) as library:
        await library.committer.commit(Changes(TENANT, added=[*SHELF_ROWS, BOOK]))
        yield library


@pytest.fixture
async def pool(library: Library) -> AsyncIterator[CountedPool]:
    pool = CountedPool(library.url)
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
def reads(pool: CountedPool) -> MergedReads:
    return MergedReads(pool)


async def _all(reads: MergedReads, *wishes: tuple[Lookup[Any], Any]) -> list[Any]:
    each = [reads.one(lookup, TENANT.id, id) for lookup, id in wishes]
    return await asyncio.gather(*each, return_exceptions=True)


def _raising(row: Sequence[Any]) -> Any:
    raise ValueError(f"{row[0]} cannot be read")


async def test_wishes_of_the_same_moment_share_one_trip(
    reads: MergedReads, pool: CountedPool
) -> None:
    wishes = [(SHELVES.lookup, shelf.id) for shelf in SHELF_ROWS] + [(BOOKS.lookup, BOOK.id)]
    assert await _all(reads, *wishes) == [*SHELF_ROWS, BOOK]
    assert pool.trips == 1


async def test_many_who_wish_for_one_row_all_get_it(reads: MergedReads, pool: CountedPool) -> None:
    assert await _all(reads, *[(SHELVES.lookup, "shf_1")] * 30) == [SHELF_ROWS[1]] * 30
    assert pool.trips == 1


async def test_what_is_not_there_is_none(reads: MergedReads) -> None:
    wishes = [(SHELVES.lookup, id) for id in ("shf_1", "shf_none", "", "bok_1")]
    assert await _all(reads, *wishes) == [SHELF_ROWS[1], None, None, None]
    assert await reads.one(SHELVES.lookup, STRANGER.id, "shf_1") is None


async def test_a_key_that_cannot_be_asked_for_fails_alone(reads: MergedReads) -> None:
    found = await _all(
        reads, (SHELVES.lookup, "shf_1"), (SHELVES.lookup, "shf\0"), (BOOKS.lookup, BOOK.id)
    )
    assert (found[0], found[2]) == (SHELF_ROWS[1], BOOK)
    assert isinstance(found[1], Exception)
    too_large = await asyncio.gather(
        reads.one(SHELVES.lookup, 1 << 63, "shf_1"),
        reads.one(SHELVES.lookup, TENANT.id, "shf_1"),
        return_exceptions=True,
    )
    assert isinstance(too_large[0], Exception)
    assert too_large[1] == SHELF_ROWS[1]


async def test_a_row_that_cannot_be_loaded_fails_its_readers_alone(reads: MergedReads) -> None:
    torn = replace(SHELVES.lookup, load=_raising)
    found = await _all(reads, (torn, "shf_1"), (SHELVES.lookup, "shf_1"), (torn, "shf_1"))
    assert found[1] == SHELF_ROWS[1]
    assert [type(one) for one in (found[0], found[2])] == [ValueError, ValueError]
    assert await _all(reads, (torn, "shf_none")) == [None]


async def test_a_connection_that_ended_meanwhile_goes_unnoticed(
    reads: MergedReads, library: Library
) -> None:
    assert await reads.one(SHELVES.lookup, TENANT.id, "shf_1") == SHELF_ROWS[1]
    await library.stranger.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database() "
        "AND backend_type = 'client backend'"
    )
    assert await reads.one(SHELVES.lookup, TENANT.id, "shf_1") == SHELF_ROWS[1]


async def test_a_database_that_is_lost_is_heard_of_by_every_reader(reads: MergedReads) -> None:
    ending = Lookup(
        "SELECT id, library_hang_up() FROM unnest(%s) AS k(id)",
        (BIGINT,),
        lambda row: row,
    )
    found = await asyncio.gather(
        reads.one(ending, TENANT.id),
        reads.one(SHELVES.lookup, TENANT.id, "shf_1"),
        reads.one(SHELVES.lookup, TENANT.id, "shf_1"),
        reads.one(SHELVES.lookup, TENANT.id, "shf_none"),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [DatabaseLost] * 4
    assert await reads.one(SHELVES.lookup, TENANT.id, "shf_1") == SHELF_ROWS[1]


async def test_a_reader_that_goes_away_takes_nothing_from_the_others(reads: MergedReads) -> None:
    noise: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    gone = [
        asyncio.create_task(reads.one(lookup, TENANT.id, "shf_1"))
        for lookup in (SHELVES.lookup, replace(SHELVES.lookup, load=_raising))
    ]
    stays = asyncio.create_task(reads.one(SHELVES.lookup, TENANT.id, "shf_1"))
    await asyncio.sleep(0)
    for reader in gone:
        reader.cancel()
    assert await stays == SHELF_ROWS[1]
    del gone
    gc.collect()
    assert noise == []


async def test_a_read_sees_every_commit_that_was_answered_before_it(
    reads: MergedReads, library: Library
) -> None:
    busy = True

    async def keep_reading() -> None:
        while busy:
            await reads.one(SHELVES.lookup, TENANT.id, "shf_0")

    others = [asyncio.create_task(keep_reading()) for _ in range(3)]
    shelf = SHELF_ROWS[0]
    for number in range(50):
        changes = Changes(TENANT)
        shelf = changes.change(shelf, replace(shelf, words=str(number)))
        await library.committer.commit(changes)
        assert await reads.one(SHELVES.lookup, TENANT.id, shelf.id) == shelf
    busy = False
    await asyncio.gather(*others)
