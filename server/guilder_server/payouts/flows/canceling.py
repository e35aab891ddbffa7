"""Canceling a payout.

Whether it has been sent, only the gateway knows. So it is asked to stop the payout, and what it
answers is written down as any other answer about that attempt: by whoever has the attempt in hand,
once. The attempt keeps the wish to cancel meanwhile, for whoever finishes it after a crash.
"""

from __future__ import annotations

from guilder_server.gateways import (
    Answer,
    Attempt,
    ask_about,
    attempt_of,
    attempts,
    resolve_attempt,
    stop,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain import payout as rules
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.flows.finding import found
from guilder_server.payouts.flows.sending import Sending
from guilder_server.payouts.ports import Tools, Wish

_WISH = "cancel"


async def cancel_payout(tools: Tools, wish: Wish, id: str) -> Step:
    tenant = wish.tenant
    payout = await found(tools, tenant, id)
    rules.refuse_unstoppable(payout)
    attempt = await attempt_of(tools, tenant, payout.attempt_id)
    if not attempt.open:
        raise rules.not_canceled(await found(tools, tenant, id))
    gateway = tools.gateway(payout.gateway)
    if gateway.capabilities.in_process:
        answer = await stop(gateway, attempt, tools.timeout_ms)
        return _told(await resolve_attempt(tools, tenant, attempt, answer, Sending))
    if attempt.unheard or attempt.recovery:
        raise rules.being_asked(payout)
    leased = attempts.lease(attempt, tools.clock.now() + tools.lease)
    changes = Changes(tenant)
    changes.change(attempt, replace(leased, recovery={**wish.recovery, _WISH: True}))

    async def call() -> Answer:
        return await stop(gateway, attempt, tools.timeout_ms)

    async def resume(answer: Answer) -> Step:
        asked = await attempt_of(tools, tenant, attempt.id)
        return _told(await resolve_attempt(tools, tenant, asked, answer, Sending))

    return Awaiting(changes, call, resume)


async def ask(tools: Tools, attempt: Attempt) -> Answer:
    """What became of an attempt that was left behind, or of the wish to stop it."""
    if _WISH in attempt.recovery:
        return await stop(tools.gateway(attempt.gateway), attempt, tools.timeout_ms)
    return await ask_about(tools, attempt)


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Step:
    """Write down what became of such an attempt."""
    attempt = await attempt_of(tools, tenant, attempt_id)
    done = await resolve_attempt(tools, tenant, attempt, answer, Sending)
    return _told(done) if _WISH in attempt.recovery else done


def _told(done: Done) -> Done:
    """What whoever wanted to cancel it hears."""
    payout = done.result
    assert isinstance(payout, Payout)
    if payout.status == "canceled" and not done.changes.empty():
        return done
    return Done(payout, done.changes, rules.not_canceled(payout))
