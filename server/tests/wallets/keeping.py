"""Wallets, and money in them."""

from __future__ import annotations

from typing import Any

from tests.support.api import Answer, Api
from tests.support.days import not_over_midnight

WALLETS = "/v1/wallets"


def wallet(api: Api, **given: Any) -> str:
    made: str = api.post(WALLETS, **{"currency": "usd", **given})["id"]
    return made


def filled(api: Api, amount: int, **given: Any) -> str:
    """A wallet with this much in it, which a card has brought."""
    if "limits" in given:
        not_over_midnight()
    made = wallet(api, **given)
    top_up(api, made, amount)
    return made


def top_up(api: Api, wallet: str, amount: int, **given: Any) -> Answer:
    paid = api.pay(amount=amount, top_up_wallet=wallet, **given)
    assert paid.status == 200, paid.body
    return paid


def transfer(api: Api, wallet: str, destination: str, amount: int, **given: Any) -> Answer:
    return api.post(
        f"{WALLETS}/{wallet}/transfers", destination=destination, amount=amount, **given
    )


def hold(api: Api, wallet: str, amount: int, **given: Any) -> Answer:
    return api.post(f"{WALLETS}/{wallet}/holds", amount=amount, **given)


def capture(api: Api, hold: Answer, **given: Any) -> Answer:
    return api.post(f"{WALLETS}/{hold['wallet']}/holds/{hold['id']}/capture", **given)


def release(api: Api, hold: Answer) -> Answer:
    return api.post(f"{WALLETS}/{hold['wallet']}/holds/{hold['id']}/release")


def balance(api: Api, wallet: str) -> int:
    found: int = api.get(f"{WALLETS}/{wallet}")["balance"]
    return found


def available(api: Api, wallet: str) -> int:
    found: int = api.get(f"{WALLETS}/{wallet}")["available"]
    return found


def movements(api: Api, wallet: str) -> list[tuple[str, int, int]]:
    """Type, amount and balance after it, the oldest first."""
    listed = api.get(f"{WALLETS}/{wallet}/transactions", limit=100)["data"]
    return [(one["type"], one["amount"], one["balance"]) for one in reversed(listed)]


def told(api: Api, about: str) -> list[str]:
    """The types of the events about an object, the oldest first."""
    listed = api.get("/v1/events", limit=100)["data"]
    return [one["type"] for one in reversed(listed) if one["data"]["object"]["id"] == about]
