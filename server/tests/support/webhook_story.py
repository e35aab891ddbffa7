"""The application and its worker inside the test, with one clock for both that the test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest import mock

from guilder_server.http.contract import Contract
from guilder_server.kernel.clock import ManualClock
from guilder_server.settings import Settings
from guilder_server.tenancy.bootstrap import DevAccount
from guilder_server.webhooks.infra import sender
from guilder_server.worker import Worker
from tests.support.api import FINGERPRINT_KEY, PEPPER, SEALING_KEY
from tests.support.composed import Composed, PlayedGateway, composed

Json = dict[str, Any]

# Reading the contract and the world's certificates takes longer than most stories.
_load_once = cache(Contract.load)
_verifying_once = cache(sender._verifying)


@dataclass
class Story:
    guilder: Composed
    workers: list[Worker] = field(default_factory=list)

    @property
    def clock(self) -> ManualClock:
        return self.guilder.clock

    async def post(self, path: str, **form: Any) -> Json:
        answered = await self.guilder.post(path, **form)
        assert answered.status_code == 200, answered.text
        found: Json = answered.json()
        return found

    async def get(self, path: str, **query: Any) -> Json:
        answered = await self.guilder.get(path, **query)
        assert answered.status_code == 200, answered.text
        found: Json = answered.json()
        return found

    async def endpoint(self, url: str, *types: str, **more: Any) -> Json:
        form = {"url": url, "enabled_events[]": list(types or ("*",)), **more}
        return await self.post("/v1/webhook_endpoints", **form)

    async def now(self, endpoint: Json) -> Json:
        """The endpoint as it is."""
        return await self.get(f"/v1/webhook_endpoints/{endpoint['id']}")

    async def change(self, endpoint: Json, how: str = "", **form: Any) -> Json:
        return await self.post(f"/v1/webhook_endpoints/{endpoint['id']}{how}", **form)

    async def customer(self, name: str = "Ada") -> str:
        """The id of the event that a new customer brings."""
        await self.post("/v1/customers", name=name)
        return str((await self.get("/v1/events", limit=1))["data"][0]["id"])

    async def delivery(self, event: str, endpoint: Json) -> Json:
        listed = (await self.get(f"/v1/events/{event}/deliveries"))["data"]
        (found,) = [each for each in listed if each["webhook_endpoint"] == endpoint["id"]]
        return await self.get(f"/v1/webhook_deliveries/{found['id']}")

    async def statuses(self, endpoint: Json) -> list[str]:
        """Of what it was sent, newest first; "new" before the first attempt."""
        path = f"/v1/webhook_endpoints/{endpoint['id']}/deliveries"
        listed = (await self.get(path, limit=100))["data"]
        return [
            "new" if each["status"] == "pending" and not each["attempts"] else each["status"]
            for each in listed
        ]

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))
        for worker in self.workers:
            # It measures by the machine's clock when to look at endpoints again.
            worker._dispatcher._looked_at = 0.0
        self.wake()

    def wake(self) -> None:
        for worker in self.workers:
            worker._dispatcher.wake()

    async def until(self, condition: Callable[[], Any], timeout_s: float = 60) -> None:
        """Until something is so; the condition may be a coroutine."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            assert time.monotonic() < deadline, "it does not come about"
            self.wake()
            await asyncio.sleep(0.02)

    async def settled(self, endpoint: Json, statuses: Iterable[str]) -> None:
        """Until the deliveries to an endpoint, newest first, are in these states."""
        wanted, deadline = list(statuses), time.monotonic() + 15
        while (found := await self.statuses(endpoint)) != wanted:
            assert time.monotonic() < deadline, f"{found}, not {wanted}"
            self.wake()
            await asyncio.sleep(0.02)

    async def attempted(self, event: str, endpoint: Json, times: int) -> None:
        """Until so many attempts to send an event have been written down."""

        async def so() -> bool:
            return len((await self.delivery(event, endpoint))["attempts"]) == times

        await self.until(so)

    async def nothing_more(self) -> None:
        """For as long as a worker that has something to do would have done it."""
        for _ in range(3):
            self.wake()
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def worker(self, **settings: Any) -> AsyncIterator[Worker]:
        worker = Worker(
            settings=Settings(
                database_url=self.guilder.database_url,
                key_pepper=PEPPER,
                fingerprint_key=FINGERPRINT_KEY,
                sealing_key=SEALING_KEY,
                **{"webhook_loopback": True, **settings},
            ),
            clock=self.clock,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        self.workers.append(worker)
        try:
            yield worker
        finally:
            self.workers.remove(worker)
            stop.set()
            await asyncio.wait_for(running, 20)

    async def sweep(self, name: str) -> int:
        """One round of what a worker does on a timer."""
        sweeps = {sweep.name: sweep for sweep in self.workers[0]._sweeper._sweeps}
        return await sweeps[name].run()


@asynccontextmanager
async def telling(
    database_url: str, *, workers: int = 1, account: DevAccount | None = None, **settings: Any
) -> AsyncIterator[Story]:
    """The clock starts at the present, which whoever verifies signatures compares with."""
    settings = {"webhook_loopback": True, **settings}
    gateway = PlayedGateway(ManualClock(datetime.now(UTC)))
    async with AsyncExitStack() as stack:
        stack.enter_context(mock.patch.object(Contract, "load", _load_once))
        stack.enter_context(mock.patch.object(sender, "_verifying", _verifying_once))
        guilder = await stack.enter_async_context(
            composed(database_url, gateway, account, **settings)
        )
        found = Story(guilder)
        # The server looks at addresses too.
        await guilder.server.network.open()
        for _ in range(workers):
            await stack.enter_async_context(found.worker())
        yield found
