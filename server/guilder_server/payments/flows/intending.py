"""Making a payment intent, changing it, and confirming it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guilder_server.kernel import contact
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference, NotFound, Refused
from guilder_server.kernel.ids import secret
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod, refuse_use
from guilder_server.payments.domain import amounts, intents
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import authorizing
from guilder_server.payments.ports import Tools

Given = Mapping[str, Any]

_TEXTS = (
    "description",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "setup_future_usage",
)
_ONLY_WITH_CONFIRM = (
    "error_on_requires_action",
    "mandate_data",
    "off_session",
    "radar_options",
    "return_url",
    "use_stripe_sdk",
)
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
)


async def create_intent(tools: Tools, tenant: Tenant, given: Given, recovery: Given) -> Step:
    confirming = given.get("confirm", False)
    _refuse_contradictions(given, confirming)
    money = amounts.chargeable(given["amount"], amounts.currency_of(given["currency"]))
    changes = Changes(tenant)
    id = tools.ids.new("pi")
    types = given.get("payment_method_types")
    intent = Intent(
        id=id,
        version=1,
        created=tools.clock.now(),
        status="requires_payment_method",
        amount=money.amount,
        currency=money.currency,
        client_secret=f"{id}_secret_{secret(25)}",
        payment_method_types=types or ["card"],
        confirmation_method=given.get("confirmation_method", "automatic"),
        automatic_payment_methods=_automatic(given, types is None),
    )
    intent = await _described(tools, tenant, intent, given)
    method = await _method(tools, tenant, intent, given, changes)
    if method is not None:
        intent = intents.with_method(intent, method.id)
    changes.record("payment_intent.created", intent)
    if not confirming:
        return Done(changes.add(intent), changes)
    if method is None:
        raise _without_method()
    return await authorizing.confirm(
        tools, tenant, changes, None, intent, method, _wishes(intent, given), recovery
    )


async def update_intent(tools: Tools, tenant: Tenant, id: str, given: Given) -> Step:
    intent = await found(tools, tenant, id)
    changes = Changes(tenant)
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
    after = intent
    if "amount" in given or "currency" in given:
        currency = amounts.currency_of(given.get("currency", intent.currency))
        money = amounts.chargeable(given.get("amount", intent.amount), currency)
        if money != intent.money:
            after = replace(after, amount=money.amount, currency=money.currency)
            # What the customer agreed to with their bank was the old amount.
            after = intents.with_method(after, None) if after.next_action else after
            after = intents.with_method(after, intent.payment_method_id)
    after = await _described(tools, tenant, after, given)
    if given.get("payment_method") == "":
        after = intents.with_method(after, None)
    else:
        method = await _method(tools, tenant, after, given, changes)
        after = intents.with_method(after, method.id) if method else after
    if after == intent:
        return Done(intent, changes)
    return Done(changes.change(intent, after), changes)


async def confirm_intent(
    tools: Tools, tenant: Tenant, id: str, given: Given, recovery: Given
) -> Step:
    intent = await found(tools, tenant, id)
    intents.require_state(intent, "confirmed", intents.BEFORE_CONFIRMATION)
    _refuse_two_methods(given)
    changes = Changes(tenant)
    after = await _described(tools, tenant, intent, given)
    method = await _method(tools, tenant, after, given, changes)
    if method is not None:
        after = intents.with_method(after, method.id)
    elif after.payment_method_id is not None:
        method = await tools.methods.find(tenant, after.payment_method_id)
    if method is None:
        raise _without_method(intent)
    return await authorizing.confirm(
        tools, tenant, changes, intent, after, method, _wishes(after, given), recovery
    )


async def authenticate_intent(
    tools: Tools, tenant: Tenant, id: str, client_secret: str, succeeded: bool, recovery: Given
) -> Step:
    """The customer comes back from their bank: the payment goes on by itself, unless the
    merchant wants to confirm it once more."""
    intent = await found(tools, tenant, id)
    require_secret(intent, client_secret)
    after = intents.authenticated(intent, succeeded)
    changes = Changes(tenant)
    if succeeded and intent.confirmation_method == "manual":
        after = changes.change(intent, after)
        return Done(after, changes)
    assert intent.payment_method_id is not None, f"{id} waits for a customer without a card"
    method = await tools.methods.find(tenant, intent.payment_method_id)
    assert method is not None, f"{id} names a payment method that is not there"
    wishes = authorizing.Wishes()
    return await authorizing.confirm(
        tools, tenant, changes, intent, after, method, wishes, recovery
    )


async def found(tools: Tools, tenant: Tenant, id: str) -> Intent:
    intent = await tools.store.intent(tenant, id)
    if intent is None:
        raise NotFound("payment_intent", id, "intent")
    return intent


def require_secret(intent: Intent, client_secret: str | None) -> None:
    """A browser shows that it was given this payment. A wrong secret says nothing about
    whether the intent exists."""
    if client_secret != intent.client_secret:
        raise NotFound("payment_intent", intent.id, "intent")


async def _described(tools: Tools, tenant: Tenant, intent: Intent, given: Given) -> Intent:
    """`intent` with what `given` says about it, payment method and amount aside."""
    settings: dict[str, Any] = {
        name: contact.text(given, name) for name in _TEXTS if name in given
    }
    if "customer" in given:
        if await tools.customers.find(tenant, given["customer"]) is None:
            raise NoSuchReference("customer", given["customer"], "customer")
        settings["customer_id"] = given["customer"]
    if "receipt_email" in given:
        settings["receipt_email"] = contact.email(given, "receipt_email", "receipt_email")
    if "shipping" in given:
        shipping = given["shipping"]
        settings["shipping"] = contact.shipping_from(shipping) if shipping else None
    if "metadata" in given:
        settings["metadata"] = merge(intent.metadata, given["metadata"])
    if "payment_method_types" in given and given["payment_method_types"]:
        settings["payment_method_types"] = list(given["payment_method_types"])
    if "allowed_payment_method_types" in given:
        settings["allowed_payment_method_types"] = list(given["allowed_payment_method_types"])
    if "payment_method_options" in given:
        settings["payment_method_options"] = given["payment_method_options"]
    if "capture_method" in given:
        settings["capture_method"] = given["capture_method"]
    if "return_url" in given:
        settings["return_url"] = given["return_url"]
    card = ((given.get("payment_method_options") or {}).get("card")) or {}
    if card.get("capture_method") == "manual":
        settings["capture_method"] = "manual"
    if card.get("setup_future_usage") in ("on_session", "off_session"):
        settings["setup_future_usage"] = card["setup_future_usage"]
    return replace(intent, **settings) if settings else intent


async def _method(
    tools: Tools, tenant: Tenant, intent: Intent, given: Given, changes: Changes
) -> PaymentMethod | None:
    """The payment method that the request brings, fit for this intent."""
    if "payment_method_data" in given:
        return tools.methods.from_data(given["payment_method_data"], changes)
    if not given.get("payment_method"):
        return None
    method = await tools.methods.resolve(tenant, given["payment_method"], changes)
    refuse_use(method, intent.customer_id)
    return method


def _wishes(intent: Intent, given: Given) -> authorizing.Wishes:
    automatic = intent.automatic_payment_methods or {}
    stays_here = automatic.get("allow_redirects") == "never" and not given.get("use_stripe_sdk")
    return authorizing.Wishes(
        off_session=bool(given.get("off_session", False)),
        error_on_requires_action=given.get("error_on_requires_action", False) or stays_here,
    )


def _automatic(given: Given, by_default: bool) -> dict[str, Any] | None:
    automatic = given.get("automatic_payment_methods")
    if automatic is None:
        return {"allow_redirects": "always", "enabled": True} if by_default else None
    return {
        "allow_redirects": automatic.get("allow_redirects", "always"),
        "enabled": automatic["enabled"],
    }


def _refuse_contradictions(given: Given, confirming: bool) -> None:
    _refuse_two_methods(given)
    automatic = given.get("automatic_payment_methods") or {}
    if automatic.get("enabled") and "payment_method_types" in given:
        raise InvalidRequest(
            "parameter_invalid",
            "You may send automatic_payment_methods[enabled] or payment_method_types, not both.",
            "payment_method_types",
        )
    for name in _ONLY_WITH_CONFIRM:
        if name in given and not confirming:
            raise InvalidRequest(
                "parameter_invalid", f"{name} can only be sent when confirm is true.", name
            )


def _refuse_two_methods(given: Given) -> None:
    if given.get("payment_method") and "payment_method_data" in given:
        raise InvalidRequest(
            "parameter_invalid",
            "You may send payment_method or payment_method_data, not both.",
            "payment_method_data",
        )


def _without_method(intent: Intent | None = None) -> Refused:
    return Refused(
        "payment_intent_unexpected_state",
        "You cannot confirm this PaymentIntent because it is missing a payment method. Send "
        "payment_method with the confirmation, or update the PaymentIntent with one first.",
        "payment_method",
        subject=intent,
    )
