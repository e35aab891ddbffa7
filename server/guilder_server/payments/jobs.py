"""What runs beside the requests: attempts that were left behind, and holds that ran out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

import structlog

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.steps import Awaiting, Done, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.flows import sweeping
from guilder_server.payments.ports import Tools

log = structlog.get_logger(__name__)

Commit: TypeAlias = Callable[[Changes], Awaitable[None]]

_AT_ONCE = 50


class Settler(Protocol):
    async def settle(
        self, tenant: Tenant, done: Done, recovery: dict[str, Any] | None = None
    ) -> None:
        """Commits, and answers the caller who was left waiting."""


class PaymentJobs:
    def __init__(self, tools: Tools, settler: Settler, commit: Commit) -> None:
        self._tools = tools
        self._settler = settler
        self._commit = commit

    async def resolve_attempts(self) -> int:
        """Ask about every attempt that nobody has in hand; how many were looked at."""
        due = await self._tools.attempts.due(self._tools.clock.now(), _AT_ONCE)
        for tenant, attempt_id in due:
            try:
                await self._resolve(tenant, attempt_id)
            except GuardLost:
                log.info("attempt_taken_by_another", attempt=attempt_id)
            except Exception:
                # One attempt that cannot be resolved must not hide the others behind it.
                log.exception("attempt_not_resolved", attempt=attempt_id)
        return len(due)

    async def _resolve(self, tenant: Tenant, attempt_id: str) -> None:
        in_hand = await sweeping.take(self._tools, tenant, attempt_id)
        if in_hand is None:
            return
        await self._commit(in_hand.changes)
        answer = await sweeping.ask(self._tools, tenant, attempt_id)
        done = await sweeping.resolve(self._tools, tenant, attempt_id, answer)
        await self._settler.settle(tenant, done, in_hand.recovery or None)
        log.info("attempt_asked_about", attempt=attempt_id, answer=type(answer).__name__)

    async def expire_holds(self) -> int:
        """Release the holds that the networks no longer keep."""
        due = await self._tools.store.expired_holds(self._tools.clock.now(), _AT_ONCE)
        for tenant, charge_id in due:
            try:
                step = await sweeping.expire_hold(self._tools, tenant, charge_id)
                if step is not None:
                    await self._settle_expiry(tenant, step)
            except GuardLost:
                log.info("hold_changed_meanwhile", charge=charge_id)
            except Exception:
                log.exception("hold_not_expired", charge=charge_id)
        return len(due)

    async def _settle_expiry(self, tenant: Tenant, step: Step) -> None:
        while isinstance(step, Awaiting):
            await self._commit(step.changes)
            step = await step.resume(await step.call())
        await self._settler.settle(tenant, step, None)
