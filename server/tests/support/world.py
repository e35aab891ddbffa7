"""An account in which something has happened: an object of each kind, payments in each state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.api import Api
from tests.support.chained import chain
from tests.support.contract import Operation
from tests.support.people import add_member
from tests.support.processes import eventually

# An address, so that no name is looked up. Nothing is sent there: no worker runs beside the server.
LISTENER = "https://8.8.8.8/guilder"
_POSTING = {"debit": "{ledger_account}", "credit": "{other_ledger_account}", "amount": 100}
# What a request to an operation needs besides its path.
_SUFFICIENT: dict[str, dict[str, Any]] = {
    "create_api_key": {"kind": "restricted", "permissions": ["customers:read"]},
    "attach_payment_method": {"customer": "{customer}"},
    "create_charge": {"amount": 2000, "currency": "usd", "source": "tok_visa"},
    "create_invitation": {"email": "grace@example.com", "role": "viewer"},
    "create_ledger_account": {
        "code": "assets/bank/other",
        "currency": "usd",
        "normal_side": "debit",
    },
    "create_ledger_transaction": {"postings": [_POSTING]},
    "create_ledger_transactions": {"transactions": [{"postings": [_POSTING]}]},
    "create_oauth_client": {"scopes": ["customers:read"]},
    "create_payment_intent": {"amount": 2000, "currency": "usd"},
    "create_payment_method": {"type": "card", "card": {"token": "tok_visa"}},
    "create_payout": {"amount": 10, "currency": "usd", "wallet": "{wallet}"},
    "change_password": {"old_password": "the one before", "new_password": "one for tests"},
    "create_recovery_codes": {"code": "000000", "password": "the one before"},
    "create_refund": {"charge": "{charge}", "amount": 1},
    "create_wallet": {"currency": "usd"},
    "create_wallet_hold": {"amount": 100},
    "create_wallet_transfer": {"amount": 100, "destination": "{other_wallet}"},
    "create_webhook_endpoint": {"url": LISTENER, "enabled_events": ["charge.succeeded"]},
    "create_webhook_replay": {"since": 1},
    "increment_payment_intent_authorization": {"amount": 5000},
    "retrieve_ledger_statement": {"interval_start": 0, "interval_end": 4_000_000_000},
    "retrieve_wallet_statement": {"interval_start": 0, "interval_end": 4_000_000_000},
    "retry_event": {"webhook_endpoint": "{webhook_endpoint}"},
    "search_charges": {"query": "created>1"},
    "search_customers": {"query": "created>1"},
    "search_payment_intents": {"query": "created>1"},
}
# Which object the path of an operation names, where it is not the one of its parameter's name.
_NAMED: dict[str, dict[str, str]] = {
    "attach_payment_method": {"payment_method": "loose_method"},
    "cancel_payment_intent": {"intent": "requires_capture"},
    "capture_charge": {"charge": "held_charge"},
    "capture_payment_intent": {"intent": "requires_capture"},
    "confirm_payment_intent": {"intent": "requires_confirmation"},
    "increment_payment_intent_authorization": {"intent": "requires_capture"},
    "list_event_deliveries": {"id": "event"},
    "list_ledger_entries": {"account": "ledger_account"},
    "post_ledger_transaction": {"transaction": "pending_ledger_transaction"},
    "retrieve_balance_transaction": {"id": "balance_transaction"},
    "retrieve_audit_entry": {"id": "audit_entry"},
    "retrieve_event": {"id": "event"},
    "retrieve_ledger_account": {"account": "ledger_account"},
    "retrieve_ledger_checkpoint": {"checkpoint": "ledger_checkpoint"},
    "retrieve_ledger_balance": {"account": "ledger_account"},
    "retrieve_ledger_statement": {"account": "ledger_account"},
    "retrieve_ledger_transaction": {"transaction": "ledger_transaction"},
    "retry_event": {"id": "event"},
    "reverse_ledger_transaction": {"transaction": "ledger_transaction"},
    "update_ledger_account": {"account": "ledger_account"},
    "void_ledger_transaction": {"transaction": "pending_ledger_transaction"},
    "update_payment_intent": {"intent": "requires_payment_method"},
}


@dataclass(frozen=True)
class World:
    """`ids` by kind of object; intents also by status."""

    api: Api
    ids: dict[str, str]
    client_secrets: dict[str, str]

    def path(self, operation: Operation) -> str:
        """The path to an object that the operation would work on."""
        named = _NAMED.get(operation.id, {})
        ids = {name: self.ids[named.get(name, name)] for name in operation.path_parameters}
        return operation.path.format_map(ids)

    def params(self, operation: Operation) -> dict[str, Any]:
        """Parameters that suffice for it."""
        return {
            name: self._filled(value) for name, value in _SUFFICIENT.get(operation.id, {}).items()
        }

    def _filled(self, value: Any) -> Any:
        match value:
            case str():
                return value.format_map(self.ids)
            case dict():
                return {name: self._filled(one) for name, one in value.items()}
            case list():
                return [self._filled(one) for one in value]
        return value


def populate(api: Api, database_url: str) -> World:
    email = f"{api.account.account.lower()}@example.com"
    invitation = api.post("/v1/invitations", email=email, role="viewer")["id"]
    api_key = api.post("/v1/api_keys", kind="restricted", permissions=["customers:read"])["id"]
    oauth_client = api.post("/v1/oauth_clients", scopes=["customers:read"])["id"]
    customer = api.post("/v1/customers", name="Ada Lovelace", email="ada@example.com")["id"]
    method = api.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    loose = api.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    intents = {
        "requires_payment_method": api.post("/v1/payment_intents", amount=2000, currency="usd"),
        "requires_confirmation": api.pay(confirm=False, customer=customer, payment_method=method),
        "requires_action": api.pay(payment_method="pm_card_threeDSecure2Required"),
        "requires_capture": api.pay(capture_method="manual", customer=customer),
        "succeeded": api.pay(customer=customer, payment_method=method),
        "canceled": api.post("/v1/payment_intents", amount=2000, currency="usd"),
    }
    canceled = intents["canceled"]
    intents["canceled"] = api.post(f"/v1/payment_intents/{canceled['id']}/cancel")
    for status, intent in intents.items():
        assert intent["status"] == status
    charge = intents["succeeded"]["latest_charge"]
    held = api.post("/v1/charges", amount=900, currency="usd", source="tok_visa", capture=False)
    endpoint = api.post("/v1/webhook_endpoints", url=LISTENER, enabled_events=["*"])["id"]
    replay = api.post(f"/v1/webhook_endpoints/{endpoint}/replays", since=1)["id"]
    refund = api.post("/v1/refunds", charge=charge, amount=300)
    accounts = [
        api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="debit")["id"]
        for code in ("assets/bank/main", "assets/till")
    ]
    posting = {"debit": accounts[0], "credit": accounts[1], "amount": 700}
    posted, pending = (
        api.post("/v1/ledger/transactions", postings=[posting], status=status)["id"]
        for status in ("posted", "pending")
    )
    entries = api.get(f"/v1/ledger/accounts/{accounts[0]}/entries")["data"]
    wallet = api.post("/v1/wallets", currency="usd", customer=customer)["id"]
    other_wallet = api.post("/v1/wallets", currency="usd")["id"]
    assert api.pay(top_up_wallet=wallet)["status"] == "succeeded"
    top_up = api.get(f"/v1/wallets/{wallet}/top_ups")["data"][0]["id"]
    transfer = api.post(f"/v1/wallets/{wallet}/transfers", amount=200, destination=other_wallet)[
        "id"
    ]
    wallet_hold = api.post(f"/v1/wallets/{wallet}/holds", amount=300)["id"]
    movement = api.get(f"/v1/wallets/{wallet}/transactions")["data"][0]["id"]
    chain(database_url)
    checkpoint = api.get("/v1/ledger/checkpoints")["data"][0]["id"]
    # One that is over, so that nothing happens to it while others look.
    payout = api.post(
        "/v1/payouts", amount=50, currency="usd", wallet=wallet, destination="ba_noAccount"
    )["id"]
    event = api.get("/v1/events")["data"][0]["id"]
    logged = api.get("/v1/account").headers["request-id"]
    assert eventually(lambda: api.get(f"/v1/request_logs/{logged}").status == 200)
    ids = {status: str(intent["id"]) for status, intent in intents.items()}
    ids |= {
        "api_key": api_key,
        "oauth_client": oauth_client,
        "customer": customer,
        "invitation": invitation,
        "session": "sess_nobodys",
        "user": add_member(database_url, api.account.account),
        "payment_method": method,
        "loose_method": loose,
        "intent": ids["succeeded"],
        "payment_intent": ids["succeeded"],
        "charge": charge,
        "held_charge": held["id"],
        "refund": refund["id"],
        "balance_transaction": refund["balance_transaction"],
        "ledger_account": accounts[0],
        "other_ledger_account": accounts[1],
        "ledger_checkpoint": checkpoint,
        "ledger_entry": entries[0]["id"],
        "ledger_transaction": posted,
        "pending_ledger_transaction": pending,
        "audit_entry": api.get("/v1/audit_entries")["data"][0]["id"],
        "event": event,
        "request_log": logged,
        "actor": api.get(f"/v1/request_logs/{logged}")["actor"]["id"],
        "webhook_endpoint": endpoint,
        "delivery": api.get(f"/v1/events/{event}/deliveries")["data"][0]["id"],
        "replay": replay,
        "payout": payout,
        "wallet": wallet,
        "other_wallet": other_wallet,
        "top_up": top_up,
        "transfer": transfer,
        "hold": wallet_hold,
        "wallet_transaction": movement,
    }
    secrets = {str(intent["id"]): intent["client_secret"] for intent in intents.values()}
    return World(api, ids, secrets)
