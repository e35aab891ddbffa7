"""Writing down what became of deliveries: all that has gathered in one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from guilder_server.kernel.errors import Unavailable
from guilder_server.webhooks.domain.delivery import Outcome
from guilder_server.webhooks.ports import DeliveryQueue, Due

log = structlog.get_logger(__name__)

Written = Callable[[], None]

_PAUSE_S = 0.5
_AT_ONCE = 500


class Outcomes:
    """While a statement is under way further outcomes gather, and go into the next one."""

    def __init__(self, queue: DeliveryQueue) -> None:
        self._queue = queue
        self._waiting: list[tuple[int, Due, Outcome, Written]] = []
        self._running: asyncio.Task[None] | None = None

    def write(self, tenant_id: int, due: Due, outcome: Outcome, written: Written) -> None:
        """Calls `written` once it is in the database, however long that takes: what was sent and
        not written down would be sent again."""
        self._waiting.append((tenant_id, due, outcome, written))
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def drain(self) -> None:
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                await self._settle(batch)
        finally:
            self._running = None

    async def _settle(self, batch: list[tuple[int, Due, Outcome, Written]]) -> None:
        while True:
            try:
                await self._queue.settle([one[:3] for one in batch])
                break
            except Unavailable:
                await asyncio.sleep(_PAUSE_S)
            except Exception:
                # One that cannot be written must not keep the others from it.
                if len(batch) > 1:
                    for one in batch:
                        await self._settle([one])
                    return
                log.exception("outcome_not_written", delivery=batch[0][1].id)
                break
        for _, _, _, written in batch:
            written()
