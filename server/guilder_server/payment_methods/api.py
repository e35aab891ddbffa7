"""The operations on payment methods, also those under a customer's path."""

from __future__ import annotations

from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Page, Step
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.flows import PaymentMethodFlows
from guilder_server.payment_methods.ports import Wanted


class PaymentMethodsApi:
    def __init__(self, flows: PaymentMethodFlows) -> None:
        self._flows = flows

    async def create_payment_method(self, call: Call) -> Step:
        return await self._flows.create(call.tenant, call.params)

    async def retrieve_payment_method(self, call: Call) -> PaymentMethod:
        return await self._flows.retrieve(call.tenant, call.path["payment_method"])

    async def update_payment_method(self, call: Call) -> Step:
        return await self._flows.update(call.tenant, call.path["payment_method"], call.params)

    async def attach_payment_method(self, call: Call) -> Step:
        return await self._flows.attach(
            call.tenant, call.path["payment_method"], call.params["customer"]
        )

    async def detach_payment_method(self, call: Call) -> Step:
        return await self._flows.detach(call.tenant, call.path["payment_method"])

    async def list_payment_methods(self, call: Call) -> Page:
        wanted = _wanted(call, call.params.get("customer"))
        return await self._flows.page(call.tenant, list_query(call), wanted)

    async def list_customer_payment_methods(self, call: Call) -> Page:
        wanted = _wanted(call, call.path["customer"])
        return await self._flows.page_of_customer(call.tenant, list_query(call), wanted)

    async def retrieve_customer_payment_method(self, call: Call) -> PaymentMethod:
        return await self._flows.retrieve(
            call.tenant, call.path["payment_method"], call.path["customer"]
        )


def _wanted(call: Call, customer_id: str | None) -> Wanted:
    return Wanted(customer_id, call.params.get("allow_redisplay"))
