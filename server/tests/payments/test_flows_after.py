"""The flows that follow a payment: its hold, its refunds, and charges without an intent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guilder_server.gateways import (
    Approved,
    Attempt,
    CaptureRequest,
    Declined,
    VoidRequest,
)
from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.errors import CardDeclined, Conflict, InvalidRequest, Refused
from guilder_server.kernel.steps import Awaiting, Done
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.flows import (
    capturing,
    charging,
    intending,
    refunding,
    sweeping,
)
from tests.payments.fakes import (
    ACTION,
    APPROVED,
    DECLINED,
    LOST,
    TENANT,
    World,
)
from tests.payments.things import NOW

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["in process", "elsewhere"])
def world(request: pytest.FixtureRequest) -> World:
    return World(in_process=request.param)


@pytest.fixture
def elsewhere() -> World:
    return World(in_process=False)


@pytest.mark.parametrize(
    ("lacks", "verb", "given", "param"),
    [
        ("multicapture", "capture", {"amount_to_capture": 5, "final_capture": False},
         "final_capture"),
        ("partial_capture", "capture", {"amount_to_capture": 5}, "amount_to_capture"),
        ("incremental_authorization", "increment", {"amount": 3000}, None),
    ],
)  # fmt: skip
async def test_nothing_is_asked_of_a_gateway_that_cannot_do_it(
    lacks: str, verb: str, given: dict[str, Any], param: str | None
) -> None:
    world = World(**{lacks: False})
    intent = await world.hold()
    ask = {"capture": capturing.capture_intent, "increment": capturing.increment_intent}[verb]
    with pytest.raises(InvalidRequest) as refused:
        await ask(world.tools, world.wish(**given), intent.id)
    assert (refused.value.code, refused.value.param) == ("payment_intent_invalid_parameter", param)
    assert len(world.gateway.asked) == 1, "for the hold alone"
    if verb == "capture":
        world.answer(APPROVED)
        step = await capturing.capture_intent(world.tools, world.wish(), intent.id)
        assert (await world.carry_out(step)).refusal is None


async def test_a_gateway_may_give_back_only_the_whole() -> None:
    world = World(partial_refund=False)
    await world.pay()
    intent = world.only(Intent)
    wish = world.wish(payment_intent=intent.id, amount=500)
    with pytest.raises(InvalidRequest, match="as a whole"):
        await refunding.create_refund(world.tools, wish)
    world.answer(APPROVED)
    step = await refunding.create_refund(world.tools, world.wish(payment_intent=intent.id))
    await world.carry_out(step)
    assert world.only(Refund).amount == 2000


async def test_the_hold_is_asked_of_the_gateway_that_keeps_it(world: World) -> None:
    intent = await world.hold()
    world.answer(APPROVED)
    wish = world.wish(amount_to_capture=700, final_capture=False)
    await world.carry_out(await capturing.capture_intent(world.tools, wish, intent.id))
    world.answer(Approved("ref_2"))
    step = await capturing.cancel_intent(world.tools, world.wish(), intent.id)
    await world.carry_out(step)
    _, capture, void = world.gateway.asked
    assert isinstance(capture, CaptureRequest)
    assert (capture.reference, capture.money.amount, capture.final) == ("ref_1", 700, False)
    assert isinstance(void, VoidRequest)
    assert (void.reference, void.money.amount) == ("ref_1", 1300)


@pytest.mark.parametrize("answer", [DECLINED, ACTION])
async def test_a_hold_that_cannot_be_captured_stays(world: World, answer: Any) -> None:
    intent = await world.hold()
    world.answer(answer)
    step = await capturing.capture_intent(world.tools, world.wish(), intent.id)
    done = await world.carry_out(step)
    assert isinstance(done.refusal, CardDeclined)
    after = world.only(Intent)
    assert (after.status, after.attempt_id) == ("requires_capture", None)
    assert (after.amount_capturable, world.only(Charge).amount_captured) == (2000, 0)
    assert world.news() == []


async def test_a_capture_without_an_answer_keeps_the_hold_busy(world: World) -> None:
    intent = await world.hold()
    world.answer(LOST)
    wish = world.wish(metadata={"till": "3"}, statement_descriptor="FISH")
    await world.carry_out(await capturing.capture_intent(world.tools, wish, intent.id))
    assert world.only(Intent).attempt_id is not None
    for ask in (capturing.capture_intent, capturing.cancel_intent):
        with pytest.raises(Conflict):
            await ask(world.tools, world.wish(), intent.id)
    await world.resolve(APPROVED, NOW + timedelta(seconds=11))
    after = world.only(Intent)
    assert (after.status, after.metadata) == ("succeeded", {"till": "3"})
    assert after.statement_descriptor == world.only(Charge).statement_descriptor == "FISH"


async def test_metadata_that_no_longer_fits_does_not_lose_the_capture(world: World) -> None:
    intent = await world.hold()
    world.answer(LOST)
    wish = world.wish(metadata={"till": "3"})
    await world.carry_out(await capturing.capture_intent(world.tools, wish, intent.id))
    full = world.wish(metadata={str(number): "x" for number in range(50)})
    await world.carry_out(await intending.update_intent(world.tools, full, intent.id))
    await world.resolve(APPROVED, NOW + timedelta(seconds=11))
    after = world.only(Intent)
    assert (after.status, len(after.metadata)) == ("succeeded", 50)


async def refund(world: World, *answers: Any, **given: Any) -> Done:
    world.answer(*answers)
    intent = world.only(Intent)
    wish = world.wish(payment_intent=intent.id, **given)
    return await world.carry_out(await refunding.create_refund(world.tools, wish))


async def test_a_refund_is_promised_before_it_is_asked_for(elsewhere: World) -> None:
    await elsewhere.pay()
    elsewhere.news()
    elsewhere.answer(APPROVED)
    wish = elsewhere.wish(payment_intent=elsewhere.only(Intent).id, amount=500)
    step = await refunding.create_refund(elsewhere.tools, wish)
    assert isinstance(step, Awaiting)
    elsewhere.commit(step.changes)
    assert (elsewhere.only(Refund).status, elsewhere.only(Charge).amount_refunded) == (
        "pending",
        500,
    )
    assert elsewhere.postings[-1].kind == "refund"
    assert elsewhere.news() == ["refund.created", "charge.refunded"]
    elsewhere.commit((await step.resume(await step.call())).changes)
    assert elsewhere.only(Refund).status == "succeeded"
    assert elsewhere.news() == ["refund.updated", "charge.refund.updated"]


async def test_a_refund_that_is_refused_gives_the_money_back_to_the_merchant(world: World) -> None:
    await world.pay()
    world.news()
    done = await refund(world, Declined("card_declined", "No.", reason="lost_or_stolen_card"))
    assert done.refusal is None, "a refund that fails is an answer, not an error"
    failed, charge = world.only(Refund), world.only(Charge)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert (charge.amount_refunded, charge.refundable) == (0, 2000)
    taken, back = world.postings[-2:]
    assert (taken.kind, back.kind) == ("refund", "refund_failure")
    assert failed.balance_transaction_id == taken.id
    assert failed.failure_balance_transaction_id == back.id
    assert world.news() == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
    ]


async def test_a_refund_that_waits_for_the_customer_can_be_canceled(world: World) -> None:
    await world.pay()
    await refund(world, ACTION, amount=1500)
    waiting = world.only(Refund)
    assert (waiting.status, waiting.reference) == ("requires_action", "ref_1")
    assert [a.state for a in world.every(Attempt) if a.kind == "refund"] == ["needs_reconciliation"]
    world.news()
    step = await refunding.cancel_refund(world.tools, world.wish(), waiting.id)
    await world.carry_out(step)
    canceled, charge = world.only(Refund), world.only(Charge)
    assert (canceled.status, charge.amount_refunded) == ("canceled", 0)
    assert canceled.failure_balance_transaction_id == world.postings[-1].id
    assert world.news() == ["refund.updated", "charge.refund.updated"]
    with pytest.raises(Refused):
        await refunding.cancel_refund(world.tools, world.wish(), waiting.id)


async def test_refunds_meet_on_the_charge(world: World) -> None:
    await world.pay()
    intent = world.only(Intent)
    world.answer(APPROVED, APPROVED)
    wish = world.wish(payment_intent=intent.id, amount=1500)
    one = await refunding.create_refund(world.tools, wish)
    two = await refunding.create_refund(world.tools, wish)
    await world.carry_out(one)
    with pytest.raises(GuardLost):
        world.commit(two.changes)
    with pytest.raises(Refused, match=r"5\.00 USD"):
        await refunding.create_refund(world.tools, wish)


async def test_a_direct_charge_goes_the_same_way(world: World) -> None:
    world.answer(LOST)
    wish = world.wish(amount=2000, currency="usd", source="tok_visa", capture=False)
    await world.carry_out(await charging.create_charge(world.tools, wish))
    waiting = world.only(Charge)
    assert (waiting.status, waiting.attempt_id) == ("pending", world.only(Attempt).id)
    assert world.news() == ["charge.pending"]
    await world.resolve(APPROVED, NOW + timedelta(seconds=11))
    assert world.news() == ["charge.succeeded"]
    world.answer(DECLINED, APPROVED)
    step = await charging.capture_charge(world.tools, world.wish(amount=700), waiting.id)
    assert isinstance((await world.carry_out(step)).refusal, CardDeclined)
    step = await charging.capture_charge(world.tools, world.wish(amount=700), waiting.id)
    await world.carry_out(step)
    charge = world.only(Charge)
    assert (charge.captured, charge.amount_captured, charge.attempt_id) == (True, 700, None)


async def test_a_direct_charge_that_wants_its_customer_is_refused(world: World) -> None:
    world.answer(ACTION)
    wish = world.wish(amount=2000, currency="usd", source="tok_visa")
    done = await world.carry_out(await charging.create_charge(world.tools, wish))
    assert isinstance(done.refusal, CardDeclined)
    assert (done.refusal.code, done.refusal.charge) == (
        "authentication_required",
        world.only(Charge).id,
    )
    assert world.news() == ["charge.failed"]


async def test_a_hold_runs_out_for_whoever_has_it(world: World) -> None:
    await world.hold()
    charge = world.only(Charge)
    world.answer(Declined("card_declined", "There is no such hold."))
    step = await sweeping.expire_hold(world.tools, TENANT, charge.id)
    assert step is not None
    await world.carry_out(step)
    assert world.only(Intent).cancellation_reason == "expired"
    assert world.news() == ["charge.expired", "payment_intent.canceled"]
    assert await sweeping.expire_hold(world.tools, TENANT, charge.id) is None
    assert await sweeping.expire_hold(world.tools, TENANT, "ch_none") is None
