"""What runs beside the requests: attempts that were left behind, and holds that ran out."""

from __future__ import annotations

from functools import partial

import structlog

from guilder_server.gateways import CARD_KINDS, Commit, LeftBehind
from guilder_server.kernel.changes import GuardLost
from guilder_server.payments.flows import sweeping
from guilder_server.payments.ports import Settler, Tools

log = structlog.get_logger(__name__)

_AT_ONCE = 50


class PaymentJobs:
    def __init__(self, tools: Tools, settler: Settler, commit: Commit) -> None:
        self._tools = tools
        self._settler = settler
        resolve = partial(sweeping.resolve, tools)
        self._left_behind = LeftBehind(tools, CARD_KINDS, settler, commit, resolve)

    async def resolve_attempts(self) -> int:
        """Ask about every attempt that nobody has in hand; how many were looked at."""
        return await self._left_behind.finish()

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
