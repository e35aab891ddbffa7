"""Asking a gateway, and writing down what it answered: the way that all requests share.

A gateway in this process answers at once, and one commit carries everything. Any other is
called between two commits: first the attempt is made durable, and what it is for is kept from
being asked for anything else; then comes its outcome. What a crash left between the two is
found by the attempt's row, and finished at `resolve`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Attempt,
    Declined,
    Gateway,
    Request,
    attempts,
)
from guilder_server.kernel.changes import Changes, Stored
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows import outcomes
from guilder_server.payments.ports import Tools

_DEFINITE = (ActionRequired, Approved, Declined)


class Asking(ABC):
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
    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        """What `answer` means for the subject, its money and its caller. `attempt` is as it was
        when it was asked; that it was answered is among `changes` already."""

    @classmethod
    @abstractmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Asking:
        """The same out of what `wait` has stored."""

    @classmethod
    async def known(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Done:
        """What to answer where somebody else had the gateway's answer first."""
        asking = await cls.again(tools, tenant, attempt)
        return Done(asking.subject, Changes(tenant))


async def ask(
    tools: Tools,
    changes: Changes,
    asking: Asking,
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
        answer = await gateways.call(gateway, request, tools.timeout_ms)
        changes.add(outcomes.answered(attempt, answer, tools.clock.now()))
        return await asking.settle(tools, changes, attempt, answer)
    changes.add(attempt)
    asking.wait(changes, attempt)

    async def call() -> Answer:
        return await gateways.call(gateway, request, tools.timeout_ms)

    async def resume(answer: Answer) -> Step:
        asked = await attempt_of(tools, tenant, attempt.id)
        return await resolve(tools, tenant, asked, answer, type(asking))

    return Awaiting(changes, call, resume)


async def attempt_of(tools: Tools, tenant: Tenant, attempt_id: str) -> Attempt:
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    return attempt


async def resolve(
    tools: Tools, tenant: Tenant, attempt: Attempt, answer: Answer, kind: type[Asking]
) -> Done:
    """Write down what became of an attempt, unless somebody else has done so."""
    if attempt.settled or not (attempt.open or isinstance(answer, _DEFINITE)):
        return await kind.known(tools, tenant, attempt)
    asking = await kind.again(tools, tenant, attempt)
    changes = Changes(tenant)
    changes.change(attempt, outcomes.answered(attempt, answer, tools.clock.now()))
    return await asking.settle(tools, changes, attempt, answer)
