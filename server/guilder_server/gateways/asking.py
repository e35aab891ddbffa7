"""Asking a gateway, and writing down what it answered: the way that all requests share.

A gateway in this process answers at once, and one commit carries everything. Any other is
called between two commits: first the attempt is made durable, and what it is for is kept from
being asked for anything else; then comes its outcome. What a crash left between the two is
found by the attempt's row, and finished at `resolve_attempt`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from guilder_server.gateways.calling import call as call_gateway
from guilder_server.gateways.domain import attempts
from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.outcomes import (
    ActionRequired,
    Answer,
    Approved,
    Declined,
    NotFound,
    Pending,
    Unknown,
)
from guilder_server.gateways.domain.requests import Request
from guilder_server.gateways.ports import Attempts, Gateway
from guilder_server.kernel.changes import Changes, Stored
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant

AUTHENTICATION_REQUIRED = Declined(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
    reason="authentication_required",
)

# A lost reply is asked about soon, then more rarely, but never left for a minute.
ASK_AGAIN_FIRST = timedelta(seconds=3)
ASK_AGAIN_LATEST = timedelta(seconds=30)

_DEFINITE = (ActionRequired, Approved, Declined)


class Desk(Protocol):
    """What whoever asks gateways has at hand. `lease` is how long a request to a gateway may take
    before others may ask what became of it."""

    @property
    def attempts(self) -> Attempts: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def timeout_ms(self) -> int: ...

    @property
    def lease(self) -> timedelta: ...

    def gateway(self, name: str) -> Gateway: ...


D = TypeVar("D", bound=Desk)


class Asking(ABC, Generic[D]):
    """What a gateway is asked for, with all that its answer will change.

    It is made by the request that asks, and made `again` from what is stored by whoever
    comes back with the answer, perhaps in another process.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def subject(self) -> Stored:
        """What the request is for, and what the caller is shown in the end."""

    @abstractmethod
    def wait(self, changes: Changes, attempt: Attempt) -> Stored:
        """The subject while the answer is awaited. Changes nothing where it waits already."""

    @abstractmethod
    async def settle(self, tools: D, changes: Changes, attempt: Attempt, answer: Answer) -> Done:
        """What `answer` means for the subject, its money and its caller. `attempt` is as it was
        when it was asked; that it was answered is among `changes` already."""

    @classmethod
    @abstractmethod
    async def again(cls, tools: D, tenant: Tenant, attempt: Attempt) -> Asking[D]:
        """The same out of what `wait` has stored."""

    @classmethod
    async def known(cls, tools: D, tenant: Tenant, attempt: Attempt) -> Done:
        """What to answer where somebody else had the gateway's answer first."""
        asking = await cls.again(tools, tenant, attempt)
        return Done(asking.subject, Changes(tenant))


async def ask_for(
    tools: D,
    changes: Changes,
    asking: Asking[D],
    request: Request,
    gateway: Gateway,
    recovery: Mapping[str, Any],
) -> Step:
    """Ask `gateway` for `request`. `changes` are what must be true before it is asked."""
    tenant = changes.tenant
    attempt = attempts.begin(
        request,
        subject_id=asking.subject.id,
        gateway=gateway.name,
        lease_until=request.made_at + tools.lease,
        recovery=dict(recovery),
    )
    if gateway.capabilities.in_process:
        answer = await call_gateway(gateway, request, tools.timeout_ms)
        changes.add(answered(attempt, answer, tools.clock.now()))
        return await asking.settle(tools, changes, attempt, answer)
    changes.add(attempt)
    asking.wait(changes, attempt)

    async def call() -> Answer:
        return await call_gateway(gateway, request, tools.timeout_ms)

    async def resume(answer: Answer) -> Step:
        asked = await attempt_of(tools, tenant, attempt.id)
        return await resolve_attempt(tools, tenant, asked, answer, type(asking))

    return Awaiting(changes, call, resume)


async def attempt_of(tools: Desk, tenant: Tenant, attempt_id: str) -> Attempt:
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    return attempt


async def resolve_attempt(
    tools: D, tenant: Tenant, attempt: Attempt, answer: Answer, kind: type[Asking[D]]
) -> Done:
    """Write down what became of an attempt, unless somebody else has done so."""
    if attempt.settled or not (attempt.open or isinstance(answer, _DEFINITE)):
        return await kind.known(tools, tenant, attempt)
    asking = await kind.again(tools, tenant, attempt)
    changes = Changes(tenant)
    changes.change(attempt, answered(attempt, answer, tools.clock.now()))
    return await asking.settle(tools, changes, attempt, answer)


def answered(attempt: Attempt, answer: Answer, now: datetime) -> Attempt:
    """The attempt once the gateway has said something of it: settled, to be asked about again,
    or left to a person. With that the caller is answered, so how to do that is forgotten; what
    follows from the gateway's final word is kept."""
    after = _answered(attempt, answer, now)
    then = {name: kept for name, kept in after.recovery.items() if name == "then"}
    return replace(after, recovery=then)


def ask_again_at(asked_first: datetime, now: datetime) -> datetime:
    """When to ask again about something that got no answer this time."""
    return now + min(max(ASK_AGAIN_FIRST, (now - asked_first) / 2), ASK_AGAIN_LATEST)


def _answered(attempt: Attempt, answer: Answer, now: datetime) -> Attempt:
    match answer:
        case Approved():
            return attempts.succeed(attempt, answer)
        case Declined():
            return attempts.fail(attempt, answer)
        case ActionRequired() if attempt.kind == "refund":
            return attempts.reconcile(attempt, "the customer must say where the money shall go")
        case ActionRequired():
            return attempts.fail(attempt, AUTHENTICATION_REQUIRED)
        case Pending():
            return attempts.wait(attempt, answer)
        case NotFound():
            return attempts.reconcile(
                attempt, "the gateway does not know it and may not be sent it twice"
            )
        case Unknown():
            return attempts.lose(attempt, answer.reason, ask_again_at(attempt.created, now))
