"""Opening wallets, changing them, and looking into them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.keeping import refused
from tests.support.api import Api
from tests.wallets.keeping import WALLETS, filled, hold, told, transfer, wallet


def test_a_new_wallet_is_empty_and_belongs_to_its_customer(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    made = api.post(
        WALLETS, customer=customer, currency="EUR", name="Travel", metadata={"tier": "gold"}
    )
    assert made.body == {
        **made.body,
        "object": "wallet",
        "available": 0,
        "balance": 0,
        "currency": "eur",
        "customer": customer,
        "floor": 0,
        "held": 0,
        "limits": {"per_day": None, "per_month": None, "per_transfer": None},
        "metadata": {"tier": "gold"},
        "name": "Travel",
        "status": "open",
    }
    assert api.get(f"{WALLETS}/{made['id']}").body == made.body
    assert told(api, made["id"]) == ["wallet.created"]
    shown = api.get(f"{WALLETS}/{made['id']}", expand=["customer"])
    assert shown["customer"]["name"] == "Ada"


def test_a_wallet_may_be_nobodys(api: Api) -> None:
    assert api.post(WALLETS, currency="usd")["customer"] is None


def test_its_money_is_on_a_ledger_account_that_callers_see_and_do_not_touch(api: Api) -> None:
    purse = filled(api, 900)
    account = api.get(f"{WALLETS}/{purse}")["ledger_account"]
    seen = api.get(f"/v1/ledger/accounts/{account}")
    assert (seen["code"], seen["balance"], seen["system"]) == (f"wallet/{purse}", 900, True)
    own = api.post("/v1/ledger/accounts", code="till", currency="usd", normal_side="debit")["id"]
    answer = api.post(
        "/v1/ledger/transactions",
        postings=[{"debit": account, "credit": own, "amount": 1}],
    )
    assert refused(answer) == (400, "ledger_account_system", "postings[0][debit]")


@pytest.mark.parametrize("code", ["wallet", "wallet/ada", "memo/wallet/x"])
def test_nobody_opens_an_account_among_those_of_wallets(api: Api, code: str) -> None:
    answer = api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="credit")
    assert refused(answer) == (400, None, "code")


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"currency": "xxx"}, None, "currency"),
        ({"currency": "usd", "customer": "cus_none"}, "resource_missing", "customer"),
        ({"currency": "usd", "floor": 1}, "parameter_invalid_integer", "floor"),
        (
            {"currency": "usd", "limits": {"per_day": 0}},
            "parameter_invalid_integer",
            "limits[per_day]",
        ),
        (
            {"currency": "usd", "limits": {"per_day": 5, "per_month": 4}},
            None,
            "limits[per_day]",
        ),
        (
            {"currency": "usd", "limits": {"per_transfer": 5, "per_month": 4}},
            None,
            "limits[per_transfer]",
        ),
    ],
)
def test_what_a_wallet_cannot_be(
    api: Api, given: dict[str, Any], code: str | None, param: str
) -> None:
    assert refused(api.post(WALLETS, **given)) == (400, code, param)
    assert api.get(WALLETS)["data"] == []


def test_a_wallet_is_not_made_twice_by_a_retry(api: Api) -> None:
    first, second = (api.post(WALLETS, key="w-1", currency="usd")["id"] for _ in range(2))
    assert first == second
    assert len(api.get(WALLETS)["data"]) == 1


def test_wallets_are_listed_by_customer_and_currency(api: Api) -> None:
    customer = api.post("/v1/customers")["id"]
    hers, other, euros = (
        wallet(api, customer=customer),
        wallet(api),
        wallet(api, customer=customer, currency="eur"),
    )
    ids = lambda **given: [one["id"] for one in api.get(WALLETS, **given)["data"]]  # noqa: E731
    assert ids() == [euros, other, hers]
    assert ids(customer=customer) == [euros, hers]
    assert ids(customer=customer, currency="USD") == [hers]
    assert ids(limit=1, starting_after=euros) == [other]


def test_names_and_metadata_change_and_listeners_hear_what_they_were(api: Api) -> None:
    purse = wallet(api, name="Old")
    changed = api.post(f"{WALLETS}/{purse}", name="New", metadata={"a": "1"})
    assert (changed["name"], changed["metadata"]) == ("New", {"a": "1"})
    event = api.get("/v1/events", type="wallet.updated")["data"][0]
    assert event["data"]["previous_attributes"] == {"name": "Old", "metadata": {"a": None}}


def test_a_frozen_wallet_moves_nothing_until_it_is_opened_again(api: Api) -> None:
    purse, other = filled(api, 900), wallet(api)
    api.post(f"{WALLETS}/{purse}", status="frozen")
    assert refused(transfer(api, purse, other, 1)) == (400, "wallet_frozen", "wallet")
    assert refused(transfer(api, other, purse, 1)) == (400, "wallet_frozen", "destination")
    assert refused(hold(api, purse, 1)) == (400, "wallet_frozen", "wallet")
    api.post(f"{WALLETS}/{purse}", status="open")
    assert transfer(api, purse, other, 1).status == 200


def test_only_an_empty_wallet_closes_and_then_for_good(api: Api) -> None:
    purse, other = filled(api, 900), wallet(api)
    not_empty = (400, "wallet_not_empty", "status")
    assert refused(api.post(f"{WALLETS}/{purse}", status="closed")) == not_empty
    transfer(api, purse, other, 900)
    assert api.post(f"{WALLETS}/{purse}", status="closed")["status"] == "closed"
    assert refused(transfer(api, other, purse, 1)) == (400, "wallet_closed", "destination")
    assert refused(api.post(f"{WALLETS}/{purse}", status="open")) == (
        400,
        "wallet_closed",
        "status",
    )


def test_a_wallet_whose_holder_may_owe_goes_below_zero_and_no_further(api: Api) -> None:
    purse, other = wallet(api, floor=-500), wallet(api)
    assert api.get(f"{WALLETS}/{purse}")["available"] == 500
    assert transfer(api, purse, other, 500).status == 200
    assert api.get(f"{WALLETS}/{purse}")["balance"] == -500
    answer = transfer(api, purse, other, 1)
    assert refused(answer) == (400, "balance_insufficient", "amount")


def test_transactions_are_read_page_by_page_in_both_directions(api: Api) -> None:
    purse, other = filled(api, 900), wallet(api)
    for amount in (1, 2, 3):
        transfer(api, purse, other, amount)
    place = f"{WALLETS}/{purse}/transactions"
    first = api.get(place, limit=2)
    assert [one["amount"] for one in first["data"]] == [-3, -2]
    assert first["has_more"]
    last = api.get(place, limit=2, starting_after=first["data"][-1]["id"])
    assert [one["amount"] for one in last["data"]] == [-1, 900]
    assert not last["has_more"]
    back = api.get(place, limit=2, ending_before=last["data"][0]["id"])
    assert back["data"] == first["data"]
    assert refused(api.get(place, starting_after="wtx_none_1")) == (
        400,
        "resource_missing",
        "starting_after",
    )


def test_the_wallet_of_somebody_else_does_not_exist(api: Api, other_api: Api) -> None:
    purse = filled(api, 900)
    kept = hold(api, purse, 100)["id"]
    place = f"{WALLETS}/{purse}"
    for method, path in [
        ("GET", place),
        ("POST", place),
        ("GET", f"{place}/transactions"),
        ("GET", f"{place}/holds/{kept}"),
        ("POST", f"{place}/holds/{kept}/release"),
        ("GET", f"{place}/top_ups"),
    ]:
        assert other_api.send(method, path, {}).status == 404, path
    assert refused(transfer(other_api, wallet(other_api), purse, 1)) == (
        400,
        "resource_missing",
        "destination",
    )
