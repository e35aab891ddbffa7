"""Payouts, and a server with a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import ManualClock
from guilder_server.ledger.verification import PROOFS
from tests.support.api import Answer, Api
from tests.support.composed import Composed, PlayedGateway, composed

PAYOUTS = "/v1/payouts"


def pay_out(api: Api, purse: str, amount: int, **given: Any) -> Answer:
    return api.post(PAYOUTS, **{"amount": amount, "currency": "usd", "wallet": purse, **given})


class SandboxHere(PlayedGateway):
    """The sandbox as it is: in this process."""

    capabilities = Sandbox.capabilities


class ElsewhereWithoutPayouts(PlayedGateway):
    capabilities = replace(PlayedGateway.capabilities, payouts=False)


def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))


@dataclass
class Desk:
    """A server whose clock and timers the test moves, with a wallet of 1000 cents."""

    server: Composed
    wallet: str

    async def pay_out(self, amount: int = 400, key: str | None = None, **given: Any) -> Any:
        wanted = {"amount": amount, "currency": "usd", "wallet": self.wallet, **given}
        return (await self.server.post(PAYOUTS, key=key, **wanted)).json()

    async def cancel(self, payout: str, key: str | None = None) -> Any:
        return await self.server.post(f"{PAYOUTS}/{payout}/cancel", key=key)

    async def status(self, payout: str) -> str:
        found: str = (await self.server.get(f"{PAYOUTS}/{payout}")).json()["status"]
        return found

    async def balance(self) -> int:
        found: int = (await self.server.get(f"/v1/wallets/{self.wallet}")).json()["balance"]
        return found

    async def change_wallet(self, **given: Any) -> None:
        answer = await self.server.post(f"/v1/wallets/{self.wallet}", **given)
        assert answer.status_code == 200, answer.text

    async def later(self, seconds: float) -> None:
        """So much time passes, and the server's timers ring."""
        self.server.clock.advance(timedelta(seconds=seconds))
        await self.server.sweep("resolve_payouts")
        await self.server.sweep("settle_payouts")

    async def told(self, payout: str) -> list[str]:
        listed = (await self.server.get("/v1/events", limit=100)).json()["data"]
        return [
            f"{one['type']} {one['data']['object']['status']}"
            for one in reversed(listed)
            if one["data"]["object"]["id"] == payout
        ]

    async def ledger(self) -> dict[str, int]:
        """What is in the wallet, in transit, and with the gateway, each on its normal side."""
        accounts = (await self.server.get("/v1/ledger/accounts", limit=100)).json()["data"]
        names = {
            f"wallet/{self.wallet}": "wallet",
            "payouts/in_transit": "in_transit",
            "gateway/sandbox": "gateway",
        }
        return {names[a["code"]]: a["balance"] for a in accounts if a["code"] in names}

    async def movements(self) -> list[tuple[str, int]]:
        path = f"/v1/wallets/{self.wallet}/transactions"
        listed = (await self.server.get(path, limit=100)).json()["data"]
        return [(one["type"], one["amount"]) for one in reversed(listed)]

    def differences(self) -> list[Any]:
        return differences(self.server.database_url)


def differences(database_url: str) -> list[Any]:
    """What `guilder ledger verify` would find."""
    with psycopg.connect(database_url) as connection:
        rows = [connection.execute(proof.differences).fetchone() for proof in PROOFS]
    return [row[0] for row in rows if row is not None]


@asynccontextmanager
async def desk(
    database_url: str, gateway: PlayedGateway | None = None, **wallet: Any
) -> AsyncIterator[Desk]:
    async with composed(database_url, gateway) as server:
        made = await server.post("/v1/wallets", currency="usd", **wallet)
        id = made.json()["id"]
        paid = await server.post(
            "/v1/payment_intents",
            amount=1000,
            currency="usd",
            confirm="true",
            payment_method="pm_card_visa",
            top_up_wallet=id,
        )
        assert paid.json()["status"] == "succeeded", paid.text
        yield Desk(server, id)
