"""Amounts and currencies at their limits, wherever an amount is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api import Answer, Api
from tests.support.contract import OPERATIONS
from tests.support.world import World

LARGEST = 99_999_999
LARGEST_POSTING = 10**15

# Each way of sending an amount, with the name of the parameter that it stands in.
Send = Callable[[World, int], Answer]
PAYMENTS: dict[str, tuple[Send, str]] = {
    "create_payment_intent": (
        lambda w, amount: w.api.post("/v1/payment_intents", amount=amount, currency="usd"),
        "amount",
    ),
    "update_payment_intent": (
        lambda w, amount: w.api.post(
            f"/v1/payment_intents/{w.ids['requires_payment_method']}", amount=amount
        ),
        "amount",
    ),
    "increment_payment_intent_authorization": (
        lambda w, amount: w.api.post(
            f"/v1/payment_intents/{w.ids['requires_capture']}/increment_authorization",
            amount=amount,
        ),
        "amount",
    ),
    "capture_payment_intent": (
        lambda w, amount: w.api.post(
            f"/v1/payment_intents/{w.ids['requires_capture']}/capture", amount_to_capture=amount
        ),
        "amount_to_capture",
    ),
    "create_charge": (
        lambda w, amount: w.api.post(
            "/v1/charges", amount=amount, currency="usd", source="tok_visa"
        ),
        "amount",
    ),
    "capture_charge": (
        lambda w, amount: w.api.post(f"/v1/charges/{w.ids['held_charge']}/capture", amount=amount),
        "amount",
    ),
    "create_refund": (
        lambda w, amount: w.api.post("/v1/refunds", charge=w.ids["charge"], amount=amount),
        "amount",
    ),
}


def posting(world: World, amount: Any) -> dict[str, Any]:
    ids = world.ids
    return {
        "debit": ids["ledger_account"],
        "credit": ids["other_ledger_account"],
        "amount": amount,
    }


LEDGER: dict[str, tuple[Send, str]] = {
    "create_ledger_transaction": (
        lambda w, amount: w.api.post("/v1/ledger/transactions", postings=[posting(w, amount)]),
        "postings[0][amount]",
    ),
    "create_ledger_transactions": (
        lambda w, amount: w.api.post(
            "/v1/ledger/transactions/bulk",
            transactions=[{"postings": [posting(w, 1), posting(w, amount)]}],
        ),
        "transactions[0][postings][1][amount]",
    ),
    "post_ledger_transaction": (
        lambda w, amount: w.api.post(
            f"/v1/ledger/transactions/{w.ids['pending_ledger_transaction']}/post", amount=amount
        ),
        "amount",
    ),
    "reverse_ledger_transaction": (
        lambda w, amount: w.api.post(
            f"/v1/ledger/transactions/{w.ids['ledger_transaction']}/reverse", amount=amount
        ),
        "amount",
    ),
}
WALLETS: dict[str, tuple[Send, str]] = {
    "create_payout": (
        lambda w, amount: w.api.post(
            "/v1/payouts", amount=amount, currency="usd", wallet=w.ids["wallet"]
        ),
        "amount",
    ),
    "capture_wallet_hold": (
        lambda w, amount: w.api.post(
            f"/v1/wallets/{w.ids['wallet']}/holds/{w.ids['hold']}/capture", amount=amount
        ),
        "amount",
    ),
    "create_wallet_hold": (
        lambda w, amount: w.api.post(f"/v1/wallets/{w.ids['wallet']}/holds", amount=amount),
        "amount",
    ),
    "create_wallet_transfer": (
        lambda w, amount: w.api.post(
            f"/v1/wallets/{w.ids['wallet']}/transfers",
            amount=amount,
            destination=w.ids["other_wallet"],
        ),
        "amount",
    ),
}
WAYS = PAYMENTS | LEDGER | WALLETS
FULL = ("create_payment_intent", "update_payment_intent", "create_charge")


def test_every_operation_that_takes_an_amount_is_tried() -> None:
    taking = {
        one.id
        for one in OPERATIONS.values()
        for i in one.every_input()
        if i.path[-1] in ("amount", "amount_to_capture")
    }
    assert taking == set(WAYS)


def assert_refused(answer: Answer, code: str, param: str) -> None:
    assert answer.status == 400, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert (answer.error.get("code"), answer.error.get("param")) == (code, param)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("amount", [0, -1, -2000, -(2**63)])
@pytest.mark.usefixtures("unchanged")
def test_an_amount_of_nothing_or_less_is_refused(world: World, way: str, amount: int) -> None:
    send, param = WAYS[way]
    assert_refused(send(world, amount), "parameter_invalid_integer", param)


@pytest.mark.parametrize("way", PAYMENTS)
@pytest.mark.parametrize("amount", [LARGEST + 1, 2**31, 2**53, 2**63 - 1])
@pytest.mark.usefixtures("unchanged")
def test_an_amount_above_the_maximum_is_refused(world: World, way: str, amount: int) -> None:
    send, param = WAYS[way]
    assert_refused(send(world, amount), "amount_too_large", param)


@pytest.mark.parametrize("way", LEDGER)
@pytest.mark.parametrize("amount", [LARGEST_POSTING + 1, 2**53, 2**63 - 1])
@pytest.mark.usefixtures("unchanged")
def test_more_than_a_posting_may_move_is_refused(world: World, way: str, amount: int) -> None:
    send, param = LEDGER[way]
    assert_refused(send(world, amount), "parameter_invalid_integer", param)


@pytest.mark.parametrize("amount", [1, LARGEST_POSTING])
def test_the_least_and_the_largest_posting_are_posted_and_reversed(api: Api, amount: int) -> None:
    debit, credit = [
        api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="debit")["id"]
        for code in ("a", "b")
    ]
    moved = {"debit": debit, "credit": credit, "amount": amount}
    posted = api.post("/v1/ledger/transactions", postings=[moved])
    assert posted["postings"][0]["amount"] == amount
    balances = [
        api.get(f"/v1/ledger/accounts/{account}/balance")["balance"] for account in (debit, credit)
    ]
    assert balances == [amount, -amount]
    back = api.post(f"/v1/ledger/transactions/{posted['id']}/reverse", amount=amount)
    assert (back["status"], back["postings"][0]["amount"]) == ("posted", amount)
    assert api.get(f"/v1/ledger/accounts/{debit}/balance")["balance"] == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("amount", [2**63, 10**30, 10**400])
@pytest.mark.usefixtures("unchanged")
def test_an_amount_that_no_number_of_ours_can_hold_is_refused(
    world: World, way: str, amount: int
) -> None:
    send, param = WAYS[way]
    assert_refused(send(world, amount), "parameter_invalid_integer", param)


@pytest.mark.parametrize("way", FULL)
@pytest.mark.parametrize("amount", [1, 49])
@pytest.mark.usefixtures("unchanged")
def test_an_amount_below_the_minimum_is_refused(world: World, way: str, amount: int) -> None:
    send, param = WAYS[way]
    assert_refused(send(world, amount), "amount_too_small", param)


@pytest.mark.parametrize("amount", [50, LARGEST])
def test_the_least_and_the_largest_amount_are_charged(api: Api, amount: int) -> None:
    paid = api.pay(amount)
    assert (paid["status"], paid["amount_received"]) == ("succeeded", amount)
    refund = api.post("/v1/refunds", payment_intent=paid["id"])
    assert (refund["status"], refund["amount"]) == ("succeeded", amount)


@pytest.mark.parametrize(
    "amount",
    [
        "20.00",
        "20,00",
        "2e3",
        "0x7d0",
        "2000.0",
        "+2000",
        " 2000",
        "2_000",
        "NaN",
        "\u0662\u0660",
        "²",
    ],
)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("unchanged")
def test_an_amount_is_written_in_digits_only(world: World, way: str, amount: Any) -> None:
    send, param = WAYS[way]
    assert_refused(send(world, amount), "parameter_invalid_integer", param)


@pytest.mark.parametrize("amount", [2000.0, 2000.5, True, "2000", None, [2000], {"a": 1}])
@pytest.mark.usefixtures("unchanged")
def test_an_amount_in_json_is_an_integer(world: World, amount: Any) -> None:
    body = {"amount": amount, "currency": "usd"}
    answer = world.api.raw("POST", "/v1/payment_intents", json=body)
    assert_refused(answer, "parameter_invalid_integer", "amount")


def test_leading_zeros_do_not_change_an_amount(api: Api) -> None:
    assert api.post("/v1/payment_intents", amount="0002000", currency="usd")["amount"] == 2000


# ── currencies ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("currency", ["xyz", "usx", "btc", "xxx", "zzz"])
@pytest.mark.usefixtures("unchanged")
def test_a_currency_that_there_is_not_is_refused(world: World, currency: str) -> None:
    for path, more in (("/v1/payment_intents", {}), ("/v1/charges", {"source": "tok_visa"})):
        answer = world.api.post(path, amount=2000, currency=currency, **more)
        assert answer.status == 400
        assert answer.error["param"] == "currency"
        assert currency in answer.error["message"]


@pytest.mark.parametrize("currency", ["us", "usdd", "u$d", "840", "ÜSD", "us d", "USD\n"])
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_currency_code_is_refused(world: World, currency: str) -> None:
    answer = world.api.post("/v1/payment_intents", amount=2000, currency=currency)
    assert answer.status == 400
    assert answer.error["param"] == "currency"


def test_a_currency_is_answered_in_lower_case(api: Api) -> None:
    assert api.pay(currency="USD")["currency"] == "usd"
    assert api.pay(currency="EuR")["currency"] == "eur"


@pytest.mark.parametrize(
    ("currency", "least"),
    [
        *(("jpy", 50), ("krw", 50), ("vnd", 50), ("xof", 50)),  # no decimals
        *(("bhd", 500), ("kwd", 500), ("omr", 500), ("tnd", 500), ("jod", 500)),  # three
        *(("gbp", 30), ("huf", 17500), ("isk", 100), ("ugx", 100)),
    ],
)
def test_a_currency_has_a_least_amount_of_its_own(
    api: Api, world: World, currency: str, least: int
) -> None:
    paid = api.pay(least, currency=currency)
    assert (paid["status"], paid["amount_received"]) == ("succeeded", least)
    below = world.api.post("/v1/payment_intents", amount=least - 10, currency=currency)
    assert below.status == 400
    assert below.error["param"] == "amount"
    assert below.error["code"] in ("amount_too_small", "parameter_invalid_integer")


@pytest.mark.parametrize(
    ("currency", "amount"), [("bhd", 1001), ("kwd", 5005), ("isk", 150), ("ugx", 1001)]
)
@pytest.mark.usefixtures("unchanged")
def test_an_amount_that_networks_cannot_settle_is_refused(
    world: World, currency: str, amount: int
) -> None:
    for path, more in (("/v1/payment_intents", {}), ("/v1/charges", {"source": "tok_visa"})):
        answer = world.api.post(path, amount=amount, currency=currency, **more)
        assert_refused(answer, "parameter_invalid_integer", "amount")


@pytest.mark.parametrize(("currency", "amount", "part"), [("kwd", 5000, 5), ("isk", 5000, 50)])
def test_a_part_that_networks_cannot_settle_is_refused(
    api: Api, currency: str, amount: int, part: int
) -> None:
    held = api.pay(amount, currency=currency, capture_method="manual")["id"]
    answer = api.post(f"/v1/payment_intents/{held}/capture", amount_to_capture=part)
    assert_refused(answer, "parameter_invalid_integer", "amount_to_capture")
    paid = api.pay(amount, currency=currency)["id"]
    answer = api.post("/v1/refunds", payment_intent=paid, amount=part)
    assert_refused(answer, "parameter_invalid_integer", "amount")


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1000), ("kwd", 10_000), ("usd", 1000)])
def test_money_of_any_number_of_decimals_adds_up(api: Api, currency: str, amount: int) -> None:
    paid = api.pay(amount, currency=currency, expand=["latest_charge.balance_transaction"])
    moved = paid["latest_charge"]["balance_transaction"]
    assert (moved["amount"], moved["currency"]) == (amount, currency)
    assert moved["net"] == amount - moved["fee"]
    part = 250 if currency != "kwd" else 2500
    refund = api.post("/v1/refunds", payment_intent=paid["id"], amount=part)
    left = api.post("/v1/refunds", payment_intent=paid["id"], amount=amount - part + 10)
    assert refund["status"] == "succeeded"
    assert_refused(left, "amount_too_large", "amount")
    pending = {one["currency"]: one["amount"] for one in api.get("/v1/balance")["pending"]}
    available = {one["currency"]: one["amount"] for one in api.get("/v1/balance")["available"]}
    total = pending.get(currency, 0) + available.get(currency, 0)
    assert total == moved["net"] - part


def test_a_currency_may_not_change_to_one_that_the_amount_does_not_suit(api: Api) -> None:
    intent = api.post("/v1/payment_intents", amount=2001, currency="usd")["id"]
    answer = api.post(f"/v1/payment_intents/{intent}", currency="kwd")
    assert_refused(answer, "parameter_invalid_integer", "amount")
    answer = api.post(f"/v1/payment_intents/{intent}", currency="huf")
    assert_refused(answer, "amount_too_small", "amount")
    assert api.get(f"/v1/payment_intents/{intent}")["currency"] == "usd"
