"""Noting when credentials are used, off the way of the requests that use them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Unavailable
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.flows.remembering import remember
from guilder_server.tenancy.ports import UseStore

# A credential that is used all the time is written down this often by each process.
EVERY = timedelta(minutes=1)
_LAST_WRITE_S = 5

Place = tuple[int, str]  # tenant, id


class Uses:
    def __init__(self, store: UseStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._noted: dict[Place, datetime] = {}
        self._unwritten: dict[Place, datetime] = {}

    def note(self, tenant: Tenant, id: str) -> None:
        """It is used now. Waits for nothing."""
        place, now = (tenant.id, id), self._clock.now()
        noted = self._noted.get(place)
        if noted is None or now - noted >= EVERY:
            remember(self._noted, place, now)
            remember(self._unwritten, place, now)

    async def write(self) -> int:
        """Writes down what was noted; how many. What cannot be written now is written later."""
        uses, self._unwritten = self._unwritten, {}
        if not uses:
            return 0
        try:
            await self._store.note(uses)
        except Unavailable:
            self._unwritten = uses | self._unwritten
            return 0
        return len(uses)

    async def finish(self) -> None:
        """The last write. An end is not held up by it: what cannot be written now is forgotten."""
        with suppress(Exception):
            async with asyncio.timeout(_LAST_WRITE_S):
                await self.write()
