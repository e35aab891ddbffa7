"""Ledger accounts as callers keep them: opened, listed, renamed, frozen and closed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.keeping import (
    ACCOUNTS,
    TRANSACTIONS,
    account,
    codes,
    events,
    holds,
    move,
    moved,
    opened,
    racing,
    refused,
)
from tests.support.api import Answer, Api, unique

MOST = 10**15


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    """What is debited, and what is credited."""
    return account(api), account(api, normal_side="credit")


def test_an_account_is_opened_as_it_was_described(api: Api) -> None:
    answer = opened(
        api,
        "assets/bank/main",
        currency="EUR",
        floor=-5,
        ceiling=MOST,
        name="Main",
        metadata={"a": "b"},
    )
    shown = {name: answer[name] for name in answer.body if name not in ("id", "created")}
    assert shown | {"livemode": False} == shown
    wanted = {
        "object": "ledger_account",
        "balance": 0,
        "ceiling": MOST,
        "code": "assets/bank/main",
        "currency": "eur",
        "entries": 0,
        "floor": -5,
        "metadata": {"a": "b"},
        "name": "Main",
        "normal_side": "debit",
        "status": "open",
        "system": False,
    }
    assert shown == shown | wanted
    assert answer["id"].startswith("la_")
    assert api.get(f"{ACCOUNTS}/{answer['id']}").body == answer.body


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"code": "a//b"}, "code"),
        ({"code": "/a"}, "code"),
        ({"code": "a/"}, "code"),
        ({"code": "a b"}, "code"),
        ({"code": "a*"}, "code"),
        ({"code": "a\n"}, "code"),
        ({"code": ""}, "code"),
        ({"code": "a" * 201}, "code"),
        ({"code": "merchant/2026-11-20"}, "code"),
        ({"code": "gateway"}, "code"),
        ({"code": "fees/x/y"}, "code"),
        ({"currency": "dollars"}, "currency"),
        ({"currency": "zzz"}, "currency"),
        ({"normal_side": "left"}, "normal_side"),
        ({"floor": 1}, "floor"),
        ({"ceiling": -1}, "ceiling"),
        ({"floor": -MOST - 1}, "floor"),
        ({"floor": 2**63}, "floor"),
        ({"ceiling": 2**64}, "ceiling"),
        ({"ceiling": "many"}, "ceiling"),
        ({"name": ""}, "name"),
    ],
)
def test_an_account_that_cannot_be_is_refused(api: Api, params: dict[str, Any], param: str) -> None:
    given = {"code": "a", "currency": "usd", "normal_side": "debit"} | params
    status, _, named = refused(api.post(ACCOUNTS, **given))
    assert (status, named) == (400, param)
    assert api.get(ACCOUNTS)["data"] == []


@pytest.mark.parametrize("code", ["merchants/1", "feesible", "gateways", "a/merchant", "Fees"])
def test_codes_that_only_look_reserved_are_free(api: Api, code: str) -> None:
    assert opened(api, code)["code"] == code


def test_a_code_is_given_once_whatever_the_currency(api: Api, other_api: Api) -> None:
    account(api, "a/b")
    again = api.post(ACCOUNTS, code="a/b", currency="eur", normal_side="credit")
    assert refused(again) == (400, "ledger_code_taken", "code")
    account(api, "a")
    account(api, "A/b")
    account(other_api, "a/b")


def test_of_eight_who_open_a_code_at_once_one_does(api: Api) -> None:
    given = {"code": "a/b", "normal_side": "debit"}
    answers = racing(8, lambda n: api.post(ACCOUNTS, currency=("usd", "eur")[n % 2], **given))
    assert codes(answers) == ["ledger_code_taken"] * 7
    [listed] = api.get(ACCOUNTS)["data"]
    assert [listed] == [answer.body for answer in answers if answer.status == 200]
    moved(api, listed["id"], account(api, currency=listed["currency"]), 5)


def test_one_key_for_two_codes_opens_one_account_and_leaves_nothing_of_the_other(api: Api) -> None:
    key = unique()
    answers = racing(
        8,
        lambda n: api.post(ACCOUNTS, key=key, code=f"a/{n}", currency="usd", normal_side="debit"),
    )
    [done] = [answer for answer in answers if answer.status == 200]
    assert api.get(ACCOUNTS)["data"] == [done.body]
    for number in range(8):
        if done["code"] != f"a/{number}":
            answer = opened(api, f"a/{number}")
            assert api.get(f"{ACCOUNTS}/{answer['id']}").body == answer.body


def test_the_same_request_twice_opens_one_account(api: Api) -> None:
    given = {"code": "a", "currency": "usd", "normal_side": "debit"}
    key = unique()
    first, second = (api.post(ACCOUNTS, key=key, **given) for _ in range(2))
    assert first.status == 200
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"


def test_accounts_are_listed_by_code_and_in_pages(api: Api, other_api: Api) -> None:
    ids = [account(api, code) for code in ("a", "a/b", "a/b/c", "a/c", "ab", "b")]
    account(other_api, "a/b")

    def listed(**query: Any) -> list[str]:
        return [ids.index(one["id"]) for one in api.get(ACCOUNTS, **query)["data"]]  # type: ignore[misc]

    assert listed() == [5, 4, 3, 2, 1, 0]
    assert listed(code="a/*") == [3, 2, 1]
    assert listed(code="a*") == [4, 3, 2, 1, 0]
    assert listed(code="a/b") == [1]
    assert listed(code="*") == [5, 4, 3, 2, 1, 0]
    assert listed(code="c") == listed(code="%") == []
    assert listed(limit=2) == [5, 4]
    assert listed(limit=2, starting_after=ids[4]) == [3, 2]
    assert listed(limit=2, ending_before=ids[1]) == [3, 2]
    assert listed(limit=9, ending_before=ids[4]) == [5]
    assert listed(code="a/*", limit=1, starting_after=ids[3]) == [2]
    assert api.get(ACCOUNTS, limit=2, ending_before=ids[1])["has_more"]
    assert not api.get(ACCOUNTS, limit=2, starting_after=ids[2])["has_more"]
    strange = api.get(ACCOUNTS, starting_after=account(other_api))
    assert refused(strange) == (400, "resource_missing", "starting_after")


def test_what_payments_keep_is_seen_and_not_touched(api: Api) -> None:
    api.pay(2000)
    kept = api.get(ACCOUNTS)["data"]
    assert {one["code"].split("/")[0] for one in kept} == {"merchant", "gateway", "fees"}
    assert all(one["system"] and one["status"] == "open" for one in kept)
    mine = account(api)
    for one in kept:
        id = one["id"]
        for debit, credit in ((id, mine), (mine, id)):
            param = f"postings[0][{'debit' if debit == id else 'credit'}]"
            answer = move(api, debit, credit, 1)
            assert refused(answer) == (400, "ledger_account_system", param)
        changed = api.post(f"{ACCOUNTS}/{id}", name="Mine")
        assert refused(changed) == (400, "ledger_account_system", "account")
        [entry] = api.get(f"{ACCOUNTS}/{id}/entries")["data"]
        assert entry["transaction"].startswith("txn_")
    seen = api.get(f"{TRANSACTIONS}/{entry['transaction']}")
    assert seen["type"] == "charge"
    assert seen["source"].startswith("ch_")
    back = api.post(f"{TRANSACTIONS}/{seen['id']}/reverse")
    assert refused(back) == (400, "ledger_account_system", "transaction")


def test_an_account_is_renamed_and_its_event_tells_what_it_was(api: Api) -> None:
    id = account(api, "a", name="One", metadata={"a": "1", "b": "2"})
    [created] = events(api, "ledger.account.created")
    assert created["data"]["object"]["id"] == id
    answer = api.post(f"{ACCOUNTS}/{id}", name="Two", metadata={"a": "", "c": "3"})
    assert (answer["name"], answer["metadata"]) == ("Two", {"b": "2", "c": "3"})
    [updated] = events(api, "ledger.account.updated")
    assert updated["data"]["object"] == answer.body
    assert updated["data"]["previous_attributes"] == {
        "name": "One",
        "metadata": {"a": "1", "c": None},
    }
    assert api.post(f"{ACCOUNTS}/{id}", name="")["name"] is None
    for unchangeable in ({"code": "b"}, {"floor": -5}, {"currency": "eur"}, {"status": "gone"}):
        status, _, param = refused(api.post(f"{ACCOUNTS}/{id}", **unchangeable))
        assert (status, param) == (400, next(iter(unchangeable)))


def test_a_frozen_account_takes_nothing_until_it_is_opened_again(
    api: Api, pair: tuple[str, str]
) -> None:
    debit, credit = pair
    moved(api, debit, credit, 5)
    assert api.post(f"{ACCOUNTS}/{debit}", status="frozen")["status"] == "frozen"
    answer = move(api, debit, credit, 1)
    assert refused(answer) == (400, "ledger_account_frozen", "postings[0][debit]")
    answer = move(api, credit, debit, 1)
    assert refused(answer) == (400, "ledger_account_frozen", "postings[0][credit]")
    assert api.post(f"{ACCOUNTS}/{debit}", status="open")["status"] == "open"
    moved(api, debit, credit, 1)
    assert holds(api, debit) == (6, 2)


def test_only_an_empty_account_is_closed_and_then_for_good(api: Api, pair: tuple[str, str]) -> None:
    debit, credit = pair
    moved(api, debit, credit, 5)
    path = f"{ACCOUNTS}/{debit}"
    refusal = refused(api.post(path, status="closed"))
    assert refusal == (400, "ledger_account_not_empty", "status")
    moved(api, credit, debit, 5)
    assert api.post(path, status="closed")["status"] == "closed"
    assert api.post(path, status="closed", name="Past")["name"] == "Past"
    for status in ("open", "frozen"):
        refusal = refused(api.post(path, status=status))
        assert refusal == (400, "ledger_account_closed", "status")
    answer = move(api, credit, debit, 1)
    assert refused(answer) == (400, "ledger_account_closed", "postings[0][credit]")
    code = api.get(path)["code"]
    again = api.post(ACCOUNTS, code=code, currency="usd", normal_side="debit")
    assert refused(again) == (400, "ledger_code_taken", "code")


def test_an_account_that_closes_while_money_arrives_is_empty_or_open(api: Api) -> None:
    other = account(api)
    for _ in range(8):
        id = account(api)

        def wish(number: int, id: str = id) -> Answer:
            if number % 2:
                return api.post(f"{ACCOUNTS}/{id}", status="closed")
            return move(api, id, other, 1)

        answers = racing(4, wish)
        balance, status = holds(api, id)[0], api.get(f"{ACCOUNTS}/{id}")["status"]
        assert (balance == 0) == (status == "closed")
        known = {"ledger_account_closed", "ledger_account_not_empty"}
        assert set(codes(answers)) <= known, [answer.body for answer in answers]
