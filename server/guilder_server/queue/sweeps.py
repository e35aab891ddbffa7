"""Jobs on a timer, beside the requests of a process.

Every process may run every sweep: what a sweep takes in hand it takes with a guard in the
database, so that two of them never do the same thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from guilder_server.kernel.actor import at_work
from guilder_server.kernel.traces import said

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """`run` looks for work, does it, and says how much there was."""

    name: str
    run: Callable[[], Awaitable[int]]
    every_s: float

    async def once(self) -> int:
        with at_work(self.name):
            return await self.run()


class Sweeper:
    def __init__(self, sweeps: Sequence[Sweep]) -> None:
        self._sweeps = sweeps
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(sweep)) for sweep in self._sweeps]

    async def stop(self) -> None:
        """Lets each sweep finish the round it is in."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=15)
        for task in self._tasks:
            task.cancel()

    async def _repeat(self, sweep: Sweep) -> None:
        while not self._stopping.is_set():
            try:
                await sweep.once()
            except Exception as error:  # noqa: BLE001 - a sweep that failed comes round again
                # The database may be away for a while; the next round tries again.
                log.warning("sweep_failed", sweep=sweep.name, error=said(error))
            try:
                await asyncio.wait_for(self._stopping.wait(), sweep.every_s)
            except TimeoutError:
                continue
