"""What a request says of an intent, and what it may not say at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guilder_server.kernel import contact
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import InvalidRequest, NoSuchReference
from guilder_server.kernel.metadata import merge
from guilder_server.payment_methods import PaymentMethod, refuse_use
from guilder_server.payments.domain import card_options, return_url
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.ports import Tools, Wish

_TEXTS = (
    "description",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_ONLY_WITH_CONFIRM = (
    "error_on_requires_action",
    "mandate_data",
    "off_session",
    "radar_options",
    "return_url",
    "use_stripe_sdk",
)


async def described(tools: Tools, wish: Wish, intent: Intent) -> Intent:
    """`intent` with what the wish says about it, payment method and amount aside."""
    given = wish.given
    settings = _texts(given) | _ways(given, intent)
    if "customer" in given:
        await require_customer(tools, wish)
        settings["customer_id"] = given["customer"]
    if "metadata" in given:
        settings["metadata"] = merge(intent.metadata, given["metadata"])
    return replace(intent, **settings) if settings else intent


async def require_customer(tools: Tools, wish: Wish) -> None:
    customer_id = wish.given["customer"]
    if await tools.customers.find(wish.tenant, customer_id) is None:
        raise NoSuchReference("customer", customer_id, "customer")


def _texts(given: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: contact.text(given, name) for name in _TEXTS if name in given}
    return settings | receipt_and_shipping(given)


def receipt_and_shipping(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent of these two, as an intent and as a charge keep them."""
    settings: dict[str, Any] = {}
    if "receipt_email" in given:
        settings["receipt_email"] = contact.email(given, "receipt_email", "receipt_email")
    if "shipping" in given:
        shipping = given["shipping"]
        settings["shipping"] = contact.shipping_from(shipping) if shipping else None
    return settings


def _ways(given: Mapping[str, Any], intent: Intent) -> dict[str, Any]:
    """The ways in which the payment may be made."""
    settings: dict[str, Any] = {}
    for name in ("allowed_payment_method_types", "capture_method"):
        if name in given:
            settings[name] = given[name]
    if "payment_method_types" in given:
        settings["payment_method_types"] = given["payment_method_types"]
        # Whoever lists them no longer leaves the choice to us.
        if (intent.automatic_payment_methods or {}).get("enabled"):
            settings["automatic_payment_methods"] = None
    if "payment_method_options" in given:
        settings["payment_method_options"] = card_options.merged(
            intent.payment_method_options, given["payment_method_options"]
        )
    if "return_url" in given:
        settings["return_url"] = return_url.checked(given["return_url"])
    return settings


async def method_of(
    tools: Tools, wish: Wish, intent: Intent, changes: Changes
) -> PaymentMethod | None:
    """The payment method that the request brings, fit for this intent."""
    given = wish.given
    if given.get("payment_method") and "payment_method_data" in given:
        raise InvalidRequest(
            "parameters_exclusive",
            "You may send payment_method or payment_method_data, not both.",
            "payment_method_data",
        )
    if "payment_method_data" in given:
        return tools.methods.from_data(given["payment_method_data"], changes)
    if not given.get("payment_method"):
        return None
    method = await tools.methods.resolve(wish.tenant, given["payment_method"], changes)
    refuse_use(method, intent.customer_id)
    return method


async def kept_method(tools: Tools, wish: Wish, intent: Intent) -> PaymentMethod | None:
    """The payment method that the intent has already. It may have been used up meanwhile, or
    the intent may be another customer's now."""
    if intent.payment_method_id is None:
        return None
    method = await tools.methods.find(wish.tenant, intent.payment_method_id)
    assert method is not None, f"{intent.id} names a payment method that is not there"
    refuse_use(method, intent.customer_id)
    return method


def refuse_contradictions(given: Mapping[str, Any]) -> None:
    """Raises for what a new intent cannot be at the same time."""
    automatic = given.get("automatic_payment_methods") or {}
    if automatic.get("enabled") and "payment_method_types" in given:
        raise InvalidRequest(
            "parameters_exclusive",
            "You may send automatic_payment_methods[enabled] or payment_method_types, not both.",
            "payment_method_types",
        )
    if given.get("confirm", False):
        return
    for name in _ONLY_WITH_CONFIRM:
        if name in given:
            raise InvalidRequest(
                "parameter_invalid", f"{name} can only be sent when confirm is true.", name
            )
