"""Asking a gateway for a payment's money, and writing down what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guilder_server import gateways
from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Attempt,
    AuthorizeRequest,
    Declined,
    Pending,
    Unknown,
    attempts,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import CardDeclined
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain import intents
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import outcomes
from guilder_server.payments.flows.charging import HOLD, decided
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.ports import Tools

@dataclass(frozen=True, slots=True)
class Wishes:
    """What the confirmation asks beyond the intent itself."""

    off_session: bool = False
    error_on_requires_action: bool = False
    use_redirect: bool = True


async def confirm(
    tools: Tools,
    tenant: Tenant,
    changes: Changes,
    before: Intent | None,
    intent: Intent,
    method: PaymentMethod,
    wishes: Wishes,
    recovery: Mapping[str, Any],
) -> Step:
    """Ask for the money of `intent`, stored so far as `before` (None: not at all).

    A gateway in this process answers at once, and one commit carries everything. Any other is
    called between two: first the attempt is made durable, then its outcome.
    """
    gateway = tools.gateway()
    now = tools.clock.now()
    request = AuthorizeRequest(
        attempt_id=tools.ids.new("att"),
        made_at=now,
        money=intent.money,
        instrument=method.instrument.token,
        capture=not intent.captures_later,
        off_session=wishes.off_session,
        three_d_secure=intent.card_option("request_three_d_secure") or "automatic",
        authentication=intent.authentication,
        return_url=intent.return_url,
        checks=method.instrument.checks,
        statement_descriptor=intent.statement_descriptor,
    )
    attempt = attempts.begin(
        request,
        subject_id=intent.id,
        gateway=gateway.name,
        lease_until=now + tools.lease,
        recovery=dict(recovery) | {"error_on_requires_action": wishes.error_on_requires_action},
    )
    if gateway.capabilities.in_process:
        outcome = await gateways.call(gateway, request, tools.timeout_ms)
        return settle(tools, tenant, changes, before, intent, None, attempt, outcome, method)
    changes.add(attempt)
    changes.save(before, intents.asking(intent, attempt.id))

    async def resume(outcome: Answer) -> Step:
        return await resolve(tools, tenant, attempt.id, outcome)

    return Awaiting(
        changes, lambda: gateways.call(gateway, request, tools.timeout_ms), resume
    )


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, outcome: Answer) -> Done:
    """Write down what became of an authorization, unless somebody else has done so."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    intent = await tools.store.intent(tenant, attempt.subject_id)
    assert intent is not None, f"{attempt_id} is for an intent that is not there"
    changes = Changes(tenant)
    if not attempt.open or intent.payment_method_id is None:
        refusal = outcomes.refusal_of(intent) if attempt.state == "failed" else None
        return Done(intent, changes, refusal)
    method = await tools.methods.find(tenant, intent.payment_method_id)
    assert method is not None, f"{intent.id} names a payment method that is not there"
    return settle(tools, tenant, changes, intent, intent, attempt, attempt, outcome, method)


def settle(
    tools: Tools,
    tenant: Tenant,
    changes: Changes,
    before: Intent | None,
    intent: Intent,
    attempt_before: Attempt | None,
    attempt: Attempt,
    outcome: Answer,
    method: PaymentMethod,
) -> Done:
    """The changes that `outcome` means for the intent, its charge and the ledger."""
    now = tools.clock.now()
    if isinstance(outcome, ActionRequired) and attempt.recovery.get("error_on_requires_action"):
        outcome = outcomes.AUTHENTICATION_REQUIRED
    match outcome:
        case Approved():
            changes.save(attempt_before, attempts.succeed(attempt, outcome))
            charge = _charge(tools, intent, attempt, outcome, method, now)
            if intent.captures_later:
                after = intents.authorize(intent, charge.id)
            else:
                charge = post_charge(tools, changes, charge, charge.amount, final=True)
                after = intents.succeed(intent, charge.id)
            changes.add(charge)
            changes.record("charge.succeeded", charge)
            after = changes.save(before, after)
            if intent.captures_later:
                changes.record("payment_intent.amount_capturable_updated", after)
            else:
                changes.record("payment_intent.succeeded", after)
            _keep_or_spend(tools, changes, intent, method)
            return Done(after, changes)
        case Declined():
            changes.save(attempt_before, attempts.fail(attempt, outcome))
            return _decline(tools, tenant, changes, before, intent, attempt, outcome, method, now)
        case ActionRequired():
            failed = attempts.fail(attempt, outcomes.AUTHENTICATION_REQUIRED)
            changes.save(attempt_before, failed)
            action = outcomes.next_action(tools.public_url, intent, outcome)
            after = changes.save(before, intents.require_action(intent, action))
            changes.record("payment_intent.requires_action", after)
            return Done(after, changes)
        case _:
            asked_again = outcomes.unsettled(attempt, outcome, now)
            changes.save(attempt_before, asked_again)
            if before is not None and before.attempt_id == attempt.id:
                # The first time that it takes longer than its caller could wait.
                if isinstance(outcome, Pending | Unknown) and not attempt.detail:
                    changes.record("payment_intent.processing", before)
                return Done(before, changes)
            after = changes.save(before, intents.asking(intent, attempt.id))
            if isinstance(outcome, Pending | Unknown):
                changes.record("payment_intent.processing", after)
            return Done(after, changes)


def _decline(
    tools: Tools,
    tenant: Tenant,
    changes: Changes,
    before: Intent | None,
    intent: Intent,
    attempt: Attempt,
    outcome: Declined,
    method: PaymentMethod,
    now: datetime,
) -> Done:
    charge = changes.add(_charge(tools, intent, attempt, outcome, method, now))
    changes.record("charge.failed", charge)
    error = outcomes.payment_error(tenant, outcome, charge.id, method)
    after = changes.save(before, intents.decline(intent, error, charge.id))
    changes.record("payment_intent.payment_failed", after)
    refusal = outcomes.refusal_of(after)
    assert isinstance(refusal, CardDeclined)
    return Done(after, changes, refusal)


def _charge(
    tools: Tools,
    intent: Intent,
    attempt: Attempt,
    outcome: Approved | Declined,
    method: PaymentMethod,
    now: datetime,
) -> Charge:
    return decided(
        Charge(
            id=tools.ids.new("ch"),
            version=1,
            created=now,
            status="pending",
            amount=intent.amount,
            currency=intent.currency,
            gateway=attempt.gateway,
            instrument=method.instrument.token,
            card={},
            payment_intent_id=intent.id,
            customer_id=intent.customer_id,
            payment_method_id=method.id,
            capture_before=now + HOLD if intent.captures_later else None,
            description=intent.description,
            receipt_email=intent.receipt_email,
            statement_descriptor=intent.statement_descriptor,
            statement_descriptor_suffix=intent.statement_descriptor_suffix,
            transfer_group=intent.transfer_group,
            billing_details=method.billing_details,
            shipping=intent.shipping,
            metadata=intent.metadata,
        ),
        method,
        outcome,
    )


def _keep_or_spend(
    tools: Tools, changes: Changes, intent: Intent, method: PaymentMethod
) -> None:
    """A method that is to be used again belongs to the customer from now on; one that belongs
    to nobody was good for this payment alone."""
    if intent.setup_future_usage and intent.customer_id:
        tools.methods.attach(method, intent.customer_id, changes)
    else:
        tools.methods.spend(method, changes)
