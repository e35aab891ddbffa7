"""What runs beside the requests: payouts on their way, and requests that were left behind."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from guilder_server.gateways import PAYOUT_KINDS, Commit, LeftBehind, until_settled
from guilder_server.kernel.steps import Settler
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.flows import canceling, following
from guilder_server.payouts.ports import Tools

log = structlog.get_logger(__name__)

_AT_ONCE = 50


class PayoutJobs:
    def __init__(self, tools: Tools, settler: Settler, commit: Commit) -> None:
        self._tools, self._settler = tools, settler
        self._left_behind = LeftBehind(
            tools,
            PAYOUT_KINDS,
            settler,
            commit,
            partial(canceling.resolve, tools),
            partial(canceling.ask, tools),
        )

    async def resolve_attempts(self) -> int:
        """Ask about every payout that the gateway has not taken on or refused yet."""
        return await self._left_behind.finish()

    async def settle(self) -> int:
        """Ask about every payout of which the gateway may know more; how many were looked at."""
        due = await self._tools.store.due(self._tools.clock.now(), _AT_ONCE)
        await asyncio.gather(*(self._settle(*payout) for payout in due))
        return len(due)

    async def _settle(self, tenant: Tenant, payout_id: str) -> None:
        try:
            passage = await following.ask(self._tools, tenant, payout_id)
            await until_settled(
                self._settler,
                tenant,
                lambda: following.settle(self._tools, tenant, payout_id, passage),
            )
        except Exception:
            # One that cannot be settled must not keep the others.
            log.exception("payout_not_settled", payout=payout_id)
