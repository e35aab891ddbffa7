"""Payments, charges and refunds for tests, with everything filled in that a test does not name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SECRET = "pi_1_secret_abc"

# What each status needs to be believable.
_STANDS: dict[str, dict[str, Any]] = {
    "requires_confirmation": {"payment_method_id": "pm_1"},
    "requires_action": {
        "payment_method_id": "pm_1",
        "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}},
    },
    "processing": {"payment_method_id": "pm_1", "attempt_id": "att_1"},
    "requires_capture": {
        "payment_method_id": "pm_1",
        "latest_charge_id": "ch_1",
        "amount_capturable": 2000,
    },
    "succeeded": {
        "payment_method_id": "pm_1",
        "latest_charge_id": "ch_1",
        "amount_received": 2000,
    },
    "canceled": {"canceled_at": NOW},
}


def an_intent(status: str = "requires_payment_method", **fields: Any) -> Intent:
    given = {
        "id": "pi_1",
        "version": 1,
        "created": NOW,
        "amount": 2000,
        "currency": "usd",
        "secret": "abc",
        "payment_method_types": ["card"],
        **_STANDS.get(status, {}),
    }
    return Intent(status=status, **given | fields)  # type: ignore[arg-type]


def a_charge(status: str = "succeeded", **fields: Any) -> Charge:
    given = {
        "id": "ch_1",
        "version": 1,
        "created": NOW,
        "amount": 2000,
        "currency": "usd",
        "gateway": "sandbox",
        "instrument": "ok",
        "card": {
            "brand": "visa",
            "last4": "4242",
            "exp_month": 11,
            "exp_year": 2027,
            "funding": "credit",
            "fingerprint": "f",
        },
    }
    return Charge(status=status, **given | fields)  # type: ignore[arg-type]


def a_captured_charge(**fields: Any) -> Charge:
    return a_charge(**{"amount_captured": 2000, "captured": True, **fields})


def a_refund(status: str = "pending", **fields: Any) -> Refund:
    given = {
        "id": "re_1",
        "version": 1,
        "created": NOW,
        "amount": 500,
        "currency": "usd",
        "charge_id": "ch_1",
    }
    return Refund(status=status, **given | fields)  # type: ignore[arg-type]
