"""Finishing what a crash or a lost reply left in between, by asking the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import Answer, attempts
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows import authorizing, capturing, charging, refunding
from guilder_server.payments.ports import Tools


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
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was taken in hand and is gone"
    return await gateways.ask(tools.gateway(attempt.gateway), attempt, tools.timeout_ms)


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Done:
    """Write down the answer where it belongs."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was taken in hand and is gone"
    if attempt.kind == "refund":
        return await refunding.resolve(tools, tenant, attempt_id, answer)
    if attempt.kind != "authorize":
        return await capturing.resolve(tools, tenant, attempt_id, answer)
    if attempt.subject_id.startswith("ch_"):
        return await charging.resolve(tools, tenant, attempt_id, answer)
    return await authorizing.resolve(tools, tenant, attempt_id, answer)


async def expire_hold(tools: Tools, tenant: Tenant, charge_id: str) -> Step | None:
    """Release a hold that the network no longer keeps, and cancel its payment."""
    charge = await tools.store.charge(tenant, charge_id)
    if charge is None or not charge.held:
        return None
    if charge.payment_intent_id is None:
        return capturing.expire_charge(tenant, charge)
    intent = await tools.store.intent(tenant, charge.payment_intent_id)
    if intent is None or intent.status != "requires_capture" or intent.attempt_id is not None:
        return None
    return await capturing.cancel_intent(tools, tenant, intent, "expired", {})
