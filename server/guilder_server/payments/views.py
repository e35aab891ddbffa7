"""Payments as the wire shows them."""

from __future__ import annotations

from typing import Any, cast

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.contact import NO_BILLING_DETAILS
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain.charges import USUAL_OUTCOME, Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund

_CARD_PROCESSING: wire.PaymentIntentProcessing = {
    "type": "card",
    "card": {"customer_notification": None},
}
_NO_CHECKS: wire.CardChecks = {
    "address_line1_check": None,
    "address_postal_code_check": None,
    "cvc_check": None,
}


def view_intent(intent: Intent, tenant: Tenant) -> wire.PaymentIntent:
    return {
        "id": intent.id,
        "object": "payment_intent",
        "allowed_payment_method_types": cast(Any, intent.allowed_payment_method_types),
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": cast(Any, intent.automatic_payment_methods),
        "canceled_at": unix(intent.canceled_at) if intent.canceled_at else None,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": intent.confirmation_method,
        "created": unix(intent.created),
        "currency": intent.currency,
        "customer": intent.customer_id,
        "customer_account": None,
        "description": intent.description,
        "excluded_payment_method_types": None,
        "last_payment_error": cast(Any, intent.last_payment_error),
        "latest_charge": intent.latest_charge_id,
        "livemode": tenant.livemode,
        "metadata": intent.metadata,
        "next_action": cast(Any, intent.next_action),
        "on_behalf_of": None,
        "payment_method": intent.payment_method_id,
        "payment_method_configuration_details": None,
        "payment_method_options": _options(intent),
        "payment_method_types": cast(Any, intent.payment_method_types),
        "processing": _CARD_PROCESSING if intent.status == "processing" else None,
        "receipt_email": intent.receipt_email,
        "review": None,
        "setup_future_usage": intent.setup_future_usage,
        "shipping": cast(Any, intent.shipping),
        "source": None,
        "statement_descriptor": intent.statement_descriptor,
        "statement_descriptor_suffix": intent.statement_descriptor_suffix,
        "status": intent.status,
        "top_up_wallet": intent.top_up_wallet_id,
        "transfer_data": None,
        "transfer_group": intent.transfer_group,
        "wallet": intent.wallet_id,
        "wallet_amount": intent.wallet_amount,
        "wallet_charge": intent.wallet_charge_id,
    }


def _options(intent: Intent) -> wire.PaymentIntentPaymentMethodOptions:
    given = (intent.payment_method_options or {}).get("card") or {}
    card = {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
        **given,
    }
    return {"card": cast(wire.PaymentIntentCardOptions, card)}


def view_charge(charge: Charge, tenant: Tenant) -> wire.Charge:
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "authorization_code": charge.card.get("authorization_code"),
        "balance_transaction": charge.balance_transaction_id,
        "billing_details": cast(Any, charge.billing_details or NO_BILLING_DETAILS),
        "calculated_statement_descriptor": _statement_descriptor(charge),
        "captured": charge.captured,
        "created": unix(charge.created),
        "currency": charge.currency,
        "customer": charge.customer_id,
        "description": charge.description,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "fraud_details": cast(Any, charge.fraud_details),
        "livemode": tenant.livemode,
        "metadata": charge.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(charge),
        "paid": charge.status == "succeeded",
        "payment_intent": charge.payment_intent_id,
        "payment_method": charge.payment_method_id,
        "payment_method_details": _method_details(charge),
        "receipt_email": charge.receipt_email,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": charge.refunded,
        "review": None,
        "shipping": cast(Any, charge.shipping),
        "source": None,
        "source_transfer": None,
        "statement_descriptor": charge.statement_descriptor,
        "statement_descriptor_suffix": charge.statement_descriptor_suffix,
        "status": charge.status,
        "top_up": charge.top_up_id,
        "transfer_data": None,
        "transfer_group": charge.transfer_group,
        "wallet": charge.instrument if charge.of_wallet else None,
    }


def _method_details(charge: Charge) -> wire.ChargePaymentMethodDetails:
    """What is kept for a customer is the official API's `customer_balance`."""
    if charge.of_wallet:
        return {"type": "customer_balance", "customer_balance": {}}
    return {"type": "card", "card": _card(charge)}


def _statement_descriptor(charge: Charge) -> str | None:
    """What the customer reads on the statement: at most 22 characters, in capitals."""
    parts = [
        part for part in (charge.statement_descriptor, charge.statement_descriptor_suffix) if part
    ]
    return "* ".join(parts).upper()[:22] or None


def _outcome(charge: Charge) -> wire.ChargeOutcome | None:
    if charge.outcome is None:
        return None
    seen = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "reason": None,
        **USUAL_OUTCOME,
        **charge.outcome,
    }
    return cast(wire.ChargeOutcome, seen)


def _card(charge: Charge) -> wire.ChargeCard:
    card = charge.card
    later = charge.capture_before is not None
    seen: dict[str, Any] = {
        "amount_authorized": charge.amount if charge.status == "succeeded" else None,
        "authorization_code": card.get("authorization_code"),
        "brand": card["brand"],
        "checks": _NO_CHECKS | card.get("checks", {}),
        "country": card.get("country"),
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"} if later else None,
        "fingerprint": card.get("fingerprint"),
        "funding": card["funding"],
        "incremental_authorization": _available(card, "incremental") if later else None,
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": _available(card, "multicapture") if later else None,
        "network": card.get("network"),
        "network_token": {"used": False},
        "network_transaction_id": card.get("network_transaction_id"),
        "overcapture": None,
        "regulated_status": card.get("regulated_status"),
        "three_d_secure": _three_d_secure(card),
        "wallet": None,
    }
    if later:
        seen["overcapture"] = {
            "maximum_amount_capturable": charge.amount,
            "status": "unavailable",
        }
    if charge.capture_before is not None:
        seen["capture_before"] = unix(charge.capture_before)
    return cast(wire.ChargeCard, seen)


def _available(card: dict[str, Any], name: str) -> dict[str, str]:
    return {"status": "available" if card.get(name) else "unavailable"}


def _three_d_secure(card: dict[str, Any]) -> dict[str, Any] | None:
    if "three_d_secure" not in card:
        return None
    return {
        "authentication_flow": None,
        "electronic_commerce_indicator": None,
        "exemption_indicator": None,
        "result": None,
        "result_reason": None,
        "transaction_id": None,
        "version": None,
        **card["three_d_secure"],
    }


def _destination(refund: Refund) -> wire.RefundDestinationDetails:
    if refund.payment_method_id is None:
        return {"customer_cash_balance": {}, "type": "customer_cash_balance"}
    return {"card": {"type": "refund"}, "type": "card"}


def view_refund(refund: Refund, _: Tenant) -> wire.Refund:
    seen: wire.Refund = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.balance_transaction_id,
        "charge": refund.charge_id,
        "created": unix(refund.created),
        "currency": refund.currency,
        "customer": refund.customer_id,
        "customer_account": None,
        "destination_details": _destination(refund),
        "metadata": refund.metadata,
        "payment_intent": refund.payment_intent_id,
        "payment_method": refund.payment_method_id,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status,
        "transfer_reversal": None,
    }
    if refund.status == "pending":
        seen["pending_reason"] = "processing"
    if refund.failure_reason is not None:
        seen["failure_reason"] = refund.failure_reason
    if refund.failure_balance_transaction_id is not None:
        seen["failure_balance_transaction"] = refund.failure_balance_transaction_id
    return seen
