"""The worker, what is done for nobody who waits: `guilder worker`, and a part of `guilder dev`.

It carries webhooks out and puts replays on their way, woken through Redis and by its own timer,
chains and signs what the ledger has posted and what is audited, and forgets what has been kept for
long enough. Any number of workers may run.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import TypeVar

from guilder_server import logs
from guilder_server.audit.domain.checkpoint import CHECKPOINTS as AUDIT_CHECKPOINTS
from guilder_server.audit.infra.chaining import PostgresAuditChain
from guilder_server.composition import (
    Ground,
    House,
    MakeGateways,
    make_executor,
    sandbox_only,
)
from guilder_server.http.contract import Contract
from guilder_server.kernel.actor import at_work
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.heads import Checkpoints, Signable, Signing
from guilder_server.ledger.domain.checkpoint import CHECKPOINTS as LEDGER_CHECKPOINTS
from guilder_server.ledger.infra.chaining import PostgresChain
from guilder_server.postgres.signing import Signer
from guilder_server.queue.sweeps import Sweep, Sweeper
from guilder_server.queue.wakeups import hear
from guilder_server.settings import Settings
from guilder_server.webhooks.infra.queue import PostgresDeliveryQueue
from guilder_server.webhooks.infra.replays import PostgresReplayQueue
from guilder_server.webhooks.jobs.dispatcher import Dispatcher
from guilder_server.webhooks.jobs.replaying import Replays
from guilder_server.webhooks.jobs.sending import Sending

T = TypeVar("T")

# Longer than an endpoint may take to answer.
_PATIENCE_S = 25


class Worker:
    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        make_gateways: MakeGateways = sandbox_only,
    ) -> None:
        settings.require("key_pepper", "fingerprint_key", "sealing_key")
        logs.configure(settings.log_level)
        clock = clock or SystemClock()
        self._settings = settings
        self._ground = ground = Ground(settings, clock)
        self._house = house = House(ground, make_gateways)
        self._executor = make_executor(ground, house, Contract.load())
        self._queue = PostgresDeliveryQueue(
            settings.required_database_url, ground.pool, ground.reads
        )
        agent = f"Guilder/{version('guilder')} (webhooks)"
        sending = Sending(house.news, house.network, house.endpoints, self._executor, clock, agent)
        self._dispatcher = Dispatcher(self._queue, sending, clock)
        self._sweeper = Sweeper(self._sweeps(settings, clock))

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what was begun then comes to its end."""
        ground, house = self._ground, self._house
        await ground.pool.open()
        await house.network.open()
        self._sweeper.start()
        with at_work("carry_out_webhooks"):
            dispatching = asyncio.create_task(self._dispatcher.run())
        hearing = None
        if self._settings.redis_url is not None:
            hearing = asyncio.create_task(hear(self._settings.redis_url, self._dispatcher.wake))
        gc.collect()
        gc.freeze()
        try:
            await stop.wait()
        finally:
            await self._sweeper.stop()
            if hearing is not None:
                hearing.cancel()
                with suppress(asyncio.CancelledError):
                    await hearing
            with suppress(TimeoutError):
                # A database that does not come back must not keep us for ever.
                await asyncio.wait_for(self._dispatcher.stop(), _PATIENCE_S)
            dispatching.cancel()
            with suppress(asyncio.CancelledError):
                await dispatching
            await self._executor.drain()
            await ground.committer.close()
            await ground.bell.close()
            await house.network.close()
            await self._queue.close()
            await ground.pool.close()

    def _sweeps(self, settings: Settings, clock: Clock) -> list[Sweep]:
        house = self._house
        replays = Replays(
            house.webhooks,
            PostgresReplayQueue(self._ground.pool),
            house.news,
            clock,
            self._dispatcher.wake,
        )
        chain = PostgresChain(self._ground.pool)
        audit_chain = PostgresAuditChain(self._ground.pool)
        forget_deliveries = _older_than(house.webhooks.forget, clock, settings.deliveries_kept_days)
        forget_events = _older_than(house.event_store.forget, clock, settings.events_kept_days)
        kept = settings.request_log_kept_days
        forget_requests = _older_than(house.request_logs.forget, clock, kept)
        return [
            Sweep("carry_on_replays", replays.carry_on, every_s=1),
            Sweep("extend_ledger_chain", chain.extend, every_s=1),
            *_signing(settings, self._ground, "sign_ledger", chain, LEDGER_CHECKPOINTS),
            Sweep("extend_audit_chain", audit_chain.extend, every_s=1),
            *_signing(settings, self._ground, "sign_audit", audit_chain, AUDIT_CHECKPOINTS),
            Sweep("forget_deliveries", forget_deliveries, every_s=3600),
            Sweep("forget_events", forget_events, every_s=3600),
            Sweep("rotate_oauth_keys", house.oauth.keys.rotate, every_s=10),
            Sweep("forget_oauth_assertions", house.oauth.forget_assertions, every_s=3600),
            Sweep("forget_request_logs", forget_requests, every_s=3600),
        ]


def _signing(
    settings: Settings,
    ground: Ground,
    name: str,
    chain: Signable[T],
    checkpoints: Checkpoints[T],
) -> list[Sweep]:
    if not settings.ledger_signing_key:
        return []
    every = timedelta(seconds=settings.ledger_checkpoint_s)
    signer = Signer(settings.ledger_signing_key)
    signing = Signing(chain, checkpoints, signer, ground.ids, ground.clock, every)
    # Looked for six times as often, and a checkpoint is late by no more than that.
    return [Sweep(name, signing.sign, every_s=max(1, settings.ledger_checkpoint_s / 6))]


def _older_than(
    forget: Callable[[datetime], Awaitable[int]], clock: Clock, days: int
) -> Callable[[], Awaitable[int]]:
    async def run() -> int:
        return await forget(clock.now() - timedelta(days=days))

    return run
