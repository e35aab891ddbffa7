"""The flows of payments, with a gateway that says what the test tells it to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guilder_server.gateways import (
    ActionRequired,
    Approved,
    Attempt,
    AuthorizeRequest,
    CaptureRequest,
    Declined,
    NotFound,
    Pending,
    Unknown,
    VoidRequest,
)
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import CardDeclined, Conflict, InvalidRequest, Refused
from guilder_server.kernel.steps import Awaiting, Done
from guilder_server.payment_methods import PaymentMethod
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
from tests.payments.fakes import LIVE, PAGE, TENANT, World
from tests.payments.things import NOW

pytestmark = pytest.mark.anyio

APPROVED = Approved("ref_1", captured=True)
DECLINED = Declined("card_declined", "Your card was declined.", "generic_decline")
ACTION = ActionRequired("authenticate", "ref_1")
PAYMENT: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": True,
}


async def pay(world: World, *answers: Any, **given: Any) -> Done:
    world.answer(*(answers or (APPROVED,)))
    wish = world.wish(**PAYMENT | given)
    return await world.carry_out(await intending.create_intent(world.tools, wish))


async def held(world: World, **given: Any) -> Intent:
    done = await pay(world, capture_method="manual", **given)
    assert isinstance(done.result, Intent)
    assert done.result.status == "requires_capture"
    world.news()
    return done.result


@pytest.fixture(params=[True, False], ids=["in process", "elsewhere"])
def world(request: pytest.FixtureRequest) -> World:
    return World(in_process=request.param)


@pytest.fixture
def elsewhere() -> World:
    return World(in_process=False)


async def test_the_gateway_is_asked_for_what_the_intent_says(world: World) -> None:
    await pay(
        world,
        capture_method="manual",
        return_url="https://shop.example",
        statement_descriptor="FISH",
        payment_method_options={"card": {"request_three_d_secure": "any"}},
    )
    [asked] = world.gateway.asked
    assert isinstance(asked, AuthorizeRequest)
    assert (asked.money.amount, asked.money.currency) == (2000, "usd")
    assert (asked.capture, asked.off_session, asked.set_up) == (False, False, False)
    assert (asked.three_d_secure, asked.authentication) == ("any", "none")
    assert (asked.return_url, asked.statement_descriptor) == ("https://shop.example", "FISH")
    attempt = world.only(Attempt)
    assert (attempt.id, attempt.subject_id) == (asked.attempt_id, world.only(Intent).id)


async def test_one_commit_or_two_leave_the_same_behind(world: World) -> None:
    done = await pay(world, metadata={"a": "1"})
    intent, charge, attempt = world.only(Intent), world.only(Charge), world.only(Attempt)
    assert done.result == intent
    assert (intent.status, intent.attempt_id) == ("succeeded", None)
    assert (charge.status, charge.reference, charge.captured) == ("succeeded", "ref_1", True)
    assert (attempt.state, attempt.recovery, attempt.lease_until) == ("succeeded", {}, None)
    assert world.news() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    [posting] = world.postings
    assert (posting.kind, posting.source, posting.id) == (
        "charge",
        charge.id,
        charge.balance_transaction_id,
    )


async def test_a_gateway_elsewhere_is_asked_between_two_commits(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    assert isinstance(step, Awaiting)
    assert elsewhere.gateway.asked == [], "first it must be durable"
    elsewhere.commit(step.changes)
    intent, attempt = elsewhere.only(Intent), elsewhere.only(Attempt)
    assert (intent.status, intent.attempt_id) == ("processing", attempt.id)
    assert (attempt.state, attempt.recovery["key"]) == ("pending", "k")
    assert attempt.lease_until == NOW + timedelta(seconds=10)
    assert elsewhere.postings == []
    again = elsewhere.wish(payment_method="pm_card_visa")
    with pytest.raises(Refused, match="processing"):
        await intending.confirm_intent(elsewhere.tools, again, intent.id)
    answer = await step.call()
    elsewhere.commit((await step.resume(answer)).changes)
    assert elsewhere.only(Intent).status == "succeeded"


async def test_whoever_comes_second_with_an_answer_changes_nothing(elsewhere: World) -> None:
    elsewhere.answer(DECLINED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    assert isinstance(step, Awaiting)
    elsewhere.commit(step.changes)
    first, second = await step.resume(DECLINED), await step.resume(DECLINED)
    assert isinstance(second, Done)
    elsewhere.commit(first.changes)
    with pytest.raises(GuardLost):
        elsewhere.commit(second.changes)
    known = await step.resume(APPROVED)
    assert isinstance(known, Done)
    assert known.changes.empty()
    assert isinstance(known.refusal, CardDeclined)
    assert known.result == elsewhere.only(Intent)


async def test_a_refused_card_leaves_a_charge_and_its_reason(world: World) -> None:
    done = await pay(world, DECLINED)
    intent, charge = world.only(Intent), world.only(Charge)
    assert isinstance(done.refusal, CardDeclined)
    assert (done.refusal.charge, done.refusal.subject) == (charge.id, intent)
    assert (charge.status, charge.failure_code) == ("failed", "card_declined")
    assert intent.last_payment_error is not None
    assert intent.last_payment_error["charge"] == charge.id
    assert world.only(Attempt).state == "failed"
    assert world.postings == []


async def test_a_customer_is_sent_to_the_gateways_page_or_to_ours(world: World) -> None:
    done = await pay(
        world,
        ActionRequired("authenticate", "ref_1", "https://bank.example/3ds"),
        return_url="a://b",
    )
    assert isinstance(done.result, Intent)
    assert done.result.next_action == {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://bank.example/3ds", "return_url": "a://b"},
    }
    done = await pay(world, ACTION)
    assert isinstance(done.result, Intent)
    assert done.result.next_action is not None
    ours = done.result.next_action["use_stripe_sdk"]["stripe_js"]
    assert ours == f"{PAGE}/{done.result.id}?client_secret={done.result.client_secret}"
    assert {attempt.state for attempt in world.every(Attempt)} == {"failed"}


async def test_an_answer_that_is_yet_to_come_is_waited_for(world: World) -> None:
    soon = NOW + timedelta(seconds=5)
    await pay(world, Pending("ref_1", soon))
    intent, attempt = world.only(Intent), world.only(Attempt)
    assert (intent.status, intent.attempt_id) == ("processing", attempt.id)
    assert (attempt.state, attempt.lease_until) == ("pending", soon)
    assert attempt.recovery == {"then": {}}, "its caller was answered"
    assert world.news() == ["payment_intent.created", "payment_intent.processing"]
    await resolved(world, Unknown("no answer"), soon + timedelta(seconds=1))
    assert world.news() == [], "that it takes time is told once"
    await resolved(world, APPROVED, soon + timedelta(minutes=1))
    assert world.only(Intent).status == "succeeded"


async def resolved(world: World, answer: Any, at: Any) -> Done:
    """What the sweeper does with an attempt that nobody has in hand."""
    world.clock.instant = at
    attempt = next(a for a in world.every(Attempt) if a.open)
    in_hand = await sweeping.take(world.tools, TENANT, attempt.id)
    assert in_hand is not None
    world.commit(in_hand.changes)
    assert await sweeping.take(world.tools, TENANT, attempt.id) is None, "it is in hand"
    step = await sweeping.resolve(world.tools, TENANT, attempt.id, answer)
    return await world.carry_out(step)


async def test_nobody_takes_over_what_is_in_hand_or_over(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    elsewhere.commit(step.changes)
    attempt = elsewhere.only(Attempt)
    assert await sweeping.take(elsewhere.tools, TENANT, attempt.id) is None
    assert await sweeping.take(elsewhere.tools, TENANT, "att_none") is None
    await resolved(elsewhere, APPROVED, NOW + timedelta(seconds=11))
    elsewhere.clock.advance(timedelta(days=1))
    assert await sweeping.take(elsewhere.tools, TENANT, attempt.id) is None


async def test_a_lost_request_is_answered_by_whoever_finds_it(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    elsewhere.commit(step.changes)
    elsewhere.clock.advance(timedelta(seconds=11))
    attempt = elsewhere.only(Attempt)
    in_hand = await sweeping.take(elsewhere.tools, TENANT, attempt.id)
    assert in_hand is not None
    assert in_hand.recovery["key"] == "k"


async def test_a_browsers_lost_request_is_answered_as_to_a_browser(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    wish = elsewhere.wish(**PAYMENT, metadata={"note": "vip"})
    wish = type(wish)(wish.tenant, wish.given, {**wish.recovery, "by_browser": True})
    step = await intending.create_intent(elsewhere.tools, wish)
    elsewhere.commit(step.changes)
    done = await resolved(elsewhere, APPROVED, NOW + timedelta(seconds=11))
    assert isinstance(done.result, Intent)
    assert done.result.metadata == {}
    assert elsewhere.only(Intent).metadata == {"note": "vip"}


async def test_what_no_gateway_knows_is_left_to_a_person(elsewhere: World) -> None:
    await pay(elsewhere, Unknown("no answer"))
    done = await resolved(elsewhere, NotFound(), NOW + timedelta(seconds=11))
    attempt, intent = elsewhere.only(Attempt), elsewhere.only(Intent)
    assert (attempt.state, attempt.open) == ("needs_reconciliation", False)
    assert (intent.status, done.result) == ("processing", intent)
    wish = elsewhere.wish(payment_method="pm_card_visa")
    with pytest.raises(Refused):
        await intending.confirm_intent(elsewhere.tools, wish, intent.id)


async def test_live_payments_need_real_money(world: World) -> None:
    world.gateway.can(real_money=False)
    wish = world.wish(LIVE, amount=2000, currency="usd")
    intent = (await world.carry_out(await intending.create_intent(world.tools, wish))).result
    assert isinstance(intent, Intent)
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
    data = {"type": "card", "card": card}
    wish = world.wish(LIVE, payment_method_data=data)
    with pytest.raises(InvalidRequest) as refused:
        await intending.confirm_intent(world.tools, wish, intent.id)
    assert refused.value.code == "testmode_charges_only"
    world.gateway.can(real_money=True)
    world.answer(APPROVED)
    step = await intending.confirm_intent(world.tools, wish, intent.id)
    assert (await world.carry_out(step)).refusal is None


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
    intent = await held(world)
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
    await pay(world)
    intent = world.only(Intent)
    wish = world.wish(payment_intent=intent.id, amount=500)
    with pytest.raises(InvalidRequest, match="as a whole"):
        await refunding.create_refund(world.tools, wish)
    world.answer(APPROVED)
    step = await refunding.create_refund(world.tools, world.wish(payment_intent=intent.id))
    await world.carry_out(step)
    assert world.only(Refund).amount == 2000


async def test_the_hold_is_asked_of_the_gateway_that_keeps_it(world: World) -> None:
    intent = await held(world)
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
    intent = await held(world)
    world.answer(answer)
    step = await capturing.capture_intent(world.tools, world.wish(), intent.id)
    done = await world.carry_out(step)
    assert isinstance(done.refusal, CardDeclined)
    after = world.only(Intent)
    assert (after.status, after.attempt_id) == ("requires_capture", None)
    assert (after.amount_capturable, world.only(Charge).amount_captured) == (2000, 0)
    assert world.news() == []


async def test_a_capture_without_an_answer_keeps_the_hold_busy(world: World) -> None:
    intent = await held(world)
    world.answer(Unknown("no answer"))
    wish = world.wish(metadata={"till": "3"}, statement_descriptor="FISH")
    await world.carry_out(await capturing.capture_intent(world.tools, wish, intent.id))
    assert world.only(Intent).attempt_id is not None
    for ask in (capturing.capture_intent, capturing.cancel_intent):
        with pytest.raises(Conflict):
            await ask(world.tools, world.wish(), intent.id)
    await resolved(world, APPROVED, NOW + timedelta(seconds=11))
    after = world.only(Intent)
    assert (after.status, after.metadata) == ("succeeded", {"till": "3"})
    assert after.statement_descriptor == world.only(Charge).statement_descriptor == "FISH"


async def test_metadata_that_no_longer_fits_does_not_lose_the_capture(world: World) -> None:
    intent = await held(world)
    world.answer(Unknown("no answer"))
    wish = world.wish(metadata={"till": "3"})
    await world.carry_out(await capturing.capture_intent(world.tools, wish, intent.id))
    full = world.wish(metadata={str(number): "x" for number in range(50)})
    await world.carry_out(await intending.update_intent(world.tools, full, intent.id))
    await resolved(world, APPROVED, NOW + timedelta(seconds=11))
    after = world.only(Intent)
    assert (after.status, len(after.metadata)) == ("succeeded", 50)


async def test_a_card_is_not_kept_for_a_customer_who_is_gone(world: World) -> None:
    customer = world.customer()
    world.answer(Unknown("no answer"))
    given = {"customer": customer.id, "setup_future_usage": "off_session"}
    wish = world.wish(**PAYMENT | given)
    await world.carry_out(await intending.create_intent(world.tools, wish))
    gone = Changes(TENANT)
    gone.change(customer, replace(customer, deleted=True))
    world.commit(gone)
    await resolved(world, APPROVED, NOW + timedelta(seconds=11))
    intent = world.only(Intent)
    assert (intent.status, intent.payment_method_id is not None) == ("succeeded", True)
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.spent) == (None, True)


@pytest.mark.parametrize(("usage", "set_up"), [("off_session", True), ("on_session", False)])
async def test_a_card_is_set_up_by_the_payment_that_its_customer_agreed_to(
    world: World, usage: str, set_up: bool
) -> None:
    customer = world.customer()
    await pay(world, customer=customer.id, setup_future_usage=usage)
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.set_up, method.spent) == (customer.id, set_up, False)
    await pay(world, customer=customer.id, payment_method=method.id, off_session=True)
    asked = world.gateway.asked[-1]
    assert isinstance(asked, AuthorizeRequest)
    assert (asked.off_session, asked.set_up) == (True, set_up)
    await pay(
        world, customer=customer.id, payment_method=method.id, setup_future_usage="off_session"
    )
    assert world.only(PaymentMethod).set_up


async def test_a_card_that_was_refused_is_neither_kept_nor_used_up(world: World) -> None:
    customer = world.customer()
    await pay(world, DECLINED, customer=customer.id, setup_future_usage="off_session")
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.spent, method.set_up) == (None, False, False)


async def refund(world: World, *answers: Any, **given: Any) -> Done:
    world.answer(*answers)
    intent = world.only(Intent)
    wish = world.wish(payment_intent=intent.id, **given)
    return await world.carry_out(await refunding.create_refund(world.tools, wish))


async def test_a_refund_is_promised_before_it_is_asked_for(elsewhere: World) -> None:
    await pay(elsewhere)
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
    await pay(world)
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
    await pay(world)
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
    await pay(world)
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
    world.answer(Unknown("no answer"))
    wish = world.wish(amount=2000, currency="usd", source="tok_visa", capture=False)
    await world.carry_out(await charging.create_charge(world.tools, wish))
    waiting = world.only(Charge)
    assert (waiting.status, waiting.attempt_id) == ("pending", world.only(Attempt).id)
    assert world.news() == ["charge.pending"]
    await resolved(world, APPROVED, NOW + timedelta(seconds=11))
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
    await held(world)
    charge = world.only(Charge)
    world.answer(Declined("card_declined", "There is no such hold."))
    step = await sweeping.expire_hold(world.tools, TENANT, charge.id)
    assert step is not None
    await world.carry_out(step)
    assert world.only(Intent).cancellation_reason == "expired"
    assert world.news() == ["charge.expired", "payment_intent.canceled"]
    assert await sweeping.expire_hold(world.tools, TENANT, charge.id) is None
    assert await sweeping.expire_hold(world.tools, TENANT, "ch_none") is None
