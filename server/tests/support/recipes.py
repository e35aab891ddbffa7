"""How an object of each kind comes about, for whoever needs one of them."""

from __future__ import annotations

from typing import Any

from tests.support.world import LISTENER

Schema = dict[str, Any]


def seed(kind: str) -> str:
    return f"seed_{kind}_here"


_PAYMENT = {"amount": 2000, "currency": "usd", "customer": seed("customer")}
PAID = {**_PAYMENT, "confirm": True, "payment_method": "pm_card_visa"}
_CARD = {"type": "card", "card": {"token": "tok_visa"}}
_HELD = {"amount": 2000, "currency": "usd", "source": "tok_visa", "capture": False}
_PAYOUT = {"amount": 10, "currency": "usd", "wallet": seed("wallet")}
_ACCOUNT = {"code": "seeds", "currency": "usd", "normal_side": "debit"}
_POSTINGS = [
    {"debit": seed("ledger_account"), "credit": seed("other_ledger_account"), "amount": 1000}
]
# How an object of each kind comes about: made at once, the charge of a payment, or something
# made to which something was done.
MADE: dict[str, tuple[str, Schema]] = {
    "api_key": ("api_keys", {"kind": "restricted", "permissions": ["customers:read"]}),
    "customer": ("customers", {"name": "Ada", "email": "ada@example.com"}),
    "declined": ("payment_intents", {**PAID, "payment_method": "pm_card_chargeDeclined"}),
    "held_alone": ("charges", _HELD),
    "invitation": ("invitations", {"email": "seed", "role": "viewer"}),
    "ledger_account": ("ledger/accounts", _ACCOUNT),
    "ledger_transaction": ("ledger/transactions", {"postings": _POSTINGS}),
    "loose_method": ("payment_methods", _CARD),
    "method": ("payment_methods/pm_card_visa/attach", {"customer": seed("customer")}),
    "other_ledger_account": ("ledger/accounts", _ACCOUNT),
    "pending_ledger_transaction": (
        "ledger/transactions",
        {"postings": _POSTINGS, "status": "pending"},
    ),
    "oauth_client": ("oauth_clients", {"scopes": ["customers:read"]}),
    "refund": ("refunds", {"charge": seed("charge"), "amount": 5}),
    "requires_action": (
        "payment_intents",
        {**PAID, "payment_method": "pm_card_threeDSecure2Required"},
    ),
    "requires_capture": ("payment_intents", {**PAID, "capture_method": "manual"}),
    "requires_confirmation": ("payment_intents", {**PAID, "confirm": False}),
    "requires_payment_method": ("payment_intents", _PAYMENT),
    "replay": (f"webhook_endpoints/{seed('webhook_endpoint')}/replays", {"since": 1}),
    "succeeded": ("payment_intents", PAID),
    "failed_payout": ("payouts", {**_PAYOUT, "destination": "ba_noAccount"}),
    "payout": ("payouts", _PAYOUT),
    "pending_payout": ("payouts", {**_PAYOUT, "destination": "ba_pending"}),
    "empty_wallet": ("wallets", {"currency": "usd"}),
    "other_wallet": ("wallets", {"currency": "usd"}),
    "wallet": ("wallets", {"currency": "usd", "floor": -(10**9)}),
    "webhook_endpoint": (
        "webhook_endpoints",
        {"url": LISTENER, "enabled_events": ["refund.created", "customer.created"]},
    ),
}
CHARGE_OF = {
    "charge": "succeeded",
    "failed_charge": "declined",
    "held_charge": "requires_capture",
}
DONE_TO: dict[str, tuple[str, str, str, Schema]] = {
    "deleted_oauth_client": ("oauth_client", "DELETE", "oauth_clients/{made}", {}),
    "revoked_api_key": ("api_key", "POST", "api_keys/{made}/revoke", {}),
    "canceled": ("requires_payment_method", "POST", "payment_intents/{made}/cancel", {}),
    "closed_ledger_account": (
        "ledger_account",
        "POST",
        "ledger/accounts/{made}",
        {"status": "closed"},
    ),
    "deleted_customer": ("customer", "DELETE", "customers/{made}", {}),
    "deleted_endpoint": ("webhook_endpoint", "DELETE", "webhook_endpoints/{made}", {}),
    "disabled_endpoint": (
        "webhook_endpoint",
        "POST",
        "webhook_endpoints/{made}",
        {"disabled": True},
    ),
    "frozen_ledger_account": (
        "ledger_account",
        "POST",
        "ledger/accounts/{made}",
        {"status": "frozen"},
    ),
    "closed_wallet": ("empty_wallet", "POST", "wallets/{made}", {"status": "closed"}),
    "frozen_wallet": ("wallet", "POST", "wallets/{made}", {"status": "frozen"}),
    "voided_ledger_transaction": (
        "pending_ledger_transaction",
        "POST",
        "ledger/transactions/{made}/void",
        {},
    ),
    "spent_method": (
        "loose_method",
        "POST",
        "payment_intents",
        {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "made"},
    ),
}
