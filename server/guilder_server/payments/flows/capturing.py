"""What happens to a hold: captured, raised or released.

All three are asked of the gateway that keeps the hold. A hold is a charge's, and nearly always
the charge is an intent's; then the intent is what may be asked for one thing at a time only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guilder_server.gateways import (
    AUTHENTICATION_REQUIRED,
    ActionRequired,
    Answer,
    Approved,
    Asking,
    Attempt,
    CaptureRequest,
    Declined,
    IncrementRequest,
    VoidRequest,
    ask_for,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.money import Money
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import amounts, charges, intents
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import outcomes
from guilder_server.payments.flows.intending import found
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.ports import Tools, Wish

_TEXTS = ("description", "statement_descriptor", "statement_descriptor_suffix")


@dataclass(frozen=True, slots=True)
class Holding(Asking[Tools]):
    """The hold of `charge`; a charge made directly has no intent."""

    charge: Charge
    intent: Intent | None

    @property
    def subject(self) -> Intent | Charge:
        return self.intent or self.charge

    def wait(self, changes: Changes, attempt: Attempt) -> Intent | Charge:
        if self.subject.attempt_id == attempt.id:
            return self.subject
        if self.intent is not None:
            return changes.change(self.intent, intents.busy(self.intent, attempt.id))
        return changes.change(self.charge, charges.busy(self.charge, attempt.id))

    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        then = attempt.recovery.get("then", {})
        expired = then.get("reason") == "expired"
        match answer:
            case Approved() if attempt.kind == "capture":
                return self._captured(tools, changes, attempt, then.get("texts", {}))
            case Approved() if attempt.kind == "increment":
                return self._incremented(changes, attempt, then.get("texts", {}))
            case Approved():
                return self._released(tools, changes, then.get("reason"))
            case Declined() | ActionRequired() if expired:
                # The network has let go of it by itself.
                return self._released(tools, changes, "expired")
            case Declined():
                return self._refused(changes, attempt, answer)
            case ActionRequired():
                return self._refused(changes, attempt, AUTHENTICATION_REQUIRED)
            case _:
                return Done(self.wait(changes, attempt), changes)

    @classmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Holding:
        if attempt.subject_id.startswith("pi_"):
            return await holding(tools, tenant, await found(tools, tenant, attempt.subject_id))
        charge = await tools.store.charge(tenant, attempt.subject_id)
        assert charge is not None, f"{attempt.id} is for a charge that is not there"
        return cls(charge, None)

    def _captured(
        self, tools: Tools, changes: Changes, attempt: Attempt, texts: Mapping[str, Any]
    ) -> Done:
        final = bool(attempt.request.get("final", True))
        taken = post_charge(tools, changes, self.charge, attempt.amount, final)
        shown = {name: text for name, text in texts.items() if name != "metadata"}
        charge = changes.change(self.charge, replace(taken, **shown))
        changes.record("charge.captured", charge)
        if self.intent is None:
            return Done(charge, changes)
        after = _described(intents.capture(self.intent, attempt.amount, final), texts)
        after = changes.change(self.intent, after)
        if after.status == "succeeded":
            changes.record("payment_intent.succeeded", after)
        else:
            changes.record("payment_intent.amount_capturable_updated", after)
        return Done(after, changes)

    def _incremented(self, changes: Changes, attempt: Attempt, texts: Mapping[str, Any]) -> Done:
        assert self.intent is not None, "only an intent's hold can be raised"
        charge = changes.change(self.charge, charges.increment(self.charge, attempt.amount))
        changes.record("charge.updated", charge, self.charge)
        after = _described(intents.increment(self.intent, attempt.amount), texts)
        after = changes.change(self.intent, after)
        changes.record("payment_intent.amount_capturable_updated", after)
        return Done(after, changes)

    def _released(
        self, tools: Tools, changes: Changes, reason: intents.CancellationReason | None
    ) -> Done:
        charge = changes.change(self.charge, charges.release(self.charge))
        if reason == "expired":
            changes.record("charge.expired", charge)
        if self.intent is None:
            return Done(charge, changes)
        return _canceled(tools, changes, self.intent, reason)

    def _refused(self, changes: Changes, attempt: Attempt, said: Declined) -> Done:
        """The hold stays as it was."""
        if self.intent is None:
            kept: Intent | Charge = self.charge
            if kept.attempt_id is not None:
                kept = changes.change(self.charge, charges.idle(self.charge))
            return Done(kept, changes, outcomes.declined(said))
        intent = self.intent
        if attempt.kind == "increment":
            intent = changes.change(intent, intents.refuse_increment(intent))
        elif intent.attempt_id is not None:
            intent = changes.change(intent, intents.idle(intent))
        return Done(intent, changes, outcomes.declined(said, intent))


async def capture_intent(tools: Tools, wish: Wish, id: str) -> Step:
    """Take what is asked for (all that is held, if nothing is said) and release the rest, unless
    more is to follow."""
    intent, given = await found(tools, wish.tenant, id), wish.given
    final, amount = given.get("final_capture", True), intent.amount_capturable
    if "amount_to_capture" in given:
        amount = given["amount_to_capture"]
        amounts.part(amount, intent.currency, "amount_to_capture")
    intents.require_capturable(intent, amount)
    hold = await holding(tools, wish.tenant, intent)
    can = tools.gateway(hold.charge.gateway).capabilities
    if not final and not can.multicapture:
        raise InvalidRequest(
            "payment_intent_invalid_parameter",
            f"The gateway {hold.charge.gateway} captures an authorization once only: leave "
            "final_capture out, or true.",
            "final_capture",
        )
    texts = _texts(given, intent)
    return await capture(tools, wish, hold, amount, final, texts, "amount_to_capture")


async def capture(
    tools: Tools,
    wish: Wish,
    hold: Holding,
    amount: int,
    final: bool,
    texts: Mapping[str, Any],
    param: str,
) -> Step:
    charge = hold.charge
    gateway = tools.gateway(charge.gateway)
    if amount < charge.capturable and not gateway.capabilities.partial_capture:
        raise InvalidRequest(
            "payment_intent_invalid_parameter",
            f"The gateway {gateway.name} captures all that it holds: leave {param} out.",
            param,
        )
    request = CaptureRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=Money(amount, charge.currency),
        instrument=charge.instrument,
        reference=charge.reference or "",
        final=final,
    )
    recovery = wish.remembering(texts=dict(texts))
    return await ask_for(tools, Changes(wish.tenant), hold, request, gateway, recovery)


async def increment_intent(tools: Tools, wish: Wish, id: str) -> Step:
    """Raise what is held to the amount given, in all."""
    intent = await found(tools, wish.tenant, id)
    money = amounts.chargeable(wish.given["amount"], intent.currency)
    intents.require_incrementable(intent, money.amount)
    hold = await holding(tools, wish.tenant, intent)
    charge = hold.charge
    gateway = tools.gateway(charge.gateway)
    if not gateway.capabilities.incremental_authorization:
        raise Refused(
            "payment_intent_invalid_parameter",
            f"The gateway {gateway.name} cannot raise an authorization.",
            subject=intent,
        )
    request = IncrementRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=money,
        instrument=charge.instrument,
        reference=charge.reference or "",
    )
    recovery = wish.remembering(texts=_texts(wish.given, intent))
    return await ask_for(tools, Changes(wish.tenant), hold, request, gateway, recovery)


async def cancel_intent(tools: Tools, wish: Wish, id: str) -> Step:
    """No charge will follow; a hold is released at the gateway first."""
    intent = await found(tools, wish.tenant, id)
    intents.require_state(intent, "canceled", intents.CANCELABLE)
    reason: intents.CancellationReason | None = wish.given.get("cancellation_reason")
    if intent.status != "requires_capture":
        return _canceled(tools, Changes(wish.tenant), intent, reason)
    return await release(tools, wish, await holding(tools, wish.tenant, intent), reason)


async def release(
    tools: Tools, wish: Wish, hold: Holding, reason: intents.CancellationReason | None
) -> Step:
    """Give up a hold, and with it the intent that has it."""
    charge = hold.charge
    request = VoidRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=Money(charge.capturable, charge.currency),
        instrument=charge.instrument,
        reference=charge.reference or "",
    )
    gateway, recovery = tools.gateway(charge.gateway), wish.remembering(reason=reason)
    return await ask_for(tools, Changes(wish.tenant), hold, request, gateway, recovery)


async def holding(tools: Tools, tenant: Tenant, intent: Intent) -> Holding:
    assert intent.latest_charge_id is not None, f"{intent.id} holds money without a charge"
    charge = await tools.store.charge(tenant, intent.latest_charge_id)
    assert charge is not None, f"{intent.id} names a charge that is not there"
    return Holding(charge, intent)


def _canceled(
    tools: Tools, changes: Changes, intent: Intent, reason: intents.CancellationReason | None
) -> Done:
    after = changes.change(intent, intents.cancel(intent, reason, tools.clock.now()))
    changes.record("payment_intent.canceled", after)
    return Done(after, changes)


def _texts(given: Mapping[str, Any], intent: Intent) -> dict[str, Any]:
    """What a capture or an increment may also say about the intent. Its metadata is merged when
    the gateway has answered, with what the intent then holds."""
    texts: dict[str, Any] = {name: given[name] or None for name in _TEXTS if name in given}
    if "metadata" in given:
        merge(intent.metadata, given["metadata"])
        texts["metadata"] = given["metadata"]
    return texts


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
