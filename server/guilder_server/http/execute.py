"""Carrying out a request: the handler decides, the committer makes it true, and the answer is
what was committed.

A handler that relied on a row which has changed since is called again: it reads again and
decides again. A gateway that lives elsewhere is asked between two commits, and never twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Protocol

import structlog

from guilder_server.http.answer import Answer, Streamed
from guilder_server.http.answering import Answering, Request
from guilder_server.http.call import Call, Handler
from guilder_server.http.contract import Contract
from guilder_server.http.errors import kind_of
from guilder_server.http.expand import Expander
from guilder_server.http.facts import EventWriter
from guilder_server.http.idempotency import Idempotency, Key, KeyStore, in_use
from guilder_server.http.present import Views
from guilder_server.http.snapshots import Pack, Told, Unpack
from guilder_server.kernel.changes import Changes, GuardLost, KeyTaken
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Conflict, GuilderError, Unavailable
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Awaiting, Done, Elsewhere, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.kernel.traces import trace_of

log = structlog.get_logger(__name__)

# How often a request whose rows keep changing decides again. Once a gateway has acted, giving
# up leaves the payment to the sweeper, so it is put off longer.
TRIES = 5
TRIES_AFTER_CALL = 20
_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.05


class Commits(Protocol):
    async def commit(self, changes: Changes) -> None:
        """Returns once `changes` are durable. Raises GuardLost or KeyTaken when another
        request was first, and Unavailable when the database was lost."""


class Metering(Protocol):
    """Counts calls, and knows who may make no more of them."""

    def admit(self, tenant: Tenant) -> None:
        """Raises Forbidden."""

    def count(self, tenant: Tenant) -> None:
        """A call that no commit has counted."""


class Unmetered:
    """Where nobody counts."""

    def admit(self, tenant: Tenant) -> None: ...

    def count(self, tenant: Tenant) -> None: ...


class Executor:
    """`keys` finds an idempotency key; `lease` is how long a gateway may take, and more;
    `secret` keys the digests of requests; `seal` packs answers that nobody else may read; `told`
    finds the events that hold an answer."""

    def __init__(
        self,
        *,
        contract: Contract,
        committer: Commits,
        keys: KeyStore,
        views: Views,
        expander: Expander,
        ids: Ids,
        clock: Clock,
        pack: Pack,
        seal: Pack,
        unpack: Unpack,
        told: Told,
        secret: bytes,
        lease: timedelta,
        metering: Metering | None = None,
    ) -> None:
        self._metering = metering or Unmetered()
        self._operations = contract.operations
        self._committer = committer
        self._keys = Idempotency(keys, secret, pack, seal, unpack, told, clock, lease)
        events = EventWriter(ids, clock, pack)
        self._answering = Answering(views, expander, events, self._keys)
        self._running: set[asyncio.Task[Answer]] = set()

    async def run(self, handler: Handler, call: Call) -> Answer | Streamed:
        """The answer to a call, be it a refusal. Raises what is not for a key to remember:
        that the key itself was misused, that the database was lost, and faults."""
        request = self._answering.asked(call)
        answer = await self._answered(handler, call, request)
        if not request.counted:
            self._metering.count(call.tenant)
        return answer

    async def _answered(self, handler: Handler, call: Call, request: Request) -> Answer | Streamed:
        key = request.key
        try:
            if not call.operation.unmetered:
                self._metering.admit(call.tenant)
            return await self._decide(handler, call, request)
        except KeyTaken:
            return await self._replay(request)
        except Unavailable:
            raise
        except GuilderError as error:
            if key is not None and error.decided:
                return await self._keep(request, key, error)
            # What a quota has refused is not charged for.
            request.counted = request.counted or error.code == "quota_exceeded"
            # The repetition of a request that was carried out may well be refused at first
            # sight: what it wanted is no longer there to be done.
            known = await self._keys.replay(call.tenant, key) if key is not None else None
            return known or self._answering.refuse(request, error)
        except Exception:
            if key is not None and (known := await self._finished(call.tenant, key)):
                return known
            raise

    async def settle(
        self, tenant: Tenant, step: Step, recovery: dict[str, Any] | None = None
    ) -> None:
        """Carries out what a job has decided. With `recovery`, which `Call.recovery` made, it
        also answers the request that was given up: its key then holds the answer.

        Raises GuardLost when a row has changed meanwhile: read again, decide again.
        """
        request = Request(tenant)
        if recovery is not None:
            operation = self._operations[recovery["operation"]]
            request = self._answering.recovered(tenant, operation, recovery)
        if isinstance(step, Awaiting):
            await self._apart(self._ask(request, step))
        else:
            await self._finish(request, step)

    async def drain(self) -> None:
        """Waits for requests whose gateway is being asked, also those whose callers have gone."""
        while self._running:
            await asyncio.wait(self._running)

    async def _decide(self, handler: Handler, call: Call, request: Request) -> Answer | Streamed:
        for turn in range(TRIES):
            await _pause(turn)
            step = await handler(call)
            if isinstance(step, Streamed):
                return await step.begun()
            if isinstance(step, Elsewhere):
                return await self._elsewhere(request, step)
            try:
                if isinstance(step, Awaiting):
                    return await self._apart(self._ask(request, step))
                if not isinstance(step, Done):
                    step = Done(step, Changes(call.tenant))
                answer = await self._answering.finish(request, step)
                await self._commit_call(request, step.changes)
                return answer
            except GuardLost:
                continue
        raise _given_up()

    async def _elsewhere(self, request: Request, step: Elsewhere) -> Answer:
        answer: Answer | None = None

        async def claiming(result: object) -> Changes:
            nonlocal answer
            kept = Changes(request.tenant)
            answer = await self._answering.finish(request, Done(result, kept))
            return kept

        await step.write(claiming)
        assert answer is not None, "a change that nobody was told of"
        return answer

    async def _apart(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """In a task of its own: a caller that goes away does not stop it halfway."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_report)
            raise

    async def _ask(self, request: Request, step: Awaiting[Any]) -> Answer:
        """Commit, ask, commit. Raises GuardLost only while nothing has been asked."""
        # Of a request that nobody waits for, the key was claimed when it was started.
        self._answering.start(request, step.changes, claims=request.waiting)
        await self._commit_call(request, step.changes)
        while True:
            outcome = await step.call()
            following = await self._resume(request, step, outcome)
            if isinstance(following, Answer):
                return following
            step = following

    async def _resume(
        self, request: Request, step: Awaiting[Any], outcome: object
    ) -> Answer | Awaiting[Any]:
        for turn in range(TRIES_AFTER_CALL):
            await _pause(turn)
            try:
                following = await step.resume(outcome)
                if isinstance(following, Awaiting):
                    self._answering.start(request, following.changes, claims=False)
                    await self._commit(following.changes)
                    return following
                return await self._finish(request, following)
            except GuardLost:
                continue
            except GuilderError as error:
                if request.key is not None and error.decided:
                    return await self._keep(request, request.key, error, started=True)
                raise
        raise _given_up()

    async def _finish(self, request: Request, done: Done) -> Answer:
        """Commits the end of what was started, and of its key."""
        answer = await self._answering.finish(request, done, started=True)
        try:
            await self._commit(done.changes)
        except KeyTaken:
            # Somebody else has answered the request: a sweeper took it for dead, or it was not.
            # What was left open is settled all the same: the guards see to it that nothing
            # happens twice.
            done.changes.key = None
            await self._commit(done.changes)
            if request.waiting:
                return await self._replay(request)
        return answer

    async def _keep(
        self, request: Request, key: Key, error: GuilderError, *, started: bool = False
    ) -> Answer:
        """A refusal that came out of executing the request is an answer like any other."""
        answer = self._answering.refuse(request, error)
        claim = self._keys.answered(key, answer, started=started)
        try:
            await self._commit(Changes(request.tenant, key=claim))
        except KeyTaken:
            if request.waiting:
                return await self._replay(request)
        return answer

    async def _commit_call(self, request: Request, changes: Changes) -> None:
        """The first commit of a call counts it, and is the one that a quota may refuse."""
        if request.waiting and not request.counted and not changes.empty():
            changes.calls = 1
            changes.limited = request.operation is not None and not request.operation.unmetered
        await self._commit(changes)
        request.counted = request.counted or changes.calls > 0

    async def _commit(self, changes: Changes) -> None:
        if not changes.empty():
            await self._committer.commit(changes)

    async def _replay(self, request: Request) -> Answer:
        assert request.key is not None
        known = await self._keys.replay(request.tenant, request.key)
        if known is None:
            # The commit that had the key was undone between our claim and this look at it.
            raise in_use(request.key.word)
        return known

    async def _finished(self, tenant: Tenant, key: Key) -> Answer | None:
        """The answer that a key holds already, for a request that met a fault."""
        try:
            return await self._keys.replay(tenant, key)
        except GuilderError:
            return None


async def _pause(turn: int) -> None:
    """Before another turn: requests that met on a row should not meet again at once."""
    if turn:
        longest = min(_FIRST_PAUSE_S * 2**turn, _LONGEST_PAUSE_S)
        await asyncio.sleep(random.random() * longest)  # noqa: S311 - spread, not secrecy


def _given_up() -> Conflict:
    return Conflict(
        "This object cannot be accessed right now because another request is changing it. "
        "Please try again in a moment."
    )


def _report(task: asyncio.Task[Answer]) -> None:
    """What went wrong after the caller had gone, which nobody else will hear of."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not (isinstance(error, GuilderError) and kind_of(error)[0] < 500):
        log.error("abandoned_request_failed", error=type(error).__name__, trace=trace_of(error))
