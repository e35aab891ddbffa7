"""What runs beside the requests: attempts that were left behind, and holds that ran out."""

from __future__ import annotations

from functools import partial

from guilder_server.gateways import CARD_KINDS, Commit, LeftBehind
from guilder_server.http.settling import settle_each
from guilder_server.kernel.steps import Settler
from guilder_server.payments.flows import sweeping
from guilder_server.payments.ports import Tools

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
        expire = partial(sweeping.expire_hold, self._tools)
        return await settle_each(self._settler, due, expire, "held charge")
