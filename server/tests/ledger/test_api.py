"""The balance and its transactions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Answer, Api

BALANCE = "/v1/balance"
TRANSACTIONS = "/v1/balance_transactions"


def _amounts(balance: Answer, part: str) -> dict[str, int]:
    shown: list[dict[str, Any]] = balance[part]
    assert all(one["source_types"] == {"card": one["amount"]} for one in shown)
    return {one["currency"]: one["amount"] for one in shown}


def _transaction_of(api: Api, paid: Answer) -> Answer:
    charge = api.get(f"/v1/charges/{paid['latest_charge']}")
    return api.get(f"{TRANSACTIONS}/{charge['balance_transaction']}")


def test_a_new_account_has_nothing(api: Api) -> None:
    balance = api.get(BALANCE)
    assert (_amounts(balance, "available"), _amounts(balance, "pending")) == (
        {"usd": 0},
        {"usd": 0},
    )
    assert balance["livemode"] is False
    assert api.get(TRANSACTIONS)["data"] == []


def test_the_balance_is_what_its_transactions_say(api: Api) -> None:
    api.pay(2000)
    api.pay(3000, payment_method="pm_card_bypassPending")
    api.pay(1500, currency="eur")
    paid = api.pay(1000)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=300)
    balance, listed = api.get(BALANCE), api.get(TRANSACTIONS, limit=100)["data"]
    for part in ("available", "pending"):
        for currency, amount in _amounts(balance, part).items():
            its = [
                one["net"] for one in listed if (one["status"], one["currency"]) == (part, currency)
            ]
            assert amount == sum(its), (part, currency)
    assert _amounts(balance, "available")["usd"] > 0
    assert _amounts(balance, "pending")["eur"] > 0
    assert len(listed) == 5


def test_a_payment_that_is_not_captured_is_in_no_balance(api: Api) -> None:
    held = api.pay(3000, capture_method="manual")
    assert api.get(TRANSACTIONS)["data"] == []
    api.post(f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=1000)
    [captured] = api.get(TRANSACTIONS)["data"]
    assert (captured["amount"], captured["type"]) == (1000, "charge")


def test_a_declined_payment_is_in_no_balance(api: Api) -> None:
    assert api.pay(payment_method="pm_card_chargeDeclined").status == 402
    assert api.get(TRANSACTIONS)["data"] == []


def test_a_transaction_names_its_source_its_fee_and_its_day(api: Api) -> None:
    paid = api.pay(2000, description="a chair")
    shown = _transaction_of(api, paid)
    assert (shown["amount"], shown["fee"], shown["net"]) == (2000, 88, 1912)
    assert shown["source"] == paid["latest_charge"]
    assert (shown["type"], shown["reporting_category"]) == ("charge", "charge")
    assert (shown["status"], shown["description"]) == ("pending", "a chair")
    assert shown["available_on"] > shown["created"]
    assert shown["available_on"] % 86_400 == 0


def test_transactions_are_filtered_and_paged(api: Api) -> None:
    for amount in (1000, 1001, 1002):
        api.pay(amount)
    euros = api.pay(1500, currency="eur")
    refund = api.post("/v1/refunds", payment_intent=euros["id"], amount=10)
    kinds = api.get(TRANSACTIONS, type="refund")["data"]
    assert [one["source"] for one in kinds] == [refund["id"]]
    assert {one["currency"] for one in api.get(TRANSACTIONS, currency="eur")["data"]} == {"eur"}
    first = api.get(TRANSACTIONS, limit=2)
    assert first["has_more"] is True
    rest = api.get(TRANSACTIONS, starting_after=first["data"][-1]["id"])
    assert [one["amount"] for one in first["data"] + rest["data"]] == [-10, 1500, 1002, 1001, 1000]
    assert rest["has_more"] is False


def test_the_source_of_a_transaction_is_expanded(api: Api) -> None:
    paid = api.pay(2000)
    charge = api.get(f"/v1/charges/{paid['latest_charge']}", expand=["balance_transaction"])
    assert charge["balance_transaction"]["net"] == 1912
    listed = api.get(TRANSACTIONS, expand=["data.source"])
    assert listed["data"][0]["source"]["id"] == paid["latest_charge"]


@pytest.mark.parametrize("given", [{"type": "nonsense"}, {"currency": "dollars"}, {"payout": "po"}])
def test_an_unknown_filter_is_refused_by_name(api: Api, given: dict[str, str]) -> None:
    refused = api.get(TRANSACTIONS, **given)
    assert refused.status == 400
    assert refused.error["param"] == next(iter(given))


def test_a_transaction_of_another_account_is_as_one_that_is_not_there(
    api: Api, other_api: Api
) -> None:
    theirs = _transaction_of(other_api, other_api.pay())["id"]
    for id in (theirs, "txn_none"):
        refused = api.get(f"{TRANSACTIONS}/{id}")
        assert (refused.status, refused.error["code"]) == (404, "resource_missing")
        assert refused.error["message"] == f"No such balance_transaction: '{id}'"
    assert api.get(TRANSACTIONS)["data"] == []
