"""Giving money back.

A refund is promised before the gateway is asked: in one commit the charge counts it, the
ledger moves the money out of the merchant's balance, and only then does it leave. Two refunds
that together exceed the capture meet on the charge's row, and one of them reads again. A
refund that does not arrive is taken back by a reversal, never by an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Attempt,
    Declined,
    Pending,
    RefundRequest,
    attempts,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import charges, refunds
from guilder_server.payments.domain.amounts import part
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import outcomes
from guilder_server.payments.flows.posting import post_refund, post_refund_failure
from guilder_server.payments.ports import Tools


async def create_refund(
    tools: Tools, tenant: Tenant, given: Mapping[str, Any], recovery: Mapping[str, Any]
) -> Step:
    charge = await _charge_to_refund(tools, tenant, given)
    amount = part(given["amount"], "amount") if "amount" in given else charge.refundable
    charges.require_refundable(charge, amount)
    charges.require_idle(charge)
    changes = Changes(tenant)
    refund = Refund(
        id=tools.ids.new("re"),
        version=1,
        created=tools.clock.now(),
        status="pending",
        amount=amount,
        currency=charge.currency,
        charge_id=charge.id,
        payment_intent_id=charge.payment_intent_id,
        customer_id=charge.customer_id,
        payment_method_id=charge.payment_method_id,
        reason=given.get("reason"),
        metadata=merge({}, given.get("metadata", {})),
    )
    refund = replace(
        refund, balance_transaction_id=post_refund(tools, changes, charge, refund)
    )
    after_charge = charges.refund(charge, amount)
    if refund.reason == "fraudulent":
        after_charge = replace(after_charge, fraud_details={"user_report": "fraudulent"})
    after_charge = changes.change(charge, after_charge)
    return await _ask(tools, tenant, changes, refund, after_charge, recovery)


async def _charge_to_refund(tools: Tools, tenant: Tenant, given: Mapping[str, Any]) -> Charge:
    charge_id, intent_id = given.get("charge"), given.get("payment_intent")
    if charge_id is None and intent_id is None:
        raise InvalidRequest(
            "parameter_missing",
            "Say what to refund: one of charge and payment_intent is required.",
            "payment_intent",
        )
    if intent_id is not None:
        intent = await tools.store.intent(tenant, intent_id)
        if intent is None:
            raise NoSuchReference("payment_intent", intent_id, "payment_intent")
        if intent.latest_charge_id is None or intent.amount_received == 0:
            raise Refused(
                "charge_not_refundable",
                f"This PaymentIntent ({intent.id}) has taken no money that could be refunded: "
                f"its status is {intent.status}.",
                "payment_intent",
            )
        if charge_id is not None and charge_id != intent.latest_charge_id:
            raise InvalidRequest(
                "parameter_invalid",
                "The charge does not belong to the payment_intent; give only one of them.",
                "charge",
            )
        charge_id = intent.latest_charge_id
    charge = await tools.store.charge(tenant, str(charge_id))
    if charge is None:
        raise NoSuchReference("charge", str(charge_id), "charge")
    return charge


async def _ask(
    tools: Tools,
    tenant: Tenant,
    changes: Changes,
    refund: Refund,
    charge: Charge,
    recovery: Mapping[str, Any],
) -> Step:
    """`charge` is as it will be once `changes` are committed."""
    gateway = tools.gateway(charge.gateway)
    now = tools.clock.now()
    request = RefundRequest(
        attempt_id=tools.ids.new("att"),
        made_at=now,
        money=refund.money,
        instrument=charge.instrument,
        reference=charge.reference or "",
        reason=refund.reason,
    )
    attempt = attempts.begin(
        request,
        subject_id=refund.id,
        gateway=gateway.name,
        lease_until=now + tools.lease,
        recovery=dict(recovery),
    )
    if not gateway.capabilities.in_process:
        changes.add(attempt)
        changes.add(refund)
        changes.record("refund.created", refund)
        changes.record("charge.refunded", charge)

        async def resume(answer: Answer) -> Step:
            return await resolve(tools, tenant, attempt.id, answer)

        return Awaiting(
            changes, lambda: gateways.call(gateway, request, tools.timeout_ms), resume
        )
    answer = await gateways.call(gateway, request, tools.timeout_ms)
    settled = _settled(refund, answer)
    changes.record("refund.created", settled)
    changes.record("charge.refunded", charge)
    if isinstance(answer, Declined):
        changes.add(attempts.fail(attempt, answer))
        return Done(_failed(tools, changes, None, refund, charge, answer), changes)
    if isinstance(answer, Approved):
        changes.add(attempts.succeed(attempt, answer))
    else:
        changes.add(outcomes.unsettled(attempt, answer, now))
    return Done(changes.add(settled), changes)


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Done:
    """Write down what became of a refund, unless somebody else has done so."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    refund = await tools.store.refund(tenant, attempt.subject_id)
    assert refund is not None, f"{attempt_id} is for a refund that is not there"
    changes = Changes(tenant)
    if not attempt.open:
        return Done(refund, changes)
    if isinstance(answer, Declined):
        charge = await tools.store.charge(tenant, refund.charge_id)
        assert charge is not None, f"{refund.id} names a charge that is not there"
        changes.change(attempt, attempts.fail(attempt, answer))
        return Done(_failed(tools, changes, refund, refund, charge, answer), changes)
    if isinstance(answer, Approved):
        changes.change(attempt, attempts.succeed(attempt, answer))
    else:
        changes.change(attempt, _unsettled(attempt, answer, tools))
    after = _settled(refund, answer)
    if after == refund:
        return Done(refund, changes)
    after = changes.change(refund, after)
    changes.record("refund.updated", after, refund)
    changes.record("charge.refund.updated", after, refund)
    return Done(after, changes)


def _unsettled(attempt: Attempt, answer: Answer, tools: Tools) -> Attempt:
    if isinstance(answer, ActionRequired):
        return attempts.fail(attempt, outcomes.AUTHENTICATION_REQUIRED)
    return outcomes.unsettled(attempt, answer, tools.clock.now())


def _settled(refund: Refund, answer: Answer) -> Refund:
    match answer:
        case Approved():
            return refunds.succeed(refund, answer.reference)
        case Pending(shown="succeeded"):
            return refunds.succeed(refund, answer.reference)
        case ActionRequired():
            return replace(refund, status="requires_action", reference=answer.reference)
        case _:
            return refund


def _failed(
    tools: Tools,
    changes: Changes,
    before: Refund | None,
    refund: Refund,
    charge: Charge,
    answer: Declined,
) -> Refund:
    """The money is the merchant's again, and may be refunded again."""
    transaction = post_refund_failure(tools, changes, charge, refund)
    changes.change(charge, charges.take_back_refund(charge, refund.amount))
    reason = answer.reason or answer.decline_code or "unknown"
    after = changes.save(before, refunds.fail(refund, reason, transaction))
    changes.record("refund.failed", after)
    changes.record("refund.updated", after, refund)
    changes.record("charge.refund.updated", after, refund)
    return after


async def cancel_refund(tools: Tools, tenant: Tenant, id: str) -> Step:
    refund = await tools.store.refund(tenant, id)
    if refund is None:
        raise NotFound("refund", id, "refund")
    refunds.require_cancelable(refund)
    charge = await tools.store.charge(tenant, refund.charge_id)
    assert charge is not None, f"{refund.id} names a charge that is not there"
    changes = Changes(tenant)
    transaction = post_refund_failure(tools, changes, charge, refund)
    changes.change(charge, charges.take_back_refund(charge, refund.amount))
    after = changes.change(refund, refunds.cancel(refund, transaction))
    changes.record("refund.updated", after, refund)
    changes.record("charge.refund.updated", after, refund)
    return Done(after, changes)


async def update_refund(
    tools: Tools, tenant: Tenant, id: str, given: Mapping[str, Any]
) -> Step:
    refund = await tools.store.refund(tenant, id)
    if refund is None:
        raise NotFound("refund", id, "refund")
    changes = Changes(tenant)
    after = refund
    if "metadata" in given:
        after = replace(refund, metadata=merge(refund.metadata, given["metadata"]))
    if after == refund:
        return Done(refund, changes)
    after = changes.change(refund, after)
    changes.record("refund.updated", after, refund)
    changes.record("charge.refund.updated", after, refund)
    return Done(after, changes)
