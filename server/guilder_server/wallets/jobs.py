"""What runs beside the requests: holds that are out of time let their money go."""

from __future__ import annotations

import structlog

from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.clock import Clock
from guilder_server.wallets.flows.holds import Holds
from guilder_server.wallets.ports import Settler, WalletStore

log = structlog.get_logger(__name__)

_AT_ONCE = 200


class WalletJobs:
    def __init__(self, store: WalletStore, holds: Holds, settler: Settler, clock: Clock) -> None:
        self._store, self._holds, self._settler, self._clock = store, holds, settler, clock

    async def expire_holds(self) -> int:
        """How many were looked at."""
        due = await self._store.expired_holds(self._clock.now(), _AT_ONCE)
        for tenant, id in due:
            try:
                step = await self._holds.expire(tenant, id)
                if step is not None:
                    await self._settler.settle(tenant, step)
            except GuardLost:
                log.info("wallet_hold_changed_meanwhile", hold=id)
            except Exception:
                # One that cannot be let go must not keep the others.
                log.exception("wallet_hold_not_expired", hold=id)
        return len(due)
