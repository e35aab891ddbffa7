"""What is done with customers: read, decide, return changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guilder_server.customers.domain import customer as rules
from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.ports import CustomerStore, PaymentMethodsOnFile
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NotFound
from guilder_server.kernel.ids import Ids, secret
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Done, Page, Tombstone
from guilder_server.kernel.tenant import Tenant

NOUN = "customer"
_PREFIX_LENGTH = 8


class Customers:
    """The customers of each tenant, for whoever needs to know one."""

    def __init__(self, store: CustomerStore) -> None:
        self._store = store

    async def find(self, tenant: Tenant, id: str) -> Customer | None:
        """A customer that exists and was not deleted."""
        customer = await self._store.find(tenant.id, id)
        return None if customer is None or customer.deleted else customer

    async def load(self, tenant: Tenant, id: str) -> Customer | Tombstone | None:
        """The customer, or what is left of it."""
        customer = await self._store.find(tenant.id, id)
        return Tombstone(id, NOUN) if customer and customer.deleted else customer


def forget_default(customer: Customer, payment_method: str, changes: Changes) -> Customer:
    """The payment method is gone: invoices are no longer paid with it."""
    if customer.default_payment_method != payment_method:
        return customer
    after = changes.change(customer, rules.with_default(customer, None))
    changes.record("customer.updated", after, previous=customer)
    return after


class CustomerFlows:
    """The operations on customers."""

    def __init__(
        self, store: CustomerStore, on_file: PaymentMethodsOnFile, ids: Ids, clock: Clock
    ) -> None:
        self._store = store
        self._customers = Customers(store)
        self._on_file = on_file
        self._ids = ids
        self._clock = clock

    async def create(self, tenant: Tenant, given: Mapping[str, Any]) -> Done:
        changes = Changes(tenant)
        blank = Customer(
            id=self._ids.new("cus"),
            version=1,
            created=self._clock.now(),
            invoice_prefix=secret(_PREFIX_LENGTH).upper(),
        )
        customer = rules.described(blank, given)
        default = (given.get("invoice_settings") or {}).get("default_payment_method")
        sent = given.get("payment_method")
        if sent:
            method = await self._on_file.put_on_file(
                tenant, sent, customer, changes, "payment_method"
            )
            # A test token names the payment method that has just been made of it.
            default = method if default == sent else default
            if default and default != method:
                default = await self._own(tenant, default, customer.id)
            customer = rules.with_default(customer, default or None)
        elif default:
            customer = rules.with_default(customer, await self._own(tenant, default, customer.id))
        # Listeners hear of the customer before they hear of what was attached to it.
        attached, changes.facts = changes.facts, []
        changes.add(customer)
        changes.record("customer.created", customer)
        changes.facts += attached
        return Done(customer, changes)

    async def retrieve(self, tenant: Tenant, id: str) -> Customer | Tombstone:
        found = await self._customers.load(tenant, id)
        if found is None:
            raise NotFound(NOUN, id, "id")
        return found

    async def update(self, tenant: Tenant, id: str, given: Mapping[str, Any]) -> Done:
        before = await self._existing(tenant, id)
        after = rules.described(before, given)
        settings = given.get("invoice_settings") or {}
        if "default_payment_method" in settings:
            default = settings["default_payment_method"] or None
            if default is not None:
                default = await self._own(tenant, default, id)
            after = rules.with_default(after, default)
        changes = Changes(tenant)
        if after == before:
            return Done(before, changes)
        after = changes.change(before, after)
        changes.record("customer.updated", after, previous=before)
        return Done(after, changes)

    async def delete(self, tenant: Tenant, id: str) -> Done:
        before = await self._existing(tenant, id)
        changes = Changes(tenant)
        await self._on_file.clear_file(tenant, id, changes)
        changes.change(before, rules.erased(before))
        # The event shows the customer as it was, for whoever must clean up after it.
        changes.record("customer.deleted", before)
        return Done(Tombstone(id, NOUN), changes)

    async def page(self, tenant: Tenant, query: ListQuery, email: str | None = None) -> Page:
        return await self._store.page(tenant.id, query, email)

    async def search(self, tenant: Tenant, query: str, limit: int, page: str | None) -> Page:
        return await self._store.search(tenant.id, query, limit, page)

    async def _existing(self, tenant: Tenant, id: str) -> Customer:
        customer = await self._customers.find(tenant, id)
        if customer is None:
            raise NotFound(NOUN, id, "id")
        return customer

    async def _own(self, tenant: Tenant, method: str, customer: str) -> str:
        param = "invoice_settings[default_payment_method]"
        return await self._on_file.on_file(tenant, method, customer, param)
