"""Carrying replays out, a few events at a time.

What a replay puts on its way waits in front of what happens now, as it has been due for longer.
So the next events are put there only once the last have nearly gone: news is held up by seconds,
however long the stretch of time is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.tenant import Tenant
from guilder_server.webhooks.domain.replay import SETTLED_AFTER, Replay
from guilder_server.webhooks.ports import Happened, News, ReplayQueue, WebhookStore

log = structlog.get_logger(__name__)

AT_ONCE = 500
_NEARLY_GONE = 100


class Replays:
    def __init__(
        self,
        store: WebhookStore,
        queue: ReplayQueue,
        news: News,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._queue, self._news = store, queue, news
        self._clock, self._wake = clock, wake

    async def carry_on(self) -> int:
        """Take each replay one step further; how many were looked at."""
        found = await self._queue.pending()
        for tenant, replay in found:
            try:
                await self._step(tenant, replay)
            except Exception:
                # One that cannot go on must not hold up the others.
                log.exception("replay_not_carried_on", replay=replay.id)
        return len(found)

    async def _step(self, tenant: Tenant, replay: Replay) -> None:
        now = self._clock.now()
        endpoint = await self._store.endpoint(tenant, replay.endpoint_id)
        if endpoint is None or not endpoint.enabled:
            await self._queue.put(tenant, replay, replace(replay, status="canceled"), (), now)
            return
        place = (tenant.id, endpoint.id)
        if await self._queue.backlog(place, now, _NEARLY_GONE) >= _NEARLY_GONE:
            return
        settled = now - SETTLED_AFTER
        if replay.only_failed and settled < replay.until:
            # Some of it may be on its way yet.
            return
        looked_at = await self._next(tenant, replay, min(replay.until, settled))
        events = [event for event in looked_at if replay.only_failed or endpoint.wants(event.type)]
        more = len(looked_at) == AT_ONCE
        after = replace(
            replay,
            status="completed" if replay.until <= settled and not more else "pending",
            events=replay.events + len(events),
            cursor=looked_at[-1].id if looked_at else replay.cursor,
        )
        if after != replay and await self._queue.put(tenant, replay, after, events, now):
            self._wake()

    async def _next(self, tenant: Tenant, replay: Replay, until: datetime) -> Sequence[Happened]:
        if replay.only_failed:
            return await self._queue.failed(tenant, replay, AT_ONCE)
        return await self._news.between(tenant, replay.since, until, replay.cursor, AT_ONCE)
