"""Finishing what a crash or a lost reply left in between, by asking the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import Answer, Attempt, attempts
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.steps import Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows import asking
from guilder_server.payments.flows.asking import Asking, attempt_of
from guilder_server.payments.flows.authorizing import Authorizing
from guilder_server.payments.flows.capturing import Holding, holding, release
from guilder_server.payments.flows.charging import Charging
from guilder_server.payments.flows.intending import as_browsers_see
from guilder_server.payments.flows.refunding import Refunding
from guilder_server.payments.ports import Tools, Wish


@dataclass(frozen=True, slots=True)
class InHand:
    """An attempt that this process has taken over. `changes` must be committed before the
    gateway is asked: they keep every other process off it."""

    changes: Changes
    attempt_id: str
    recovery: dict[str, Any]


async def take(tools: Tools, tenant: Tenant, attempt_id: str) -> InHand | None:
    """Take over an attempt whose lease has run out; None if somebody else was faster."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    now = tools.clock.now()
    if attempt is None or not attempt.open or (attempt.lease_until and attempt.lease_until > now):
        return None
    changes = Changes(tenant)
    changes.change(attempt, attempts.lease(attempt, now + tools.lease))
    # What a job began has nobody waiting for its answer.
    waiting = attempt.recovery if "operation" in attempt.recovery else {}
    return InHand(changes, attempt_id, waiting)


async def ask(tools: Tools, tenant: Tenant, attempt_id: str) -> Answer:
    """What the gateway knows of it. Never charges a card that was charged already."""
    attempt = await attempt_of(tools, tenant, attempt_id)
    return await gateways.ask(tools.gateway(attempt.gateway), attempt, tools.timeout_ms)


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Step:
    """Write down the answer where it belongs."""
    attempt = await attempt_of(tools, tenant, attempt_id)
    done = await asking.resolve(tools, tenant, attempt, answer, _what_was_asked(attempt))
    return as_browsers_see(done) if attempt.recovery.get("by_browser") else done


def _what_was_asked(attempt: Attempt) -> type[Asking]:
    if attempt.kind == "refund":
        return Refunding
    if attempt.kind != "authorize":
        return Holding
    return Charging if attempt.subject_id.startswith("ch_") else Authorizing


async def expire_hold(tools: Tools, tenant: Tenant, charge_id: str) -> Step | None:
    """Release a hold that the network no longer keeps, and cancel its payment. None where
    somebody was faster, or is at it."""
    charge = await tools.store.charge(tenant, charge_id)
    if charge is None or not charge.held:
        return None
    hold = Holding(charge, None)
    if charge.payment_intent_id is not None:
        intent = await tools.store.intent(tenant, charge.payment_intent_id)
        assert intent is not None, f"{charge.id} names an intent that is not there"
        hold = await holding(tools, tenant, intent)
    if hold.subject.attempt_id is not None:
        return None
    return await release(tools, Wish(tenant, {}), hold, "expired")
