"""The operations on customers."""

from __future__ import annotations

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.flows import CustomerFlows
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Page, Step, Tombstone


class CustomersApi:
    def __init__(self, flows: CustomerFlows) -> None:
        self._flows = flows

    async def create_customer(self, call: Call) -> Step:
        return await self._flows.create(call.tenant, call.params)

    async def retrieve_customer(self, call: Call) -> Customer | Tombstone:
        return await self._flows.retrieve(call.tenant, call.path["customer"])

    async def update_customer(self, call: Call) -> Step:
        return await self._flows.update(call.tenant, call.path["customer"], call.params)

    async def delete_customer(self, call: Call) -> Step:
        return await self._flows.delete(call.tenant, call.path["customer"])

    async def list_customers(self, call: Call) -> Page:
        query = list_query(call)
        return await self._flows.page(call.tenant, query, call.params.get("email"))

    async def search_customers(self, call: Call) -> Page:
        given = call.params
        return await self._flows.search(
            call.tenant, given["query"], given.get("limit", 10), given.get("page")
        )
