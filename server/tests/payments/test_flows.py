"""The flows of payments, with a gateway that says what the test tells it to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guilder_server.gateways import (
    ActionRequired,
    Attempt,
    AuthorizeRequest,
    NotFound,
    Pending,
    take_over,
)
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import CardDeclined, InvalidRequest, Refused
from guilder_server.kernel.steps import Awaiting, Done
from guilder_server.payment_methods import PaymentMethod
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows import (
    intending,
)
from tests.payments.fakes import (
    ACTION,
    APPROVED,
    DECLINED,
    LIVE,
    LOST,
    PAGE,
    PAYMENT,
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


async def test_the_gateway_is_asked_for_what_the_intent_says(world: World) -> None:
    await world.pay(
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
    done = await world.pay(metadata={"a": "1"})
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
    done = await world.pay(DECLINED)
    intent, charge = world.only(Intent), world.only(Charge)
    assert isinstance(done.refusal, CardDeclined)
    assert (done.refusal.charge, done.refusal.subject) == (charge.id, intent)
    assert (charge.status, charge.failure_code) == ("failed", "card_declined")
    assert intent.last_payment_error is not None
    assert intent.last_payment_error["charge"] == charge.id
    assert world.only(Attempt).state == "failed"
    assert world.postings == []


async def test_a_customer_is_sent_to_the_gateways_page_or_to_ours(world: World) -> None:
    done = await world.pay(
        ActionRequired("authenticate", "ref_1", "https://bank.example/3ds"),
        return_url="a://b",
    )
    assert isinstance(done.result, Intent)
    assert done.result.next_action == {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://bank.example/3ds", "return_url": "a://b"},
    }
    done = await world.pay(ACTION)
    assert isinstance(done.result, Intent)
    assert done.result.next_action is not None
    ours = done.result.next_action["use_stripe_sdk"]["stripe_js"]
    assert ours == f"{PAGE}/{done.result.id}?client_secret={done.result.client_secret}"
    assert {attempt.state for attempt in world.every(Attempt)} == {"failed"}


async def test_an_answer_that_is_yet_to_come_is_waited_for(world: World) -> None:
    soon = NOW + timedelta(seconds=5)
    await world.pay(Pending("ref_1", soon))
    intent, attempt = world.only(Intent), world.only(Attempt)
    assert (intent.status, intent.attempt_id) == ("processing", attempt.id)
    assert (attempt.state, attempt.lease_until) == ("pending", soon)
    assert attempt.recovery == {"then": {}}, "its caller was answered"
    assert world.news() == ["payment_intent.created", "payment_intent.processing"]
    await world.resolve(LOST, soon + timedelta(seconds=1))
    assert world.news() == [], "that it takes time is told once"
    await world.resolve(APPROVED, soon + timedelta(minutes=1))
    assert world.only(Intent).status == "succeeded"


async def test_nobody_takes_over_what_is_in_hand_or_over(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    elsewhere.commit(step.changes)
    attempt = elsewhere.only(Attempt)
    assert await take_over(elsewhere.tools, TENANT, attempt.id) is None
    assert await take_over(elsewhere.tools, TENANT, "att_none") is None
    await elsewhere.resolve(APPROVED, NOW + timedelta(seconds=11))
    elsewhere.clock.advance(timedelta(days=1))
    assert await take_over(elsewhere.tools, TENANT, attempt.id) is None


async def test_a_lost_request_is_answered_by_whoever_finds_it(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    step = await intending.create_intent(elsewhere.tools, elsewhere.wish(**PAYMENT))
    elsewhere.commit(step.changes)
    elsewhere.clock.advance(timedelta(seconds=11))
    attempt = elsewhere.only(Attempt)
    in_hand = await take_over(elsewhere.tools, TENANT, attempt.id)
    assert in_hand is not None
    assert in_hand.recovery["key"] == "k"


async def test_a_browsers_lost_request_is_answered_as_to_a_browser(elsewhere: World) -> None:
    elsewhere.answer(APPROVED)
    wish = elsewhere.wish(**PAYMENT, metadata={"note": "vip"})
    wish = type(wish)(wish.tenant, wish.given, {**wish.recovery, "by_browser": True})
    step = await intending.create_intent(elsewhere.tools, wish)
    elsewhere.commit(step.changes)
    done = await elsewhere.resolve(APPROVED, NOW + timedelta(seconds=11))
    assert isinstance(done.result, Intent)
    assert done.result.metadata == {}
    assert elsewhere.only(Intent).metadata == {"note": "vip"}


async def test_what_no_gateway_knows_is_left_to_a_person(elsewhere: World) -> None:
    await elsewhere.pay(LOST)
    done = await elsewhere.resolve(NotFound(), NOW + timedelta(seconds=11))
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


async def test_a_card_is_not_kept_for_a_customer_who_is_gone(world: World) -> None:
    customer = world.customer()
    world.answer(LOST)
    given = {"customer": customer.id, "setup_future_usage": "off_session"}
    wish = world.wish(**PAYMENT | given)
    await world.carry_out(await intending.create_intent(world.tools, wish))
    gone = Changes(TENANT)
    gone.change(customer, replace(customer, deleted=True))
    world.commit(gone)
    await world.resolve(APPROVED, NOW + timedelta(seconds=11))
    intent = world.only(Intent)
    assert (intent.status, intent.payment_method_id is not None) == ("succeeded", True)
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.spent) == (None, True)


@pytest.mark.parametrize(("usage", "set_up"), [("off_session", True), ("on_session", False)])
async def test_a_card_is_set_up_by_the_payment_that_its_customer_agreed_to(
    world: World, usage: str, set_up: bool
) -> None:
    customer = world.customer()
    await world.pay(customer=customer.id, setup_future_usage=usage)
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.set_up, method.spent) == (customer.id, set_up, False)
    await world.pay(customer=customer.id, payment_method=method.id, off_session=True)
    asked = world.gateway.asked[-1]
    assert isinstance(asked, AuthorizeRequest)
    assert (asked.off_session, asked.set_up) == (True, set_up)
    await world.pay(
        customer=customer.id, payment_method=method.id, setup_future_usage="off_session"
    )
    assert world.only(PaymentMethod).set_up


async def test_a_card_that_was_refused_is_neither_kept_nor_used_up(world: World) -> None:
    customer = world.customer()
    await world.pay(DECLINED, customer=customer.id, setup_future_usage="off_session")
    method = world.only(PaymentMethod)
    assert (method.customer_id, method.spent, method.set_up) == (None, False, False)
