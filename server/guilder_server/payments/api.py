"""The operations on payment intents, charges and refunds."""

from __future__ import annotations

from typing import Any

from guilder_server.http.call import Call
from guilder_server.http.lists import filters, list_query
from guilder_server.kernel.errors import Forbidden, NoSuchReference, NotFound
from guilder_server.kernel.steps import Page, Step
from guilder_server.payments.domain.browsing import require_secret, seen_by_browser
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import capturing, charging, intending, refunding
from guilder_server.payments.ports import Tools, Wish


class PaymentIntentsApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_payment_intent(self, call: Call) -> Step:
        return await intending.create_intent(self._tools, _wish(call))

    async def retrieve_payment_intent(self, call: Call) -> Intent:
        intent = await intending.found(self._tools, call.tenant, call.path["intent"])
        if not _in_browser(call):
            return intent
        require_secret(intent, call.params.get("client_secret"))
        return seen_by_browser(intent)

    async def update_payment_intent(self, call: Call) -> Step:
        return await intending.update_intent(self._tools, _wish(call), call.path["intent"])

    async def list_payment_intents(self, call: Call) -> Page:
        await _refuse_unknown(self._tools, call)
        wanted = filters(call, {"customer": "customer_id"})
        return await self._tools.store.list_intents(call.tenant, list_query(call), wanted)

    async def search_payment_intents(self, call: Call) -> Page:
        return await self._tools.store.search_intents(call.tenant, *_search(call))

    async def confirm_payment_intent(self, call: Call) -> Step:
        wish, id = _wish(call), call.path["intent"]
        if _in_browser(call):
            return await intending.confirm_in_browser(self._tools, wish, id)
        return await intending.confirm_intent(self._tools, wish, id)

    async def capture_payment_intent(self, call: Call) -> Step:
        return await capturing.capture_intent(self._tools, _wish(call), call.path["intent"])

    async def cancel_payment_intent(self, call: Call) -> Step:
        return await capturing.cancel_intent(self._tools, _wish(call), call.path["intent"])

    async def increment_payment_intent_authorization(self, call: Call) -> Step:
        return await capturing.increment_intent(self._tools, _wish(call), call.path["intent"])


class ChargesApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_charge(self, call: Call) -> Step:
        return await charging.create_charge(self._tools, _wish(call))

    async def retrieve_charge(self, call: Call) -> Charge:
        charge = await self._tools.store.charge(call.tenant, call.path["charge"])
        if charge is None:
            raise NotFound("charge", call.path["charge"], "charge")
        return charge

    async def update_charge(self, call: Call) -> Step:
        return await charging.update_charge(self._tools, _wish(call), call.path["charge"])

    async def list_charges(self, call: Call) -> Page:
        await _refuse_unknown(self._tools, call)
        wanted = filters(
            call,
            {
                "customer": "customer_id",
                "payment_intent": "payment_intent_id",
                "transfer_group": "transfer_group",
            },
        )
        return await self._tools.store.list_charges(call.tenant, list_query(call), wanted)

    async def capture_charge(self, call: Call) -> Step:
        return await charging.capture_charge(self._tools, _wish(call), call.path["charge"])

    async def search_charges(self, call: Call) -> Page:
        return await self._tools.store.search_charges(call.tenant, *_search(call))


class RefundsApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_refund(self, call: Call) -> Step:
        return await refunding.create_refund(self._tools, _wish(call))

    async def retrieve_refund(self, call: Call) -> Refund:
        refund = await self._tools.store.refund(call.tenant, call.path["refund"])
        if refund is None:
            raise NotFound("refund", call.path["refund"], "refund")
        return refund

    async def update_refund(self, call: Call) -> Step:
        return await refunding.update_refund(self._tools, _wish(call), call.path["refund"])

    async def list_refunds(self, call: Call) -> Page:
        await _refuse_unknown(self._tools, call)
        wanted = filters(call, {"charge": "charge_id", "payment_intent": "payment_intent_id"})
        return await self._tools.store.list_refunds(call.tenant, list_query(call), wanted)

    async def cancel_refund(self, call: Call) -> Step:
        return await refunding.cancel_refund(self._tools, _wish(call), call.path["refund"])


def _wish(call: Call) -> Wish:
    recovery = call.recovery()
    if call.credential.kind == "publishable":
        recovery["by_browser"] = True
    return Wish(call.tenant, call.params, recovery)


def _in_browser(call: Call) -> bool:
    """Whether it is the customer's browser that calls. It may not look behind what it was given."""
    if call.credential.kind != "publishable":
        return False
    if call.expand:
        raise Forbidden("A publishable key may not expand what a payment refers to.")
    return True


async def _refuse_unknown(tools: Tools, call: Call) -> None:
    """A list of what belongs to something needs that to exist, if only as a deleted customer."""
    finders: dict[str, Any] = {
        "charge": tools.store.charge,
        "customer": tools.customers.load,
        "payment_intent": tools.store.intent,
    }
    for noun, find in finders.items():
        if noun in call.params and await find(call.tenant, call.params[noun]) is None:
            raise NoSuchReference(noun, call.params[noun], noun)


def _search(call: Call) -> tuple[str, int, str | None]:
    return call.params["query"], call.params.get("limit", 10), call.params.get("page")
