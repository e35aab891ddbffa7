"""Making a payment intent, changing it, confirming it."""

from __future__ import annotations

from typing import Any

from guilder_server.kernel import currencies
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import GuilderError, NotFound, Refused
from guilder_server.kernel.ids import secret
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import amounts, browsing, intents
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows.authorizing import Authorizing, authorize
from guilder_server.payments.flows.describing import (
    described,
    kept_method,
    method_of,
    refuse_contradictions,
)
from guilder_server.payments.flows.paying import pay
from guilder_server.payments.flows.wallets import with_wallets
from guilder_server.payments.ports import Tools, Wish

# What can no longer change once a gateway has been asked for the money.
_FIXED_ONCE_CONFIRMED = (
    "amount",
    "allowed_payment_method_types",
    "capture_method",
    "currency",
    "customer",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "setup_future_usage",
    "top_up_wallet",
    "wallet",
    "wallet_amount",
)


async def create_intent(tools: Tools, wish: Wish) -> Step:
    given = wish.given
    refuse_contradictions(given)
    money = amounts.chargeable(given["amount"], currencies.named(given["currency"]))
    changes = Changes(wish.tenant)
    id = tools.ids.new("pi")
    intent = Intent(
        id=id,
        version=1,
        created=tools.clock.now(),
        status="requires_payment_method",
        amount=money.amount,
        currency=money.currency,
        secret=secret(25),
        payment_method_types=given.get("payment_method_types", ["card"]),
        confirmation_method=given.get("confirmation_method", "automatic"),
        automatic_payment_methods=_automatic(wish),
    )
    intent = await with_wallets(tools, wish, await described(tools, wish, intent))
    method = await method_of(tools, wish, intent, changes)
    if method is not None:
        intent = intents.with_method(intent, method.id)
    changes.record("payment_intent.created", intent)
    if not given.get("confirm", False):
        return Done(changes.add(intent), changes)
    return await pay(tools, wish, changes, None, intent, method)


async def update_intent(tools: Tools, wish: Wish, id: str) -> Step:
    given = wish.given
    intent = await found(tools, wish.tenant, id)
    _refuse_too_late(intent, given)
    changes = Changes(wish.tenant)
    after = intent
    if "amount" in given or "currency" in given:
        currency = currencies.named(given.get("currency", intent.currency))
        money = amounts.chargeable(given.get("amount", intent.amount), currency)
        after = intents.with_money(after, money)
    after = await described(tools, wish, after)
    if any(name in given for name in _FIXED_ONCE_CONFIRMED):
        after = await with_wallets(tools, wish, after)
    method = await method_of(tools, wish, after, changes)
    if method is not None:
        after = intents.with_method(after, method.id)
    elif given.get("payment_method") == "":
        after = intents.with_method(after, None)
    elif after.customer_id != intent.customer_id:
        await kept_method(tools, wish, after)
    if after == intent:
        return Done(intent, changes)
    return Done(changes.change(intent, after), changes)


async def confirm_intent(tools: Tools, wish: Wish, id: str) -> Step:
    intent = await found(tools, wish.tenant, id)
    if "client_secret" in wish.given:
        browsing.require_secret(intent, wish.given["client_secret"])
    return await _confirm(tools, wish, intent)


async def confirm_in_browser(tools: Tools, wish: Wish, id: str) -> Step:
    """A customer pays, on the merchant's terms, and sees no more than a customer may."""
    intent = await found(tools, wish.tenant, id)
    browsing.require_secret(intent, wish.given.get("client_secret"))
    try:
        browsing.refuse_terms(intent, wish.given)
        return as_browsers_see(await _confirm(tools, wish, intent))
    except GuilderError as error:
        _hide(error)
        raise


async def authenticate_intent(tools: Tools, wish: Wish, intent: Intent, succeeded: bool) -> Step:
    """The customer comes back from their bank: the payment goes on by itself, unless the
    merchant wants to confirm it once more."""
    after = intents.authenticated(intent, succeeded)
    changes = Changes(wish.tenant)
    if succeeded and intent.confirmation_method == "manual":
        return Done(changes.change(intent, after), changes)
    method = await kept_method(tools, wish, intent)
    assert method is not None, f"{intent.id} waits for a customer without a card"
    if not succeeded:
        # The gateway declines it; a wallet has no part in that.
        return await authorize(tools, wish, changes, Authorizing(intent, after, method))
    return await pay(tools, wish, changes, intent, after, method)


async def found(tools: Tools, tenant: Tenant, id: str) -> Intent:
    intent = await tools.store.intent(tenant, id)
    if intent is None:
        raise NotFound("payment_intent", id, "intent")
    return intent


def as_browsers_see(step: Step) -> Step:
    """The same step, answered without what is the merchant's own."""
    if isinstance(step, Awaiting):
        resume = step.resume

        async def resume_unseen(outcome: Any) -> Step:
            return as_browsers_see(await resume(outcome))

        return Awaiting(step.changes, step.call, resume_unseen)
    assert isinstance(step.result, Intent), "browsers are shown payment intents only"
    if step.refusal is not None:
        _hide(step.refusal)
    return Done(browsing.seen_by_browser(step.result), step.changes, step.refusal)


async def _confirm(tools: Tools, wish: Wish, intent: Intent) -> Step:
    intents.require_state(intent, "confirmed", intents.BEFORE_CONFIRMATION)
    changes = Changes(wish.tenant)
    after = await with_wallets(tools, wish, await described(tools, wish, intent))
    method = await method_of(tools, wish, after, changes)
    if method is not None:
        after = intents.with_method(after, method.id)
    else:
        method = await kept_method(tools, wish, after)
    return await pay(tools, wish, changes, intent, after, method)


def _automatic(wish: Wish) -> dict[str, Any] | None:
    """Whoever does not list payment method types leaves the choice to us."""
    automatic = wish.given.get("automatic_payment_methods")
    if automatic is not None:
        return {"allow_redirects": "always", **automatic}
    if "payment_method_types" in wish.given:
        return None
    return {"allow_redirects": "always", "enabled": True}


def _refuse_too_late(intent: Intent, given: Any) -> None:
    fixed = [name for name in _FIXED_ONCE_CONFIRMED if name in given]
    if fixed and intent.status not in intents.BEFORE_CONFIRMATION:
        raise Refused(
            "payment_intent_unexpected_state",
            f"The PaymentIntent's {fixed[0]} cannot be changed because it has the status "
            f"{intent.status}; only description, metadata, receipt_email, shipping and the "
            "statement descriptors still can.",
            fixed[0],
            subject=intent,
        )


def _hide(error: GuilderError) -> None:
    if error.code in ("wallet_closed", "wallet_frozen"):
        # Which wallet, and what to do about it, is the merchant's business.
        error.message = "The wallet of this payment cannot be used at present."
    if isinstance(error.subject, Intent):
        error.subject = browsing.seen_by_browser(error.subject)
