"""Turns at connections that statements hold for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from weakref import WeakValueDictionary

from guilder_server.kernel.errors import RateLimited


class Turns:
    """At so many `places`, of which one tenant takes half at most: however long it holds on to its
    own, there is one for others."""

    def __init__(self, places: int, wait_s: float) -> None:
        self._all, self._most_of_one = asyncio.Semaphore(places), max(1, places // 2)
        self._of: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()
        self._wait_s = wait_s

    @asynccontextmanager
    async def taken(self, tenant_id: int) -> AsyncIterator[None]:
        """Raises RateLimited for who has waited too long."""
        async with self.shared(tenant_id), self._one(self._all):
            yield

    def shared(self, tenant_id: int) -> AbstractAsyncContextManager[None]:
        """As `taken`, where something else sees to it that no more are taken than there are."""
        return self._one(self._of.setdefault(tenant_id, asyncio.Semaphore(self._most_of_one)))

    @asynccontextmanager
    async def _one(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait_s):
                await places.acquire()
        except TimeoutError:
            raise RateLimited(
                "Of long answers as many are under way as the server gives at once, to all or to "
                "one account. Try again when one of them has ended."
            ) from None
        try:
            yield
        finally:
            places.release()
