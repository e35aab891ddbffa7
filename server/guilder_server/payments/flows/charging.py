"""Charges made directly, without an intent: the older way that programs still use."""

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
from guilder_server.kernel import contact, currencies
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod, refuse_use
from guilder_server.payments.domain import amounts, charges
from guilder_server.payments.domain.charges import HOLD, Charge
from guilder_server.payments.flows import outcomes
from guilder_server.payments.flows.capturing import Holding, capture
from guilder_server.payments.flows.describing import receipt_and_shipping, require_customer
from guilder_server.payments.flows.posting import post_charge
from guilder_server.payments.ports import Tools, Wish

_TEXTS = (
    "description",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


@dataclass(frozen=True, slots=True)
class Charging(Asking[Tools]):
    """A direct charge of `method`. `stored` is what the database has of it so far: None, while
    it is only now being made."""

    stored: Charge | None
    charge: Charge
    method: PaymentMethod

    @property
    def subject(self) -> Charge:
        return self.charge

    def wait(self, changes: Changes, attempt: Attempt) -> Charge:
        if self.charge.attempt_id == attempt.id:
            return self.charge
        return changes.save(self.stored, charges.busy(self.charge, attempt.id))

    async def settle(
        self, tools: Tools, changes: Changes, attempt: Attempt, answer: Answer
    ) -> Done:
        match answer:
            case Approved():
                after = outcomes.made(self.charge, self.method, answer)
                if after.capture_before is None:
                    after = post_charge(tools, changes, after, after.amount, final=True)
                after = changes.save(self.stored, after)
                changes.record("charge.succeeded", after)
                tools.methods.spend(self.method, changes)
            case Declined():
                return self._decline(changes, answer)
            case ActionRequired():
                return self._decline(changes, AUTHENTICATION_REQUIRED)
            case _:
                after = self.wait(changes, attempt)
                if attempt.unheard:
                    after = changes.touch(after)
                    changes.record("charge.pending", after)
        return Done(after, changes)

    @classmethod
    async def again(cls, tools: Tools, tenant: Tenant, attempt: Attempt) -> Charging:
        charge = await tools.store.charge(tenant, attempt.subject_id)
        assert charge is not None, f"{attempt.id} is for a charge that is not there"
        assert charge.payment_method_id is not None, f"{charge.id} was made with nothing"
        method = await tools.methods.find(tenant, charge.payment_method_id)
        assert method is not None, f"{charge.id} names a payment method that is not there"
        return cls(charge, charge, method)

    def _decline(self, changes: Changes, said: Declined) -> Done:
        after = changes.save(self.stored, outcomes.made(self.charge, self.method, said))
        changes.record("charge.failed", after)
        return Done(after, changes, outcomes.declined(said, charge=after.id))


async def create_charge(tools: Tools, wish: Wish) -> Step:
    given = wish.given
    money = amounts.chargeable(given["amount"], currencies.named(given["currency"]))
    changes = Changes(wish.tenant)
    method = await _source(tools, wish, changes)
    gateway, now = tools.gateway_for(wish.tenant), tools.clock.now()
    captures = given.get("capture", True)
    settings: dict[str, Any] = {name: contact.text(given, name) for name in _TEXTS}
    charge = Charge(
        id=tools.ids.new("ch"),
        version=1,
        created=now,
        status="pending",
        amount=money.amount,
        currency=money.currency,
        gateway=gateway.name,
        instrument=method.instrument.token,
        card=outcomes.card_details(method.instrument, None),
        customer_id=given.get("customer"),
        payment_method_id=method.id,
        capture_before=None if captures else now + HOLD,
        billing_details=method.billing_details,
        metadata=merge({}, given.get("metadata", {})),
        **settings,
        **receipt_and_shipping(given),
    )
    request = AuthorizeRequest(
        attempt_id=tools.ids.new("att"),
        made_at=now,
        money=money,
        instrument=method.instrument.token,
        capture=captures,
        set_up=method.set_up,
        checks=method.instrument.checks,
        statement_descriptor=charge.statement_descriptor,
    )
    charging = Charging(None, charge, method)
    return await ask_for(tools, changes, charging, request, gateway, wish.recovery)


async def _source(tools: Tools, wish: Wish, changes: Changes) -> PaymentMethod:
    """The card that is named, else the customer's default one."""
    given, customer, source = wish.given, None, wish.given.get("source")
    if "customer" in given:
        customer = await tools.customers.find(wish.tenant, given["customer"])
        if customer is None:
            raise NoSuchReference("customer", given["customer"], "customer")
        source = source or customer.default_payment_method
    elif source is None:
        raise InvalidRequest(
            "parameter_missing", "Say what to charge: a source, or a customer.", "source"
        )
    if source is None:
        raise Refused(
            "missing",
            "This customer has no default payment method. Name the card to charge in `source`.",
            "source",
        )
    method = await tools.methods.resolve(wish.tenant, source, changes, "source")
    refuse_use(method, given.get("customer"), "source")
    return method


async def capture_charge(tools: Tools, wish: Wish, id: str) -> Step:
    charge, given = await _found(tools, wish.tenant, id), wish.given
    if charge.payment_intent_id is not None:
        raise Refused(
            "charge_invalid_parameter",
            f"This charge was made by a PaymentIntent. Capture {charge.payment_intent_id} instead.",
            subject=await tools.store.intent(wish.tenant, charge.payment_intent_id),
        )
    amount = charge.capturable
    if "amount" in given:
        amount = amounts.part(given["amount"], charge.currency, "amount")
    charges.require_capturable(charge, amount)
    texts = {name: given[name] or None for name in _TEXTS if name in given}
    texts |= receipt_and_shipping(given)
    return await capture(tools, wish, Holding(charge, None), amount, True, texts, "amount")


async def update_charge(tools: Tools, wish: Wish, id: str) -> Step:
    charge, given = await _found(tools, wish.tenant, id), wish.given
    settings = receipt_and_shipping(given)
    for name in ("description", "transfer_group"):
        if name in given:
            settings[name] = contact.text(given, name)
    if "customer" in given:
        await require_customer(tools, wish)
        settings["customer_id"] = given["customer"]
    if "metadata" in given:
        settings["metadata"] = merge(charge.metadata, given["metadata"])
    after = replace(charge, **settings)
    for name in ("customer_id", "transfer_group"):
        if getattr(charge, name) not in (None, getattr(after, name)):
            param = name.removesuffix("_id")
            raise Refused("charge_invalid_parameter", f"The charge has a {param} already.", param)
    if "fraud_details" in given:
        after = charges.with_fraud_report(after, given["fraud_details"]["user_report"])
    changes = Changes(wish.tenant)
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
