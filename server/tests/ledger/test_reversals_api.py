"""Ledger transactions that are taken back, whole or in part."""

from __future__ import annotations

import pytest

from tests.ledger.keeping import (
    ACCOUNTS,
    TRANSACTIONS,
    account,
    codes,
    holds,
    moved,
    posting,
    racing,
    refused,
)
from tests.support.api import Api

MOST = 10**15


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    """What is debited, and what is credited."""
    return account(api), account(api, normal_side="credit")


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
    reversed_ = (400, "ledger_transaction_reversed")
    assert refused(api.post(path)) == (*reversed_, "transaction")
    assert refused(api.post(path, amount=1)) == (*reversed_, "amount")
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
