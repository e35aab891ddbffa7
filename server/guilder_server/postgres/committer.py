"""The committer: change sets of concurrent requests, merged into one transaction.

A commit costs a few round trips and one flush of the log to disk, whatever it carries. One
request a transaction pays that price each time, and requests that meet on a hot row queue
behind each other's flush. Here each process has one queue. Whatever gathers in it while a
commit is under way goes into the next one, so that an idle server answers at once and a busy
one shares the cost: there is no timer, and no latency is added to wait for company.

One transaction has two trips. The first claims and locks: idempotency keys in key order, rows
by table and id, ledger accounts by id, the same order in every process, so that no two can
wait for each other. Then each change set is judged by itself, in order of arrival, against
what is locked and what its neighbours before it have been granted. The second trip writes the
granted ones, one statement a table, and commits. A refused set changes nothing and is told
why; its neighbours do not notice.

What must hold: merged equals one by one, in the order of arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import structlog

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import Unavailable
from guilder_server.postgres.pool import Connection, Pool

log = structlog.get_logger(__name__)

Statement = tuple[str, Sequence[Any]]

# Past this a batch gains little more and its slowest member waits longer; ledger-only batches
# of 200 were measured best, and larger ones hold their locks for tens of milliseconds.
LARGEST_BATCH = 256


class Part(Protocol):
    """What the committer does for one kind of fact, during one batch."""

    def first(self) -> list[Statement]:
        """What claims and locks; each statement's rows come back through `read`."""

    def read(self, results: list[list[Any]]) -> None: ...

    def refusal(self, changes: Changes) -> Exception | None:
        """Why these changes cannot be, given what was granted before them; None if they can."""

    def grant(self, changes: Changes) -> None:
        """They will be: whoever is judged next meets the world after them."""

    def second(self) -> list[Statement]:
        """What writes everything granted."""

    def committed(self) -> None:
        """The transaction is durable."""


PartMaker = Callable[[Sequence[Changes]], Part]


@dataclass(slots=True)
class _Waiting:
    changes: Changes
    verdict: asyncio.Future[None]


class Committer:
    """Commits change sets. `parts` make, for each batch, what knows about keys, rows, money
    and events, in the order in which their locks are taken."""

    def __init__(self, pool: Pool, parts: Sequence[PartMaker]) -> None:
        self._pool = pool
        self._parts = parts
        self._queue: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    async def commit(self, changes: Changes) -> None:
        """Returns once `changes` are durable.

        Raises GuardLost or KeyTaken when another request was first, the refusal of a ledger
        floor, and Unavailable when the database was lost: then only the idempotency key can
        tell whether the changes are there.
        """
        if self._closed:
            raise Unavailable("The server is shutting down. Nothing was changed; try again.")
        waiting = _Waiting(changes, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await asyncio.shield(waiting.verdict)

    async def close(self) -> None:
        """Refuses new changes and waits until all accepted ones have their answer."""
        self._closed = True
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._flush(self._take())
        finally:
            self._running = None

    def _take(self) -> list[_Waiting]:
        """The next batch. Of several sets under one idempotency key the first goes alone: the
        others must see how it ended."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        keys: set[tuple[int, str]] = set()
        for waiting in self._queue:
            claim = waiting.changes.key
            key = (waiting.changes.tenant.id, claim.key) if claim else None
            if len(batch) == LARGEST_BATCH or key in keys:
                later.append(waiting)
                continue
            batch.append(waiting)
            if key:
                keys.add(key)
        self._queue = later
        return batch

    async def _flush(self, batch: list[_Waiting]) -> None:
        try:
            verdicts = await self._transact([waiting.changes for waiting in batch])
        except (psycopg.OperationalError, asyncio.TimeoutError) as error:
            if getattr(error, "sqlstate", None) and len(batch) > 1:
                await self._one_by_one(batch)
                return
            # Lost on the way: the commit may have happened. Trying again is for the caller,
            # whose idempotency key knows.
            log.warning("commit_lost", sets=len(batch), error=str(error))
            lost = Unavailable("The database did not answer. Try again with the same key.")
            verdicts = [lost] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                await self._one_by_one(batch)
                return
            log.error("commit_failed", error=str(error), exc_info=error)
            verdicts = [error]
        for waiting, verdict in zip(batch, verdicts, strict=True):
            if waiting.verdict.done():
                continue
            if verdict is None:
                waiting.verdict.set_result(None)
            else:
                waiting.verdict.set_exception(verdict)

    async def _one_by_one(self, batch: list[_Waiting]) -> None:
        """One set broke the merged transaction, which left nothing behind: find out which,
        and let the others pass."""
        for waiting in batch:
            await self._flush([waiting])

    async def _transact(self, sets: Sequence[Changes]) -> list[Exception | None]:
        parts = [make(sets) for make in self._parts]
        async with self._pool.point() as connection:
            try:
                async with connection.pipeline():
                    await connection.execute("BEGIN")
                    await self._first(connection, parts)
                    verdicts = [judge(parts, changes) for changes in sets]
                    for part in parts:
                        for sql, arrays in part.second():
                            await connection.execute(sql, arrays)
                    await connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    await connection.rollback()
                raise
        for part in parts:
            part.committed()
        return verdicts

    async def _first(self, connection: Connection, parts: Sequence[Part]) -> None:
        asked = []
        for part in parts:
            asked.append([await connection.execute(*statement) for statement in part.first()])
        for part, cursors in zip(parts, asked, strict=True):
            part.read([await cursor.fetchall() for cursor in cursors])


def judge(parts: Sequence[Part], changes: Changes) -> Exception | None:
    """Granted by every part or by none."""
    for part in parts:
        refusal = part.refusal(changes)
        if refusal is not None:
            return refusal
    for part in parts:
        part.grant(changes)
    return None
