"""A gateway's answer in the words of charges, intents and errors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from guilder_server.gateways import (
    ActionRequired,
    Approved,
    Declined,
    Instrument,
)
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import CardDeclined
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod, view_payment_method
from guilder_server.payments.domain import charges
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent

AUTHENTICATION_FAILED = "payment_intent_authentication_failure"


def charge_outcome(answer: Approved | Declined) -> dict[str, Any]:
    """`charge.outcome`, without what is null and without what is said of every approved charge."""
    outcome: dict[str, Any] = {"risk_level": answer.risk.level}
    for name, usual in charges.USUAL_OUTCOME.items():
        if (value := getattr(answer, name)) != usual:
            outcome[name] = value
    if answer.risk.score is not None:
        outcome["risk_score"] = answer.risk.score
    if isinstance(answer, Declined):
        for name in ("reason", "network_decline_code", "network_advice_code", "advice_code"):
            if (value := getattr(answer, name)) is not None:
                outcome[name] = value
    return outcome


def made(charge: Charge, method: PaymentMethod, answer: Approved | Declined) -> Charge:
    """The charge once the gateway has answered."""
    after = replace(
        charge,
        attempt_id=None,
        card=card_details(method.instrument, answer),
        outcome=charge_outcome(answer),
        reference=answer.reference,
    )
    if isinstance(answer, Approved):
        return replace(after, status="succeeded")
    return replace(
        after,
        status="failed",
        capture_before=None,
        failure_code=answer.code,
        failure_message=answer.message,
    )


def card_details(card: Instrument, answer: Approved | Declined | None) -> dict[str, Any]:
    """`charge.payment_method_details.card`, without what is null."""
    details: dict[str, Any] = {
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "country": card.country,
        "network": card.brand if card.brand != "unknown" else None,
        "regulated_status": card.regulated_status,
    }
    if answer is not None:
        details["checks"] = answer.checks.given()
        if answer.three_d_secure is not None:
            details["three_d_secure"] = _given(asdict(answer.three_d_secure))
    if isinstance(answer, Approved):
        details["authorization_code"] = answer.authorization_code
        details["network_transaction_id"] = answer.network_transaction_id
    return _given(details)


def makes_a_charge(declined: Declined) -> bool:
    """Whether the refusal is worth a charge: a customer who did not authenticate was never
    charged for anything."""
    return declined.code != AUTHENTICATION_FAILED


def payment_error(
    tenant: Tenant, declined: Declined, charge_id: str | None, method: PaymentMethod
) -> dict[str, Any]:
    """`last_payment_error`: why the card was refused, with the card."""
    error = {
        "type": "card_error" if charge_id else "invalid_request_error",
        "code": declined.code,
        "decline_code": declined.decline_code,
        "message": declined.message,
        "param": declined.param,
        "charge": charge_id,
        "advice_code": declined.advice_code,
        "network_advice_code": declined.network_advice_code,
        "network_decline_code": declined.network_decline_code,
    }
    return _given(error) | {"payment_method": view_payment_method(method, tenant)}


def refusal_of(intent: Intent) -> CardDeclined | None:
    """The error that the intent's last refusal was answered with."""
    error = intent.last_payment_error
    if error is None:
        return None
    return CardDeclined(
        error["code"],
        error["message"],
        error.get("decline_code"),
        error.get("param"),
        subject=intent,
        charge=error.get("charge"),
        advice_code=error.get("advice_code"),
        network_decline_code=error.get("network_decline_code"),
    )


def declined(
    answer: Declined, subject: object | None = None, charge: str | None = None
) -> CardDeclined:
    """A refusal that leaves no payment error behind, such as that of a capture."""
    return CardDeclined(
        answer.code,
        answer.message,
        answer.decline_code,
        answer.param,
        subject=subject,
        charge=charge,
        advice_code=answer.advice_code,
        network_decline_code=answer.network_decline_code,
    )


def next_action(
    intent: Intent, action: ActionRequired, page: str, in_place: bool
) -> dict[str, Any]:
    """Where the customer authenticates: a page to be sent to, or, `in_place`, one for the
    program in the browser to open. A gateway without a page of its own uses `page`."""
    url = action.url or f"{page}/{intent.id}?client_secret={intent.client_secret}"
    if intent.return_url and not in_place:
        shown = {"url": url, "return_url": intent.return_url}
        return {"type": "redirect_to_url", "redirect_to_url": shown}
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "type": "three_d_secure_redirect",
            "stripe_js": url,
            "source": action.reference,
        },
    }


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
