"""PostgreSQL dies under load; the server stays, and recovers by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from guilder_server.embedded import PostgresServer
from guilder_server.ledger.verification import verify
from tests.support.merchants import Merchant, a_sale, in_between, made
from tests.support.served import Served

pytestmark = pytest.mark.anyio

CAMPAIGN = [pytest.mark.campaign, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("workers", "rounds", "away_s"),
    [
        (1, 3, 0.2),
        (2, 1, 8.0),
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
                back = time.monotonic()
                answered = len(merchant.replies)
                while len(merchant.replies) < answered + 16:
                    assert time.monotonic() < back + 5, served.last_words()
                    await asyncio.sleep(0.02)
        assert "500" not in merchant.trouble, [
            line for line in served.log.read_text().splitlines() if "request_failed" in line
        ][:3]
        found = made(durable_url)
        assert merchant.told() <= found.keys()
        assert set(found.values()) == {1}
        assert await merchant.said_again() == []
        assert in_between(durable_url) == []
        assert await verify(durable_url) == 0
        await merchant.close()
