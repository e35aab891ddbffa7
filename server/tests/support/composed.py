"""The application inside the test, with a gateway that the test plays and a clock it moves.

For what happens between two commits of one request: the test holds the gateway's reply back,
does something else meanwhile, and lets go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from guilder_server.composition import Server, compose
from guilder_server.gateways import Answer, Declined, NotFound, Outcome, ReplyLost, Request
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import Clock, ManualClock
from guilder_server.settings import Settings
from guilder_server.tenancy.bootstrap import DevAccount
from tests.support.api import (
    FINGERPRINT_KEY,
    PEPPER,
    SEALING_KEY,
    UNLIMITED,
    differences,
    new_account,
)


class PlayedGateway(Sandbox):
    """The sandbox as if it lived elsewhere. `carried` is what it did, by attempt. `hold` keeps its
    replies back until `let_go`, or the requests themselves: then it knows nothing of them yet.
    `deaf` makes it lose every reply and every question."""

    capabilities = replace(Sandbox.capabilities, in_process=False)

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, FINGERPRINT_KEY.encode())
        self.carried: dict[str, Request] = {}
        self.asked: list[str] = []
        self.stopped: dict[str, Declined] = {}
        self.deaf = False
        self._acts_late = False
        self._held = asyncio.Event()
        self._held.set()
        self._reached = asyncio.Event()

    def hold(self, *, before_it_acts: bool = False) -> None:
        self._acts_late = before_it_acts
        self._held.clear()
        self._reached.clear()

    def let_go(self) -> None:
        self._held.set()

    async def reached(self) -> None:
        """Until a request has come that is held back, or whose reply is."""
        await asyncio.wait_for(self._reached.wait(), 10)

    async def authorize(self, request: Any) -> Outcome:
        return await self._reply(request, await super().authorize(request))

    async def capture(self, request: Any) -> Outcome:
        return await self._reply(request, await super().capture(request))

    async def void(self, request: Any) -> Outcome:
        return await self._reply(request, await super().void(request))

    async def refund(self, request: Any) -> Outcome:
        return await self._reply(request, await super().refund(request))

    async def increment(self, request: Any) -> Outcome:
        return await self._reply(request, await super().increment(request))

    async def pay_out(self, request: Any) -> Outcome:
        return await self._reply(request, await super().pay_out(request))

    async def cancel_payout(self, request: Any) -> Answer:
        """What is stopped stays so, and what it does not know will not be sent."""
        known = self.stopped.get(request.attempt_id)
        outcome = known or await super().cancel_payout(request)
        if isinstance(outcome, Declined) and outcome.reason == "canceled":
            self.stopped[request.attempt_id] = outcome
        await self._held.wait()
        if self.deaf:
            raise ReplyLost("deaf")
        return outcome

    async def query(self, request: Request) -> Answer:
        self.asked.append(request.attempt_id)
        if self.deaf:
            raise ReplyLost("deaf")
        if request.attempt_id in self.stopped:
            return self.stopped[request.attempt_id]
        if request.attempt_id not in self.carried:
            return NotFound()
        return await Sandbox(self._clock, b"key").query(request)

    async def _reply(self, request: Request, outcome: Outcome) -> Outcome:
        self._reached.set()
        if self._acts_late:
            await self._held.wait()
        self.carried.setdefault(request.attempt_id, request)
        await self._held.wait()
        if self.deaf:
            raise ReplyLost("deaf")
        return outcome

    def kinds(self) -> list[str]:
        return [request.kind for request in self.carried.values()]


@dataclass
class Composed:
    database_url: str
    server: Server
    gateway: PlayedGateway
    clock: ManualClock
    account: DevAccount
    client: httpx.AsyncClient

    async def post(self, path: str, key: str | None = None, **form: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self._held_to_the_contract(await self.client.post(path, data=form, headers=headers))

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return self._held_to_the_contract(await self.client.get(path, params=query))

    async def sweep(self, name: str = "resolve_attempts") -> int:
        """One round of what the server runs on a timer."""
        sweeps = {sweep.name: sweep for sweep in self.server.sweeper._sweeps}
        return await sweeps[name].once()

    async def event_types(self) -> list[str]:
        """Oldest first."""
        listed = (await self.get("/v1/events", limit=100)).json()["data"]
        return [event["type"] for event in reversed(listed)]

    def _held_to_the_contract(self, response: httpx.Response) -> httpx.Response:
        path = response.request.url.path
        found = differences(response.request.method, path, response.status_code, response.json())
        assert not found, f"{path} answered {response.status_code} with {found}"
        return response


@asynccontextmanager
async def composed(
    database_url: str,
    gateway: PlayedGateway | None = None,
    account: DevAccount | None = None,
    **settings: Any,
) -> AsyncIterator[Composed]:
    """A server without its timers. A second one on the same database, with the same gateway and
    account, is what takes over when the first one dies."""
    clock = ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    if gateway is not None:
        assert isinstance(gateway._clock, ManualClock)
        clock = gateway._clock
    gateway = gateway or PlayedGateway(clock)
    server = compose(
        Settings(
            database_url=database_url,
            key_pepper=PEPPER,
            fingerprint_key=FINGERPRINT_KEY,
            sealing_key=SEALING_KEY,
            **{"gateway_timeout_ms": 10_000, **UNLIMITED, **settings},
        ),
        clock,
        lambda _settings, _clock: [gateway],
    )
    account = account or new_account(database_url)
    await server.pool.open()
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(server.app),
            base_url="http://guilder",
            verify=False,
            headers={"Authorization": f"Bearer {account.secret_key}"},
        ) as client:
            yield Composed(database_url, server, gateway, clock, account, client)
    finally:
        await server.close()
