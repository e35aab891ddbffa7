"""Keeping books through the API."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.api import Answer, Api, unique

ACCOUNTS = "/v1/ledger/accounts"
TRANSACTIONS = "/v1/ledger/transactions"
BULK = f"{TRANSACTIONS}/bulk"


def account(api: Api, code: str | None = None, **params: Any) -> str:
    """The id of a new account, in dollars and on the debit side unless said otherwise."""
    return str(opened(api, code, **params)["id"])


def opened(api: Api, code: str | None = None, **params: Any) -> Answer:
    given = {"code": code or unique("a"), "currency": "usd", "normal_side": "debit"} | params
    answer = api.post(ACCOUNTS, **given)
    assert answer.status == 200, answer.body
    return answer


def posting(debit: str, credit: str, amount: int) -> dict[str, Any]:
    return {"debit": debit, "credit": credit, "amount": amount}


def move(api: Api, debit: str, credit: str, amount: int, **params: Any) -> Answer:
    return api.post(TRANSACTIONS, postings=[posting(debit, credit, amount)], **params)


def moved(api: Api, debit: str, credit: str, amount: int, **params: Any) -> str:
    answer = move(api, debit, credit, amount, **params)
    assert answer.status == 200, answer.body
    return str(answer["id"])


def holds(api: Api, account: str) -> tuple[int, int]:
    """Balance and number of entries."""
    found = api.get(f"{ACCOUNTS}/{account}")
    return found["balance"], found["entries"]


def refused(answer: Answer) -> tuple[int, str | None, str | None]:
    """Its status, its code if it has one of its own, and the parameter that it names."""
    assert answer.status >= 400, answer.body
    return answer.status, answer.error.get("code"), answer.error.get("param")


def events(api: Api, type: str) -> list[dict[str, Any]]:
    """Newest first."""
    found: list[dict[str, Any]] = api.get("/v1/events", type=type, limit=100)["data"]
    return found


def racing(number: int, wish: Callable[[int], Answer]) -> list[Answer]:
    """The same wish of so many threads at once."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(wish, range(number)))


def codes(answers: list[Answer]) -> list[str]:
    """Of what was refused."""
    return [answer.error["code"] for answer in answers if answer.status != 200]
