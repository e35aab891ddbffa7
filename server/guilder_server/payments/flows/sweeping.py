"""Finishing what a crash or a lost reply left in between, and what has run out."""

from __future__ import annotations

from guilder_server.gateways import Answer, Asking, Attempt, attempt_of, resolve_attempt
from guilder_server.kernel.steps import Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows.authorizing import Authorizing
from guilder_server.payments.flows.capturing import Holding, holding, release
from guilder_server.payments.flows.charging import Charging
from guilder_server.payments.flows.intending import as_browsers_see
from guilder_server.payments.flows.refunding import Refunding
from guilder_server.payments.ports import Tools, Wish


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Step:
    """Write down the answer where it belongs."""
    attempt = await attempt_of(tools, tenant, attempt_id)
    done = await resolve_attempt(tools, tenant, attempt, answer, _what_was_asked(attempt))
    return as_browsers_see(done) if attempt.recovery.get("by_browser") else done


def _what_was_asked(attempt: Attempt) -> type[Asking[Tools]]:
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
