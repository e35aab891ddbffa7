"""Money arrives in a wallet when a payment succeeds, and leaves when it is refunded."""

from __future__ import annotations

from tests.ledger.keeping import refused
from tests.support.api import Api
from tests.wallets.keeping import (
    WALLETS,
    available,
    balance,
    filled,
    movements,
    told,
    top_up,
    transfer,
    wallet,
)


def test_a_payment_that_succeeds_brings_its_whole_amount(api: Api) -> None:
    purse = wallet(api)
    paid = top_up(api, purse, 2000)
    assert paid["top_up_wallet"] == purse
    assert api.get(f"{WALLETS}/{purse}")["balance"] == 2000
    assert movements(api, purse) == [("top_up", 2000, 2000)]


def test_the_merchant_has_what_the_payment_brought_less_what_is_the_wallets(api: Api) -> None:
    top_up(api, wallet(api), 2000)
    pending = {one["currency"]: one["amount"] for one in api.get("/v1/balance")["pending"]}
    assert pending["usd"] == -88  # the fee of 2.9 % and 30 cents
    moved = api.get("/v1/balance_transactions")["data"]
    assert [(one["type"], one["amount"], one["fee"]) for one in moved] == [
        ("transfer", -2000, 0),
        ("charge", 2000, 88),
    ]


def test_a_top_up_names_its_payment_and_the_charge_names_the_top_up(api: Api) -> None:
    purse = wallet(api)
    paid = top_up(api, purse, 2000)
    brought = api.get(f"{WALLETS}/{purse}/top_ups")["data"][0]
    assert brought["payment_intent"] == paid["id"]
    assert brought["charge"] == paid["latest_charge"]
    assert api.get(f"/v1/charges/{paid['latest_charge']}")["top_up"] == brought["id"]
    assert api.get(f"{WALLETS}/{purse}/top_ups/{brought['id']}").body == brought
    assert told(api, brought["id"]) == ["wallet_top_up.succeeded"]


def test_a_payment_that_is_declined_brings_nothing(api: Api) -> None:
    purse = wallet(api)
    declined = api.pay(top_up_wallet=purse, payment_method="pm_card_chargeDeclined")
    assert declined.status == 402
    assert balance(api, purse) == 0
    assert movements(api, purse) == []


def test_a_refund_takes_its_part_out_of_the_wallet(api: Api) -> None:
    purse = wallet(api)
    paid = top_up(api, purse, 2000)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=500)
    assert movements(api, purse) == [("top_up", 2000, 2000), ("top_up_reversal", -500, 1500)]
    api.post("/v1/refunds", payment_intent=paid["id"])
    brought = api.get(f"{WALLETS}/{purse}/top_ups")["data"][0]
    assert (brought["status"], brought["amount_reversed"]) == ("reversed", 2000)
    assert balance(api, purse) == 0


def test_what_was_spent_cannot_be_refunded(api: Api) -> None:
    purse, other = wallet(api), wallet(api)
    paid = top_up(api, purse, 2000)
    transfer(api, purse, other, 1500)
    before = api.get("/v1/balance").body
    answer = api.post("/v1/refunds", payment_intent=paid["id"])
    assert refused(answer) == (400, "balance_insufficient", "amount")
    assert api.get("/v1/balance").body == before
    assert api.post("/v1/refunds", payment_intent=paid["id"], amount=500).status == 200
    assert balance(api, purse) == 0


def test_a_refund_that_does_not_arrive_leaves_the_money_in_the_wallet(api: Api) -> None:
    purse = wallet(api)
    paid = top_up(api, purse, 2000, payment_method="pm_card_pendingRefund")
    refund = api.post("/v1/refunds", payment_intent=paid["id"], amount=700)
    assert balance(api, purse) == 1300
    assert refund["status"] in ("pending", "succeeded")


def test_a_frozen_wallet_still_takes_what_was_paid(api: Api) -> None:
    purse = wallet(api)
    waiting = api.pay(top_up_wallet=purse, confirm=False, payment_method="pm_card_visa")
    api.post(f"{WALLETS}/{purse}", status="frozen")
    assert api.post(f"/v1/payment_intents/{waiting['id']}/confirm").status == 200
    assert balance(api, purse) == 2000


def test_nobody_begins_to_top_up_a_closed_wallet(api: Api) -> None:
    purse = wallet(api)
    waiting = api.pay(top_up_wallet=purse, confirm=False, payment_method="pm_card_visa")
    assert api.post(f"{WALLETS}/{purse}", status="closed").status == 200
    closed = (400, "wallet_closed", "top_up_wallet")
    assert refused(api.pay(top_up_wallet=purse)) == closed
    assert refused(api.post(f"/v1/payment_intents/{waiting['id']}/confirm")) == closed


def test_a_top_up_is_in_the_currency_of_its_wallet(api: Api) -> None:
    answer = api.pay(currency="eur", top_up_wallet=wallet(api))
    assert refused(answer) == (400, "wallet_currency_mismatch", "top_up_wallet")


def test_a_top_up_is_captured_at_once(api: Api) -> None:
    answer = api.pay(top_up_wallet=wallet(api), capture_method="manual")
    assert refused(answer) == (400, None, "capture_method")


def test_nobody_tops_up_the_wallet_of_somebody_else(api: Api, other_api: Api) -> None:
    answer = api.pay(top_up_wallet=wallet(other_api))
    assert refused(answer) == (400, "resource_missing", "top_up_wallet")


def test_what_is_filled_is_available(api: Api) -> None:
    purse = filled(api, 700)
    assert available(api, purse) == 700
