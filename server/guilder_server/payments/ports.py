"""What payments need of the world outside their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from guilder_server.customers import Customer
from guilder_server.gateways import Attempts, Gateway
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.wallets import Brought, Cause, Hold, Purse, TopUp, Wallet

__all__ = ["Attempts", "Store", "Tools", "Wish"]


class Store(Protocol):
    """Payments as they are kept. Another tenant's objects do not exist here."""

    async def intent(self, tenant: Tenant, id: str) -> Intent | None: ...

    async def charge(self, tenant: Tenant, id: str) -> Charge | None: ...

    async def refund(self, tenant: Tenant, id: str) -> Refund | None: ...

    async def list_intents(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...

    async def list_charges(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...

    async def list_refunds(
        self, tenant: Tenant, query: ListQuery, filters: Mapping[str, str]
    ) -> Page: ...

    async def search_intents(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page: ...

    async def search_charges(
        self, tenant: Tenant, query: str, limit: int, page: str | None
    ) -> Page: ...

    async def awaiting_customer(self, id: str) -> tuple[Tenant, Intent] | None:
        """A payment of whichever account, in test mode, whose customer must authenticate."""

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Charges whose hold may no longer be captured, of all tenants."""


class Customers(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Customer | None:
        """A customer that exists and was not deleted."""

    async def load(self, tenant: Tenant, id: str) -> object | None:
        """The customer, or what is left of a deleted one."""


class PaymentMethods(Protocol):
    async def find(self, tenant: Tenant, id: str) -> PaymentMethod | None: ...

    async def resolve(
        self, tenant: Tenant, id_or_token: str, changes: Changes, param: str = "payment_method"
    ) -> PaymentMethod:
        """The payment method; a test token makes a new one among `changes`."""

    def from_data(
        self, data: Mapping[str, Any], changes: Changes, param: str = "payment_method_data"
    ) -> PaymentMethod:
        """A new one among `changes`, from the card that came with the request."""

    def attach(
        self,
        method: PaymentMethod,
        customer_id: str,
        changes: Changes,
        *,
        set_up: bool = False,
    ) -> PaymentMethod:
        """Keep a method that was just paid with for its customer. `set_up`: the customer has
        agreed to later payments without them."""

    def spend(self, method: PaymentMethod, changes: Changes) -> PaymentMethod:
        """One that belongs to nobody was good for this payment alone."""


class Wallets(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Purse | None:
        """A wallet with what is in it."""

    async def hold(self, tenant: Tenant, id: str) -> Hold | None: ...

    async def top_up(self, tenant: Tenant, id: str) -> TopUp | None: ...

    def pay(self, changes: Changes, wallet: Wallet, amount: int, cause: Cause) -> str:
        """`amount` goes to the merchant: the id of the ledger transaction. The commit refuses it
        where the wallet does not have it, or may not give it."""

    def set_aside(
        self, changes: Changes, wallet: Wallet, amount: int, payment_intent_id: str
    ) -> Hold:
        """`amount` is kept for a payment whose rest is being asked for elsewhere."""

    def take(self, changes: Changes, wallet: Wallet, hold: Hold, cause: Cause) -> str:
        """What was kept for a payment goes to the merchant: the id of the ledger transaction."""

    def let_go(self, changes: Changes, wallet: Wallet, hold: Hold) -> None:
        """What was kept for a payment is the wallet's again."""

    def give_back(
        self, changes: Changes, wallet: Wallet, amount: int, cause: Cause, available: datetime
    ) -> str:
        """A payment out of the wallet is refunded: the id of the ledger transaction."""

    def bring(self, changes: Changes, wallet: Wallet, amount: int, payment: Brought) -> TopUp:
        """A payment has brought `amount` into the wallet."""

    def take_back(
        self,
        changes: Changes,
        wallet: Wallet,
        top_up: TopUp,
        amount: int,
        available: datetime,
        kept: int,
    ) -> TopUp:
        """`amount` of it is refunded. The commit refuses that where it has been spent."""

    def restore(
        self, changes: Changes, wallet: Wallet, top_up: TopUp, amount: int, available: datetime
    ) -> None:
        """A refund of it did not arrive: the money is the wallet's again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants: the parameters as they came, for whom, and all that it takes to
    answer once this process is gone."""

    tenant: Tenant
    given: Mapping[str, Any]
    recovery: Mapping[str, Any] = field(default_factory=dict)

    def remembering(self, **then: Any) -> dict[str, Any]:
        """What an attempt keeps for whoever finishes it: how to answer, and what the wish says
        about the time after the gateway's answer."""
        return {**self.recovery, "then": then}


@dataclass(frozen=True, slots=True)
class Tools:
    """What every flow of this capability is given.

    `gateways` by name; `default_gateway` names the one for new payments. `lease` is how long a
    request to a gateway may take before others may ask what became of it. `authentication_page`
    is where customers meet their bank when the gateway has no page of its own.
    """

    store: Store
    attempts: Attempts
    customers: Customers
    methods: PaymentMethods
    wallets: Wallets
    gateways: Mapping[str, Gateway]
    default_gateway: str
    ids: Ids
    clock: Clock
    authentication_page: str
    timeout_ms: int = 20_000
    lease: timedelta = timedelta(seconds=40)

    def gateway(self, name: str) -> Gateway:
        return self.gateways[name]

    def gateway_for(self, tenant: Tenant) -> Gateway:
        """The one for new payments. Raises where a live payment would move no real money."""
        gateway = self.gateways[self.default_gateway]
        if tenant.livemode and not gateway.capabilities.real_money:
            raise InvalidRequest(
                "testmode_charges_only",
                f"The gateway {gateway.name} moves no real money. Configure another one to take "
                "live payments.",
            )
        return gateway
