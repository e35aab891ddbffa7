"""Ledger transactions as callers post them: what is answered, and what is refused."""

from __future__ import annotations

import time
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
    posting,
    racing,
    refused,
)
from tests.support.api import Answer, Api, unique

MOST = 10**15


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    """What is debited, and what is credited."""
    return account(api), account(api, normal_side="credit")


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
        ({"conditions": [{"account": "{debit}"}]}, "conditions[0]"),
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
    assert refused(conditioned(5)) == (400, "parameter_missing", "conditions[0]")
    answers = racing(8, lambda _: conditioned(1, entries=2))
    assert codes(answers) == ["ledger_condition_failed"] * 7
    assert holds(api, debit) == (11, 3)


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
