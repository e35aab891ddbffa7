"""Pending transactions: money that is held, then moved in full or in part, or let go."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.ledger.keeping import (
    ACCOUNTS,
    TRANSACTIONS,
    account,
    events,
    move,
    moved,
    posting,
    refused,
)
from tests.support.api import Answer, Api
from tests.support.processes import eventually

UNEXPECTED = "ledger_transaction_unexpected_state"


@pytest.fixture
def purse(api: Api) -> str:
    """An account with a hundred that may not go below zero."""
    purse = account(api, floor=0)
    moved(api, purse, account(api, normal_side="credit"), 100)
    return purse


@pytest.fixture
def shop(api: Api) -> str:
    return account(api)


def held(api: Api, purse: str, shop: str, amount: int, **params: object) -> Answer:
    answer = move(api, shop, purse, amount, status="pending", **params)
    assert answer.status == 200, answer.body
    return answer


def standing(api: Api, id: str) -> tuple[int, int, int]:
    """Balance, available, entries."""
    found = api.get(f"{ACCOUNTS}/{id}")
    return found["balance"], found["available"], found["entries"]


def post(api: Api, id: str, **params: int) -> Answer:
    return api.post(f"{TRANSACTIONS}/{id}/post", **params)


def void(api: Api, id: str) -> Answer:
    return api.post(f"{TRANSACTIONS}/{id}/void")


def test_what_is_held_is_not_available_and_has_not_moved(api: Api, purse: str, shop: str) -> None:
    answer = held(api, purse, shop, 60)
    assert (answer["status"], answer["expires_at"]) == ("pending", None)
    assert standing(api, purse) == (100, 40, 1)
    assert standing(api, shop) == (0, 0, 0)
    assert refused(move(api, shop, purse, 41)) == (400, "balance_insufficient", "postings")
    assert refused(move(api, shop, purse, 41, status="pending"))[1] == "balance_insufficient"
    moved(api, shop, purse, 40)
    assert standing(api, purse) == (60, 0, 2)


def test_what_is_held_in_favour_of_an_account_cannot_be_spent(
    api: Api, purse: str, shop: str
) -> None:
    other = account(api, floor=0)
    held(api, purse, other, 60)
    assert refused(move(api, shop, other, 1))[1] == "balance_insufficient"


def test_what_is_held_in_favour_of_an_account_counts_against_its_ceiling(
    api: Api, purse: str
) -> None:
    box = account(api, ceiling=50)
    held(api, purse, box, 30)
    assert refused(move(api, box, purse, 21))[1] == "balance_exceeded"
    moved(api, box, purse, 20)


def test_it_is_posted_in_full_under_its_own_id(api: Api, purse: str, shop: str) -> None:
    id = str(held(api, purse, shop, 60, reference="order-7")["id"])
    answer = post(api, id)
    assert (answer["id"], answer["status"], answer["reference"]) == (id, "posted", "order-7")
    assert standing(api, purse) == (40, 40, 2)
    assert standing(api, shop) == (60, 60, 1)
    assert api.get(f"{TRANSACTIONS}/{id}").body == answer.body


def test_what_is_not_posted_is_let_go(api: Api, purse: str, shop: str) -> None:
    id = str(held(api, purse, shop, 60)["id"])
    assert refused(post(api, id, amount=61)) == (400, "ledger_amount_too_large", "amount")
    answer = post(api, id, amount=25)
    assert answer["postings"][0]["amount"] == 25
    assert standing(api, purse) == (75, 75, 2)
    assert refused(post(api, id, amount=1)) == (400, UNEXPECTED, "transaction")


def test_what_is_voided_is_let_go_and_cannot_be_posted(api: Api, purse: str, shop: str) -> None:
    id = str(held(api, purse, shop, 60)["id"])
    assert void(api, id)["status"] == "voided"
    assert standing(api, purse) == (100, 100, 1)
    assert refused(post(api, id)) == (400, UNEXPECTED, "transaction")
    assert refused(void(api, id)) == (400, UNEXPECTED, "transaction")
    assert api.get(f"{TRANSACTIONS}/{id}")["status"] == "voided"


def test_what_was_never_pending_is_neither_posted_nor_voided(
    api: Api, purse: str, shop: str
) -> None:
    id = moved(api, shop, purse, 1)
    assert refused(post(api, id)) == (400, UNEXPECTED, "transaction")
    assert refused(void(api, id)) == (400, UNEXPECTED, "transaction")
    assert refused(post(api, "lt_none")) == (404, "resource_missing", "transaction")


def test_what_is_out_of_time_is_let_go_by_itself(api: Api, purse: str, shop: str) -> None:
    id = str(held(api, purse, shop, 60, expires_at=int(time.time()) + 2)["id"])
    assert eventually(lambda: api.get(f"{TRANSACTIONS}/{id}")["status"] == "expired")
    assert standing(api, purse) == (100, 100, 1)
    assert refused(post(api, id)) == (400, UNEXPECTED, "transaction")


def test_time_is_for_what_is_pending_and_lies_ahead(api: Api, purse: str, shop: str) -> None:
    now = int(time.time())
    late = move(api, shop, purse, 1, status="pending", expires_at=now - 1)
    assert refused(late) == (400, None, "expires_at")
    assert refused(move(api, shop, purse, 1, expires_at=now + 9)) == (400, None, "expires_at")
    dated = move(api, shop, purse, 1, status="pending", effective_at=now - 9)
    assert refused(dated) == (400, None, "effective_at")


def test_several_postings_are_held_and_posted_together(api: Api, purse: str, shop: str) -> None:
    fees = account(api)
    answer = api.post(
        TRANSACTIONS,
        postings=[posting(shop, purse, 50), posting(fees, purse, 5)],
        status="pending",
    )
    assert standing(api, purse) == (100, 45, 1)
    assert refused(post(api, answer["id"], amount=50)) == (400, None, "amount")
    post(api, answer["id"])
    assert standing(api, purse) == (45, 45, 3)
    assert standing(api, fees) == (5, 5, 1)


def test_a_frozen_account_posts_nothing_and_lets_go(api: Api, purse: str, shop: str) -> None:
    first, second = (str(held(api, purse, shop, 10)["id"]) for _ in range(2))
    api.post(f"{ACCOUNTS}/{shop}", status="frozen")
    assert refused(post(api, first))[1] == "ledger_account_frozen"
    assert void(api, second)["status"] == "voided"
    api.post(f"{ACCOUNTS}/{shop}", status="open")
    assert post(api, first)["status"] == "posted"


def test_an_account_with_money_held_is_not_closed(api: Api, shop: str) -> None:
    source = account(api)
    id = str(held(api, source, shop, 10)["id"])
    close = {"status": "closed"}
    assert refused(api.post(f"{ACCOUNTS}/{shop}", **close))[1] == "ledger_account_not_empty"
    void(api, id)
    assert api.post(f"{ACCOUNTS}/{shop}", **close)["status"] == "closed"


def test_of_many_who_post_or_void_at_once_one_does(api: Api, purse: str, shop: str) -> None:
    id = str(held(api, purse, shop, 60)["id"])
    with ThreadPoolExecutor(8) as threads:
        ends = [post, void] * 4
        answers = list(threads.map(lambda end: end(api, id), ends))
    assert [answer.status for answer in answers].count(200) == 1
    shown = api.get(f"{TRANSACTIONS}/{id}")["status"]
    assert standing(api, purse) == ((40, 40, 2) if shown == "posted" else (100, 100, 1))


def test_holds_at_once_hold_no_more_than_there_is(api: Api, purse: str, shop: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: move(api, shop, purse, 30, status="pending"), range(8))
        )
    assert [answer.status for answer in answers].count(200) == 3
    assert standing(api, purse) == (100, 10, 1)


def test_each_step_is_told_and_counts_as_later_than_the_one_before(
    api: Api, purse: str, shop: str
) -> None:
    posted, voided = (str(held(api, purse, shop, 10)["id"]) for _ in range(2))
    post(api, posted)
    void(api, voided)
    told = {
        kind: {
            one["data"]["object"]["id"]: one for one in events(api, f"ledger.transaction.{kind}")
        }
        for kind in ("pending", "posted", "voided")
    }
    assert told["pending"][posted]["sequence"] < told["posted"][posted]["sequence"]
    assert told["pending"][voided]["sequence"] < told["voided"][voided]["sequence"]


def test_many_may_be_held_in_one_call(api: Api, purse: str, shop: str) -> None:
    wanted = [
        {"postings": [posting(shop, purse, 60)], "status": "pending"},
        {"postings": [posting(shop, purse, 41)]},
        {"postings": [posting(shop, purse, 40)]},
    ]
    answer = api.post(f"{TRANSACTIONS}/bulk", transactions=wanted, atomic=False)
    assert [one["error"] and one["error"]["code"] for one in answer["results"]] == [
        None,
        "balance_insufficient",
        None,
    ]
    assert standing(api, purse) == (60, 0, 2)
