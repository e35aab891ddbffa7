"""Money that goes from one wallet to another."""

from __future__ import annotations

import pytest

from tests.ledger.keeping import refused
from tests.support.api import Api
from tests.wallets.keeping import WALLETS, balance, filled, movements, told, transfer, wallet


def test_a_transfer_moves_money_at_once_and_both_sides_show_it(api: Api) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    made = transfer(api, ada, bob, 300, description="Lunch", metadata={"table": "4"})
    assert (made["wallet"], made["destination"], made["amount"]) == (ada, bob, 300)
    assert movements(api, ada)[-1] == ("transfer", -300, 700)
    assert movements(api, bob) == [("transfer", 300, 300)]
    listed = api.get(f"{WALLETS}/{bob}/transactions")["data"][0]
    assert (listed["description"], listed["source"]) == ("Lunch", made["id"])
    assert told(api, made["id"]) == ["wallet_transfer.created"]
    for side in (ada, bob):
        assert api.get(f"{WALLETS}/{side}/transfers/{made['id']}").body == made.body
    assert api.get(f"{WALLETS}/{wallet(api)}/transfers/{made['id']}").status == 404
    assert [one["id"] for one in api.get(f"{WALLETS}/{ada}/transfers")["data"]] == [made["id"]]


def test_a_transfer_is_no_movement_of_the_merchants_balance(api: Api) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    before = api.get("/v1/balance_transactions").body
    made = transfer(api, ada, bob, 300)
    assert api.get("/v1/balance_transactions").body == before
    assert api.get(f"/v1/balance_transactions/{made['ledger_transaction']}").status == 404
    shown = api.get(f"/v1/ledger/transactions/{made['ledger_transaction']}")
    assert (shown["type"], shown["source"]) == ("wallet_transfer", made["id"])


def test_a_retry_with_its_key_moves_money_once(api: Api) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    first, second = (transfer(api, ada, bob, 300, key="t-1") for _ in range(2))
    assert first.body == second.body
    assert balance(api, ada) == 700


@pytest.mark.parametrize(
    ("amount", "code"),
    [(1001, "balance_insufficient"), (10**15, "balance_insufficient")],
)
def test_no_more_leaves_than_is_there(api: Api, amount: int, code: str) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    assert refused(transfer(api, ada, bob, amount)) == (400, code, "amount")
    assert (balance(api, ada), balance(api, bob)) == (1000, 0)


@pytest.mark.parametrize("amount", [0, -1, 10**15 + 1, 2**63, 2**64])
def test_amounts_that_are_none(api: Api, amount: int) -> None:
    ada, bob = filled(api, 1000), wallet(api)
    answer = transfer(api, ada, bob, amount)
    assert (answer.status, answer.error["param"]) == (400, "amount")
    assert balance(api, ada) == 1000


def test_money_moves_between_two_wallets_in_one_currency(api: Api) -> None:
    ada = filled(api, 1000)
    assert refused(transfer(api, ada, ada, 1)) == (400, None, "destination")
    euros = wallet(api, currency="eur")
    mismatch = (400, "wallet_currency_mismatch", "destination")
    assert refused(transfer(api, ada, euros, 1)) == mismatch
    missing = (400, "resource_missing", "destination")
    assert refused(transfer(api, ada, "wal_none", 1)) == missing
    assert transfer(api, "wal_none", ada, 1).status == 404
