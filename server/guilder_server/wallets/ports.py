"""What wallets need of others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from guilder_server.customers import Customer
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Purse, Wallet


class WalletStore(Protocol):
    async def wallet(self, tenant: Tenant, id: str) -> Wallet | None: ...

    async def purse(self, tenant: Tenant, id: str) -> Purse | None: ...

    async def purses(
        self, tenant: Tenant, query: ListQuery, customer_id: str | None, currency: str | None
    ) -> Page: ...

    async def movements(self, tenant: Tenant, wallet: Wallet, query: ListQuery) -> Page:
        """What its ledger account says, newest first."""

    async def transfer(self, tenant: Tenant, id: str) -> Transfer | None: ...

    async def transfers(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page:
        """Those that left the wallet, newest first."""

    async def hold(self, tenant: Tenant, id: str) -> Hold | None: ...

    async def holds(
        self, tenant: Tenant, wallet_id: str, query: ListQuery, status: str | None
    ) -> Page: ...

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Holds of any tenant that are out of time; those of payments end with their payment."""

    async def top_up(self, tenant: Tenant, id: str) -> TopUp | None: ...

    async def top_ups(self, tenant: Tenant, wallet_id: str, query: ListQuery) -> Page: ...


class Customers(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Customer | None:
        """A customer that exists and was not deleted."""
