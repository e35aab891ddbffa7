"""Reading the ledger as the merchant sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction, balance
from guilder_server.ledger.ports import LedgerStore


class LedgerFlows:
    """`currency_of` tells the default currency of an account, which its balance always shows."""

    def __init__(
        self, store: LedgerStore, clock: Clock, currency_of: Callable[[Tenant], Awaitable[str]]
    ) -> None:
        self._store, self._clock, self._currency_of = store, clock, currency_of

    async def balance(self, tenant: Tenant) -> Balance:
        accounts, currency = await asyncio.gather(
            self._store.merchant_accounts(tenant), self._currency_of(tenant)
        )
        return balance(accounts, self._clock.now().date(), currency)

    async def find(self, tenant: Tenant, id: str) -> BalanceTransaction | None:
        return await self._store.transaction(tenant, id)

    async def retrieve(self, tenant: Tenant, id: str) -> BalanceTransaction:
        found = await self.find(tenant, id)
        if found is None:
            raise NotFound("balance_transaction", id, "id")
        return found

    async def page(self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]) -> Page:
        return await self._store.transactions(tenant, query, filters)
