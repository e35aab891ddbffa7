"""Ledger accounts and transactions as callers keep them: what is answered, and what is refused."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.ledger.keeping import (
    ACCOUNTS,
    TRANSACTIONS,
    account,
    events,
    holds,
    move,
    moved,
    opened,
    posting,
    refused,
)
from tests.support.api import Answer, Api, unique

MOST = 10**15


def racing(number: int, wish: Any) -> list[Answer]:
    """The same wish of so many threads at once."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(wish, range(number)))


def codes(answers: list[Answer]) -> list[str]:
    """Of what was refused."""
    return [answer.error["code"] for answer in answers if answer.status != 200]


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


def test_a_transaction_is_posted_as_it_was_said(api: Api, pair: tuple[str, str]) -> None:
    debit, credit = pair
    euros = account(api, currency="eur"), account(api, currency="eur")
    answer = api.post(
        TRANSACTIONS,
        postings=[posting(debit, credit, 5), posting(*euros, 7), posting(credit, debit, 2)],
        reference="invoice 7",
        description="Rent",
        metadata={"a": "b"},
        effective_at=1_700_000_000,
    )
    assert answer["id"].startswith("lt_")
    shown = {name: answer[name] for name in answer.body}
    assert shown == shown | {
        "object": "ledger_transaction",
        "description": "Rent",
        "effective_at": 1_700_000_000,
        "metadata": {"a": "b"},
        "postings": [
            {"amount": 5, "credit": credit, "currency": "usd", "debit": debit},
            {"amount": 7, "credit": euros[1], "currency": "eur", "debit": euros[0]},
            {"amount": 2, "credit": debit, "currency": "usd", "debit": credit},
        ],
        "reference": "invoice 7",
        "reversed": False,
        "reverses": None,
        "source": None,
        "status": "posted",
        "type": "transfer",
    }
    assert api.get(f"{TRANSACTIONS}/{answer['id']}").body == answer.body
    assert [holds(api, id) for id in (debit, credit, *euros)] == [(3, 2), (3, 2), (7, 1), (-7, 1)]
    [event] = events(api, "ledger.transaction.posted")
    assert event["data"]["object"] == answer.body


def test_a_transaction_without_a_date_is_in_effect_since_it_was_made(
    api: Api, pair: tuple[str, str]
) -> None:
    answer = move(api, *pair, 1)
    assert answer["effective_at"] == answer["created"]
    [entry] = api.get(f"{ACCOUNTS}/{pair[0]}/entries")["data"]
    assert entry["effective_at"] == entry["created"]


_UNFIT: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "zero": ({"amount": 0}, None, "postings[0][amount]"),
    "negative": ({"amount": -5}, None, "postings[0][amount]"),
    "a word": ({"amount": "five"}, None, "postings[0][amount]"),
    "a fraction": ({"amount": "1.5"}, None, "postings[0][amount]"),
    "too much": ({"amount": MOST + 1}, None, "postings[0][amount]"),
    "2^63": ({"amount": 2**63}, None, "postings[0][amount]"),
    "2^64": ({"amount": 2**64}, None, "postings[0][amount]"),
    "nobody": ({"debit": "la_nobody"}, "resource_missing", "postings[0][debit]"),
    "a strange kind": ({"credit": "cus_1"}, "resource_missing", "postings[0][credit]"),
    "foreign": ({"credit": "{foreign}"}, "resource_missing", "postings[0][credit]"),
    "twice": ({"credit": "{debit}"}, None, "postings[0][credit]"),
    "euros": ({"credit": "{euros}"}, "ledger_currency_mismatch", "postings[0][credit]"),
    "frozen": ({"credit": "{frozen}"}, "ledger_account_frozen", "postings[0][credit]"),
    "closed": ({"debit": "{closed}"}, "ledger_account_closed", "postings[0][debit]"),
    "no amount": ({"amount": None}, "parameter_missing", "postings[0][amount]"),
    "no account": ({"debit": None}, "parameter_missing", "postings[0][debit]"),
    "a stray word": ({"from": "x"}, "parameter_unknown", "postings[0][from]"),
}


@pytest.mark.parametrize(("given", "code", "param"), _UNFIT.values(), ids=_UNFIT.keys())
@pytest.mark.parametrize("place", [0, 1])
def test_a_posting_that_cannot_be_is_named_and_nothing_is_posted(
    api: Api, other_api: Api, given: dict[str, Any], code: str | None, param: str, place: int
) -> None:
    ids = {"debit": account(api), "credit": account(api), "euros": account(api, currency="eur")}
    ids |= {"foreign": account(other_api), "frozen": account(api), "closed": account(api)}
    for status in ("frozen", "closed"):
        api.post(f"{ACCOUNTS}/{ids[status]}", status=status)
    sound = posting(ids["debit"], ids["credit"], 5)
    unfit = {
        name: value.format_map(ids) if isinstance(value, str) else value
        for name, value in (sound | given).items()
        if value is not None
    }
    postings = [sound, unfit] if place else [unfit, sound]
    for answer in (
        api.raw("POST", TRANSACTIONS, json={"postings": postings}),
        api.post(TRANSACTIONS, postings=postings),
    ):
        status, said, named = refused(answer)
        assert (status, named) == (400, param.replace("[0]", f"[{place}]")), answer.body
        assert code is None or said == code
    assert holds(api, ids["debit"]) == (0, 0)
    assert events(api, "ledger.transaction.posted") == []


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"postings": []}, "postings"),
        ({"postings": None}, "postings"),
        ({"postings": {}}, "postings"),
        ({"effective_at": 2**63}, "effective_at"),
        ({"effective_at": -1}, "effective_at"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 201}, "reference"),
        ({"conditions": [{"account": "la_nobody"}]}, "conditions[0][account]"),
        ({"conditions": [{"account": "{debit}", "entries": -1}]}, "conditions[0][entries]"),
        (
            {"conditions": [{"account": "{debit}", "min_balance": 2**63}]},
            "conditions[0][min_balance]",
        ),
        ({"metadata": {"x" * 41: "y"}}, "metadata"),
    ],
)
def test_a_transaction_that_cannot_be_is_refused(
    api: Api, pair: tuple[str, str], given: dict[str, Any], param: str
) -> None:
    given = {
        name: [
            {key: pair[0] if one == "{debit}" else one for key, one in condition.items()}
            for condition in value
        ]
        if name == "conditions"
        else value
        for name, value in given.items()
    }
    body = {"postings": [posting(*pair, 5)]} | given
    answer = api.raw("POST", TRANSACTIONS, json=body)
    status, _, named = refused(answer)
    assert (status, named) == (400, param), answer.body
    assert holds(api, pair[0]) == (0, 0)


def test_nothing_counts_from_the_future(api: Api, pair: tuple[str, str]) -> None:
    answer = move(api, *pair, 5, effective_at=int(time.time()) + 60)
    assert refused(answer) == (400, None, "effective_at")
    moved(api, *pair, 5, effective_at=int(time.time()))


def test_a_reference_is_given_once(api: Api, other_api: Api, pair: tuple[str, str]) -> None:
    id = moved(api, *pair, 5, reference="once")
    again = move(api, *pair, 5, reference="once")
    assert refused(again) == (400, "ledger_reference_taken", "reference")
    moved(api, *pair, 5, reference="Once")
    moved(other_api, account(other_api), account(other_api), 5, reference="once")
    [found] = api.get(TRANSACTIONS, reference="once")["data"]
    assert found["id"] == id
    assert api.get(TRANSACTIONS, reference="never")["data"] == []
    assert holds(api, pair[0]) == (10, 2)


def test_of_eight_with_one_reference_one_is_posted(api: Api, pair: tuple[str, str]) -> None:
    answers = racing(8, lambda n: move(api, *pair, 1 + n, reference="once"))
    assert codes(answers) == ["ledger_reference_taken"] * 7
    [done] = [answer for answer in answers if answer.status == 200]
    assert holds(api, pair[0]) == (done["postings"][0]["amount"], 1)


def test_the_same_request_twice_is_posted_once(api: Api, pair: tuple[str, str]) -> None:
    key = unique()
    answers = racing(8, lambda _: move(api, *pair, 5, reference="once", key=key))
    answers.append(move(api, *pair, 5, reference="once", key=key))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert holds(api, pair[0]) == (5, 1)
    other = move(api, *pair, 6, key=key)
    assert other.error["type"] == "idempotency_error"


def test_a_refusal_is_answered_again_under_its_key(api: Api) -> None:
    poor, rich = account(api, floor=0), account(api)
    key = unique()
    first = move(api, rich, poor, 5, key=key)
    assert refused(first) == (400, "balance_insufficient", "postings")
    moved(api, poor, rich, 5)
    assert move(api, rich, poor, 5, key=key).content == first.content
    moved(api, rich, poor, 5)


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_floors_and_ceilings_are_counted_on_the_normal_side(api: Api, side: str) -> None:
    bounded, world = account(api, normal_side=side, floor=-3, ceiling=4), account(api)
    to, back = [(bounded, world), (world, bounded)][:: 1 if side == "debit" else -1]
    moved(api, *to, 4)
    assert refused(move(api, *to, 1)) == (400, "balance_exceeded", "postings")
    moved(api, *back, 7)
    assert refused(move(api, *back, 1)) == (400, "balance_insufficient", "postings")
    assert holds(api, bounded) == (-3, 2)


def test_amounts_of_a_thousand_million_millions_add_up(api: Api, pair: tuple[str, str]) -> None:
    for _ in range(3):
        moved(api, *pair, MOST)
    assert [holds(api, id) for id in pair] == [(3 * MOST, 3)] * 2
    [entry, *_] = api.get(f"{ACCOUNTS}/{pair[1]}/entries")["data"]
    assert (entry["amount"], entry["balance"], entry["direction"]) == (MOST, 3 * MOST, "credit")


def test_conditions_hold_before_and_after(api: Api, pair: tuple[str, str]) -> None:
    debit, credit = pair

    def conditioned(amount: int, **condition: Any) -> Answer:
        return move(api, debit, credit, amount, conditions=[{"account": debit, **condition}])

    moved_ = conditioned(5, entries=0, min_balance=5)
    assert moved_.status == 200
    for failing in ({"entries": 0}, {"entries": 2}, {"min_balance": 11}):
        answer = conditioned(5, **failing)
        assert refused(answer) == (400, "ledger_condition_failed", "conditions[0]")
    assert conditioned(5, entries=1, min_balance=10).status == 200
    assert conditioned(5).status == 200
    answers = racing(8, lambda _: conditioned(1, entries=3))
    assert codes(answers) == ["ledger_condition_failed"] * 7
    assert holds(api, debit) == (16, 4)


def test_a_condition_may_speak_of_an_account_that_does_not_move(
    api: Api, pair: tuple[str, str]
) -> None:
    third = account(api)
    sound = [{"account": third, "entries": 0, "min_balance": 0}]
    moved(api, *pair, 1, conditions=sound)
    answer = move(api, *pair, 1, conditions=[*sound, {"account": third, "min_balance": 1}])
    assert refused(answer) == (400, "ledger_condition_failed", "conditions[1]")


def test_what_is_strange_to_a_caller_is_absent(
    api: Api, other_api: Api, pair: tuple[str, str]
) -> None:
    id = moved(api, *pair, 5)
    for path in (
        f"{ACCOUNTS}/{pair[0]}",
        f"{ACCOUNTS}/{pair[0]}/balance",
        f"{ACCOUNTS}/{pair[0]}/entries",
        f"{TRANSACTIONS}/{id}",
    ):
        assert refused(other_api.get(path))[:2] == (404, "resource_missing")
    for path in (f"{ACCOUNTS}/{pair[0]}", f"{TRANSACTIONS}/{id}/reverse"):
        assert refused(other_api.post(path))[:2] == (404, "resource_missing")
    assert other_api.get(ACCOUNTS)["data"] == other_api.get(TRANSACTIONS)["data"] == []


def test_entries_are_listed_with_their_running_balance(api: Api, pair: tuple[str, str]) -> None:
    ids = [moved(api, *pair, amount) for amount in (1, 2, 4)]
    ids.append(moved(api, *pair[::-1], 8))
    path = f"{ACCOUNTS}/{pair[0]}/entries"
    listed = api.get(path)["data"]
    assert [one["transaction"] for one in listed] == ids[::-1]
    assert [one["balance"] for one in listed] == [-1, 7, 3, 1]
    assert [one["version"] for one in listed] == [4, 3, 2, 1]
    assert [one["direction"] for one in listed] == ["credit", "debit", "debit", "debit"]
    assert len({one["id"] for one in listed}) == 4
    page = api.get(path, limit=2, starting_after=listed[0]["id"])
    assert (page["data"], page["has_more"]) == (listed[1:3], True)
    page = api.get(path, limit=2, ending_before=listed[3]["id"])
    assert (page["data"], page["has_more"]) == (listed[1:3], True)
    page = api.get(path, limit=2, ending_before=listed[2]["id"])
    assert (page["data"], page["has_more"]) == (listed[:2], False)
    [other, *_] = api.get(f"{ACCOUNTS}/{pair[1]}/entries")["data"]
    for cursor in (other["id"], "le_nobody_1", "le_1", "x", listed[0]["id"] + "²"):
        answer = api.get(path, starting_after=cursor)
        assert refused(answer) == (400, "resource_missing", "starting_after")
    absent = listed[0]["id"].rpartition("_")[0] + "_99"
    assert refused(api.get(path, ending_before=absent))[1:] == ("resource_missing", "ending_before")


def test_transactions_are_listed_newest_first_in_pages(api: Api, pair: tuple[str, str]) -> None:
    api.pay(2000)
    ids = [moved(api, *pair, amount) for amount in (1, 2, 4, 8)]
    listed = api.get(TRANSACTIONS)["data"]
    assert [one["id"] for one in listed] == ids[::-1]
    for one in listed:
        assert api.get(f"{TRANSACTIONS}/{one['id']}").body == one
    page = api.get(TRANSACTIONS, limit=2, starting_after=ids[3])
    assert (page["data"], page["has_more"]) == (listed[1:3], True)
    page = api.get(TRANSACTIONS, limit=2, ending_before=ids[0])
    assert (page["data"], page["has_more"]) == (listed[1:3], True)
    page = api.get(TRANSACTIONS, limit=2, starting_after=ids[1])
    assert (page["data"], page["has_more"]) == (listed[3:], False)
    now = listed[0]["created"]
    assert api.get(TRANSACTIONS, created={"gt": now + 60})["data"] == []
    assert api.get(TRANSACTIONS, created={"gte": now - 60})["data"] == listed
    answer = api.get(TRANSACTIONS, starting_after="lt_nobody")
    assert refused(answer) == (400, "resource_missing", "starting_after")


def test_transactions_of_the_ledger_are_no_movements_on_the_merchants_balance(
    api: Api, pair: tuple[str, str]
) -> None:
    id = moved(api, *pair, 5)
    assert api.get("/v1/balance_transactions")["data"] == []
    assert api.get(f"/v1/balance_transactions/{id}").status == 404
    assert api.get("/v1/balance")["available"][0]["amount"] == 0


def test_a_transaction_is_reversed_in_parts_up_to_what_remains(
    api: Api, pair: tuple[str, str]
) -> None:
    id = moved(api, *pair, 10)
    path = f"{TRANSACTIONS}/{id}/reverse"
    back = api.post(path, amount=4, reference="back", description="Part", metadata={"a": "b"})
    assert (back["reverses"], back["type"], back["reversed"]) == (id, "reversal", False)
    assert (back["reference"], back["description"]) == ("back", "Part")
    assert back["postings"] == [
        {"amount": 4, "credit": pair[0], "currency": "usd", "debit": pair[1]}
    ]
    assert not api.get(f"{TRANSACTIONS}/{id}")["reversed"]
    assert refused(api.post(path, amount=7)) == (400, "ledger_reversal_too_large", "amount")
    for amount in (0, -1, MOST + 1):
        assert refused(api.post(path, amount=amount))[::2] == (400, "amount")
    assert api.post(path)["postings"][0]["amount"] == 6
    assert api.get(f"{TRANSACTIONS}/{id}")["reversed"]
    assert api.get(TRANSACTIONS)["data"][-1]["reversed"]
    for params in ({}, {"amount": 1}):
        refusal = refused(api.post(path, **params))
        assert refusal == (400, "ledger_transaction_reversed", "amount")
    assert holds(api, pair[0]) == (0, 3)


def test_a_transaction_with_several_postings_is_reversed_as_a_whole(
    api: Api, pair: tuple[str, str]
) -> None:
    euros = account(api, currency="eur"), account(api, currency="eur")
    id = api.post(TRANSACTIONS, postings=[posting(*pair, 5), posting(*euros, 7)])["id"]
    path = f"{TRANSACTIONS}/{id}/reverse"
    assert refused(api.post(path, amount=5)) == (400, None, "amount")
    back = api.post(path)
    assert [one["amount"] for one in back["postings"]] == [5, 7]
    assert [holds(api, one) for one in (*pair, *euros)] == [(0, 2)] * 4
    again = api.post(f"{TRANSACTIONS}/{back['id']}/reverse")
    assert again["reverses"] == back["id"]
    assert holds(api, pair[0]) == (5, 3)


def test_reversals_at_once_take_back_no_more_than_there_was(
    api: Api, pair: tuple[str, str]
) -> None:
    id = moved(api, *pair, 10)
    answers = racing(8, lambda _: api.post(f"{TRANSACTIONS}/{id}/reverse", amount=3))
    assert codes(answers) == ["ledger_reversal_too_large"] * 5
    assert holds(api, pair[0]) == (1, 4)


def test_whole_reversals_at_once_are_one(api: Api, pair: tuple[str, str]) -> None:
    id = moved(api, *pair, 10)
    answers = racing(8, lambda _: api.post(f"{TRANSACTIONS}/{id}/reverse"))
    assert codes(answers) == ["ledger_transaction_reversed"] * 7
    assert holds(api, pair[0]) == (0, 2)


def test_a_reversal_that_cannot_be_names_no_parameter_that_was_not_sent(api: Api) -> None:
    poor, world = account(api, floor=0), account(api)
    id = moved(api, poor, world, 5)
    moved(api, world, poor, 3)
    path = f"{TRANSACTIONS}/{id}/reverse"
    assert refused(api.post(path)) == (400, "balance_insufficient", "transaction")
    assert api.post(path, amount=2).status == 200
    api.post(f"{ACCOUNTS}/{world}", status="frozen")
    moved_back = refused(api.post(path))
    assert moved_back == (400, "ledger_account_frozen", "transaction")
    api.post(f"{ACCOUNTS}/{world}", status="open")
    moved(api, poor, world, 3, reference="taken")
    taken = api.post(path, reference="taken")
    assert refused(taken) == (400, "ledger_reference_taken", "reference")


def test_balances_are_asked_for_as_of_seconds(api: Api, pair: tuple[str, str]) -> None:
    path = f"{ACCOUNTS}/{pair[1]}/balance"
    moved(api, *pair, 5, effective_at=1_700_000_000)
    now = int(time.time())
    shown = api.get(path)
    assert shown.body == {
        "object": "ledger_balance",
        "account": pair[1],
        "balance": 5,
        "currency": "usd",
        "effective_at": None,
        "entries": 1,
        "known_at": None,
    } | {name: shown[name] for name in shown.body if name in ("available", "held")}
    asked: dict[tuple[str, int], int] = {
        ("known_at", now + 5): 5,
        ("known_at", now - 60): 0,
        ("effective_at", 1_700_000_000): 5,
        ("effective_at", 1_699_999_999): 0,
    }
    for (name, instant), balance in asked.items():
        found = api.get(path, **{name: instant})
        assert (found["balance"], found[name]) == (balance, instant)
    for name in ("known_at", "effective_at"):
        for wrong in (-1, 2**63, "now"):
            assert refused(api.get(path, **{name: wrong}))[::2] == (400, name)
