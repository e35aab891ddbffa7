"""A server that dies while it asks a gateway that lives elsewhere, and the one that takes over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.payouts.keeping import Desk, clock, desk
from tests.support.api import unique
from tests.support.composed import PlayedGateway, composed

pytestmark = pytest.mark.anyio


async def died(shop: Desk, asking: asyncio.Task[Any]) -> None:
    """The first server is gone with what it had in hand; its lease runs out."""
    for running in list(shop.server.server.executor._running):
        running.cancel()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    shop.server.gateway.let_go()


@pytest.mark.parametrize("it_acted", [True, False], ids=["sent", "not sent"])
async def test_what_was_left_between_the_two_commits_is_finished(
    database_url: str, it_acted: bool
) -> None:
    gateway, key = PlayedGateway(clock()), unique()
    async with desk(database_url, gateway) as shop:
        gateway.hold(before_it_acts=not it_acted)
        asking = asyncio.create_task(shop.pay_out(key=key))
        await gateway.reached()
        [payout] = (await shop.server.get("/v1/payouts")).json()["data"]
        assert (payout["status"], await shop.balance()) == ("pending", 600)
        assert shop.differences() == []
        await died(shop, asking)
        async with composed(database_url, gateway, shop.server.account) as second:
            heir = Desk(second, shop.wallet)
            await heir.later(60)
            assert await heir.status(payout["id"]) == "paid"
            assert await heir.ledger() == {"wallet": 600, "in_transit": 0, "gateway": 600}
            assert gateway.kinds().count("pay_out") == 1
            # Who asked is answered what became of it, and nothing happens again.
            assert (await heir.pay_out(key=key))["id"] == payout["id"]
            assert await heir.balance() == 600
            assert heir.differences() == []


async def test_who_canceled_when_the_server_died_is_answered(database_url: str) -> None:
    gateway, key = PlayedGateway(clock()), unique()
    async with desk(database_url, gateway) as shop:
        payout = (await shop.pay_out(destination="ba_pending"))["id"]
        gateway.hold()
        asking = asyncio.create_task(shop.cancel(payout, key))
        for _ in range(200):
            if gateway.stopped:
                break
            await asyncio.sleep(0.01)
        assert await shop.status(payout) == "pending"
        await died(shop, asking)
        async with composed(database_url, gateway, shop.server.account) as second:
            heir = Desk(second, shop.wallet)
            assert (await heir.cancel(payout, key)).status_code == 409
            await heir.later(60)
            answer = await heir.cancel(payout, key)
            assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
            assert await heir.balance() == 1000
            assert heir.differences() == []


async def test_nobody_cancels_what_the_gateway_is_being_asked(database_url: str) -> None:
    gateway = PlayedGateway(clock())
    async with desk(database_url, gateway) as shop:
        gateway.hold()
        asking = asyncio.create_task(shop.pay_out())
        await gateway.reached()
        [payout] = (await shop.server.get("/v1/payouts")).json()["data"]
        assert (await shop.cancel(payout["id"])).status_code == 409
        gateway.let_go()
        assert (await asking)["status"] == "in_transit"


async def test_a_gateway_that_is_away_leaves_a_payout_pending(database_url: str) -> None:
    gateway = PlayedGateway(clock())
    async with desk(database_url, gateway) as shop:
        gateway.deaf = True
        payout = await shop.pay_out()
        assert (payout["status"], await shop.balance()) == ("pending", 600)
        await shop.later(4)
        assert await shop.status(payout["id"]) == "pending"
        assert shop.differences() == []
        gateway.deaf = False
        await shop.later(60)
        assert await shop.status(payout["id"]) == "paid"
        assert gateway.kinds().count("pay_out") == 1
