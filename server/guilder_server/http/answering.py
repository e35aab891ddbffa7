"""What is answered, and what is committed together with it.

The bytes of an answer exist before the commit that they tell of, so that an idempotency key
can carry them in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guilder_server.http.answer import Answer
from guilder_server.http.auth import require_seen
from guilder_server.http.call import Call
from guilder_server.http.errors import answer_error
from guilder_server.http.expand import Expander, Plan
from guilder_server.http.facts import EventWriter
from guilder_server.http.idempotency import Idempotency, Key
from guilder_server.http.operation import Operation
from guilder_server.http.present import Rendering, Views, encode
from guilder_server.kernel.actor import Actor, job_at_work
from guilder_server.kernel.audit import Cause
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import GuilderError
from guilder_server.kernel.steps import Done
from guilder_server.kernel.tenant import Tenant


@dataclass(slots=True)
class Request:
    """What an answer depends on besides the result.

    `operation` and `actor` are None for a job that answers nobody. `waiting` says that somebody
    waits for the answer; of a request whose process died, only the key still wants it.
    """

    tenant: Tenant
    operation: Operation | None = None
    url: str = ""
    plan: Plan | None = None
    request_id: str | None = None
    key: Key | None = None
    waiting: bool = False
    actor: Actor | None = None
    # Whether the call is among those that a commit has counted, or is not to be counted at all.
    counted: bool = False


class Answering:
    def __init__(
        self, views: Views, expander: Expander, events: EventWriter, keys: Idempotency
    ) -> None:
        self._views, self._expander = views, expander
        self._events, self._keys = events, keys

    def asked(self, call: Call) -> Request:
        """Raises InvalidRequest when `expand` names what cannot be expanded, and Forbidden when
        it names what the caller may not see."""
        plan = self._expander.plan(call.operation, call.expand)
        if plan is not None:
            require_seen(call.credential, plan.permissions)
        key = self._keys.key_of(call)
        return Request(
            call.tenant,
            call.operation,
            call.url,
            plan,
            call.request_id,
            key,
            waiting=True,
            actor=call.actor,
        )

    def recovered(self, tenant: Tenant, operation: Operation, recovery: dict[str, Any]) -> Request:
        """A request of another process, from what `Call.recovery` kept of it."""
        key = None
        if recovery["key"] is not None:
            # A finish does not look at the fingerprint, which the start has stored.
            key = Key(recovery["key"], b"", recovery["fence"], operation.confidential)
        return Request(
            tenant,
            operation,
            operation.url(recovery["path"]),
            self._expander.plan(operation, tuple(recovery["expand"])),
            recovery["request_id"],
            key,
        )

    def start(self, request: Request, changes: Changes, *, claims: bool) -> None:
        """Completes changes that are committed before a gateway is asked."""
        self._tell(request, changes, Rendering(self._views, request.tenant))
        if claims and request.key is not None:
            changes.key = self._keys.started(request.key)

    async def finish(self, request: Request, done: Done, *, started: bool = False) -> Answer:
        """The answer to a request that is done, with its changes completed."""
        rendering = Rendering(self._views, request.tenant)
        if done.refusal is None:
            answer = Answer(200, await self._body(request, done, rendering))
        else:
            answer = self._refusal(done.refusal, rendering)
        self._tell(request, done.changes, rendering)
        # An answer of 500 and above says that nothing is known; it is not what a key stands for.
        if request.key is not None and answer.status < 500:
            event = _teller(request, done)
            done.changes.key = self._keys.answered(
                request.key, answer, started=started, event=event
            )
        return answer

    def refuse(self, request: Request, error: GuilderError) -> Answer:
        return self._refusal(error, Rendering(self._views, request.tenant))

    async def _body(self, request: Request, done: Done, rendering: Rendering) -> bytes:
        if request.operation is None:
            return b""
        if request.plan is None:
            return rendering.encoded_result(done.result, request.operation, request.url)
        shown = rendering.result(done.result, request.operation, request.url)
        latest = done.changes.latest()
        await self._expander.expand(shown, request.plan, request.tenant, latest)
        return encode(shown)

    def _tell(self, request: Request, changes: Changes, rendering: Rendering) -> None:
        word = request.key.word if request.key is not None else None
        self._events.write(changes, rendering, request.request_id, word)
        actor = request.actor or job_at_work()
        action = actor.id if request.operation is None else request.operation.id
        changes.cause = Cause(actor, action, request.request_id)

    def _refusal(self, error: GuilderError, rendering: Rendering) -> Answer:
        if error.subject is None:
            return answer_error(error)
        noun = rendering.wire(error.subject)["object"]
        return answer_error(error, (noun, rendering.raw(error.subject)))


def _teller(request: Request, done: Done) -> str | None:
    """The event of this commit whose object is the answer, as it is."""
    if done.refusal is not None or request.plan is not None:
        return None
    pairs = zip(done.changes.facts, done.changes.events, strict=True)
    return next((event.id for fact, event in pairs if fact.subject is done.result), None)
