"""Giving money back.

A refund is promised before the gateway is asked: in one commit the charge counts it, the
ledger moves the money out of the merchant's balance, and only then does it leave. Two refunds
that together exceed the capture meet on the charge's row, and one of them reads again. A
refund that does not arrive is taken back by a reversal, never by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from guilder_server.gateways import (
    ActionRequired,
    Answer,
    Approved,
    Asking,
    Attempt,
    Declined,
    Gateway,
    Pending,
    RefundRequest,
    ask_for,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import charges, refunds
from guilder_server.payments.domain.amounts import part
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import wallets
from guilder_server.payments.flows.posting import post_refund, post_refund_failure
from guilder_server.payments.flows.wallets import ToppedUp
from guilder_server.payments.ports import Tools, Wish


@dataclass(frozen=True, slots=True)
class Refunding(Asking[Tools]):
    """A refund of `charge`, which counts it already, and of what it brought into a wallet.
    `stored` is what the database has of the refund so far: None, while it is only now being
    made."""

    stored: Refund | None
    refund: Refund
    charge: Charge
    topped: ToppedUp | None = None

    @property
    def subject(self) -> Refund:
        return self.refund

    def wait(self, changes: Changes, attempt: Attempt) -> Refund:
        return self._write(changes, self.refund)

    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        match answer:
            case Approved() | Pending(shown="succeeded"):
                after = refunds.succeed(self.refund, answer.reference)
            case ActionRequired():
                after = refunds.require_action(self.refund, answer.reference)
            case Declined():
                return Done(self._fail(tools, changes, answer), changes)
            case _:
                after = self.refund
        return Done(self._write(changes, after), changes)

    @classmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Refunding:
        refund = await _found(tools, tenant, attempt.subject_id)
        charge = await _charge_of(tools, tenant, refund)
        return cls(refund, refund, charge, await wallets.topped_up(tools, tenant, charge))

    def _write(self, changes: Changes, after: Refund) -> Refund:
        """The refund as it will be, and the news of it."""
        if self.stored is None:
            self._announce(changes, changes.add(after))
        elif after != self.stored:
            after = changes.change(self.stored, after)
            record_update(changes, after, self.stored)
        return after

    def _fail(self, tools: Tools, changes: Changes, answer: Declined) -> Refund:
        """The money is the merchant's again, and may be refunded again."""
        if self.stored is None:
            self._announce(changes, self.refund)
        transaction = post_refund_failure(tools, changes, self.charge, self.refund)
        wallets.restore(tools, changes, self.topped, self.charge, self.refund.amount)
        changes.change(self.charge, charges.take_back_refund(self.charge, self.refund.amount))
        reason = answer.reason or answer.decline_code or "unknown"
        after = changes.save(self.stored, refunds.fail(self.refund, reason, transaction))
        record_update(changes, after, self.refund, failed=True)
        return after

    def _announce(self, changes: Changes, refund: Refund) -> None:
        changes.record("refund.created", refund)
        changes.record("charge.refunded", self.charge)


def record_update(changes: Changes, after: Refund, before: Refund, *, failed: bool = False) -> None:
    changes.record("refund.updated", after, before)
    if failed:
        changes.record("refund.failed", after)
    changes.record("charge.refund.updated", after, before)


async def create_refund(tools: Tools, wish: Wish) -> Step:
    given = wish.given
    charge = await _charge_to_refund(tools, wish)
    amount = charge.refundable
    if "amount" in given:
        amount = part(given["amount"], charge.currency, "amount")
    charges.require_refundable(charge, amount)
    charges.require_idle(charge)
    changes = Changes(wish.tenant)
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
    counted = charges.refund(charge, amount)
    if refund.reason == "fraudulent":
        counted = charges.with_fraud_report(counted, "fraudulent")
    counted = changes.change(charge, counted)
    if charge.of_wallet:
        return await _refund_to_wallet(tools, changes, counted, refund)
    gateway = tools.gateway(charge.gateway)
    _refuse_partial(gateway, charge, amount)
    refund = replace(refund, balance_transaction_id=post_refund(tools, changes, charge, refund))
    topped = await wallets.topped_up(tools, wish.tenant, charge)
    topped = wallets.take_back(tools, changes, topped, charge, amount)
    request = RefundRequest(
        attempt_id=tools.ids.new("att"),
        made_at=refund.created,
        money=refund.money,
        instrument=charge.instrument,
        reference=charge.reference or "",
        reason=refund.reason,
    )
    refunding = Refunding(None, refund, counted, topped)
    return await ask_for(tools, changes, refunding, request, gateway, wish.recovery)


async def _refund_to_wallet(tools: Tools, changes: Changes, charge: Charge, refund: Refund) -> Done:
    """The money is back at once: nobody else has to be asked."""
    transaction = await wallets.give_back(tools, changes, charge, refund.id, refund.amount)
    refund = replace(refund, status="succeeded", balance_transaction_id=transaction)
    changes.record("refund.created", changes.add(refund))
    changes.record("charge.refunded", charge)
    return Done(refund, changes)


async def _charge_to_refund(tools: Tools, wish: Wish) -> Charge:
    charge_id, intent_id = wish.given.get("charge"), wish.given.get("payment_intent")
    if charge_id is None and intent_id is None:
        raise InvalidRequest(
            "parameter_missing",
            "Say what to refund: one of charge and payment_intent is required.",
            "payment_intent",
        )
    if charge_id is None:
        return await _charge_of_intent(tools, wish.tenant, str(intent_id))
    named = await _named_charge(tools, wish.tenant, charge_id)
    if intent_id is None:
        return named
    if await tools.store.intent(wish.tenant, intent_id) is None:
        raise NoSuchReference("payment_intent", intent_id, "payment_intent")
    if named.payment_intent_id != intent_id:
        raise InvalidRequest(
            "parameter_invalid",
            "The charge does not belong to the payment_intent; give only one of them.",
            "charge",
        )
    return named


async def _named_charge(tools: Tools, tenant: Tenant, id: str) -> Charge:
    charge = await tools.store.charge(tenant, id)
    if charge is None:
        raise NoSuchReference("charge", id, "charge")
    return charge


async def _charge_of_intent(tools: Tools, tenant: Tenant, intent_id: str) -> Charge:
    """The one that something is left of. Where that is both a card's and a wallet's, nobody can
    tell which of the two is meant."""
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
    charge = await _named_charge(tools, tenant, intent.latest_charge_id)
    if intent.wallet_charge_id in (None, charge.id):
        return charge
    of_wallet = await _named_charge(tools, tenant, str(intent.wallet_charge_id))
    left = [one for one in (charge, of_wallet) if one.refundable]
    if len(left) > 1:
        parts = " and ".join(
            f"{one.id} with {display(one.refundable, one.currency)}" for one in left
        )
        raise Refused(
            "missing",
            f"This PaymentIntent was paid with two charges, {parts} left. Say in charge which of "
            "them is to be refunded.",
            "charge",
        )
    return left[0] if left else charge


def _refuse_partial(gateway: Gateway, charge: Charge, amount: int) -> None:
    if amount != charge.amount_captured and not gateway.capabilities.partial_refund:
        raise InvalidRequest(
            "parameter_invalid",
            f"The gateway {gateway.name} gives back a charge as a whole: leave the amount out.",
            "amount",
        )


async def cancel_refund(tools: Tools, wish: Wish, id: str) -> Step:
    refund = await _found(tools, wish.tenant, id)
    refunds.require_cancelable(refund)
    charge = await _charge_of(tools, wish.tenant, refund)
    changes = Changes(wish.tenant)
    transaction = post_refund_failure(tools, changes, charge, refund)
    topped = await wallets.topped_up(tools, wish.tenant, charge)
    wallets.restore(tools, changes, topped, charge, refund.amount)
    changes.change(charge, charges.take_back_refund(charge, refund.amount))
    after = changes.change(refund, refunds.cancel(refund, transaction))
    record_update(changes, after, refund)
    return Done(after, changes)


async def update_refund(tools: Tools, wish: Wish, id: str) -> Step:
    refund = await _found(tools, wish.tenant, id)
    changes = Changes(wish.tenant)
    after = replace(refund, metadata=merge(refund.metadata, wish.given.get("metadata")))
    if after == refund:
        return Done(refund, changes)
    after = changes.change(refund, after)
    record_update(changes, after, refund)
    return Done(after, changes)


async def _found(tools: Tools, tenant: Tenant, id: str) -> Refund:
    refund = await tools.store.refund(tenant, id)
    if refund is None:
        raise NotFound("refund", id, "refund")
    return refund


async def _charge_of(tools: Tools, tenant: Tenant, refund: Refund) -> Charge:
    charge = await tools.store.charge(tenant, refund.charge_id)
    assert charge is not None, f"{refund.id} names a charge that is not there"
    return charge
