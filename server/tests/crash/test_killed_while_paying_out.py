"""A server that is killed while a gateway that drops replies is sending its payouts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from guilder_server.ledger.verification import verify
from guilder_server.usage.infra.books import differences
from tests.support.api import Api
from tests.support.http_gateway import GatewayProcess
from tests.support.merchants import Merchant, in_between
from tests.support.processes import eventually
from tests.support.served import Served
from tests.wallets.keeping import balance, filled

pytestmark = pytest.mark.anyio

# What takes up to a minute with the timeouts of production takes this long with these.
HASTY = {"GUILDER_GATEWAY_TIMEOUT_MS": "1500"}
FILLED = 90_000
ROUNDS = 2


def unsettled(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT id || ' ' || status FROM payouts WHERE status IN ('pending', 'in_transit')"
        ).fetchall()
    return [row[0] for row in rows] + in_between(database_url)


async def withdraw(merchant: Merchant, wallet: str) -> None:
    """A tenth of them to an account that the bank does not know."""
    refused = merchant.random.random() < 0.1
    await merchant.wish(
        "/v1/payouts",
        amount=10 + merchant.random.randrange(90),
        currency="usd",
        wallet=wallet,
        destination="ba_noAccount" if refused else "ba_1",
    )


async def test_no_payout_is_sent_twice_and_no_cent_is_lost(
    durable_url: str, tmp_path: Path
) -> None:
    with (
        GatewayProcess(tmp_path / "record", seed=5) as gateway,
        Served(durable_url, tmp_path / "log", gateway_url=gateway.url, settings=HASTY) as served,
    ):
        assert await asyncio.to_thread(eventually, served.healthy, 30)
        account = served.open_account()
        api = Api(served.url, account)
        wallet = await asyncio.to_thread(filled, api, FILLED)
        gateway.temper(delay_ms=100, drop_before=0.15, drop_after=0.25)
        merchant = Merchant(served.url, account, gives_up=0.1)
        async with merchant.trading(lambda merchant: withdraw(merchant, wallet), 8):
            for _ in range(ROUNDS):
                assert await asyncio.to_thread(eventually, served.healthy, 30)
                await asyncio.sleep(0.5 + merchant.random.random())
                served.kill()
                served.start(wait=False)
        settled = await asyncio.to_thread(eventually, lambda: not unsettled(durable_url), 30)
        assert settled, unsettled(durable_url)
        assert merchant.trouble.keys().isdisjoint({"500", "503"}), merchant.trouble
        assert await merchant.said_again() == []
        await merchant.close()
        gateway.temper(drop_before=0, drop_after=0, delay_ms=0)
        sent = [
            request["amount"]
            for request in gateway.ledger()["requests"]
            if request["kind"] == "pay_out" and request["answer"]["outcome"] == "approved"
        ]
        with psycopg.connect(durable_url) as connection:
            paid = connection.execute("SELECT amount FROM payouts WHERE status = 'paid'").fetchall()
        assert len(sent) > 10
        assert sorted(sent) == sorted(amount for (amount,) in paid)
        assert await asyncio.to_thread(balance, api, wallet) == FILLED - sum(sent)
        assert await verify(durable_url) == 0
        assert differences(durable_url)[1] == []
        api.close()
