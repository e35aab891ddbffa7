"""What runs beside the requests: holds that are out of time let their money go."""

from __future__ import annotations

from guilder_server.http.settling import settle_each
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.steps import Settler
from guilder_server.wallets.flows.holds import Holds
from guilder_server.wallets.ports import WalletStore

_AT_ONCE = 200


class WalletJobs:
    def __init__(self, store: WalletStore, holds: Holds, settler: Settler, clock: Clock) -> None:
        self._store, self._holds, self._settler, self._clock = store, holds, settler, clock

    async def expire_holds(self) -> int:
        """How many were looked at."""
        due = await self._store.expired_holds(self._clock.now(), _AT_ONCE)
        return await settle_each(self._settler, due, self._holds.expire, "wallet hold")
