"""Asking a gateway for a payment's money, and writing down what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guilder_server.gateways import (
    AUTHENTICATION_REQUIRED,
    ActionRequired,
    Answer,
    Approved,
    Asking,
    Attempt,
    AuthorizeRequest,
    Declined,
    ask_for,
)
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.money import Money
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain import intents
from guilder_server.payments.domain.charges import HOLD, Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import outcomes, wallets
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.flows.wallets import Share
from guilder_server.payments.ports import Tools, Wish


@dataclass(frozen=True, slots=True)
class Authorizing(Asking[Tools]):
    """An intent to be paid with `method`, as far as a wallet does not have its `share` in it.
    `stored` is what the database has of it so far: None, while it is only now being made."""

    stored: Intent | None
    intent: Intent
    method: PaymentMethod
    share: Share | None = None

    @property
    def money(self) -> Money:
        """What the gateway is asked for."""
        kept = 0 if self.share is None else self.share.hold.amount_held
        return Money(self.intent.amount - kept, self.intent.currency)

    @property
    def subject(self) -> Intent:
        return self.intent

    def wait(self, changes: Changes, attempt: Attempt) -> Intent:
        if self.intent.attempt_id == attempt.id:
            return self.intent
        return changes.save(self.stored, intents.asking(self.intent, attempt.id))

    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        then = attempt.recovery.get("then", {})
        if isinstance(answer, ActionRequired) and then.get("error_on_requires_action"):
            answer = AUTHENTICATION_REQUIRED
        match answer:
            case Approved():
                return await self._approve(tools, changes, attempt, answer)
            case Declined():
                self._let_go(tools, changes)
                return self._decline(tools, changes, attempt, answer)
            case ActionRequired():
                # It is set aside again when the customer is back.
                self._let_go(tools, changes)
                page, in_place = tools.authentication_page, bool(then.get("in_place"))
                action = outcomes.next_action(self.intent, answer, page, in_place)
                after = changes.save(
                    self.stored, intents.require_action(self.intent, action, self.money.amount)
                )
                changes.record("payment_intent.requires_action", after)
            case _:
                after = self.wait(changes, attempt)
                if attempt.unheard:
                    after = changes.touch(after)
                    changes.record("payment_intent.processing", after)
        return Done(after, changes)

    @classmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Authorizing:
        intent = await _intent_of(tools, tenant, attempt)
        assert intent.payment_method_id is not None, f"{intent.id} is being paid with nothing"
        method = await tools.methods.find(tenant, intent.payment_method_id)
        assert method is not None, f"{intent.id} names a payment method that is not there"
        return cls(intent, intent, method, await wallets.kept_share(tools, tenant, intent))

    @classmethod
    async def known(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Done:
        intent = await _intent_of(tools, tenant, attempt)
        refusal = outcomes.refusal_of(intent) if attempt.state == "failed" else None
        return Done(intent, Changes(tenant), refusal)

    async def _approve(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Approved
    ) -> Done:
        charge = outcomes.made(self._charge(tools, attempt), self.method, answer)
        if self.intent.captures_later:
            charge = replace(charge, card=charge.card | _still_to_come(tools, charge))
            after = intents.authorize(self.intent, charge.id)
        else:
            charge = post_charge(tools, changes, charge, charge.amount, final=True)
            charge = await wallets.top_up(tools, changes, self.intent, charge)
            after = intents.succeed(self.intent, charge.id)
        changes.record("charge.succeeded", changes.add(charge))
        if self.share is not None:
            of_wallet = wallets.charge_share(tools, changes, self.intent, self.share)
            after = replace(after, wallet_charge_id=of_wallet.id)
        after = changes.save(self.stored, after)
        if after.status == "succeeded":
            changes.record("payment_intent.succeeded", after)
        else:
            changes.record("payment_intent.amount_capturable_updated", after)
        await self._keep_or_spend(tools, changes)
        return Done(after, changes)

    def _decline(self, tools: Tools, changes: Changes, attempt: Attempt, answer: Declined) -> Done:
        charge_id = None
        if outcomes.makes_a_charge(answer):
            charge = outcomes.made(self._charge(tools, attempt), self.method, answer)
            changes.record("charge.failed", changes.add(charge))
            charge_id = charge.id
        error = outcomes.payment_error(changes.tenant, answer, charge_id, self.method)
        after = changes.save(self.stored, intents.decline(self.intent, error, charge_id))
        changes.record("payment_intent.payment_failed", after)
        return Done(after, changes, outcomes.refusal_of(after))

    def _let_go(self, tools: Tools, changes: Changes) -> None:
        if self.share is not None:
            tools.wallets.let_go(changes, self.share.wallet, self.share.hold)

    def _charge(self, tools: Tools, attempt: Attempt) -> Charge:
        """The charge before anything is known of it."""
        intent, now = self.intent, tools.clock.now()
        return Charge(
            id=tools.ids.new("ch"),
            version=1,
            created=now,
            status="pending",
            amount=self.money.amount,
            currency=intent.currency,
            gateway=attempt.gateway,
            instrument=self.method.instrument.token,
            card={},
            payment_intent_id=intent.id,
            customer_id=intent.customer_id,
            payment_method_id=self.method.id,
            capture_before=now + HOLD if intent.captures_later else None,
            description=intent.description,
            receipt_email=intent.receipt_email,
            statement_descriptor=intent.statement_descriptor,
            statement_descriptor_suffix=intent.statement_descriptor_suffix,
            transfer_group=intent.transfer_group,
            billing_details=self.method.billing_details,
            shipping=intent.shipping,
            metadata=intent.metadata,
        )

    async def _keep_or_spend(self, tools: Tools, changes: Changes) -> None:
        """A method that is to be used again belongs to the customer from now on; one that
        belongs to nobody was good for this payment alone."""
        usage, customer_id = self.intent.future_usage, self.intent.customer_id
        customer = None
        if usage and customer_id:
            customer = await tools.customers.find(changes.tenant, customer_id)
        if customer is None:
            tools.methods.spend(self.method, changes)
            return
        if self.method.customer_id is None:
            # Changing the customer, if only its version, keeps out a deletion at the same moment.
            changes.change(customer, customer)
        tools.methods.attach(self.method, customer.id, changes, set_up=usage == "off_session")


async def authorize(tools: Tools, wish: Wish, changes: Changes, payment: Authorizing) -> Step:
    """Ask for the money of an intent, on the terms of the confirmation that is `wish`."""
    intent, method, given = payment.intent, payment.method, wish.given
    gateway = tools.gateway_for(wish.tenant)
    off_session = bool(given.get("off_session", False))
    if off_session and intent.future_usage:
        raise InvalidRequest(
            "payment_intent_invalid_parameter",
            "off_session cannot be true while setup_future_usage is set: a customer who is not "
            "there cannot agree to later payments.",
            "off_session",
            subject=payment.stored,
        )
    request = AuthorizeRequest(
        attempt_id=tools.ids.new("att"),
        made_at=tools.clock.now(),
        money=payment.money,
        instrument=method.instrument.token,
        capture=not intent.captures_later,
        off_session=off_session,
        set_up=method.set_up,
        three_d_secure=intent.card_option("request_three_d_secure") or "automatic",
        authentication=intents.agreed_to(intent, payment.money.amount),
        return_url=intent.return_url,
        checks=method.instrument.checks,
        statement_descriptor=intent.statement_descriptor,
    )
    then = {
        "error_on_requires_action": given.get("error_on_requires_action", False),
        "in_place": given.get("use_stripe_sdk", False) or intent.stays_in_place,
    }
    recovery = wish.remembering(**{name: True for name, wanted in then.items() if wanted})
    return await ask_for(tools, changes, payment, request, gateway, recovery)


async def _intent_of(tools: Tools, tenant: Tenant, attempt: Attempt) -> Intent:
    intent = await tools.store.intent(tenant, attempt.subject_id)
    assert intent is not None, f"{attempt.id} is for an intent that is not there"
    return intent


def _still_to_come(tools: Tools, charge: Charge) -> dict[str, Any]:
    """What may still be done about a hold, as far as its gateway goes."""
    can = tools.gateway(charge.gateway).capabilities
    return {"incremental": can.incremental_authorization, "multicapture": can.multicapture}
