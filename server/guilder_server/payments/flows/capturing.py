"""What happens to a hold: captured, raised or released.

All three ask the gateway that keeps the hold, and share one way: the attempt is begun, the
gateway answers, `apply` writes down what that means. The sweeper comes in at `resolve`.
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
    CaptureRequest,
    Declined,
    IncrementRequest,
    Request,
    VoidRequest,
    attempts,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.money import Money
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import charges, intents
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import outcomes
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.ports import Tools

Subject = Intent | Charge


async def capture_intent(
    tools: Tools,
    tenant: Tenant,
    intent: Intent,
    amount: int | None,
    final: bool,
    texts: Mapping[str, Any],
    recovery: Mapping[str, Any],
) -> Step:
    """Take `amount` (all that is held, if None) and release the rest when `final`."""
    wanted = intent.amount_capturable if amount is None else amount
    intents.require_capturable(intent, wanted)
    charge = await _charge_of(tools, tenant, intent)
    if not final and not tools.gateway(charge.gateway).capabilities.multicapture:
        raise InvalidRequest(
            "parameter_invalid",
            f"The gateway {charge.gateway} captures an authorization once only: leave "
            "final_capture out, or true.",
            "final_capture",
        )
    return await capture(tools, tenant, intent, charge, wanted, final, texts, recovery)


async def capture(
    tools: Tools,
    tenant: Tenant,
    subject: Subject,
    charge: Charge,
    amount: int,
    final: bool,
    texts: Mapping[str, Any],
    recovery: Mapping[str, Any],
) -> Step:
    request = CaptureRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=Money(amount, charge.currency),
        instrument=charge.instrument,
        reference=charge.reference or "",
        final=final,
    )
    return await _ask(tools, tenant, subject, charge, request, {**recovery, "texts": dict(texts)})


async def increment_intent(
    tools: Tools,
    tenant: Tenant,
    intent: Intent,
    amount: int,
    texts: Mapping[str, Any],
    recovery: Mapping[str, Any],
) -> Step:
    """Raise what is held to `amount` in all."""
    intents.require_incrementable(intent, amount)
    charge = await _charge_of(tools, tenant, intent)
    if not tools.gateway(charge.gateway).capabilities.incremental_authorization:
        raise Refused(
            "payment_intent_invalid_parameter",
            f"The gateway {charge.gateway} cannot raise an authorization.",
            subject=intent,
        )
    request = IncrementRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=Money(amount, intent.currency),
        instrument=charge.instrument,
        reference=charge.reference or "",
    )
    return await _ask(tools, tenant, intent, charge, request, {**recovery, "texts": dict(texts)})


async def cancel_intent(
    tools: Tools,
    tenant: Tenant,
    intent: Intent,
    reason: intents.CancellationReason | None,
    recovery: Mapping[str, Any],
) -> Step:
    """No charge will follow; a hold is released at the gateway first."""
    intents.require_state(intent, "canceled", intents.CANCELABLE)
    changes = Changes(tenant)
    if intent.status != "requires_capture":
        after = changes.change(intent, intents.cancel(intent, reason, tools.clock.now()))
        changes.record("payment_intent.canceled", after)
        return Done(after, changes)
    charge = await _charge_of(tools, tenant, intent)
    request = VoidRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=Money(intent.amount_capturable, intent.currency),
        instrument=charge.instrument,
        reference=charge.reference or "",
    )
    return await _ask(tools, tenant, intent, charge, request, {**recovery, "reason": reason})


def expire_charge(tenant: Tenant, charge: Charge) -> Done:
    """The network has dropped the hold of a direct charge by itself."""
    changes = Changes(tenant)
    released = changes.change(charge, charges.release(charge))
    changes.record("charge.expired", released)
    return Done(released, changes)


async def _ask(
    tools: Tools,
    tenant: Tenant,
    subject: Subject,
    charge: Charge,
    request: Request,
    recovery: dict[str, Any],
) -> Step:
    gateway = tools.gateway(charge.gateway)
    changes = Changes(tenant)
    attempt = attempts.begin(
        request,
        subject_id=subject.id,
        gateway=gateway.name,
        lease_until=tools.clock.now() + tools.lease,
        recovery=recovery,
    )
    if gateway.capabilities.in_process:
        outcome = await gateways.call(gateway, request, tools.timeout_ms)
        return _apply(tools, changes, subject, charge, None, attempt, outcome)
    changes.add(attempt)
    if isinstance(subject, Intent):
        changes.change(subject, intents.busy(subject, attempt.id))
    else:
        changes.change(subject, replace(subject, attempt_id=attempt.id))

    async def resume(answer: Answer) -> Step:
        return await resolve(tools, tenant, attempt.id, answer)

    return Awaiting(changes, lambda: gateways.call(gateway, request, tools.timeout_ms), resume)


async def resolve(tools: Tools, tenant: Tenant, attempt_id: str, answer: Answer) -> Done:
    """Write down what became of such a request, unless somebody else has done so."""
    attempt = await tools.attempts.find(tenant, attempt_id)
    assert attempt is not None, f"attempt {attempt_id} was committed before it was made"
    subject: Subject | None
    if attempt.subject_id.startswith("pi_"):
        subject = await tools.store.intent(tenant, attempt.subject_id)
        assert subject is not None, f"{attempt_id} is for an intent that is not there"
        charge = await _charge_of(tools, tenant, subject)
    else:
        subject = await tools.store.charge(tenant, attempt.subject_id)
        assert subject is not None, f"{attempt_id} is for a charge that is not there"
        charge = subject
    if not attempt.open:
        return Done(subject, Changes(tenant))
    return _apply(tools, Changes(tenant), subject, charge, attempt, attempt, answer)


def _apply(
    tools: Tools,
    changes: Changes,
    subject: Subject,
    charge: Charge,
    attempt_before: Attempt | None,
    attempt: Attempt,
    answer: Answer,
) -> Done:
    match answer:
        case Approved():
            changes.save(attempt_before, attempts.succeed(attempt, answer))
            if attempt.kind == "capture":
                return _captured(tools, changes, subject, charge, attempt)
            assert isinstance(subject, Intent)
            if attempt.kind == "increment":
                return _incremented(changes, subject, charge, attempt)
            return _voided(tools, changes, subject, charge, attempt)
        case Declined() | ActionRequired():
            said = answer if isinstance(answer, Declined) else outcomes.AUTHENTICATION_REQUIRED
            changes.save(attempt_before, attempts.fail(attempt, said))
            return _refused(changes, subject, attempt, said)
        case _:
            asked_again = outcomes.unsettled(attempt, answer, tools.clock.now())
            changes.save(attempt_before, asked_again)
            if subject.attempt_id == attempt.id:
                return Done(subject, changes)
            if isinstance(subject, Intent):
                return Done(changes.change(subject, intents.busy(subject, attempt.id)), changes)
            return Done(changes.change(subject, replace(subject, attempt_id=attempt.id)), changes)


def _captured(
    tools: Tools, changes: Changes, subject: Subject, charge: Charge, attempt: Attempt
) -> Done:
    texts = attempt.recovery.get("texts", {})
    final = bool(attempt.request.get("final", True))
    taken = post_charge(tools, changes, charge, attempt.amount, final)
    shown = {name: text for name, text in texts.items() if name != "metadata"}
    after_charge = changes.change(charge, replace(taken, **shown))
    changes.record("charge.captured", after_charge)
    if not isinstance(subject, Intent):
        return Done(after_charge, changes)
    after = intents.capture(subject, attempt.amount, final)
    after = changes.change(subject, _described(after, texts))
    if after.status == "succeeded":
        changes.record("payment_intent.succeeded", after)
    else:
        changes.record("payment_intent.amount_capturable_updated", after)
    return Done(after, changes)


def _described(intent: Intent, texts: Mapping[str, Any]) -> Intent:
    """`intent` with what the request also said about it."""
    settings = dict(texts)
    if "metadata" in settings:
        try:
            settings["metadata"] = merge(intent.metadata, settings["metadata"])
        except InvalidRequest:
            # Filled up by others since the gateway was asked: no reason to lose the money's trail.
            del settings["metadata"]
    return replace(intent, **settings)


def _incremented(changes: Changes, intent: Intent, charge: Charge, attempt: Attempt) -> Done:
    texts = attempt.recovery.get("texts", {})
    raised = replace(charge, amount=attempt.amount)
    after_charge = changes.change(charge, raised)
    changes.record("charge.updated", after_charge, charge)
    after = changes.change(intent, _described(intents.increment(intent, attempt.amount), texts))
    changes.record("payment_intent.amount_capturable_updated", after)
    return Done(after, changes)


def _voided(
    tools: Tools, changes: Changes, intent: Intent, charge: Charge, attempt: Attempt
) -> Done:
    reason = attempt.recovery.get("reason")
    released = changes.change(charge, charges.release(charge))
    if reason == "expired":
        changes.record("charge.expired", released)
    after = changes.change(intent, intents.cancel(intent, reason, tools.clock.now()))
    changes.record("payment_intent.canceled", after)
    return Done(after, changes)


def _refused(changes: Changes, subject: Subject, attempt: Attempt, said: Declined) -> Done:
    """The hold stays as it was."""
    refusal = outcomes.declined(said, subject if isinstance(subject, Intent) else None)
    if isinstance(subject, Intent):
        if attempt.kind == "increment":
            return Done(changes.change(subject, intents.refuse_increment(subject)), changes, refusal)
        if subject.attempt_id is not None:
            return Done(changes.change(subject, intents.idle(subject)), changes, refusal)
    elif subject.attempt_id is not None:
        return Done(changes.change(subject, replace(subject, attempt_id=None)), changes, refusal)
    return Done(subject, changes, refusal)


async def _charge_of(tools: Tools, tenant: Tenant, intent: Intent) -> Charge:
    assert intent.latest_charge_id is not None, f"{intent.id} holds money without a charge"
    charge = await tools.store.charge(tenant, intent.latest_charge_id)
    assert charge is not None, f"{intent.id} names a charge that is not there"
    return charge
