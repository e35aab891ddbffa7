"""Paying out a wallet, as callers see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.keeping import racing, refused
from tests.payouts.keeping import PAYOUTS, pay_out
from tests.support.api import Api, unique
from tests.support.processes import eventually
from tests.wallets.keeping import WALLETS, available, balance, filled, hold, movements, told, wallet


def test_a_payout_leaves_its_wallet_at_once(api: Api) -> None:
    purse = filled(api, 1000)
    payout = pay_out(
        api,
        purse,
        400,
        destination="ba_123",
        description="Week 47",
        statement_descriptor="SHOP 47",
        metadata={"week": "47"},
    )
    assert payout["status"] == "in_transit"
    assert (payout["amount"], payout["currency"], payout["wallet"]) == (400, "usd", purse)
    assert (payout["destination"], payout["method"]) == ("ba_123", "standard")
    assert payout["arrival_date"] - payout["created"] in (2, 3)
    assert api.get(f"{PAYOUTS}/{payout['id']}").body == payout.body
    assert movements(api, purse)[-1] == ("withdrawal", -400, 600)
    assert told(api, payout["id"]) == ["payout.created"]


def test_the_sandbox_pays_about_two_seconds_later(api: Api) -> None:
    payout = pay_out(api, filled(api, 1000), 400)["id"]
    assert eventually(lambda: api.get(f"{PAYOUTS}/{payout}")["status"] == "paid")
    assert told(api, payout) == ["payout.created", "payout.updated", "payout.paid"]


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        ("ba_noAccount", "no_account"),
        ("ba_accountClosed", "account_closed"),
        ("ba_debitNotAuthorized", "debit_not_authorized"),
    ],
)
def test_what_the_bank_refuses_is_back_in_the_wallet(api: Api, destination: str, code: str) -> None:
    purse = filled(api, 1000)
    payout = pay_out(api, purse, 400, destination=destination)
    assert (payout.status, payout["status"], payout["failure_code"]) == (200, "failed", code)
    assert payout["failure_message"]
    assert movements(api, purse)[-2:] == [
        ("withdrawal", -400, 600),
        ("withdrawal_failure", 400, 1000),
    ]
    assert told(api, payout["id"]) == ["payout.created", "payout.updated", "payout.failed"]


def test_a_payout_that_is_pending_is_canceled(api: Api) -> None:
    purse = filled(api, 1000)
    payout = pay_out(api, purse, 400, destination="ba_pending")
    assert (payout["status"], balance(api, purse)) == ("pending", 600)
    canceled = api.post(f"{PAYOUTS}/{payout['id']}/cancel")
    assert (canceled["status"], canceled["failure_code"]) == ("canceled", None)
    assert movements(api, purse)[-1] == ("withdrawal_failure", 400, 1000)
    assert told(api, payout["id"]) == ["payout.created", "payout.updated", "payout.canceled"]


@pytest.mark.parametrize("destination", ["ba_1", "ba_noAccount"])
def test_what_is_not_pending_is_not_canceled(api: Api, destination: str) -> None:
    payout = pay_out(api, filled(api, 1000), 400, destination=destination)
    answer = api.post(f"{PAYOUTS}/{payout['id']}/cancel")
    assert refused(answer) == (400, "payout_unexpected_state", "payout")


def test_of_many_who_cancel_one_payout_one_does(api: Api) -> None:
    purse = filled(api, 1000)
    payout = pay_out(api, purse, 400, destination="ba_pending")["id"]
    answers = racing(8, lambda _: api.post(f"{PAYOUTS}/{payout}/cancel"))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert balance(api, purse) == 1000


def test_a_repeated_request_pays_out_once(api: Api) -> None:
    purse, key = filled(api, 1000), unique()
    first = pay_out(api, purse, 400, key=key)
    assert pay_out(api, purse, 400, key=key).body == first.body
    assert balance(api, purse) == 600


def test_metadata_is_what_may_be_changed(api: Api) -> None:
    payout = pay_out(api, filled(api, 1000), 400, metadata={"a": "1"})["id"]
    changed = api.post(f"{PAYOUTS}/{payout}", metadata={"b": "2"})
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert "payout.updated" in told(api, payout)
    assert refused(api.post(f"{PAYOUTS}/{payout}", amount=1))[2] == "amount"


def test_payouts_are_listed_by_status_and_by_wallet(api: Api) -> None:
    one, two = filled(api, 1000), filled(api, 1000)
    failed = pay_out(api, one, 100, destination="ba_noAccount")["id"]
    pending = pay_out(api, one, 100, destination="ba_pending")["id"]
    other = pay_out(api, two, 100, destination="ba_noAccount")["id"]

    def ids(**query: Any) -> list[str]:
        return [each["id"] for each in api.get(PAYOUTS, **query)["data"]]

    assert ids() == [other, pending, failed]
    assert ids(wallet=one) == [pending, failed]
    assert ids(status="failed") == [other, failed]
    assert ids(status="failed", wallet=two) == [other]
    assert ids(limit=1, starting_after=other) == [pending]
    created = api.get(f"{PAYOUTS}/{failed}")["created"]
    assert failed in ids(created={"gte": created})
    assert ids(created={"lt": created}) == []
    assert refused(api.get(PAYOUTS, wallet="wal_none")) == (400, "resource_missing", "wallet")


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"amount": 1001}, "balance_insufficient", "amount"),
        ({"currency": "eur"}, "wallet_currency_mismatch", "currency"),
        ({"currency": "xxx"}, None, "currency"),
        ({"wallet": "wal_none"}, "resource_missing", "wallet"),
        ({"method": "slow"}, None, "method"),
        ({"amount": 0}, None, "amount"),
        ({"statement_descriptor": "x" * 23}, None, "statement_descriptor"),
    ],
)
def test_what_cannot_be_paid_out(
    api: Api, given: dict[str, Any], code: str | None, param: str
) -> None:
    purse = filled(api, 1000)
    status, said, named = refused(pay_out(api, purse, **{"amount": 400, **given}))
    assert (status, named) == (400, param)
    assert code is None or said == code
    assert balance(api, purse) == 1000
    assert api.get(PAYOUTS)["data"] == []


def test_the_merchants_own_balance_is_not_paid_out(api: Api) -> None:
    answer = api.post(PAYOUTS, amount=400, currency="usd")
    assert refused(answer) == (400, "parameter_missing", "wallet")
    assert "own balance" in answer.error["message"]


def test_what_is_held_is_not_paid_out(api: Api) -> None:
    purse = filled(api, 1000)
    hold(api, purse, 700)
    assert refused(pay_out(api, purse, 301)) == (400, "balance_insufficient", "amount")
    assert pay_out(api, purse, 300).status == 200


def test_a_wallet_that_may_owe_is_paid_out_down_to_its_floor(api: Api) -> None:
    purse = filled(api, 1000, floor=-500)
    assert refused(pay_out(api, purse, 1501)) == (400, "balance_insufficient", "amount")
    assert pay_out(api, purse, 1500).status == 200
    assert available(api, purse) == 0


@pytest.mark.parametrize(
    ("status", "code"), [("frozen", "wallet_frozen"), ("closed", "wallet_closed")]
)
def test_only_an_open_wallet_is_paid_out(api: Api, status: str, code: str) -> None:
    purse = wallet(api)
    api.post(f"{WALLETS}/{purse}", status=status)
    assert refused(pay_out(api, purse, 400)) == (400, code, "wallet")


def test_limits_hold_for_payouts(api: Api) -> None:
    purse = filled(api, 1000, limits={"per_transfer": 400, "per_day": 600})
    assert refused(pay_out(api, purse, 401)) == (400, "wallet_limit_exceeded", "amount")
    assert pay_out(api, purse, 400).status == 200
    assert refused(pay_out(api, purse, 201)) == (400, "wallet_limit_exceeded", "amount")
    assert balance(api, purse) == 600


def test_what_came_back_counts_no_more_against_the_limits(api: Api) -> None:
    purse = filled(api, 1000, limits={"per_day": 600})
    pay_out(api, purse, 600, destination="ba_noAccount")
    pending = pay_out(api, purse, 600, destination="ba_pending")
    assert refused(pay_out(api, purse, 1)) == (400, "wallet_limit_exceeded", "amount")
    api.post(f"{PAYOUTS}/{pending['id']}/cancel")
    assert pay_out(api, purse, 600).status == 200


def test_twenty_who_withdraw_at_once_take_exactly_what_there_is(api: Api) -> None:
    purse = filled(api, 1000)
    answers = racing(20, lambda _: pay_out(api, purse, 90))
    paid = [answer for answer in answers if answer.status == 200]
    assert len(paid) == 11
    assert {answer.error["code"] for answer in answers if answer.status != 200} == {
        "balance_insufficient"
    }
    assert balance(api, purse) == 10


def test_twenty_who_withdraw_at_once_pass_no_limit(api: Api) -> None:
    purse = filled(api, 5000, limits={"per_day": 1000})
    answers = racing(20, lambda _: pay_out(api, purse, 90))
    assert sum(answer.status == 200 for answer in answers) == 11
    assert balance(api, purse) == 5000 - 990


def test_a_payout_of_somebody_else_does_not_exist(api: Api, other_api: Api) -> None:
    purse = filled(other_api, 1000)
    payout = pay_out(other_api, purse, 400, destination="ba_pending")["id"]
    for path in (f"{PAYOUTS}/{payout}", f"{PAYOUTS}/{payout}/cancel"):
        assert refused(api.post(path)) == (404, "resource_missing", "payout")
    assert refused(api.get(f"{PAYOUTS}/{payout}")) == (404, "resource_missing", "payout")
    assert refused(pay_out(api, purse, 1)) == (400, "resource_missing", "wallet")
    assert refused(api.get(PAYOUTS, wallet=purse)) == (400, "resource_missing", "wallet")
    assert balance(other_api, purse) == 600


def test_callers_neither_open_nor_use_the_account_of_what_is_in_transit(api: Api) -> None:
    answer = api.post(
        "/v1/ledger/accounts", code="payouts/mine", currency="usd", normal_side="credit"
    )
    assert refused(answer)[2] == "code"
