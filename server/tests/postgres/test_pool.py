"""What the pool makes of a connection that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from guilder_server.postgres.pool import Connection, DatabaseLost, Pool

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url, points=1)
    await pool.open()
    yield pool
    await pool.close()


async def _fails(pool: Pool, error: psycopg.Error) -> Connection:
    async with pool.point() as connection:
        pass
    with pytest.raises(psycopg.Error if error.sqlstate else DatabaseLost):
        async with pool.point():
            raise error
    return connection


async def test_an_error_of_psycopg_itself_means_that_the_line_is_gone(pool: Pool) -> None:
    """As when a server dies while a pipeline is read: the socket is not yet known to be dead."""
    failed = await _fails(pool, psycopg.OperationalError("cannot exit pipeline mode while busy"))
    assert failed.closed
    async with pool.point() as another:
        await another.execute("SELECT 1")


async def test_an_error_of_the_server_leaves_the_line_as_it_was(pool: Pool) -> None:
    failed = await _fails(pool, psycopg.errors.UniqueViolation("taken"))
    assert not failed.closed
    async with pool.point() as again:
        assert again is failed
