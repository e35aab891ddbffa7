"""How much may leave a wallet at once, in a day and in a month."""

from __future__ import annotations

from tests.ledger.keeping import codes, racing, refused
from tests.support.api import Api
from tests.wallets.keeping import (
    WALLETS,
    available,
    balance,
    capture,
    filled,
    hold,
    release,
    transfer,
    wallet,
)

LIMIT = (400, "wallet_limit_exceeded", "amount")


def test_no_more_leaves_at_once_than_one_transfer_may(api: Api) -> None:
    purse, other = filled(api, 10_000, limits={"per_transfer": 300}), wallet(api)
    assert refused(transfer(api, purse, other, 301)) == LIMIT
    assert refused(hold(api, purse, 301)) == LIMIT
    assert transfer(api, purse, other, 300).status == 200


def test_all_that_leaves_in_a_day_counts(api: Api) -> None:
    purse, other = filled(api, 10_000, limits={"per_day": 1000}), wallet(api)
    assert transfer(api, purse, other, 400).status == 200
    kept = hold(api, purse, 500)
    assert kept.status == 200
    answer = transfer(api, purse, other, 101)
    assert refused(answer) == LIMIT
    assert "10.00 USD" in answer.error["message"]
    capture(api, kept, amount=450)
    assert refused(transfer(api, purse, other, 151)) == LIMIT
    assert transfer(api, purse, other, 150).status == 200


def test_what_is_released_counts_no_longer(api: Api) -> None:
    purse, other = filled(api, 10_000, limits={"per_day": 1000}), wallet(api)
    release(api, hold(api, purse, 900))
    assert transfer(api, purse, other, 1000).status == 200


def test_a_month_counts_beside_the_day(api: Api) -> None:
    purse, other = filled(api, 10_000, limits={"per_month": 700, "per_day": 600}), wallet(api)
    assert transfer(api, purse, other, 600).status == 200
    api.post(f"{WALLETS}/{purse}", limits={"per_day": 700})
    assert refused(transfer(api, purse, other, 101)) == LIMIT
    assert transfer(api, purse, other, 100).status == 200


def test_what_a_wallet_pays_counts(api: Api) -> None:
    purse = filled(api, 10_000, limits={"per_day": 1000})
    paid = api.post("/v1/payment_intents", amount=800, currency="usd", wallet=purse, confirm=True)
    assert paid["status"] == "succeeded"
    answer = api.pay(amount=2000, wallet=purse, wallet_amount=201)
    assert refused(answer) == (400, "wallet_limit_exceeded", "wallet")


def test_limits_change_one_by_one_and_go_one_by_one(api: Api) -> None:
    purse = wallet(api, limits={"per_day": 10, "per_month": 100})
    changed = api.post(f"{WALLETS}/{purse}", limits={"per_day": 20})["limits"]
    assert changed == {"per_day": 20, "per_month": 100, "per_transfer": None}
    changed = api.post(f"{WALLETS}/{purse}", limits={"per_month": ""})["limits"]
    assert changed == {"per_day": 20, "per_month": None, "per_transfer": None}
    changed = api.post(f"{WALLETS}/{purse}", limits="")["limits"]
    assert changed == {"per_day": None, "per_month": None, "per_transfer": None}


def test_sixteen_at_once_do_not_pass_a_limit(api: Api) -> None:
    purse, other = filled(api, 10_000, limits={"per_day": 1000}), wallet(api)
    answers = racing(16, lambda number: transfer(api, purse, other, 100))
    assert codes(answers) == ["wallet_limit_exceeded"] * 6
    assert (balance(api, purse), balance(api, other)) == (9000, 1000)
    assert available(api, purse) == 9000
