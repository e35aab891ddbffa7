"""A server with plans, whose month and gateway the test has in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import ManualClock
from guilder_server.usage.infra.books import differences
from tests.support.api import OPERATOR_KEY
from tests.support.composed import Composed, PlayedGateway, composed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLANS = """
default = "free"

[plans.free]

[plans.small]
hard = true
quotas = { payments = 3, wallets = 2, webhook_endpoints = 1 }

[plans.calls]
hard = true
quotas = { api_calls = 5 }

[plans.tight]
hard = true
quotas = { storage_bytes = 3000 }

[plans.soft]
quotas = { payments = 2 }

[plans.ten]
hard = true
quotas = { payments = 10 }
"""


class AtOnce(PlayedGateway):
    """It answers in the process: one commit carries a payment."""

    capabilities = Sandbox.capabilities


def plans_file(folder: Path, text: str = PLANS) -> str:
    path = folder / "plans.toml"
    path.write_text(text)
    return str(path)


def put_on(database_url: str, account: str, plan: str | None) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE accounts SET plan = %s WHERE id = %s", [plan, account])


@asynccontextmanager
async def on_plan(
    database_url: str,
    folder: Path,
    plan: str | None,
    *,
    elsewhere: bool = False,
    now: datetime = NOW,
    **settings: Any,
) -> AsyncIterator[Composed]:
    """`elsewhere` puts the gateway into another process: a payment then takes two commits."""
    gateway = (PlayedGateway if elsewhere else AtOnce)(ManualClock(now))
    async with composed(
        database_url,
        gateway,
        plans=plans_file(folder),
        operator_key=OPERATOR_KEY,
        webhook_loopback=True,
        **settings,
    ) as server:
        put_on(database_url, server.account.account, plan)
        yield server
        assert differences(database_url)[1] == []


async def pay(server: Composed, key: str | None = None, **form: Any) -> httpx.Response:
    given = {"amount": 2000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}
    return await server.post("/v1/payment_intents", key, **{**given, **form})


async def used(server: Composed, month: str | None = None) -> dict[str, int]:
    await server.sweep("count_calls")
    query = {} if month is None else {"month": month}
    meters = (await server.get("/v1/usage", **query)).json()["meters"]
    return {one["meter"]: one["used"] for one in meters}


def error(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()["error"]
    return found
