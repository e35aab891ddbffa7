"""A wallet pays, alone or with a card for the rest."""

from __future__ import annotations

import pytest

from tests.ledger.keeping import refused
from tests.support.api import Api
from tests.wallets.keeping import (
    WALLETS,
    available,
    balance,
    filled,
    hold,
    movements,
    told,
    wallet,
)


def test_a_wallet_pays_alone(api: Api) -> None:
    purse = filled(api, 2000)
    paid = api.post("/v1/payment_intents", amount=1500, currency="usd", wallet=purse, confirm=True)
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1500)
    charge = api.get(f"/v1/charges/{paid['latest_charge']}")
    assert charge["wallet"] == purse
    assert charge["payment_method_details"] == {"type": "customer_balance", "customer_balance": {}}
    assert paid["wallet_charge"] == charge["id"]
    assert movements(api, purse)[-1] == ("payment", -1500, 500)


def test_what_a_wallet_pays_is_available_at_once_and_without_a_fee(api: Api) -> None:
    purse = filled(api, 2000)
    before = api.get("/v1/balance")["available"][0]["amount"]
    paid = api.post("/v1/payment_intents", amount=1500, currency="usd", wallet=purse, confirm=True)
    assert api.get("/v1/balance")["available"][0]["amount"] == before + 1500
    charge = api.get(f"/v1/charges/{paid['latest_charge']}", expand=["balance_transaction"])
    moved = charge["balance_transaction"]
    assert (moved["type"], moved["amount"], moved["fee"]) == ("payment", 1500, 0)


def test_a_card_pays_what_is_not_in_the_wallet(api: Api) -> None:
    purse = filled(api, 600)
    paid = api.pay(amount=2000, wallet=purse)
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 2000)
    card = api.get(f"/v1/charges/{paid['latest_charge']}")
    rest = api.get(f"/v1/charges/{paid['wallet_charge']}")
    assert (card["amount"], card["payment_method_details"]["type"]) == (1400, "card")
    assert (rest["amount"], rest["wallet"]) == (600, purse)
    assert balance(api, purse) == 0


def test_how_much_comes_from_the_wallet_may_be_said(api: Api) -> None:
    purse = filled(api, 600)
    paid = api.pay(amount=2000, wallet=purse, wallet_amount=250)
    assert api.get(f"/v1/charges/{paid['latest_charge']}")["amount"] == 1750
    assert balance(api, purse) == 350


def test_a_wallet_leaves_the_card_what_a_card_takes_at_least(api: Api) -> None:
    purse = filled(api, 990)
    paid = api.pay(amount=1000, wallet=purse)
    assert api.get(f"/v1/charges/{paid['latest_charge']}")["amount"] == 50
    assert balance(api, purse) == 40
    answer = api.pay(amount=1000, wallet=filled(api, 990), wallet_amount=990)
    assert refused(answer) == (400, "amount_too_small", "wallet_amount")


def test_an_empty_wallet_leaves_all_to_the_card(api: Api) -> None:
    paid = api.pay(amount=2000, wallet=wallet(api))
    assert (paid["status"], paid["wallet_charge"]) == ("succeeded", None)
    assert api.get(f"/v1/charges/{paid['latest_charge']}")["amount"] == 2000


def test_when_the_card_is_declined_the_wallet_keeps_its_money(api: Api) -> None:
    purse = filled(api, 600)
    declined = api.pay(amount=2000, wallet=purse, payment_method="pm_card_chargeDeclined")
    assert declined.status == 402
    assert available(api, purse) == 600
    kept = api.get(f"{WALLETS}/{purse}/holds")["data"][0]
    assert (kept["status"], kept["payment_intent"]) == (
        "released",
        declined.error["payment_intent"]["id"],
    )
    again = api.post(
        f"/v1/payment_intents/{kept['payment_intent']}/confirm", payment_method="pm_card_visa"
    )
    assert (again["status"], balance(api, purse)) == ("succeeded", 0)


def test_a_customer_who_must_authenticate_keeps_the_wallets_part_until_then(api: Api) -> None:
    purse = filled(api, 600)
    intent = api.pay(amount=2000, wallet=purse, payment_method="pm_card_threeDSecure2Required")
    assert intent["status"] == "requires_action"
    assert available(api, purse) == 600


def test_a_wallet_that_has_too_little_does_not_pay_alone(api: Api) -> None:
    purse = filled(api, 600)
    answer = api.post("/v1/payment_intents", amount=601, currency="usd", wallet=purse, confirm=True)
    assert refused(answer) == (400, "balance_insufficient", "wallet")
    assert balance(api, purse) == 600


def test_what_is_held_does_not_pay(api: Api) -> None:
    purse = filled(api, 600)
    hold(api, purse, 500)
    answer = api.post("/v1/payment_intents", amount=101, currency="usd", wallet=purse, confirm=True)
    assert refused(answer) == (400, "balance_insufficient", "wallet")


def test_a_part_without_a_payment_method_for_the_rest_waits_for_one(api: Api) -> None:
    purse = filled(api, 600)
    answer = api.post(
        "/v1/payment_intents",
        amount=600,
        currency="usd",
        wallet=purse,
        wallet_amount=100,
        confirm=True,
    )
    assert refused(answer) == (400, "payment_intent_unexpected_state", "payment_method")


def test_a_refund_of_what_a_wallet_paid_is_back_at_once(api: Api) -> None:
    purse = filled(api, 2000)
    paid = api.post("/v1/payment_intents", amount=1500, currency="usd", wallet=purse, confirm=True)
    refund = api.post("/v1/refunds", payment_intent=paid["id"], amount=400)
    assert refund["status"] == "succeeded"
    assert refund["destination_details"]["type"] == "customer_cash_balance"
    assert movements(api, purse)[-1] == ("refund", 400, 900)
    assert told(api, refund["id"]) == ["refund.created"]
    answer = api.post("/v1/refunds", payment_intent=paid["id"], amount=1101)
    assert refused(answer) == (400, "amount_too_large", "amount")


def test_of_a_payment_in_two_parts_it_is_said_which_is_refunded(api: Api) -> None:
    purse = filled(api, 600)
    paid = api.pay(amount=2000, wallet=purse)
    answer = api.post("/v1/refunds", payment_intent=paid["id"])
    assert refused(answer) == (400, "missing", "charge")
    assert "14.00 USD" in answer.error["message"]
    assert "6.00 USD" in answer.error["message"]
    card = api.post("/v1/refunds", payment_intent=paid["id"], charge=paid["latest_charge"])
    assert card["amount"] == 1400
    # Now there is no question.
    assert api.post("/v1/refunds", payment_intent=paid["id"])["amount"] == 600
    assert balance(api, purse) == 600
    named = api.post("/v1/refunds", charge=paid["wallet_charge"], amount=1)
    assert refused(named) == (400, "charge_already_refunded", None)


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"capture_method": "manual"}, None, "capture_method"),
        ({"wallet_amount": 2001}, "amount_too_large", "wallet_amount"),
        ({"currency": "eur"}, "wallet_currency_mismatch", "wallet"),
    ],
)
def test_what_a_wallet_cannot_do(
    api: Api, given: dict[str, object], code: str | None, param: str
) -> None:
    purse = filled(api, 600)
    answer = api.pay(**{"amount": 2000, "wallet": purse, **given})
    assert refused(answer) == (400, code, param)


def test_a_frozen_wallet_does_not_pay(api: Api) -> None:
    purse = filled(api, 600)
    api.post(f"{WALLETS}/{purse}", status="frozen")
    assert refused(api.pay(amount=2000, wallet=purse)) == (400, "wallet_frozen", "wallet")


def test_a_payment_that_tops_up_a_wallet_is_not_paid_from_one(api: Api) -> None:
    answer = api.pay(amount=2000, wallet=wallet(api), top_up_wallet=wallet(api))
    assert refused(answer) == (400, "parameters_exclusive", "wallet")


def test_an_amount_from_a_wallet_names_the_wallet(api: Api) -> None:
    assert refused(api.pay(amount=2000, wallet_amount=100)) == (400, "parameter_missing", "wallet")


def test_nobody_pays_from_the_wallet_of_somebody_else(api: Api, other_api: Api) -> None:
    answer = api.pay(amount=2000, wallet=filled(other_api, 2000))
    assert refused(answer) == (400, "resource_missing", "wallet")
