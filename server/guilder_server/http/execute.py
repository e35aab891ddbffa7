"""Carrying out a request: the handler decides, the committer makes it true, and the answer is
what was committed.

The bytes of an answer exist before the commit that they tell of, so that an idempotency key
can carry them in the same transaction. A handler that relied on a row which has changed since
is called again: it reads again and decides again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import structlog

from guilder_server.http.answer import Answer
from guilder_server.http.call import Call, Handler
from guilder_server.http.contract import Contract
from guilder_server.http.errors import answer_error, kind_of
from guilder_server.http.expand import Expander, Plan
from guilder_server.http.facts import EventWriter
from guilder_server.http.idempotency import Idempotency, Key, KeyStore, in_use
from guilder_server.http.operation import Operation
from guilder_server.http.present import Rendering, Views, encode
from guilder_server.http.snapshots import Pack, Unpack
from guilder_server.kernel.changes import Changes, GuardLost, KeyTaken
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Conflict, GuilderError, Unavailable
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant

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


@dataclass(frozen=True, slots=True)
class _Request:
    """What an answer depends on besides the result; a sweeper knows it of a lost request."""

    tenant: Tenant
    operation: Operation | None
    url: str
    plan: Plan | None
    request_id: str | None
    key: Key | None
    word: str | None


class Executor:
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
        unpack: Unpack,
        secret: bytes,
        lease: timedelta,
    ) -> None:
        self._operations = contract.operations
        self._committer = committer
        self._views, self._expander = views, expander
        self._events = EventWriter(ids, clock, pack)
        self._keys = Idempotency(keys, secret, pack, unpack, clock, lease)
        self._running: set[asyncio.Task[Answer]] = set()

    async def run(self, handler: Handler, call: Call) -> Answer:
        """The answer to a call. Raises GuilderError where nothing was decided."""
        plan = self._expander.plan(call.operation, call.expand)
        key = self._keys.key_of(call)
        request = _Request(
            call.tenant,
            call.operation,
            call.url,
            plan,
            call.request_id,
            key,
            call.idempotency_key,
        )
        try:
            return await self._decide(handler, call, request)
        except KeyTaken:
            assert key is not None
            return await self._replay(call.tenant, key)
        except Unavailable:
            raise
        except GuilderError as error:
            if key is None:
                return self._refusal(error, Rendering(self._views, call.tenant))
            if error.decided:
                return await self._keep_refusal(request, key, error)
            # The repetition of a request that was carried out may well be refused at first
            # sight: what it wanted is no longer there to be done.
            known = await self._keys.replay(call.tenant, key)
            return known or self._refusal(error, Rendering(self._views, call.tenant))
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
        request = self._recovered(tenant, recovery)
        if isinstance(step, Awaiting):
            await self._apart(self._ask(request, step, claimed=True))
            return
        try:
            await self._commit(request, step, started=True)
        except KeyTaken:
            # The request was answered after all. What it left open is settled all the same:
            # the guards see to it that nothing happens twice.
            step.changes.key = None
            await self._committer.commit(step.changes)

    async def drain(self) -> None:
        """Waits for requests whose gateway is being asked, also those whose callers have gone."""
        while self._running:
            await asyncio.wait(self._running)

    async def _decide(self, handler: Handler, call: Call, request: _Request) -> Answer:
        for turn in range(TRIES):
            await _pause(turn)
            step = await handler(call)
            try:
                if isinstance(step, Awaiting):
                    return await self._apart(self._ask(request, step))
                if not isinstance(step, Done):
                    step = Done(step, Changes(call.tenant))
                return await self._commit(request, step)
            except GuardLost:
                continue
        raise _given_up()

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

    async def _ask(
        self, request: _Request, step: Awaiting[Any], *, claimed: bool = False
    ) -> Answer:
        """Commit, ask, commit. Raises GuardLost only while nothing has been asked."""
        await self._begin(request, step, claims=not claimed)
        while True:
            outcome = await step.call()
            following = await self._resume(request, step, outcome)
            if isinstance(following, Answer):
                return following
            step = following

    async def _resume(
        self, request: _Request, step: Awaiting[Any], outcome: object
    ) -> Answer | Awaiting[Any]:
        for turn in range(TRIES_AFTER_CALL):
            await _pause(turn)
            try:
                following = await step.resume(outcome)
                if isinstance(following, Awaiting):
                    await self._begin(request, following, claims=False)
                    return following
                return await self._commit(request, following, started=True)
            except GuardLost:
                continue
            except KeyTaken:
                # A sweeper took this request for dead and has answered it.
                assert request.key is not None
                return await self._replay(request.tenant, request.key)
            except GuilderError as error:
                if error.decided and request.key is not None:
                    return await self._keep_refusal(request, request.key, error, started=True)
                raise
        raise _given_up()

    async def _begin(self, request: _Request, step: Awaiting[Any], *, claims: bool) -> None:
        changes = step.changes
        self._write_events(request, changes, Rendering(self._views, request.tenant))
        if claims and request.key is not None:
            changes.key = self._keys.started(request.key)
        await self._committer.commit(changes)

    async def _commit(self, request: _Request, done: Done, *, started: bool = False) -> Answer:
        changes = done.changes
        rendering = Rendering(self._views, request.tenant)
        if done.refusal is None:
            answer = Answer(200, await self._body(request, done, rendering))
        else:
            answer = self._refusal(done.refusal, rendering)
        self._write_events(request, changes, rendering)
        # An answer of 500 and above says that nothing is known; it is not what a key stands for.
        if request.key is not None and answer.status < 500:
            changes.key = self._keys.answered(request.key, answer, started=started)
        if not changes.empty():
            await self._committer.commit(changes)
        return answer

    async def _body(self, request: _Request, done: Done, rendering: Rendering) -> bytes:
        operation = request.operation
        if operation is None:
            return b""
        if request.plan is None:
            return rendering.encoded_result(done.result, operation, request.url)
        shown = rendering.result(done.result, operation, request.url)
        latest = done.changes.latest()
        await self._expander.expand(shown, request.plan, request.tenant, latest)
        return encode(shown)

    def _write_events(self, request: _Request, changes: Changes, rendering: Rendering) -> None:
        self._events.write(changes, rendering, request.request_id, request.word)

    async def _keep_refusal(
        self, request: _Request, key: Key, error: GuilderError, *, started: bool = False
    ) -> Answer:
        """A refusal that came out of executing the request is an answer like any other."""
        answer = self._refusal(error, Rendering(self._views, request.tenant))
        claim = self._keys.answered(key, answer, started=started)
        try:
            await self._committer.commit(Changes(request.tenant, key=claim))
        except KeyTaken:
            return await self._replay(request.tenant, key)
        return answer

    def _refusal(self, error: GuilderError, rendering: Rendering) -> Answer:
        if error.subject is None:
            return answer_error(error)
        noun = rendering.wire(error.subject)["object"]
        return answer_error(error, (noun, rendering.raw(error.subject)))

    async def _replay(self, tenant: Tenant, key: Key) -> Answer:
        known = await self._keys.replay(tenant, key)
        if known is None:
            # The commit that had the key was undone between our claim and this look at it.
            raise in_use(key.word)
        return known

    async def _finished(self, tenant: Tenant, key: Key) -> Answer | None:
        """The answer that a key holds already, for a request that met a fault."""
        try:
            return await self._keys.replay(tenant, key)
        except GuilderError:
            return None

    def _recovered(self, tenant: Tenant, recovery: dict[str, Any] | None) -> _Request:
        if recovery is None:
            return _Request(tenant, None, "", None, None, None, None)
        operation = self._operations[recovery["operation"]]
        word = recovery["key"]
        return _Request(
            tenant,
            operation,
            operation.path.format_map(recovery["path"]),
            self._expander.plan(operation, tuple(recovery["expand"])),
            recovery["request_id"],
            # A finish does not look at the fingerprint, which the start has stored.
            Key(word, b"", recovery["fence"]) if word is not None else None,
            word,
        )


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
        log.error("abandoned_request_failed", error=type(error).__name__, exc_info=error)
