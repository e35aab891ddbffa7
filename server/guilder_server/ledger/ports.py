"""What the ledger's readers need of where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain.balance import BalanceTransaction


class LedgerStore(Protocol):
    async def merchant_accounts(self, tenant: Tenant) -> list[tuple[str, str, int]]:
        """Code, currency and signed balance of every account that is the merchant's."""

    async def transaction(self, tenant: Tenant, id: str) -> BalanceTransaction | None: ...

    async def transactions(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...
