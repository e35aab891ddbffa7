"""The operations on payment intents, charges and refunds."""

from __future__ import annotations

from typing import Any

from guilder_server.http.call import Call
from guilder_server.http.lists import filters, list_query
from guilder_server.kernel.errors import Forbidden, NoSuchReference, NotFound
from guilder_server.kernel.metadata import merge
from guilder_server.kernel.steps import Page, Step
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import amounts, intents
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import capturing, charging, intending, refunding
from guilder_server.payments.ports import Tools

_TEXTS = ("description", "statement_descriptor", "statement_descriptor_suffix")


class PaymentIntentsApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_payment_intent(self, call: Call) -> Step:
        return await intending.create_intent(
            self._tools, call.tenant, call.params, call.recovery()
        )

    async def retrieve_payment_intent(self, call: Call) -> Intent:
        intent = await intending.found(self._tools, call.tenant, call.path["intent"])
        if call.credential.kind != "publishable":
            return intent
        return self._for_browser(call, intent)

    async def update_payment_intent(self, call: Call) -> Step:
        return await intending.update_intent(
            self._tools, call.tenant, call.path["intent"], call.params
        )

    async def list_payment_intents(self, call: Call) -> Page:
        wanted = filters(call, {"customer": "customer_id"})
        return await self._tools.store.list_intents(call.tenant, list_query(call), wanted)

    async def search_payment_intents(self, call: Call) -> Page:
        return await self._tools.store.search_intents(call.tenant, *_search(call))

    async def confirm_payment_intent(self, call: Call) -> Step:
        id = call.path["intent"]
        if call.credential.kind == "publishable" or "client_secret" in call.params:
            intent = await intending.found(self._tools, call.tenant, id)
            intending.require_secret(intent, call.params.get("client_secret"))
        return await intending.confirm_intent(
            self._tools, call.tenant, id, call.params, call.recovery()
        )

    async def capture_payment_intent(self, call: Call) -> Step:
        intent = await intending.found(self._tools, call.tenant, call.path["intent"])
        given = call.params
        amount = None
        if "amount_to_capture" in given:
            amount = amounts.part(given["amount_to_capture"], "amount_to_capture")
        return await capturing.capture_intent(
            self._tools,
            call.tenant,
            intent,
            amount,
            given.get("final_capture", True),
            _texts(given, intent),
            call.recovery(),
        )

    async def cancel_payment_intent(self, call: Call) -> Step:
        intent = await intending.found(self._tools, call.tenant, call.path["intent"])
        reason: intents.CancellationReason | None = call.params.get("cancellation_reason")
        return await capturing.cancel_intent(
            self._tools, call.tenant, intent, reason, call.recovery()
        )

    async def increment_payment_intent_authorization(self, call: Call) -> Step:
        intent = await intending.found(self._tools, call.tenant, call.path["intent"])
        money = amounts.chargeable(call.params["amount"], intent.currency)
        return await capturing.increment_intent(
            self._tools,
            call.tenant,
            intent,
            money.amount,
            _texts(call.params, intent),
            call.recovery(),
        )

    def _for_browser(self, call: Call, intent: Intent) -> Intent:
        intending.require_secret(intent, call.params.get("client_secret"))
        if call.expand:
            raise Forbidden("A publishable key may not expand what a payment refers to.")
        return intents.for_browser(intent)


class ChargesApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_charge(self, call: Call) -> Step:
        return await charging.create_charge(
            self._tools, call.tenant, call.params, call.recovery()
        )

    async def retrieve_charge(self, call: Call) -> Charge:
        charge = await self._tools.store.charge(call.tenant, call.path["charge"])
        if charge is None:
            raise NotFound("charge", call.path["charge"], "charge")
        return charge

    async def update_charge(self, call: Call) -> Step:
        return await charging.update_charge(
            self._tools, call.tenant, call.path["charge"], call.params
        )

    async def list_charges(self, call: Call) -> Page:
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
        return await charging.capture_charge(
            self._tools, call.tenant, call.path["charge"], call.params, call.recovery()
        )

    async def search_charges(self, call: Call) -> Page:
        return await self._tools.store.search_charges(call.tenant, *_search(call))


class RefundsApi:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def create_refund(self, call: Call) -> Step:
        return await refunding.create_refund(
            self._tools, call.tenant, call.params, call.recovery()
        )

    async def retrieve_refund(self, call: Call) -> Refund:
        refund = await self._tools.store.refund(call.tenant, call.path["refund"])
        if refund is None:
            raise NotFound("refund", call.path["refund"], "refund")
        return refund

    async def update_refund(self, call: Call) -> Step:
        return await refunding.update_refund(
            self._tools, call.tenant, call.path["refund"], call.params
        )

    async def list_refunds(self, call: Call) -> Page:
        tenant = call.tenant
        await self._refuse_unknown(tenant, call.params)
        wanted = filters(
            call, {"charge": "charge_id", "payment_intent": "payment_intent_id"}
        )
        return await self._tools.store.list_refunds(tenant, list_query(call), wanted)

    async def cancel_refund(self, call: Call) -> Step:
        return await refunding.cancel_refund(self._tools, call.tenant, call.path["refund"])

    async def _refuse_unknown(self, tenant: Tenant, params: dict[str, Any]) -> None:
        charge, intent = params.get("charge"), params.get("payment_intent")
        if charge and await self._tools.store.charge(tenant, charge) is None:
            raise NoSuchReference("charge", charge, "charge")
        if intent and await self._tools.store.intent(tenant, intent) is None:
            raise NoSuchReference("payment_intent", intent, "payment_intent")


def _texts(given: dict[str, Any], intent: Intent) -> dict[str, Any]:
    """What a capture or an increment may also say about the intent. Its metadata is merged when
    the gateway has answered, with what the intent then holds."""
    texts: dict[str, Any] = {name: given[name] or None for name in _TEXTS if name in given}
    if "metadata" in given:
        merge(intent.metadata, given["metadata"])
        texts["metadata"] = given["metadata"]
    return texts


def _search(call: Call) -> tuple[str, int, str | None]:
    return call.params["query"], call.params.get("limit", 10), call.params.get("page")
