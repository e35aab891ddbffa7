"""What customers need of others."""

from __future__ import annotations

from typing import Protocol

from guilder_server.customers.domain.customer import Customer
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant


class CustomerStore(Protocol):
    async def find(self, tenant_id: int, id: str) -> Customer | None:
        """Deleted customers are found as well."""

    async def page(self, tenant_id: int, query: ListQuery, email: str | None = None) -> Page:
        """Newest first, without deleted ones. An unknown cursor raises NoSuchReference."""

    async def search(self, tenant_id: int, query: str, limit: int, page: str | None) -> Page:
        """Those that match, newest first, without deleted ones."""


class PaymentMethodsOnFile(Protocol):
    """Payment methods stand to the right of customers, so what customers ask of them is said
    here and filled in where the application is put together."""

    async def put_on_file(
        self, tenant: Tenant, id: str, customer: Customer, changes: Changes, param: str
    ) -> str:
        """Attach the payment method, or the one that a test token stands for; gives its id."""

    async def on_file(self, tenant: Tenant, id: str, customer: str, param: str) -> str:
        """The id of a payment method of this customer; raises where it is not the customer's."""

    async def clear_file(self, tenant: Tenant, customer: str, changes: Changes) -> None:
        """Detach all of the customer's payment methods."""
