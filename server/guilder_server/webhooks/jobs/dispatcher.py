"""The dispatcher: takes deliveries that are due, sends them, and writes down what came of it.

A round looks for endpoints for which something is due, holds those that no other worker holds,
and reads their next deliveries into their lanes. Rounds follow on a wake-up, on a lane that runs
dry, and on a timer, which finds whatever a lost wake-up missed. Between rounds, lanes that are
ready take turns, one delivery each, so that a million events of one account do not starve
another's one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import structlog

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Unavailable
from guilder_server.webhooks.domain import delivery as rules
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.jobs.lanes import Lane, Limits
from guilder_server.webhooks.jobs.outcomes import Outcomes
from guilder_server.webhooks.jobs.sending import Sending
from guilder_server.webhooks.ports import DeliveryQueue, Due, HoldsLost, Place, Target

log = structlog.get_logger(__name__)

# The timer: what nobody woke us for waits for as long as this.
SWEEP_S = 1.0
# An endpoint for which nothing has come for so long may be another worker's.
_LET_GO_AFTER_S = 5.0


class Dispatcher:
    def __init__(
        self, queue: DeliveryQueue, sending: Sending, clock: Clock, limits: Limits | None = None
    ) -> None:
        self._queue, self._sending, self._clock = queue, sending, clock
        self._limits = limits or Limits()
        self._outcomes = Outcomes(queue)
        self._lanes: dict[Place, Lane] = {}
        # Lanes with something to send, in the order in which they have their turn.
        self._turns: deque[Lane] = deque()
        self._running: Counter[int] = Counter()  # by tenant
        self._total = self._slow = 0
        self._looked_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something may be due."""
        self._bell.set()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping:
            self._bell.clear()
            try:
                await self._round()
            except Unavailable as error:
                log.warning("deliveries_wait_for_the_database", error=str(error))
                await asyncio.sleep(SWEEP_S)
            except Exception:
                log.exception("delivery_round_failed")
                await asyncio.sleep(SWEEP_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), SWEEP_S)

    async def stop(self) -> None:
        """Begin nothing more, and let what was begun come to its end."""
        self._stopping = True
        self._bell.set()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._outcomes.drain()

    async def _round(self) -> None:
        now = self._clock.now()
        waiting = await self._queue.waiting(now)
        held = await self._hold([place for place in waiting if place not in self._lanes])
        targets = await self._queue.targets(held | self._stale())
        for place in held:
            self._lanes[place] = Lane(targets[place], self._limits)
        for place in self._lanes.keys() & targets.keys():
            await self._refresh(self._lanes[place], targets[place])
        lanes = [lane for place in waiting if (lane := self._lanes.get(place)) and lane.reads_on]
        wanted = {lane.place: lane.wanted() for lane in lanes}
        due = await self._queue.due(wanted, now) if wanted else {}
        for lane in lanes:
            lane.take(due.get(lane.place, ()), wanted[lane.place])
        self._line_up(lanes)
        self._pump()
        await self._let_go()

    async def _hold(self, places: list[Place]) -> set[Place]:
        """Those that are ours from now on. Asked also for none: it tells whether we still hold
        those that we had."""
        try:
            return await self._queue.hold(places)
        except HoldsLost:
            log.warning("endpoints_let_go", endpoints=len(self._lanes))
        try:
            still = await self._queue.hold(list(self._lanes))
            for place in self._lanes.keys() - still:
                self._lanes.pop(place).drop()
            return await self._queue.hold(places)
        except HoldsLost as lost:
            raise Unavailable("The database does not answer.") from lost

    def _stale(self) -> set[Place]:
        """The lanes whose endpoints should be looked at again; rounds follow closer than that."""
        now = time.monotonic()
        if now - self._looked_at < SWEEP_S:
            return set()
        self._looked_at = now
        return set(self._lanes)

    async def _refresh(self, lane: Lane, target: Target) -> None:
        """The endpoint as it is now: it may have been changed, disabled or deleted."""
        lane.target = target
        if not target.endpoint.enabled:
            lane.drop()
            await self._cancel(lane)

    async def _cancel(self, lane: Lane) -> None:
        canceled = await self._queue.cancel(lane.place)
        if canceled:
            log.info("deliveries_canceled", endpoint=lane.place[1], deliveries=canceled)

    def _line_up(self, lanes: Iterable[Lane]) -> None:
        standing = set(map(id, self._turns))
        self._turns.extend(lane for lane in lanes if lane.has_backlog and id(lane) not in standing)

    async def _let_go(self) -> None:
        idle = [place for place, lane in self._lanes.items() if lane.idle_s > _LET_GO_AFTER_S]
        for place in idle:
            del self._lanes[place]
        if idle:
            with suppress(HoldsLost):
                await self._queue.release(idle)

    def _pump(self) -> None:
        """Lanes have their turns until none may begin another delivery."""
        passed = 0
        while passed < len(self._turns) and not self._stopping:
            lane = self._turns.popleft()
            if lane.ready and self._may_begin(lane):
                self._begin(lane, lane.next())
                passed = 0
            else:
                passed += 1
            if lane.has_backlog:
                self._turns.append(lane)

    def _may_begin(self, lane: Lane) -> bool:
        if lane.slow and self._slow >= self._limits.total // 2:
            # However many endpoints do not answer, half of the places are for those that do.
            return False
        of_tenant = self._running[lane.target.tenant.id]
        return of_tenant < self._limits.per_tenant and self._total < self._limits.total

    def _begin(self, lane: Lane, due: Due) -> None:
        task = asyncio.create_task(self._deliver(lane, due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, lane: Lane, due: Due) -> None:
        tenant, slow = lane.target.tenant, lane.slow
        self._count(tenant.id, slow, 1)
        reply = None
        try:
            reply = await self._attempt(lane, due)
        except Unavailable:
            # The event could not be read. Nothing was sent, and it is due as before.
            lane.settled(due.id)
        finally:
            lane.ended(reply)
            self._count(tenant.id, slow, -1)
            self._pump()
            if lane.hungry:
                self.wake()
        if reply is not None:
            await self._note(lane, reply)

    async def _attempt(self, lane: Lane, due: Due) -> Reply | None:
        target = lane.target
        reply = await self._sending.reply(target, due)
        if reply is None:
            outcome = rules.unsendable(due.tries)
        else:
            outcome = self._sending.outcome(target, due, reply)
        self._outcomes.write(target.tenant.id, due, outcome, lambda: lane.settled(due.id))
        return reply

    async def _note(self, lane: Lane, reply: Reply) -> None:
        """An endpoint that begins to fail or has recovered remembers it; one that failed for too
        long, or is gone, is disabled."""
        if reply.trouble == "internal_error":
            return
        lane.remember(reply)
        if lane.noting:
            # Whoever is noting something will note this as well.
            return
        lane.noting = True
        try:
            while (unnoted := lane.unnoted()) is not None:
                target = lane.target
                endpoint = await self._sending.note(target, unnoted)
                if endpoint is None:
                    continue
                lane.target = replace(target, endpoint=endpoint)
                if not endpoint.enabled:
                    lane.drop()
                    await self._cancel(lane)
        finally:
            lane.noting = False

    def _count(self, tenant_id: int, slow: bool, one: int) -> None:
        self._running[tenant_id] += one
        if not self._running[tenant_id]:
            del self._running[tenant_id]
        self._total += one
        self._slow += one if slow else 0
