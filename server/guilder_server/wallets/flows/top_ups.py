"""Reading what payments have brought into wallets."""

from __future__ import annotations

from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.wallets.domain.top_up import NOUN, TopUp
from guilder_server.wallets.flows.transfers import found
from guilder_server.wallets.ports import WalletStore


class TopUps:
    def __init__(self, store: WalletStore) -> None:
        self._store = store

    async def retrieve(self, tenant: Tenant, wallet_id: str, id: str) -> TopUp:
        top_up = await self._store.top_up(tenant, id)
        if top_up is None or top_up.wallet_id != wallet_id:
            raise NotFound(NOUN, id, "top_up")
        return top_up

    async def page(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page:
        await found(self._store, tenant, wallet_id)
        return await self._store.top_ups(tenant, wallet_id, query)
