"""Usage over HTTP."""

from __future__ import annotations

from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Page
from guilder_server.usage.domain.used import AccountUsage, Usage
from guilder_server.usage.flows.reading import UsageFlows


class UsageApi:
    def __init__(self, usage: UsageFlows) -> None:
        self._usage = usage

    async def retrieve_usage(self, call: Call) -> Usage:
        return await self._usage.of_tenant(call.tenant, call.params.get("month"))

    async def list_operator_usage(self, call: Call) -> Page:
        params = call.params
        return await self._usage.of_accounts(
            params.get("month"), list_query(call), params.get("organization")
        )

    async def retrieve_operator_usage(self, call: Call) -> AccountUsage:
        return await self._usage.of_account(call.path["account"], call.params.get("month"))
