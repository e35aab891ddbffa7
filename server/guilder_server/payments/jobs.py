"""What runs beside the requests: attempts that were left behind, and holds that ran out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from guilder_server.gateways import Answer
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows import sweeping
from guilder_server.payments.flows.sweeping import InHand
from guilder_server.payments.ports import Settler, Tools

log = structlog.get_logger(__name__)

Commit: TypeAlias = Callable[[Changes], Awaitable[None]]

_AT_ONCE = 50
# How often an answer meets a payment that has just been changed. Given up, it is asked for again.
_TRIES = 50
_LONGEST_PAUSE_S = 0.05


class PaymentJobs:
    def __init__(self, tools: Tools, settler: Settler, commit: Commit) -> None:
        self._tools = tools
        self._settler = settler
        self._commit = commit

    async def resolve_attempts(self) -> int:
        """Ask about every attempt that nobody has in hand; how many were looked at.

        All at once: a gateway that lets one question hang would make the others wait for it.
        """
        due = await self._tools.attempts.due(self._tools.clock.now(), _AT_ONCE)
        await asyncio.gather(*(self._resolve(*attempt) for attempt in due))
        return len(due)

    async def _resolve(self, tenant: Tenant, attempt_id: str) -> None:
        try:
            in_hand = await sweeping.take(self._tools, tenant, attempt_id)
            if in_hand is None:
                return
            try:
                await self._commit(in_hand.changes)
            except GuardLost:
                log.info("attempt_taken_by_another", attempt=attempt_id)
                return
            answer = await sweeping.ask(self._tools, tenant, attempt_id)
            await self._write_down(tenant, in_hand, answer)
            log.info("attempt_asked_about", attempt=attempt_id, answer=type(answer).__name__)
        except Exception:
            # One attempt that cannot be resolved must not hide the others beside it.
            log.exception("attempt_not_resolved", attempt=attempt_id)

    async def _write_down(self, tenant: Tenant, in_hand: InHand, answer: Answer) -> None:
        """What became of an attempt, where requests may be changing the payment meanwhile."""
        for turn in range(1, _TRIES + 1):
            step = await sweeping.resolve(self._tools, tenant, in_hand.attempt_id, answer)
            try:
                await self._settler.settle(tenant, step, in_hand.recovery or None)
                return
            except GuardLost:
                if turn == _TRIES:
                    raise
                # Two that met on a row should not meet again at once.
                await asyncio.sleep(random.random() * _LONGEST_PAUSE_S)  # noqa: S311

    async def expire_holds(self) -> int:
        """Release the holds that the networks no longer keep."""
        due = await self._tools.store.expired_holds(self._tools.clock.now(), _AT_ONCE)
        for tenant, charge_id in due:
            try:
                step = await sweeping.expire_hold(self._tools, tenant, charge_id)
                if step is not None:
                    await self._settler.settle(tenant, step)
            except GuardLost:
                log.info("hold_changed_meanwhile", charge=charge_id)
            except Exception:
                log.exception("hold_not_expired", charge=charge_id)
        return len(due)
