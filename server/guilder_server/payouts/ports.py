"""What payouts need of the world outside their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from guilder_server.gateways import Attempts, Gateway
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import AccountRef
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payouts.domain.payout import Payout
from guilder_server.wallets import Cause, Purse, Wallet


class Store(Protocol):
    async def payout(self, tenant: Tenant, id: str) -> Payout | None: ...

    async def payouts(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Payouts of all tenants of which a gateway may know more by now."""


class Wallets(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Purse | None:
        """A wallet with what is in it."""

    def withdraw(
        self,
        changes: Changes,
        wallet: Wallet,
        amount: int,
        cause: Cause,
        to: AccountRef,
        now: datetime,
    ) -> str:
        """`amount` leaves the wallet for `to`: the id of the ledger transaction. The commit
        refuses it where the wallet does not have it, or may not give it."""

    def put_back(
        self,
        changes: Changes,
        wallet: Wallet,
        amount: int,
        cause: Cause,
        origin: AccountRef,
        counted_on: datetime | None,
    ) -> str:
        """What was withdrawn did not arrive: the id of the ledger transaction that brings it
        back."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants, for whom, and all that it takes to answer once this process is gone."""

    tenant: Tenant
    given: Mapping[str, Any]
    recovery: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every flow of this capability is given. `default_gateway` names the one that new
    payouts go through."""

    store: Store
    attempts: Attempts
    wallets: Wallets
    gateways: Mapping[str, Gateway]
    default_gateway: str
    ids: Ids
    clock: Clock
    timeout_ms: int = 20_000
    lease: timedelta = timedelta(seconds=40)

    def gateway(self, name: str) -> Gateway:
        return self.gateways[name]

    def gateway_for(self, tenant: Tenant) -> Gateway:
        """The one for new payouts. Raises where it sends no money to banks."""
        gateway = self.gateways[self.default_gateway]
        if not gateway.capabilities.payouts:
            raise Refused(
                "payouts_not_supported",
                f"The gateway {gateway.name} does not pay out. Pay the money out elsewhere, and "
                "book it in the ledger; or configure a gateway that does.",
            )
        if tenant.livemode and not gateway.capabilities.real_money:
            raise Refused(
                "payouts_not_supported",
                f"The gateway {gateway.name} moves no real money. Configure another one to pay "
                "out in live mode.",
            )
        return gateway
