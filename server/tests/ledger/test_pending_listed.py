"""One list of all that callers posted or hold, whatever became of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ledger.keeping import TRANSACTIONS, account, move, moved, refused
from tests.support.api import Answer, Api

STATES = ("posted", "pending", "voided", "expired", "posted after all")


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    return account(api), account(api)


def _in_state(api: Api, pair: tuple[str, str], state: str, **params: Any) -> str:
    if state == "posted":
        return moved(api, *pair, 5, **params)
    soon = {"expires_at": int(time.time()) + 2} if state == "expired" else {}
    id = moved(api, *pair, 5, status="pending", **soon, **params)
    if state == "voided":
        api.post(f"{TRANSACTIONS}/{id}/void")
    if state == "posted after all":
        api.post(f"{TRANSACTIONS}/{id}/post", amount=3)
    return id


def _expired(api: Api, id: str) -> None:
    for _ in range(80):
        if api.get(f"{TRANSACTIONS}/{id}")["status"] == "expired":
            return
        time.sleep(0.1)
    raise AssertionError("it does not expire")


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [one["id"] for one in answer["data"]]


def test_every_transaction_is_listed_once_as_it_stands_and_by_its_status(
    api: Api, other_api: Api, pair: tuple[str, str]
) -> None:
    made = {state: _in_state(api, pair, state) for state in STATES}
    api.pay(2000)
    _expired(api, made["expired"])
    newest_first = list(made.values())[::-1]
    found = api.get(TRANSACTIONS)
    assert ids(found) == newest_first
    assert not found["has_more"]
    for one in found["data"]:
        assert one == api.get(f"{TRANSACTIONS}/{one['id']}").body
    for status in ("pending", "voided", "expired"):
        assert ids(api.get(TRANSACTIONS, status=status)) == [made[status]]
    assert ids(api.get(TRANSACTIONS, status="posted")) == [made["posted after all"], made["posted"]]
    assert ids(other_api.get(TRANSACTIONS)) == []


def test_pages_go_through_all_of_them_in_both_directions(api: Api, pair: tuple[str, str]) -> None:
    order = ("pending", "posted", "voided", "pending", "posted after all", "posted", "voided")
    made = [_in_state(api, pair, state) for state in order][::-1]
    for limit in (1, 2, 3):
        forwards: list[str] = []
        while True:
            after = {"starting_after": forwards[-1]} if forwards else {}
            page = api.get(TRANSACTIONS, limit=limit, **after)
            forwards += ids(page)
            if not page["has_more"]:
                break
        assert forwards == made
        backwards = [made[-1]]
        while True:
            page = api.get(TRANSACTIONS, limit=limit, ending_before=backwards[0])
            backwards = ids(page) + backwards
            if not page["has_more"]:
                break
        assert backwards == made


def test_a_cursor_may_name_one_of_another_status(api: Api, pair: tuple[str, str]) -> None:
    first, voided, last = [_in_state(api, pair, state) for state in ("pending", "voided", "posted")]
    assert ids(api.get(TRANSACTIONS, status="pending", starting_after=voided)) == [first]
    assert ids(api.get(TRANSACTIONS, status="posted", ending_before=voided)) == [last]


@pytest.mark.parametrize("cursor", ["starting_after", "ending_before"])
def test_a_cursor_that_names_nothing_is_refused(
    api: Api, other_api: Api, pair: tuple[str, str], cursor: str
) -> None:
    strange = _in_state(api, pair, "pending")
    answer = other_api.get(TRANSACTIONS, **{cursor: strange})
    assert refused(answer) == (400, "resource_missing", cursor)


@pytest.mark.parametrize("state", ["posted", "pending", "voided", "posted after all"])
def test_a_reference_finds_its_transaction_whatever_became_of_it(
    api: Api, pair: tuple[str, str], state: str
) -> None:
    id = _in_state(api, pair, state, reference="r-1")
    _in_state(api, pair, state, reference="r-2")
    found = api.get(TRANSACTIONS, reference="r-1")
    assert ids(found) == [id]
    status = "posted" if state.startswith("posted") else state
    assert ids(api.get(TRANSACTIONS, reference="r-1", status=status)) == [id]
    assert ids(api.get(TRANSACTIONS, reference="r-1", status="expired")) == []
    assert ids(api.get(TRANSACTIONS, reference="r-3")) == []


def test_a_list_of_a_time_has_what_was_held_then(api: Api, pair: tuple[str, str]) -> None:
    pending = move(api, *pair, 5, status="pending")
    made = pending["created"]
    assert ids(api.get(TRANSACTIONS, created=made)) == [pending["id"]]
    assert ids(api.get(TRANSACTIONS, created={"gt": made})) == []


def test_a_status_is_one_that_there_is(api: Api) -> None:
    assert refused(api.get(TRANSACTIONS, status="lost"))[::2] == (400, "status")
