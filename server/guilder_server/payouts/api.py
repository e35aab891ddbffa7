"""The operations on payouts."""

from __future__ import annotations

from guilder_server.http.call import Call
from guilder_server.http.lists import filters, list_query
from guilder_server.kernel.steps import Page, Step
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.flows import canceling, finding, sending
from guilder_server.payouts.ports import Tools, Wish


class PayoutsApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_payout(self, call: Call) -> Step:
        return await sending.create_payout(self._tools, _wish(call))

    async def retrieve_payout(self, call: Call) -> Payout:
        return await finding.found(self._tools, call.tenant, call.path["payout"])

    async def list_payouts(self, call: Call) -> Page:
        wanted = filters(call, {"status": "status", "wallet": "wallet_id"})
        return await finding.page(self._tools, call.tenant, list_query(call), wanted)

    async def update_payout(self, call: Call) -> Step:
        return await finding.update_payout(self._tools, _wish(call), call.path["payout"])

    async def cancel_payout(self, call: Call) -> Step:
        return await canceling.cancel_payout(self._tools, _wish(call), call.path["payout"])


def _wish(call: Call) -> Wish:
    return Wish(call.tenant, call.params, call.recovery())
