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
granted ones, in one statement with a part for each table, and commits. A refused set changes
nothing and is told why; its neighbours do not notice.

What must hold: merged equals one by one, in the order in which the sets were taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import psycopg
import structlog

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.errors import Conflict, Unavailable
from guilder_server.kernel.traces import said
from guilder_server.postgres.pool import DatabaseLost, Pool
from guilder_server.postgres.statements import Statement, execute_as_one

log = structlog.get_logger(__name__)

Verdict = Exception | None  # why a change set was refused; None once it is durable

# Past this a batch gains little more and its slowest member waits longer; ledger-only batches
# of 200 were measured best, and larger ones hold their locks for tens of milliseconds.
LARGEST_BATCH = 256

# Some seconds of work. Whoever comes later is told at once: a caller that waits longer has gone.
LONGEST_QUEUE = 4096


class Part(Protocol):
    """What the committer does for one kind of fact, during one batch. One that says nothing else
    locks nothing and refuses nobody."""

    def first(self) -> list[Statement]:
        """What claims and locks; each statement's rows come back through `read`."""
        return []

    def read(self, results: list[list[Any]]) -> None:
        """The rows of what `first` asked, in its order."""
        return

    def refusal(self, changes: Changes) -> Verdict:
        """Why these changes cannot be, given what was granted before them; None if they can."""
        return None

    def grant(self, changes: Changes) -> None:
        """They will be: whoever is judged next meets the world after them."""

    def second(self) -> list[Statement]:
        """What writes everything granted. One part's statement may be checked: execute_as_one."""

    def distrust(self) -> bool:
        """The check failed, and nothing of the batch stays. Whether it was this part's, which then
        relies on nothing the next time."""
        return False


PartMaker = Callable[[Sequence[Changes]], Part]


class UnwritableChanges(Exception):
    """The database refuses a change set for what is in it: a fault in the code that made it.
    The values are left out, since this goes to the log."""

    def __init__(self, error: psycopg.Error) -> None:
        said = error.diag
        place = said.constraint_name or said.column_name or said.table_name
        super().__init__(f"{error.sqlstate} {said.message_primary} ({place})")


class _Waiting:
    """A change set whose caller waits for its verdict."""

    __slots__ = ("changes", "key", "verdict")

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.key = (changes.tenant.id, changes.key.key) if changes.key else None
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()


class Committer:
    """Commits change sets. `parts` make, for each batch, what knows about keys, rows, money
    and events, in the order in which their locks are taken. `committed` is told of sets once
    they are durable; it must not wait for anything."""

    def __init__(
        self,
        pool: Pool,
        parts: Sequence[PartMaker],
        committed: Callable[[Sequence[Changes]], None] | None = None,
    ) -> None:
        self._pool = pool
        self._parts = parts
        self._committed = committed
        self._queue: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    async def commit(self, changes: Changes) -> None:
        """Returns once `changes` are durable; they are committed also if the caller goes away.

        Raises, having changed nothing: GuardLost or KeyTaken when another request was first,
        the refusal of a ledger floor, Conflict when another holds on to a row, Unavailable.
        Raises DatabaseLost, an Unavailable too, when the database went away meanwhile: then
        only the idempotency key can tell whether the changes are there.
        """
        if self._closed:
            raise Unavailable("The server is shutting down. Nothing was changed; try again.")
        if len(self._queue) >= LONGEST_QUEUE:
            raise Unavailable("The server is overloaded. Nothing was changed; try again later.")
        waiting = _Waiting(changes)
        self._queue.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        refusal = await asyncio.shield(waiting.verdict)
        if refusal is not None:
            raise refusal

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
        keys = set()
        for waiting in self._queue:
            if len(batch) == LARGEST_BATCH or waiting.key in keys:
                later.append(waiting)
                continue
            batch.append(waiting)
            if waiting.key is not None:
                keys.add(waiting.key)
        self._queue = later
        return batch

    async def _flush(self, batch: Sequence[_Waiting]) -> None:
        """Gives every set of the batch its answer."""
        try:
            await self._settle(batch)
        except DatabaseLost as lost:
            # It may be that the COMMIT arrived. Trying again is for the callers, whose
            # idempotency keys know.
            unanswered = [waiting for waiting in batch if not waiting.verdict.done()]
            log.warning("commit_lost", sets=len(unanswered), error=said(lost.__cause__ or lost))
            for waiting in unanswered:
                waiting.verdict.set_result(DatabaseLost())

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            verdicts = await self._transact([waiting.changes for waiting in batch])
        except DatabaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for the set that broke
            if len(batch) > 1:
                # The transaction left nothing behind. Alone, a set breaks nobody but itself.
                for waiting in batch:
                    await self._settle([waiting])
                return
            verdicts = [_verdict_on(error)]
        for waiting, verdict in zip(batch, verdicts, strict=True):
            waiting.verdict.set_result(verdict)
        if self._committed is not None:
            together = zip(batch, verdicts, strict=True)
            self._committed([waiting.changes for waiting, verdict in together if not verdict])

    async def _transact(self, sets: Sequence[Changes]) -> list[Verdict]:
        """A verdict on each set. If it raises anything but DatabaseLost, nothing has changed."""
        parts = [make(sets) for make in self._parts]
        try:
            return await self._carried_out(parts, sets)
        except psycopg.errors.DivisionByZero:
            distrusted = [part.distrust() for part in parts]
            if not any(distrusted):
                raise
        return await self._transact(sets)

    async def _carried_out(self, parts: Sequence[Part], sets: Sequence[Changes]) -> list[Verdict]:
        async with self._pool.transaction({changes.tenant.id for changes in sets}) as connection:
            asked = [[await connection.execute(*one) for one in part.first()] for part in parts]
            for part, cursors in zip(parts, asked, strict=True):
                part.read([await cursor.fetchall() for cursor in cursors])
            verdicts = [_judge(parts, changes) for changes in sets]
            writes = [one for part in parts for one in part.second()]
            await execute_as_one(connection, writes)
        return verdicts


def _judge(parts: Sequence[Part], changes: Changes) -> Verdict:
    """Granted by every part or by none."""
    for part in parts:
        refusal = part.refusal(changes)
        if refusal is not None:
            return refusal
    for part in parts:
        part.grant(changes)
    return None


def _verdict_on(error: Exception) -> Exception:
    """What the caller of a set hears whose transaction failed although it was alone."""
    match error:
        case (
            psycopg.errors.LockNotAvailable()
            | psycopg.errors.DeadlockDetected()
            | psycopg.errors.SerializationFailure()
        ):
            return Conflict(
                "Another request holds on to this object. Nothing was changed; try again."
            )
        case psycopg.errors.UniqueViolation() if _is_guard(error):
            return GuardLost("another request was first")
        case psycopg.OperationalError() | psycopg.errors.ReadOnlySqlTransaction():
            log.error("commit_refused", error=said(error))
            return Unavailable("The database cannot write. Nothing was changed; try again later.")
        case psycopg.Error():
            return UnwritableChanges(error)
        case _:
            return error


def _is_guard(error: psycopg.Error) -> bool:
    """Whether the row that is there already came from a request that was faster, which another
    look would have found: said by the name of the constraint."""
    return (error.diag.constraint_name or "").endswith("_guard")
