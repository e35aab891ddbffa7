"""The connections of one process."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from guilder_server.kernel.errors import Unavailable
from guilder_server.postgres import columns
from guilder_server.postgres.isolation import COMMITS, JOBS, PEOPLE, REQUESTS, as_role, in_force
from guilder_server.postgres.turns import Turns

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# Every statement of the committer and of the merged reads finds rows by primary key, from an
# array. A plan made while a table was empty would scan it whole, and be kept: say so once.
_PLANNER = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
# Where each statement takes whole keys in arrays, one plan is right for all of them; made anew for
# the values of each, as PostgreSQL would, it costs as much as the statement.
_KEPT_PLANS = "-c plan_cache_mode=force_generic_plan"
# Commits hold their locks for milliseconds; who waits longer than this waits for a person. There
# is no limit on a statement, which would cut short a COMMIT that waits for its replica.
_PATIENCE = "-c lock_timeout=2s -c idle_in_transaction_session_timeout=30s"

_PLANNED = "-c statement_timeout=30s"
# What is read for minutes is given up when whoever it is for stops taking it.
_READING = f"{_PLANNER} -c statement_timeout=60s -c idle_in_transaction_session_timeout=90s"

# A network that swallows packets is noticed within seconds, not within the kernel's two hours.
_LINE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# A pool waits twice as long before each further try, up to this. It then starts anew with the
# next request, so that a database that comes back after an hour is found within seconds.
_RECONNECTING_S = 2


class DatabaseLost(Unavailable):
    """No connection could be had, or the one in use has gone: what was under way on it may or
    may not have happened."""

    def __init__(self) -> None:
        super().__init__(
            "The database did not answer. Try again in a moment, with the same idempotency key "
            "if the request had one."
        )


class Pool:
    """Connections that may do different things, each as a role of its own and in autocommit.

    Requests name the tenants whose rows they are about, and the database shows them no others
    (docs/isolation.md). They name them each time: what one borrower has said holds for no other.
    """

    def __init__(
        self,
        database_url: str,
        points: int = 3,
        queries: int = 4,
        wait_s: float = 5,
        readings: int = 4,
    ) -> None:
        by_key = f"{_PLANNER} {_PATIENCE}"
        by_array = f"{by_key} {_KEPT_PLANS}"
        self._lookups = _connections(database_url, REQUESTS, 2, by_array, wait_s)
        self._points = _connections(database_url, REQUESTS, points, by_key, wait_s)
        self._queries = _connections(database_url, REQUESTS, queries, _PLANNED, wait_s)
        self._readings = _connections(database_url, REQUESTS, readings, _READING, wait_s, kept=0)
        self._commits = _connections(database_url, COMMITS, 2, by_array, wait_s)
        self._people = _connections(database_url, PEOPLE, 3, _PLANNED, wait_s, kept=0)
        self.jobs = JobPool(database_url, by_key, wait_s)
        self._reading, self._querying = Turns(readings, wait_s), Turns(queries, wait_s)

    async def open(self) -> None:
        kept = (self._lookups, self._points, self._queries, self._commits)
        await asyncio.gather(
            *(pool.open(wait=True, timeout=30) for pool in kept),
            self._readings.open(),
            self._people.open(),
            self.jobs.open(),
        )

    async def close(self) -> None:
        kept = (self._lookups, self._points, self._queries, self._commits)
        await asyncio.gather(
            *(pool.close(timeout=5) for pool in (*kept, self._readings, self._people)),
            self.jobs.close(),
        )

    def lookup(
        self, tenants: Collection[int], hashes: Collection[bytes]
    ) -> AbstractAsyncContextManager[Connection]:
        """For reading rows of these tenants by arrays of whole keys, and what has these hashes.
        Statements are sent together when the context ends, or when the rows of one are fetched
        before that.

        Raises DatabaseLost. Any other error leaves the connection as it was, and nothing of what
        was begun on it."""
        return _for(self._lookups, tenants, hashes)

    def point(self, tenants: Collection[int]) -> AbstractAsyncContextManager[Connection]:
        """As `lookup`, for statements that find a few rows by an index."""
        return _for(self._points, tenants)

    @asynccontextmanager
    async def query(self, tenant_id: int) -> AsyncIterator[Connection]:
        """As `lookup`, for statements that the planner must be free to plan. Raises RateLimited
        too, while too many of the tenant are under way."""
        async with (
            self._querying.shared(tenant_id),
            _for(self._queries, [tenant_id]) as connection,
        ):
            yield connection

    def people(self) -> AbstractAsyncContextManager[Connection]:
        """For letting people in, and for who may do what where. Raises DatabaseLost."""
        return _lent(self._people)

    @asynccontextmanager
    async def transaction(self, tenants: Collection[int]) -> AsyncIterator[Connection]:
        """For writing rows of these tenants: kept if the context ends well, and else nothing of
        it. As `lookup` in all else."""
        async with _lent(self._commits) as connection, connection.pipeline():
            await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            await connection.execute(*in_force(tenants))
            yield connection
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def snapshot(self, tenant_id: int) -> AsyncIterator[Connection]:
        """All rows of the tenant as they are at the first statement, for as long as it takes to
        read them, apart from the connections that others wait for. Raises RateLimited while too
        many are read, and DatabaseLost."""
        async with self._reading.taken(tenant_id), _lent(self._readings) as connection:
            async with connection.pipeline():
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                await connection.execute(*in_force([tenant_id]))
            yield connection


class JobPool:
    """Connections for what looks across tenants by design: the worker, sweeps, and whoever finds
    out which tenant something belongs to. Never for what a request says."""

    def __init__(self, database_url: str, by_key: str, wait_s: float) -> None:
        self._points = _connections(database_url, JOBS, 2, by_key, wait_s)
        self._queries = _connections(database_url, JOBS, 2, _PLANNED, wait_s)

    async def open(self) -> None:
        both = (self._points, self._queries)
        await asyncio.gather(*(pool.open(wait=True, timeout=30) for pool in both))

    async def close(self) -> None:
        await asyncio.gather(self._points.close(timeout=5), self._queries.close(timeout=5))

    def point(self) -> AbstractAsyncContextManager[Connection]:
        """For point work by key. Raises DatabaseLost, as `Pool.lookup`."""
        return _lent(self._points)

    def query(self) -> AbstractAsyncContextManager[Connection]:
        """For statements that the planner must be free to plan. Raises DatabaseLost."""
        return _lent(self._queries)


def _connections(
    url: str, role: str, size: int, options: str, wait_s: float, kept: int = 1
) -> AsyncConnectionPool[Connection]:
    return AsyncConnectionPool(
        url,
        kwargs=_line(url, role, options),
        configure=partial(_configure, role=role),
        min_size=kept,
        max_size=size,
        timeout=wait_s,
        reconnect_timeout=_RECONNECTING_S,
        open=False,
    )


async def session(database_url: str, options: str) -> Connection:
    """A connection of its own, for a job that lives as long as it does. Raises DatabaseLost."""
    try:
        return await psycopg.AsyncConnection.connect(
            database_url,
            **_line(database_url, JOBS, options),
        )
    except psycopg.OperationalError as error:
        raise DatabaseLost from error


def _line(url: str, role: str, options: str) -> dict[str, Any]:
    """How to connect: what the URL says counts more, but for options, which both may give, and
    for the role."""
    said = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    # A day begins at midnight UTC, whatever zone the database is set to.
    together = f"{options} {said.get('options', '')} -c timezone=UTC {as_role(role)}".strip()
    return {"autocommit": True, **_LINE, **said, "options": together}


class RoleNotTaken(Exception):
    """The connection would be above the policies that keep tenants apart, or outside of them."""

    def __init__(self, role: str, taken: str) -> None:
        super().__init__(
            f"the connection works as {taken} and not as {role}: whatever stands between Guilder "
            "and PostgreSQL has to pass on the option `role`"
        )


async def _configure(connection: Connection, role: str) -> None:
    columns.register(connection.adapters)
    connection.prepare_threshold = 0
    [(taken,)] = await (await connection.execute("SELECT current_user")).fetchall()
    if taken != role:
        raise RoleNotTaken(role, taken)


@asynccontextmanager
async def _for(
    pool: AsyncConnectionPool[Connection], tenants: Collection[int], hashes: Collection[bytes] = ()
) -> AsyncIterator[Connection]:
    """The statements of a pipeline are one transaction, unless they say otherwise: what is in
    force for it goes with it."""
    async with _lent(pool) as connection, connection.pipeline():
        await connection.execute(*in_force(tenants, hashes))
        yield connection


@asynccontextmanager
async def _lent(pool: AsyncConnectionPool[Connection]) -> AsyncIterator[Connection]:
    try:
        connection = await pool.getconn()
        while _hung_up(connection):
            await connection.close()
            await pool.putconn(connection)
            connection = await pool.getconn()
    except psycopg.OperationalError as error:
        raise DatabaseLost from error
    try:
        async with connection:
            yield connection
    except psycopg.Error as error:
        if connection.closed or _is_of_the_line(error):
            await connection.close()
            raise DatabaseLost from error
        raise
    finally:
        await pool.putconn(connection)


def _is_of_the_line(error: psycopg.Error) -> bool:
    """Whether it tells of the connection rather than of what was asked. The server gives each of
    its errors a code; those without one are psycopg's own, such as a pipeline cut short."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError) and not isinstance(
            error, psycopg.errors.PipelineAborted
        )
    return error.sqlstate.startswith("57P")  # it is shutting down


def _hung_up(connection: Connection) -> bool:
    """Whether the server has ended this idle connection: the one thing that it says unasked."""
    unread = select.poll()
    unread.register(connection.pgconn.socket, select.POLLIN)
    return bool(unread.poll(0))
