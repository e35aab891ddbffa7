"""A server that is killed, or told to stop, under load."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from guilder_server.ledger.verification import verify
from guilder_server.usage.infra.books import differences
from tests.support.http_gateway import GatewayProcess
from tests.support.merchants import Merchant, a_sale, in_between, made
from tests.support.official import Shop
from tests.support.processes import eventually, family_of
from tests.support.served import Served

pytestmark = pytest.mark.anyio

CAMPAIGN = [pytest.mark.campaign, pytest.mark.timeout(1800)]


async def until_healthy(served: Served) -> None:
    assert await asyncio.to_thread(eventually, served.healthy, 30), served.last_words()


@pytest.mark.parametrize(
    ("workers", "rounds"),
    [(1, 4), (2, 2), pytest.param(1, 60, marks=CAMPAIGN), pytest.param(2, 60, marks=CAMPAIGN)],
)
async def test_sigkill_loses_nothing_and_repeats_nothing(
    durable_url: str, tmp_path: Path, workers: int, rounds: int
) -> None:
    with Served(durable_url, tmp_path / "log", workers=workers) as served:
        merchant = Merchant(served.url, served.open_account(), gives_up=0.1)
        async with merchant.trading(a_sale):
            for _ in range(rounds):
                await until_healthy(served)
                await asyncio.sleep(0.3 + 0.4 * merchant.random.random())
                served.kill()
                served.start(wait=False)
        assert merchant.trouble.keys().isdisjoint({"500", "503"}), merchant.trouble
        found = made(durable_url)
        assert merchant.told() <= found.keys()
        assert set(found.values()) == {1}
        assert await merchant.said_again() == []
        assert in_between(durable_url) == []
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        await merchant.close()


async def test_a_worker_that_dies_takes_nothing_with_it(durable_url: str, tmp_path: Path) -> None:
    with Served(durable_url, tmp_path / "log", workers=2) as served:
        merchant = Merchant(served.url, served.open_account())
        async with merchant.trading(a_sale):
            await asyncio.sleep(0.7)
            os.kill(max(family_of(served.pid)), signal.SIGKILL)
            await asyncio.sleep(1)
        assert merchant.trouble.keys().isdisjoint({"500", "503"}), merchant.trouble
        assert merchant.told() == made(durable_url).keys()
        assert set(made(durable_url).values()) == {1}
        assert await merchant.said_again() == []
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        await merchant.close()


def test_official_clients_get_through_by_themselves(durable_url: str, tmp_path: Path) -> None:
    """Their retries, and the key that they give to every request, are all that it takes."""
    with Served(durable_url, tmp_path / "log") as served:
        account = served.open_account()
        ends = time.monotonic() + 3

        def customers() -> int:
            client = Shop(served.url, account).client(account.secret_key, max_network_retries=8)
            paid = 0
            while time.monotonic() < ends:
                intent = client.v1.payment_intents.create(
                    {
                        "amount": 2000,
                        "currency": "usd",
                        "confirm": True,
                        "payment_method": "pm_card_visa",
                    }
                )
                assert intent.status == "succeeded"
                paid += 1
            return paid

        with ThreadPoolExecutor(8) as threads:
            counting = [threads.submit(customers) for _ in range(8)]
            time.sleep(1)
            served.kill()
            served.start()
            paid = sum(each.result() for each in counting)
        with psycopg.connect(durable_url) as connection:
            made = connection.execute("SELECT count(*) FROM charges").fetchone()
        assert made == (paid,)


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_answers_what_was_begun(
    durable_url: str, tmp_path: Path, workers: int
) -> None:
    with Served(durable_url, tmp_path / "log", workers=workers) as served:
        merchant = Merchant(served.url, served.open_account(), gives_up=1.0)
        async with merchant.trading(a_sale):
            await asyncio.sleep(0.7)
            served.signal(signal.SIGTERM)
            assert await asyncio.to_thread(served.ended) == 0
        found = made(durable_url)
        assert found.keys().isdisjoint(merchant.abandoned), "done, and its caller was not told"
        assert set(found.values()) == {1}
        served.start()
        assert await merchant.said_again() == []
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        await merchant.close()


async def test_sigterm_waits_for_the_gateway(durable_url: str, tmp_path: Path) -> None:
    with (
        GatewayProcess(tmp_path / "record", delay_ms=1_000) as gateway,
        Served(durable_url, tmp_path / "log", gateway_url=gateway.url) as served,
    ):
        merchant = Merchant(served.url, served.open_account(), gives_up=1.0)
        wishes = [asyncio.create_task(_pay(merchant)) for _ in range(16)]
        assert await asyncio.to_thread(eventually, lambda: len(gateway.ledger()["requests"]) == 16)
        served.signal(signal.SIGTERM)
        assert await asyncio.to_thread(served.ended) == 0
        await asyncio.gather(*wishes)
        assert merchant.trouble == {}
        assert all(reply.body["status"] == "succeeded" for reply in merchant.replies.values())
        assert in_between(durable_url) == []
        await merchant.close()


async def test_an_impatient_stop_still_writes_down_what_the_gateway_did(
    durable_url: str, tmp_path: Path
) -> None:
    """The callers are sent away before the gateway has answered; their keys know it later."""
    with (
        GatewayProcess(tmp_path / "record", delay_ms=3_000) as gateway,
        Served(
            durable_url,
            tmp_path / "log",
            gateway_url=gateway.url,
            settings={"GUILDER_DRAIN_TIMEOUT_MS": "1000"},
        ) as served,
    ):
        merchant = Merchant(served.url, served.open_account(), gives_up=1.0)
        wishes = [asyncio.create_task(_pay(merchant)) for _ in range(8)]
        assert await asyncio.to_thread(eventually, lambda: len(gateway.ledger()["requests"]) == 8)
        served.signal(signal.SIGTERM)
        assert await asyncio.to_thread(served.ended) == 0
        await asyncio.gather(*wishes)
        assert in_between(durable_url) == []
        served.start()
        for key in sorted(merchant.abandoned):
            reply = await merchant.say(key)
            assert reply is not None
            assert (reply.replayed, reply.body["status"]) == (True, "succeeded")
        assert len(gateway.ledger()["requests"]) == 8
        await merchant.close()


async def _pay(merchant: Merchant) -> None:
    await merchant.wish(
        "/v1/payment_intents",
        amount=2000,
        currency="usd",
        confirm="true",
        payment_method="pm_card_visa",
    )
