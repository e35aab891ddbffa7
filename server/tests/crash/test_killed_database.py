"""PostgreSQL dies under load; the server stays, and recovers by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guilder_server.embedded import PostgresServer
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

# However long the database was away.
RECOVERED_WITHIN_S = 10
CAMPAIGN = [pytest.mark.campaign, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("workers", "rounds", "away_s"),
    [
        (1, 3, 0.2),
        (2, 1, 2.0),
        pytest.param(1, 40, 0.5, marks=CAMPAIGN),
        pytest.param(2, 5, 20.0, marks=CAMPAIGN),
    ],
)
async def test_a_killed_database_loses_nothing_and_repeats_nothing(
    durable_postgres: PostgresServer,
    durable_url: str,
    tmp_path: Path,
    workers: int,
    rounds: int,
    away_s: float,
) -> None:
    with Served(durable_url, tmp_path / "log", workers=workers) as served:
        merchant = Merchant(served.url, served.open_account(), gives_up=0.1)
        async with merchant.trading(a_sale):
            for _ in range(rounds):
                await asyncio.sleep(0.3 + 0.4 * merchant.random.random())
                durable_postgres.kill()
                await asyncio.sleep(away_s)
                durable_postgres.start(wait=False)
                await asyncio.to_thread(durable_postgres.wait)
                wanted = len(merchant.replies) + 16
                recovered = await asyncio.to_thread(
                    eventually,
                    lambda wanted=wanted: len(merchant.replies) >= wanted,
                    RECOVERED_WITHIN_S,
                )
                assert recovered, served.last_words()
        assert "500" not in merchant.trouble, [
            line for line in served.log.read_text().splitlines() if "request_failed" in line
        ][:3]
        found = made(durable_url)
        assert merchant.told() <= found.keys()
        assert set(found.values()) == {1}
        assert await merchant.said_again() == []
        assert in_between(durable_url) == []
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        await merchant.close()


async def test_no_card_is_charged_twice_when_the_outcome_could_not_be_written(
    durable_postgres: PostgresServer, durable_url: str, tmp_path: Path
) -> None:
    """The gateway has acted, and the database goes before that is known."""
    with (
        GatewayProcess(tmp_path / "record", delay_ms=400) as gateway,
        Served(
            durable_url,
            tmp_path / "log",
            gateway_url=gateway.url,
            settings={"GUILDER_GATEWAY_TIMEOUT_MS": "1500"},
        ) as served,
    ):
        merchant = Merchant(served.url, served.open_account())
        async with merchant.trading(a_sale):
            await asyncio.sleep(1)
            durable_postgres.kill()
            await asyncio.sleep(1)
            durable_postgres.start(wait=False)
            await asyncio.to_thread(durable_postgres.wait)
        assert "500" not in merchant.trouble
        assert await asyncio.to_thread(eventually, lambda: not in_between(durable_url), 20)
        assert merchant.told() == made(durable_url).keys()
        assert set(made(durable_url).values()) == {1}
        assert await merchant.said_again() == []
        assert books_of_gateway(gateway.ledger()) == books_of_guilder(durable_url)
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        await merchant.close()
