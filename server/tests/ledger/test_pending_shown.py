"""A transaction that was pending stays the same one, whoever shows it."""

from __future__ import annotations

import time

from tests.support.api import Answer, Api


def _pending(api: Api) -> Answer:
    accounts = [
        api.post("/v1/ledger/accounts", code=code, currency="usd", normal_side="debit")["id"]
        for code in ("a", "b")
    ]
    posting = {"debit": accounts[0], "credit": accounts[1], "amount": 900}
    soon = int(time.time()) + 3600
    return api.post(
        "/v1/ledger/transactions", postings=[posting], status="pending", expires_at=soon
    )


def test_what_was_pending_was_made_when_it_was_made_and_counts_from_when_it_is_posted(
    api: Api,
) -> None:
    pending = _pending(api)
    path = f"/v1/ledger/transactions/{pending['id']}"
    assert pending["effective_at"] == pending["created"]
    time.sleep(1.1)
    posted = api.post(f"{path}/post", amount=400)
    assert posted["created"] == pending["created"]
    assert posted["effective_at"] > pending["created"]

    # By its id it is as old as it says, so a page of that time has it.
    made = {"gte": pending["created"], "lte": pending["created"]}
    found = api.get("/v1/ledger/transactions", created=made)["data"]
    assert [one["id"] for one in found] == [pending["id"]]

    account = pending["postings"][0]["debit"]
    for sense in ("known_at", "effective_at"):
        balances = [
            api.get(f"/v1/ledger/accounts/{account}/balance", **{sense: instant})["balance"]
            for instant in (pending["created"], posted["effective_at"] + 1)
        ]
        assert balances == [0, 400]


def test_what_is_answered_when_it_is_posted_is_what_is_read_after(api: Api) -> None:
    path = f"/v1/ledger/transactions/{_pending(api)['id']}"
    posted = api.post(f"{path}/post")
    assert posted["expires_at"] is None  # it holds nothing any more
    assert api.get(path).body == posted.body


def test_what_is_answered_when_it_is_voided_is_what_is_read_after(api: Api) -> None:
    path = f"/v1/ledger/transactions/{_pending(api)['id']}"
    voided = api.post(f"{path}/void")
    assert api.get(path).body == voided.body
