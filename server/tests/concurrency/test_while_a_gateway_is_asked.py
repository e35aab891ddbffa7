"""What else happens to a payment between the two commits of a request to its gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.composed import Composed, composed

pytestmark = pytest.mark.anyio

INTENTS = "/v1/payment_intents"
PAYMENT = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture
async def guilder(database_url: str) -> AsyncIterator[Composed]:
    async with composed(database_url) as running:
        yield running


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Composed]:
    """It does not wait long for its gateway."""
    async with composed(database_url, gateway_timeout_ms=300) as running:
        yield running


async def begun(guilder: Composed, **form: Any) -> str:
    """An intent with a card, not yet confirmed unless `form` says so."""
    given = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"} | form
    made = await guilder.post(INTENTS, **given)
    assert made.status_code == 200, made.text
    intent: str = made.json()["id"]
    return intent


async def held(guilder: Composed) -> str:
    return await begun(guilder, confirm="true", capture_method="manual")


async def at_the_gateway(guilder: Composed, path: str, **form: Any) -> asyncio.Task[Any]:
    """A request whose gateway has acted and has not answered yet."""
    guilder.gateway.hold()
    asking = asyncio.create_task(guilder.post(path, **form))
    await guilder.gateway.reached()
    return asking


@pytest.mark.parametrize(
    ("verb", "form", "status"),
    [
        ("confirm", {}, "succeeded"),
        ("capture", {"metadata[till]": "3"}, "succeeded"),
        ("increment_authorization", {"amount": 3000, "metadata[till]": "3"}, "requires_capture"),
    ],
)
async def test_metadata_written_meanwhile_is_kept(
    guilder: Composed, verb: str, form: dict[str, Any], status: str
) -> None:
    intent = await (begun(guilder) if verb == "confirm" else held(guilder))
    asking = await at_the_gateway(guilder, f"{INTENTS}/{intent}/{verb}", **form)
    written = await guilder.post(f"{INTENTS}/{intent}", **{"metadata[order]": "7"})
    assert written.status_code == 200
    guilder.gateway.let_go()
    done = await asking
    assert done.json()["status"] == status
    found = (await guilder.get(f"{INTENTS}/{intent}")).json()
    assert found["metadata"] == {"order": "7"} | ({"till": "3"} if form else {})
    assert done.json() == found


async def test_a_second_confirmation_asks_no_gateway(guilder: Composed) -> None:
    intent = await begun(guilder)
    asking = await at_the_gateway(guilder, f"{INTENTS}/{intent}/confirm", key="one")
    second = await guilder.post(f"{INTENTS}/{intent}/confirm", key="two")
    same = await guilder.post(f"{INTENTS}/{intent}/confirm", key="one")
    guilder.gateway.let_go()
    first = await asking
    assert first.json()["status"] == "succeeded"
    assert second.status_code == 400
    assert second.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert same.status_code == 409
    assert same.json()["error"]["code"] == "idempotency_key_in_use"
    assert guilder.gateway.kinds() == ["authorize"]
    again = await guilder.post(f"{INTENTS}/{intent}/confirm", key="one")
    assert again.content == first.content


@pytest.mark.parametrize(("first", "second"), [("capture", "cancel"), ("cancel", "capture")])
async def test_capture_and_cancel_have_one_winner(
    guilder: Composed, first: str, second: str
) -> None:
    intent = await held(guilder)
    asking = await at_the_gateway(guilder, f"{INTENTS}/{intent}/{first}")
    busy = await guilder.post(f"{INTENTS}/{intent}/{second}", key="late")
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "lock_timeout")
    assert busy.headers["stripe-should-retry"] == "true"
    guilder.gateway.let_go()
    assert (await asking).status_code == 200
    late = await guilder.post(f"{INTENTS}/{intent}/{second}", key="late")
    assert late.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert guilder.gateway.kinds() == ["authorize", {"cancel": "void"}.get(first, first)]


async def test_two_refunds_share_what_was_captured(guilder: Composed) -> None:
    intent = await begun(guilder, confirm="true")
    asking = await at_the_gateway(guilder, "/v1/refunds", payment_intent=intent, amount=1500)
    over = await guilder.post("/v1/refunds", payment_intent=intent, amount=501)
    assert (over.status_code, over.json()["error"]["param"]) == (400, "amount")
    rest = asyncio.create_task(guilder.post("/v1/refunds", payment_intent=intent, amount=500))
    await asyncio.sleep(0.05)
    guilder.gateway.let_go()
    assert (await asking).json()["status"] == "succeeded"
    assert (await rest).json()["status"] == "succeeded"
    given_back = [r.money.amount for r in guilder.gateway.carried.values() if r.kind == "refund"]
    assert given_back == [1500, 500]


async def test_what_nobody_answers_is_settled_later(hasty: Composed) -> None:
    hasty.gateway.deaf = True
    first = await hasty.post(INTENTS, key="k", **PAYMENT)
    assert first.json()["status"] == "processing"
    hasty.gateway.deaf = False
    assert await hasty.sweep() == 0, "it is not asked about at once"
    hasty.clock.advance(timedelta(seconds=4))
    assert await hasty.sweep() == 1
    found = (await hasty.get(f"{INTENTS}/{first.json()['id']}")).json()
    assert found["status"] == "succeeded"
    again = await hasty.post(INTENTS, key="k", **PAYMENT)
    assert again.content == first.content, "a key answers what it has answered"
    assert hasty.gateway.kinds() == ["authorize"]
    assert await hasty.event_types() == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


async def test_a_gateway_that_is_away_is_asked_again_within_a_minute(hasty: Composed) -> None:
    hasty.gateway.deaf = True
    intent = (await hasty.post(INTENTS, **PAYMENT)).json()["id"]
    for _ in range(20):
        hasty.clock.advance(timedelta(seconds=31))
        assert await hasty.sweep() == 1
    hasty.gateway.deaf = False
    hasty.clock.advance(timedelta(seconds=31))
    await hasty.sweep()
    assert (await hasty.get(f"{INTENTS}/{intent}")).json()["status"] == "succeeded"


async def test_a_payment_that_keeps_changing_is_settled_all_the_same(hasty: Composed) -> None:
    hasty.gateway.deaf = True
    intent = (await hasty.post(INTENTS, **PAYMENT)).json()["id"]
    hasty.gateway.deaf = False
    hasty.clock.advance(timedelta(seconds=4))
    sweeping = asyncio.create_task(hasty.sweep())
    turn = 0
    while not sweeping.done():
        turn += 1
        written = await hasty.post(f"{INTENTS}/{intent}", **{"metadata[turn]": str(turn)})
        assert written.status_code == 200
        await asyncio.sleep(0.01)
    found = (await hasty.get(f"{INTENTS}/{intent}")).json()
    assert found["status"] == "succeeded"
    assert found["metadata"] == {"turn": str(turn)}


@pytest.mark.parametrize(
    ("card", "status"), [("pm_card_visa", 200), ("pm_card_chargeDeclined", 402)]
)
async def test_who_takes_over_answers_the_key_of_a_lost_request(
    guilder: Composed, card: str, status: int
) -> None:
    """The first process hangs; another one finds out, and both say the same in the end."""
    wish = {"key": "k", **PAYMENT, "payment_method": card, "expand[]": "latest_charge"}
    asking = await at_the_gateway(guilder, INTENTS, **wish)
    async with composed(guilder.database_url, guilder.gateway, guilder.account) as other:
        assert await other.sweep() == 0
        assert (await other.post(INTENTS, **wish)).status_code == 409
        other.clock.advance(timedelta(seconds=26))
        assert await other.sweep() == 1
        answer = await other.post(INTENTS, **wish)
        assert answer.status_code == status
        assert answer.headers["idempotent-replayed"] == "true"
        told = answer.json()["error"]["payment_intent"] if status == 402 else answer.json()
        if status == 200:
            assert told["latest_charge"]["amount_captured"] == 2000
        guilder.gateway.let_go()
        late = await asking
        assert (late.status_code, late.content) == (status, answer.content)
        assert guilder.gateway.kinds() == ["authorize"]
        assert (await guilder.get(f"{INTENTS}/{told['id']}")).json()["status"] == told["status"]


@pytest.mark.parametrize("refunding", [False, True], ids=["payment", "refund"])
async def test_an_answer_that_comes_after_all_hope_is_written_down(
    guilder: Composed, refunding: bool
) -> None:
    """A gateway that may not be sent a thing twice has not heard of it when it is asked; but the
    request was only late, and the money has moved."""
    path, form = INTENTS, PAYMENT
    if refunding:
        paid = (await guilder.post(INTENTS, **PAYMENT)).json()["id"]
        path, form = "/v1/refunds", {"payment_intent": paid}
    guilder.gateway.capabilities = replace(guilder.gateway.capabilities, deduplicates=False)
    guilder.gateway.hold(before_it_acts=True)
    asking = asyncio.create_task(guilder.post(path, key="k", **form))
    await guilder.gateway.reached()
    guilder.clock.advance(timedelta(seconds=26))
    assert await guilder.sweep() == 1
    told = await guilder.post(path, key="k", **form)
    assert told.json()["status"] == ("pending" if refunding else "processing")
    guilder.gateway.let_go()
    assert (await asking).content == told.content
    found = (await guilder.get(f"{path}/{told.json()['id']}")).json()
    assert found["status"] == "succeeded"
    assert await guilder.sweep() == 0
