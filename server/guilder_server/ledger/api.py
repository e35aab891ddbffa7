"""The operations on the balance and its transactions."""

from __future__ import annotations

from guilder_server.http.call import Call
from guilder_server.http.lists import filters, list_query
from guilder_server.kernel.steps import Page
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction
from guilder_server.ledger.flows import LedgerFlows


class BalanceApi:
    def __init__(self, flows: LedgerFlows) -> None:
        self._flows = flows

    async def retrieve_balance(self, call: Call) -> Balance:
        return await self._flows.balance(call.tenant)

    async def retrieve_balance_transaction(self, call: Call) -> BalanceTransaction:
        return await self._flows.retrieve(call.tenant, call.path["id"])

    async def list_balance_transactions(self, call: Call) -> Page:
        names = {"currency": "currency", "source": "source", "type": "kind"}
        wanted = filters(call, names)
        if "currency" in wanted:
            wanted["currency"] = wanted["currency"].lower()
        return await self._flows.page(call.tenant, list_query(call), wanted)
