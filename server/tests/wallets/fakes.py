"""Where flows that have to do with no wallet find none."""

from __future__ import annotations

from guilder_server.kernel.tenant import Tenant
from guilder_server.wallets import Hold, Purse, TopUp


class NoWallets:
    async def purse(self, tenant: Tenant, id: str) -> Purse | None:
        return None

    async def hold(self, tenant: Tenant, id: str) -> Hold | None:
        return None

    async def top_up(self, tenant: Tenant, id: str) -> TopUp | None:
        return None
