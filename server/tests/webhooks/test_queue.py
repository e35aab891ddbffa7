"""Endpoints are held by one worker at a time, through sessions of the real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.webhooks.infra.queue import PostgresDeliveryQueue
from guilder_server.webhooks.ports import HoldsLost

pytestmark = pytest.mark.anyio

PLACES = [(1, "we_1"), (1, "we_2"), (2, "we_1")]


@asynccontextmanager
async def queue_of(database_url: str) -> AsyncIterator[PostgresDeliveryQueue]:
    pool = Pool(database_url)
    queue = PostgresDeliveryQueue(database_url, pool, MergedReads(pool))
    try:
        yield queue
    finally:
        await queue.close()


async def holds_soon(queue: PostgresDeliveryQueue) -> bool:
    """PostgreSQL lets go a moment after a session has gone, when it notices."""
    for _ in range(500):
        if await queue.hold(PLACES) == set(PLACES):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_an_endpoint_is_held_by_one_worker(database_url: str) -> None:
    async with queue_of(database_url) as one, queue_of(database_url) as other:
        assert await one.hold(PLACES[:2]) == set(PLACES[:2])
        assert await other.hold(PLACES) == {PLACES[2]}
        await one.close()
        assert await holds_soon(other)


async def test_an_endpoint_that_is_held_twice_is_let_go_at_once(database_url: str) -> None:
    async with queue_of(database_url) as one, queue_of(database_url) as other:
        for _ in range(3):
            assert await one.hold(PLACES) == set(PLACES)
        await one.release(PLACES[:1])
        assert await other.hold(PLACES) == set(PLACES[:1])


async def test_a_session_that_ends_is_told_and_holds_nothing(database_url: str) -> None:
    async with queue_of(database_url) as one, queue_of(database_url) as other:
        await one.hold(PLACES)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d "
                "ON d.oid = database WHERE d.datname = current_database() "
                "AND locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        with pytest.raises(HoldsLost):
            await one.hold([])
        assert await holds_soon(other)
        assert await one.hold(PLACES) == set()
