"""What the pool makes of a URL, and of connections that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import quote

import psycopg
import pytest

from guilder_server.kernel.errors import RateLimited, Unavailable
from guilder_server.postgres.pool import Connection, DatabaseLost, Pool

pytestmark = pytest.mark.anyio

Lend = Callable[[Pool], AbstractAsyncContextManager[Connection]]


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Pool]:
    pool = Pool(url)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def _setting(pool: Pool, name: str) -> str:
    async with pool.point(()) as connection:
        [(value,)] = await (await connection.execute(f"SHOW {name}")).fetchall()
        return str(value)


async def _run(pool: Pool, *statements: str) -> None:
    async with pool.jobs.point() as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_options_in_the_url_are_kept_and_come_before_ours(database_url: str) -> None:
    options = quote("-c work_mem=9MB -c lock_timeout=7s")
    async with _opened(f"{database_url}&options={options}&application_name=till") as pool:
        assert await _setting(pool, "work_mem") == "9MB"
        assert await _setting(pool, "lock_timeout") == "7s"
        assert await _setting(pool, "enable_seqscan") == "off"
        assert await _setting(pool, "application_name") == "till"


async def test_a_refusal_leaves_the_connection_as_it_was(database_url: str) -> None:
    async with _opened(database_url) as pool:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await _run(pool, "BEGIN", "CREATE TEMPORARY TABLE half_done ()", "SELECT 1 / 0")
        async with pool.jobs.point() as connection:
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            found = await connection.execute("SELECT to_regclass('half_done')")
            assert await found.fetchall() == [(None,)]


async def _ended_in_use(lent: AbstractAsyncContextManager[Connection]) -> None:
    async with lent as connection:
        await connection.execute("SET ROLE NONE")  # whose connections another role may not end
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    "lend",
    [
        pytest.param(lambda pool: pool.lookup([1], ()), id="lookup"),
        pytest.param(lambda pool: pool.point([1]), id="point"),
        pytest.param(lambda pool: pool.query(1), id="query"),
        pytest.param(lambda pool: pool.snapshot(1), id="snapshot"),
        pytest.param(lambda pool: pool.transaction([1]), id="transaction"),
        pytest.param(lambda pool: pool.jobs.point(), id="job"),
    ],
)
async def test_a_connection_that_ends_in_use_is_told_as_a_lost_database(
    database_url: str, lend: Lend
) -> None:
    async with _opened(database_url) as pool:
        with pytest.raises(DatabaseLost) as lost:
            await _ended_in_use(lend(pool))
        assert isinstance(lost.value, Unavailable)
        async with lend(pool) as connection:
            assert await (await connection.execute("SELECT 1")).fetchall() == [(1,)]


async def test_connections_that_ended_in_the_pool_are_never_lent(database_url: str) -> None:
    async with _opened(database_url) as pool:
        async with pool.query(1) as one, pool.query(2) as two, pool.query(3):
            pids = [connection.info.backend_pid for connection in (one, two)]
        async with await psycopg.AsyncConnection.connect(database_url) as stranger:
            await stranger.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) AS p(pid)", [pids]
            )
        for _ in range(4):
            async with pool.query(1) as connection:
                assert connection.info.backend_pid not in pids
                await connection.execute("SELECT 1")


async def test_a_closed_pool_is_a_lost_database(database_url: str) -> None:
    async with _opened(database_url) as pool:
        pass
    with pytest.raises(DatabaseLost):
        async with pool.point([1]):
            pass


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url, points=1)
    await pool.open()
    yield pool
    await pool.close()


async def _fails(pool: Pool, error: psycopg.Error) -> Connection:
    async with pool.point([1]) as connection:
        pass
    with pytest.raises(psycopg.Error if error.sqlstate else DatabaseLost):
        async with pool.point([1]):
            raise error
    return connection


async def test_an_error_of_psycopg_itself_means_that_the_line_is_gone(pool: Pool) -> None:
    """As when a server dies while a pipeline is read: the socket is not yet known to be dead."""
    failed = await _fails(pool, psycopg.OperationalError("cannot exit pipeline mode while busy"))
    assert failed.closed
    async with pool.point([1]) as another:
        await another.execute("SELECT 1")


async def test_an_error_of_the_server_leaves_the_line_as_it_was(pool: Pool) -> None:
    failed = await _fails(pool, psycopg.errors.UniqueViolation("taken"))
    assert not failed.closed
    async with pool.point([1]) as again:
        assert again is failed


async def test_one_tenant_leaves_queries_to_others_however_long_its_own_take(
    database_url: str,
) -> None:
    async def slowly(pool: Pool) -> None:
        async with pool.query(1) as connection:
            await connection.execute("SELECT pg_sleep(2)")

    async with _opened(database_url) as pool:
        slow = [asyncio.create_task(slowly(pool)) for _ in range(9)]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(1), pool.query(2) as connection:
            await connection.execute("SELECT 1")
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_who_has_waited_too_long_for_queries_of_their_own_is_told(database_url: str) -> None:
    pool = Pool(database_url, queries=2, wait_s=0.1)
    await pool.open()
    try:
        async with pool.query(1):
            with pytest.raises(RateLimited):
                async with pool.query(1):
                    pass
        async with pool.query(1) as connection:
            await connection.execute("SELECT 1")
    finally:
        await pool.close()
