"""Charges made directly, without an intent: the older way that programs still use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Attempt,
    AuthorizeRequest,
    Declined,
    attempts,
)
from guilder_server.kernel import contact
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod, refuse_use
from guilder_server.payments.domain import amounts, charges
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.flows import capturing, outcomes
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.ports import Tools

# How long networks keep a hold on a card that was charged without its customer present.
HOLD = timedelta(days=7)

_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")


def decided(charge: Charge, method: PaymentMethod, answer: Approved | Declined) -> Charge:
    """The charge once the gateway has answered."""
    answered = replace(
        charge,
        attempt_id=None,
        card=outcomes.card_details(method.instrument, answer),
        outcome=outcomes.charge_outcome(answer),
        reference=answer.reference,
    )
    if isinstance(answer, Approved):
        return replace(answered, status="succeeded")
    return replace(
        answered,
        status="failed",
        capture_before=None,
        failure_code=answer.code,
        failure_message=answer.message,
    )


async def create_charge(
    tools: Tools, tenant: Tenant, given: Mapping[str, Any], recovery: Mapping[str, Any]
) -> Step:
    currency = amounts.currency_of(given["currency"])
    money = amounts.chargeable(given["amount"], currency)
    changes = Changes(tenant)
    method = await _source(tools, tenant, given, changes)
    captures = given.get("capture", True)
    now = tools.clock.now()
    gateway = tools.gateway()
    charge = Charge(
        id=tools.ids.new("ch"),
        version=1,
        created=now,
        status="pending",
        amount=money.amount,
        currency=currency,
        gateway=gateway.name,
        instrument=method.instrument.token,
        card=outcomes.card_details(method.instrument, None),
        customer_id=given.get("customer"),
        payment_method_id=method.id,
        capture_before=None if captures else now + HOLD,
        billing_details=method.billing_details,
        shipping=contact.shipping_from(given["shipping"]) if given.get("shipping") else None,
        transfer_group=given.get("transfer_group"),
        description=contact.text(given, "description"),
        receipt_email=contact.email(given, "receipt_email", "receipt_email"),
        statement_descriptor=contact.text(given, "statement_descriptor"),
        statement_descriptor_suffix=contact.text(given, "statement_descriptor_suffix"),
        metadata=merge({}, given.get("metadata", {})),
    )
    request = AuthorizeRequest(
        attempt_id=tools.ids.new("att"),
        made_at=now,
        money=money,
        instrument=method.instrument.token,
        capture=captures,
        checks=method.instrument.checks,
        statement_descriptor=charge.statement_descriptor,
    )
    attempt = attempts.begin(
        request,
        subject_id=charge.id,
        gateway=gateway.name,
        lease_until=now + tools.lease,
        recovery=dict(recovery),
    )
    if gateway.capabilities.in_process:
        answer = await gateways.call(gateway, request, tools.timeout_ms)
        return _settle(tools, changes, None, charge, None, attempt, answer, method)
    changes.add(attempt)
    changes.add(replace(charge, attempt_id=attempt.id))

    async def resume(answer: Answer) -> Step:
        return await resolve(tools, tenant, attempt.id, answer)

    return Awaiting(changes, lambda: gateways.call(gateway, request, tools.timeout_ms), resume)


async def _source(
    tools: Tools, tenant: Tenant, given: Mapping[str, Any], changes: Changes
) -> PaymentMethod:
    customer_id = given.get("customer")
    if customer_id is not None and await tools.customers.find(tenant, customer_id) is None:
        raise NoSuchReference("customer", customer_id, "customer")
    if "source" not in given:
        if customer_id is None:
            raise InvalidRequest(
                "parameter_missing", "Must provide source or customer.", "source"
            )
        raise Refused(
            "missing",
            "This customer has no default source. Name the card to charge in `source`.",
            "source",
        )
    method = await tools.methods.resolve(tenant, given["source"], changes, "source")
    refuse_use(method, customer_id, "source")
    return method


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Done:
    """Write down what became of a direct charge, unless somebody else has done so."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    charge = await tools.store.charge(tenant, attempt.subject_id)
    assert charge is not None, f"{attempt_id} is for a charge that is not there"
    changes = Changes(tenant)
    if not attempt.open or charge.payment_method_id is None:
        return Done(charge, changes)
    method = await tools.methods.find(tenant, charge.payment_method_id)
    assert method is not None, f"{charge.id} names a payment method that is not there"
    return _settle(tools, changes, charge, charge, attempt, attempt, answer, method)


def _settle(
    tools: Tools,
    changes: Changes,
    before: Charge | None,
    charge: Charge,
    attempt_before: Attempt | None,
    attempt: Attempt,
    answer: Answer,
    method: PaymentMethod,
) -> Done:
    match answer:
        case Approved():
            changes.save(attempt_before, attempts.succeed(attempt, answer))
            after = decided(charge, method, answer)
            if charge.capture_before is None:
                after = post_charge(tools, changes, after, after.amount, final=True)
            after = changes.save(before, after)
            changes.record("charge.succeeded", after)
            tools.methods.spend(method, changes)
            return Done(after, changes)
        case Declined() | ActionRequired():
            said = answer if isinstance(answer, Declined) else outcomes.AUTHENTICATION_REQUIRED
            changes.save(attempt_before, attempts.fail(attempt, said))
            after = changes.save(before, decided(charge, method, said))
            changes.record("charge.failed", after)
            refusal = outcomes.declined(said)
            refusal.charge = after.id
            return Done(after, changes, refusal)
        case _:
            asked_again = outcomes.unsettled(attempt, answer, tools.clock.now())
            changes.save(attempt_before, asked_again)
            if before is not None:
                return Done(before, changes)
            after = changes.add(replace(charge, attempt_id=attempt.id))
            changes.record("charge.pending", after)
            return Done(after, changes)


async def capture_charge(
    tools: Tools,
    tenant: Tenant,
    id: str,
    given: Mapping[str, Any],
    recovery: Mapping[str, Any],
) -> Step:
    charge = await _found(tools, tenant, id)
    amount = amounts.part(given["amount"], "amount") if "amount" in given else charge.amount
    if charge.payment_intent_id is not None:
        intent = await tools.store.intent(tenant, charge.payment_intent_id)
        assert intent is not None, f"{charge.id} names an intent that is not there"
        raise Refused(
            "charge_invalid_parameter",
            f"This charge was made by a PaymentIntent. Capture {intent.id} instead.",
            subject=intent,
        )
    charges.require_capturable(charge, amount)
    texts = {name: given[name] or None for name in _TEXTS if name in given}
    return await capturing.capture(tools, tenant, charge, charge, amount, True, texts, recovery)


async def update_charge(tools: Tools, tenant: Tenant, id: str, given: Mapping[str, Any]) -> Step:
    charge = await _found(tools, tenant, id)
    if given.get("customer") is not None and charge.customer_id not in (None, given["customer"]):
        raise Refused("parameter_invalid", "The charge has a customer already.", "customer")
    settings: dict[str, Any] = {
        name: contact.text(given, name)
        for name in ("description", "transfer_group")
        if name in given
    }
    if "receipt_email" in given:
        settings["receipt_email"] = contact.email(given, "receipt_email", "receipt_email")
    if "shipping" in given:
        shipping = given["shipping"]
        settings["shipping"] = contact.shipping_from(shipping) if shipping else None
    if "customer" in given:
        if await tools.customers.find(tenant, given["customer"]) is None:
            raise NoSuchReference("customer", given["customer"], "customer")
        settings["customer_id"] = given["customer"]
    if "metadata" in given:
        settings["metadata"] = merge(charge.metadata, given["metadata"])
    if "fraud_details" in given:
        settings["fraud_details"] = charge.fraud_details | given["fraud_details"]
    changes = Changes(tenant)
    after = replace(charge, **settings)
    if after == charge:
        return Done(charge, changes)
    after = changes.change(charge, after)
    changes.record("charge.updated", after, charge)
    return Done(after, changes)


async def _found(tools: Tools, tenant: Tenant, id: str) -> Charge:
    charge = await tools.store.charge(tenant, id)
    if charge is None:
        raise NotFound("charge", id, "charge")
    return charge
