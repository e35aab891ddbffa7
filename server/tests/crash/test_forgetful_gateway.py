"""A gateway that is slow and drops replies, and a server that is killed while it asks it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guilder_server.ledger.verification import verify
from guilder_server.usage.infra.books import differences
from tests.support.http_gateway import GatewayProcess
from tests.support.merchants import (
    Merchant,
    a_sale,
    books_of_gateway,
    books_of_guilder,
    in_between,
    made,
)
from tests.support.processes import eventually
from tests.support.served import Served

pytestmark = pytest.mark.anyio

CAMPAIGN = [pytest.mark.campaign, pytest.mark.timeout(3600)]
# What takes up to a minute with the timeouts of production takes this long with these.
HASTY = {"GUILDER_GATEWAY_TIMEOUT_MS": "1500"}
SETTLED_WITHIN_S = 20


@pytest.mark.parametrize(
    "rounds", [pytest.param(2, id="2"), pytest.param(40, id="40", marks=CAMPAIGN)]
)
async def test_no_card_is_charged_twice_and_no_cent_is_lost(
    durable_url: str, tmp_path: Path, rounds: int
) -> None:
    with (
        GatewayProcess(
            tmp_path / "record", delay_ms=100, drop_before=0.15, drop_after=0.25, seed=3
        ) as gateway,
        Served(durable_url, tmp_path / "one", gateway_url=gateway.url, settings=HASTY) as one,
        Served(durable_url, tmp_path / "two", gateway_url=gateway.url, settings=HASTY) as two,
    ):
        account = one.open_account()
        merchants = [Merchant(served.url, account, gives_up=0.1, name=served.log.name)
                     for served in (one, two)]  # fmt: skip
        async with merchants[0].trading(a_sale, 10), merchants[1].trading(a_sale, 6):
            for number in range(rounds):
                served = (one, two)[number % 2]
                assert await asyncio.to_thread(eventually, served.healthy, 30)
                await asyncio.sleep(0.5 + merchants[0].random.random())
                served.kill()
                served.start(wait=False)
        settled = await asyncio.to_thread(
            eventually, lambda: not in_between(durable_url), SETTLED_WITHIN_S
        )
        assert settled, in_between(durable_url)
        for merchant in merchants:
            assert merchant.trouble.keys().isdisjoint({"500", "503"}), merchant.trouble
            assert merchant.told() <= made(durable_url).keys()
            assert await merchant.said_again() == []
            await merchant.close()
        assert set(made(durable_url).values()) == {1}
        gateway.temper(drop_before=0, drop_after=0, delay_ms=0)
        record = gateway.ledger()
        assert min(record["dropped"].values()) > 0
        assert books_of_gateway(record) == books_of_guilder(durable_url)
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
