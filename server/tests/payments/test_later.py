"""What happens to a payment after its caller was answered: the clock is moved, the sweeps run.

Each with the gateway in this process and with one that lives elsewhere: it ends the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guilder_server.gateways import Declined, Outcome
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.kernel.clock import ManualClock
from tests.support.composed import Composed, PlayedGateway, composed

pytestmark = pytest.mark.anyio

INTENTS = "/v1/payment_intents"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTLED = timedelta(seconds=6)
WEEK = timedelta(days=7, seconds=1)


class InProcess(PlayedGateway):
    capabilities = Sandbox.capabilities


class Elsewhere(PlayedGateway):
    """It has forgotten a hold that it is asked to release, where `forgetful`."""

    forgetful = False

    async def void(self, request: Any) -> Outcome:
        if self.forgetful:
            return Declined("card_declined", "There is no such hold.")
        return await super().void(request)


@pytest.fixture(params=[InProcess, Elsewhere])
async def guilder(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Composed]:
    gateway = request.param(ManualClock(NOON))
    async with composed(database_url, gateway) as running:
        yield running


async def pay(guilder: Composed, **form: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"amount": 2000, "currency": "usd", "confirm": "true"}
    given["payment_method"] = "pm_card_visa"
    answer = await guilder.post(INTENTS, **given | form)
    assert answer.status_code == 200, answer.text
    intent: dict[str, Any] = answer.json()
    return intent


async def read(guilder: Composed, path: str, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await guilder.get(path, **query)).json()
    return found


async def later(guilder: Composed, by: timedelta, sweep: str = "resolve_attempts") -> int:
    guilder.clock.advance(by)
    return await guilder.sweep(sweep)


class News:
    def __init__(self, guilder: Composed) -> None:
        self._guilder, self._seen = guilder, 0

    async def __call__(self) -> list[str]:
        return [event["type"] for event in await self.whole()]

    async def whole(self) -> list[dict[str, Any]]:
        page = await read(self._guilder, "/v1/events", limit=100)
        listed: list[dict[str, Any]] = page["data"][::-1]
        fresh, self._seen = listed[self._seen :], len(listed)
        return fresh


async def test_a_card_that_takes_its_time_is_settled_by_itself(guilder: Composed) -> None:
    news = News(guilder)
    intent = await pay(guilder, payment_method="pm_card_pending")
    assert intent["status"] == "processing"
    assert intent["processing"] == {"type": "card", "card": {"customer_notification": None}}
    assert await news() == ["payment_intent.created", "payment_intent.processing"]
    refused = await guilder.post(f"{INTENTS}/{intent['id']}/cancel")
    assert refused.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert await later(guilder, SETTLED) == 1
    assert (await read(guilder, f"{INTENTS}/{intent['id']}"))["status"] == "succeeded"
    fresh = await news.whole()
    assert [event["type"] for event in fresh] == ["charge.succeeded", "payment_intent.succeeded"]
    assert {event["request"]["id"] for event in fresh} == {None}, "nobody asked for this now"
    assert await later(guilder, SETTLED) == 0


@pytest.mark.parametrize("card", ["pm_card_pendingDeclined", "pm_card_unknownOutcomeDeclined"])
async def test_a_card_may_be_refused_later(guilder: Composed, card: str) -> None:
    intent = await pay(guilder, payment_method=card)
    assert intent["status"] == "processing"
    news = News(guilder)
    await news()
    await later(guilder, SETTLED)
    refused = await read(guilder, f"{INTENTS}/{intent['id']}")
    assert refused["status"] == "requires_payment_method"
    assert refused["last_payment_error"]["decline_code"] == "generic_decline"
    assert await news() == ["charge.failed", "payment_intent.payment_failed"]


async def test_a_direct_charge_may_take_its_time_too(guilder: Composed) -> None:
    news = News(guilder)
    answer = await guilder.post("/v1/charges", amount=2000, currency="usd", source="tok_pending")
    charge = answer.json()
    assert (charge["status"], charge["paid"]) == ("pending", False)
    refused = await guilder.post(f"/v1/charges/{charge['id']}/capture")
    assert refused.json()["error"]["code"] == "capture_unauthorized_payment"
    await later(guilder, SETTLED)
    assert (await read(guilder, f"/v1/charges/{charge['id']}"))["status"] == "succeeded"
    assert await news() == ["charge.pending", "charge.succeeded"]


async def refund(guilder: Composed, intent: dict[str, Any], **form: Any) -> dict[str, Any]:
    answer = await guilder.post("/v1/refunds", payment_intent=intent["id"], **form)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_refund_that_takes_time_is_counted_at_once(guilder: Composed) -> None:
    intent = await pay(guilder, payment_method="pm_card_pendingRefund")
    news = News(guilder)
    await news()
    made = await refund(guilder, intent, amount=1500)
    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    charge = await read(guilder, f"/v1/charges/{intent['latest_charge']}")
    assert charge["amount_refunded"] == 1500
    over = await guilder.post("/v1/refunds", payment_intent=intent["id"], amount=501)
    assert over.json()["error"]["code"] == "amount_too_large"
    assert await news() == ["refund.created", "charge.refunded"]
    await later(guilder, SETTLED)
    arrived = await read(guilder, f"/v1/refunds/{made['id']}")
    assert arrived["status"] == "succeeded"
    fresh = await news.whole()
    assert [event["type"] for event in fresh] == ["refund.updated", "charge.refund.updated"]
    assert fresh[0]["data"]["previous_attributes"]["status"] == "pending"
    assert fresh[0]["request"] == {"id": None, "idempotency_key": None}


async def test_a_refund_that_comes_back_is_the_merchants_again(guilder: Composed) -> None:
    intent = await pay(guilder, payment_method="pm_card_refundFail")
    made = await refund(guilder, intent, amount=1500)
    assert made["status"] == "succeeded", "it looks well at first"
    news = News(guilder)
    await news()
    await later(guilder, SETTLED)
    back = "failure_balance_transaction"
    failed = await read(guilder, f"/v1/refunds/{made['id']}", **{"expand[]": back})
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert (failed[back]["type"], failed[back]["net"]) == ("refund_failure", 1500)
    charge = await read(guilder, f"/v1/charges/{intent['latest_charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert (await read(guilder, "/v1/balance"))["pending"][0]["amount"] == 1912
    fresh = await news.whole()
    assert [event["type"] for event in fresh] == [
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
    ]
    assert fresh[0]["data"]["previous_attributes"]["status"] == "succeeded"
    assert (await refund(guilder, intent))["amount"] == 2000, "it may be tried again"


async def test_a_hold_runs_out_after_a_week(guilder: Composed) -> None:
    intent = await pay(guilder, capture_method="manual")
    assert await later(guilder, timedelta(days=6, hours=23), "expire_holds") == 0
    news = News(guilder)
    await news()
    assert await later(guilder, timedelta(hours=2), "expire_holds") == 1
    expired = await read(guilder, f"{INTENTS}/{intent['id']}")
    assert (expired["status"], expired["cancellation_reason"]) == ("canceled", "expired")
    assert expired["amount_capturable"] == 0
    assert await news() == ["charge.expired", "payment_intent.canceled"]
    late = await guilder.post(f"{INTENTS}/{intent['id']}/capture")
    assert late.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert await guilder.sweep("expire_holds") == 0


async def test_what_was_captured_of_a_hold_that_runs_out_stays(guilder: Composed) -> None:
    intent = await pay(guilder, capture_method="manual")
    path = f"{INTENTS}/{intent['id']}"
    await guilder.post(f"{path}/capture", amount_to_capture=700, final_capture="false")
    assert await later(guilder, WEEK, "expire_holds") == 1
    expired = await read(guilder, path, **{"expand[]": "latest_charge"})
    assert (expired["status"], expired["amount_received"]) == ("canceled", 700)
    charge = expired["latest_charge"]
    assert (charge["captured"], charge["amount_captured"]) == (True, 700)


async def test_what_is_captured_or_canceled_does_not_run_out(guilder: Composed) -> None:
    for verb in ("capture", "cancel"):
        intent = await pay(guilder, capture_method="manual")
        await guilder.post(f"{INTENTS}/{intent['id']}/{verb}")
    await pay(guilder)
    assert await later(guilder, WEEK, "expire_holds") == 0


async def test_a_direct_charge_runs_out_too(guilder: Composed) -> None:
    form: dict[str, Any] = {"amount": 2000, "currency": "usd", "source": "tok_visa"}
    form["capture"] = "false"
    charge = (await guilder.post("/v1/charges", **form)).json()
    news = News(guilder)
    await news()
    assert await later(guilder, WEEK, "expire_holds") == 1
    assert await news() == ["charge.expired"]
    late = await guilder.post(f"/v1/charges/{charge['id']}/capture")
    assert late.json()["error"]["code"] == "charge_expired_for_capture"


async def test_a_hold_that_the_gateway_has_forgotten_runs_out_all_the_same(
    database_url: str,
) -> None:
    gateway = Elsewhere(ManualClock(NOON))
    async with composed(database_url, gateway) as guilder:
        intent = await pay(guilder, capture_method="manual")
        gateway.forgetful = True
        refused = await guilder.post(f"{INTENTS}/{intent['id']}/cancel")
        assert (refused.status_code, refused.json()["error"]["type"]) == (402, "card_error")
        still = await read(guilder, f"{INTENTS}/{intent['id']}")
        assert still["status"] == "requires_capture"
        assert await later(guilder, WEEK, "expire_holds") == 1
        expired = await read(guilder, f"{INTENTS}/{intent['id']}")
        assert expired["cancellation_reason"] == "expired"


async def test_a_hold_that_is_being_captured_does_not_run_out_meanwhile(database_url: str) -> None:
    gateway = Elsewhere(ManualClock(NOON))
    async with composed(database_url, gateway, gateway_timeout_ms=300) as guilder:
        intent = await pay(guilder, capture_method="manual")
        gateway.deaf = True
        captured = await guilder.post(f"{INTENTS}/{intent['id']}/capture")
        assert captured.json()["status"] == "requires_capture"
        assert await later(guilder, WEEK, "expire_holds") == 0
        gateway.deaf = False
        await guilder.sweep()
        settled = await read(guilder, f"{INTENTS}/{intent['id']}")
        assert (settled["status"], settled["amount_received"]) == ("succeeded", 2000)
