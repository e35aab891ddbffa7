"""A payout on its way: what the gateway says of it later, and what is in the ledger by then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.payouts.keeping import Desk, ElsewhereWithoutPayouts, SandboxHere, clock, desk
from tests.support.composed import PlayedGateway

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SandboxHere, PlayedGateway], ids=["here", "elsewhere"])
async def shop(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Desk]:
    async with desk(database_url, request.param(clock())) as opened:
        yield opened
        assert opened.differences() == []


def at(wallet: int, in_transit: int, gateway: int) -> dict[str, int]:
    return {"wallet": wallet, "in_transit": in_transit, "gateway": gateway}


async def test_a_payout_is_in_transit_until_the_bank_has_it(shop: Desk) -> None:
    payout = await shop.pay_out()
    assert payout["status"] == "in_transit"
    assert await shop.ledger() == at(600, 400, 1000)
    await shop.later(1)
    assert await shop.status(payout["id"]) == "in_transit"
    assert shop.differences() == []
    await shop.later(1)
    assert await shop.status(payout["id"]) == "paid"
    assert await shop.ledger() == at(600, 0, 600)
    assert (await shop.told(payout["id"]))[-2:] == ["payout.updated paid", "payout.paid paid"]


async def test_an_instant_payout_is_paid_at_once(shop: Desk) -> None:
    payout = await shop.pay_out(method="instant")
    assert payout["arrival_date"] == payout["created"]
    await shop.later(0)
    assert await shop.status(payout["id"]) == "paid"


async def test_what_the_bank_does_not_take_comes_back(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_couldNotProcess")
    assert payout["status"] == "in_transit"
    await shop.later(2)
    found = (await shop.server.get(f"/v1/payouts/{payout['id']}")).json()
    assert (found["status"], found["failure_code"]) == ("failed", "could_not_process")
    assert await shop.ledger() == at(1000, 0, 1000)
    assert (await shop.told(payout["id"]))[-2:] == [
        "payout.updated failed",
        "payout.failed failed",
    ]


async def test_what_the_bank_sends_back_days_later_is_reversed(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_returned")
    await shop.later(2)
    assert (await shop.status(payout["id"]), await shop.ledger()) == ("paid", at(600, 0, 600))
    await shop.later(4)
    assert await shop.status(payout["id"]) == "paid"
    assert shop.differences() == []
    await shop.later(1)
    assert await shop.status(payout["id"]) == "failed"
    assert await shop.ledger() == at(1000, 0, 1000)
    assert await shop.movements() == [
        ("top_up", 1000),
        ("withdrawal", -400),
        ("withdrawal_failure", 400),
    ]


async def test_what_is_over_is_not_asked_about_again(shop: Desk) -> None:
    await shop.pay_out()
    await shop.later(2)
    before = shop.server.gateway.asked[:]
    assert await shop.server.sweep("settle_payouts") == 0
    await shop.later(3600)
    assert shop.server.gateway.asked == before
    assert await shop.ledger() == at(600, 0, 600)


async def test_a_pending_payout_is_asked_about_until_it_is_taken_on(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_pending")
    assert payout["status"] == "pending"
    assert shop.differences() == []
    await shop.later(6)
    assert await shop.status(payout["id"]) == "in_transit"
    await shop.later(2)
    assert await shop.status(payout["id"]) == "paid"
    assert await shop.ledger() == at(600, 0, 600)


@pytest.mark.parametrize(
    ("destination", "status"),
    [("ba_unknownOutcome", "in_transit"), ("ba_unknownOutcomeNoAccount", "failed")],
)
async def test_a_lost_reply_is_asked_about(shop: Desk, destination: str, status: str) -> None:
    payout = await shop.pay_out(destination=destination)
    assert (payout["status"], await shop.balance()) == ("pending", 600)
    await shop.later(6)
    assert await shop.status(payout["id"]) == status
    assert await shop.balance() == (600 if status == "in_transit" else 1000)


async def test_what_comes_back_comes_back_to_a_frozen_wallet_too(shop: Desk) -> None:
    await shop.pay_out(destination="ba_couldNotProcess")
    await shop.change_wallet(status="frozen")
    await shop.later(2)
    assert await shop.balance() == 1000


async def test_what_comes_back_is_the_merchants_where_the_wallet_was_closed(shop: Desk) -> None:
    payout = await shop.pay_out(1000, destination="ba_couldNotProcess")
    await shop.change_wallet(status="closed")
    balance = (await shop.server.get("/v1/balance")).json()["available"][0]["amount"]
    await shop.later(2)
    path = f"/v1/payouts/{payout['id']}"
    found = (await shop.server.get(path, **{"expand[]": "failure_balance_transaction"})).json()
    moved = found["failure_balance_transaction"]
    assert found["status"] == "failed"
    assert (moved["type"], moved["net"], moved["source"]) == ("payout_failure", 1000, payout["id"])
    after = (await shop.server.get("/v1/balance")).json()["available"][0]["amount"]
    assert after == balance + 1000
    assert await shop.balance() == 0


async def test_a_pending_payout_is_canceled_once_and_never_sent(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_pending")
    answers = await asyncio.gather(*(shop.cancel(payout["id"]) for _ in range(5)))
    assert all(answer.status_code in (400, 409) for answer in answers if answer.is_error)
    assert sum(answer.is_success for answer in answers) == 1
    assert await shop.ledger() == at(1000, 0, 1000)
    await shop.later(60)
    assert await shop.status(payout["id"]) == "canceled"
    assert await shop.balance() == 1000
    assert (await shop.told(payout["id"]))[-1] == "payout.canceled canceled"


async def test_of_canceling_and_settling_one_wins(shop: Desk) -> None:
    for _ in range(4):
        payout = await shop.pay_out(100, destination="ba_pending")
        shop.server.clock.advance(timedelta(seconds=5.5))
        canceled, _swept = await asyncio.gather(
            shop.cancel(payout["id"]), shop.server.sweep("resolve_payouts")
        )
        status = await shop.status(payout["id"])
        assert (status == "canceled") == canceled.is_success
        assert shop.differences() == []


async def test_a_payout_that_has_been_taken_on_meanwhile_is_not_canceled(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_pending")
    shop.server.clock.advance(timedelta(seconds=6))
    answer = await shop.cancel(payout["id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payout_unexpected_state")
    assert await shop.status(payout["id"]) == "in_transit"
    await shop.later(2)
    assert await shop.ledger() == at(600, 0, 600)


async def test_a_payout_that_cannot_be_stopped_stays_pending(shop: Desk) -> None:
    payout = await shop.pay_out(destination="ba_unknownOutcome")
    answer = await shop.cancel(payout["id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payout_unexpected_state")
    assert await shop.status(payout["id"]) == "pending"
    await shop.later(6)
    assert await shop.status(payout["id"]) == "in_transit"


async def test_two_sweepers_settle_a_payout_once(shop: Desk) -> None:
    payout = await shop.pay_out()
    shop.server.clock.advance(timedelta(seconds=2))
    await asyncio.gather(*(shop.server.sweep("settle_payouts") for _ in range(4)))
    assert await shop.ledger() == at(600, 0, 600)
    assert (await shop.told(payout["id"])).count("payout.paid paid") == 1


async def test_metadata_may_change_while_the_money_is_under_way(shop: Desk) -> None:
    payout = await shop.pay_out()
    await shop.server.post(f"/v1/payouts/{payout['id']}", **{"metadata[a]": "1"})
    await shop.later(2)
    found = (await shop.server.get(f"/v1/payouts/{payout['id']}")).json()
    assert (found["status"], found["metadata"]) == ("paid", {"a": "1"})


async def test_a_gateway_that_does_not_pay_out_is_named(database_url: str) -> None:
    async with desk(database_url, ElsewhereWithoutPayouts(clock())) as shop:
        refused: Any = (await shop.pay_out())["error"]
        assert refused["code"] == "payouts_not_supported"
        assert "gateway sandbox" in refused["message"]
        assert await shop.balance() == 1000
