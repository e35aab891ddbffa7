"""What payments need of the world outside their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from guilder_server.customers import Customer
from guilder_server.gateways import Attempt, Gateway
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund


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

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Charges whose hold may no longer be captured, of all tenants."""


class Attempts(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Attempt | None: ...

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Open attempts of all tenants that nobody has in hand any more."""


class Customers(Protocol):
    async def find(self, tenant: Tenant, id: str) -> Customer | None:
        """A customer that exists and was not deleted."""


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
        self, method: PaymentMethod, customer_id: str, changes: Changes
    ) -> PaymentMethod:
        """Keep a method that was just paid with for its customer."""

    def spend(self, method: PaymentMethod, changes: Changes) -> PaymentMethod:
        """One that belongs to nobody was good for this payment alone."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every flow of this capability is given.

    `gateways` by name; `default_gateway` names the one for new payments. `lease` is how long a
    request to a gateway may take before others may ask what became of it. `public_url` is
    where customers' browsers find this server.
    """

    store: Store
    attempts: Attempts
    customers: Customers
    methods: PaymentMethods
    gateways: Mapping[str, Gateway]
    default_gateway: str
    ids: Ids
    clock: Clock
    public_url: str
    timeout_ms: int = 20_000
    lease: timedelta = timedelta(seconds=40)

    def gateway(self, name: str | None = None) -> Gateway:
        return self.gateways[name or self.default_gateway]
