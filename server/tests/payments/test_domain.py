"""The state machines of payments: a row for each arrow, and one for each refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest

from guilder_server.kernel.errors import Conflict, GuilderError
from guilder_server.kernel.money import Money
from guilder_server.payments.domain import charges, intents, refunds
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from tests.payments.things import NOW, a_captured_charge, a_charge, a_refund, an_intent

STATUSES: tuple[str, ...] = get_args(intents.Status)
ACTION = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
ERROR = {"type": "card_error", "message": "no"}

# From, by which arrow, to which status, and what else is then true.
ARROWS: list[tuple[str, str, Callable[[Intent], Intent], str, dict[str, Any]]] = [
    (
        "requires_payment_method",
        "a method is set",
        lambda i: intents.with_method(i, "pm_2"),
        "requires_confirmation",
        {"payment_method_id": "pm_2"},
    ),
    (
        "requires_confirmation",
        "the method is taken away",
        lambda i: intents.with_method(i, None),
        "requires_payment_method",
        {"payment_method_id": None},
    ),
    (
        "requires_action",
        "another method is set",
        lambda i: intents.with_method(i, "pm_2"),
        "requires_confirmation",
        {"next_action": None, "authentication": "none"},
    ),
    (
        "requires_action",
        "the amount changes",
        lambda i: intents.with_money(i, Money(1500, "usd")),
        "requires_confirmation",
        {"amount": 1500, "next_action": None, "payment_method_id": "pm_1"},
    ),
    (
        "requires_payment_method",
        "the currency changes",
        lambda i: intents.with_money(i, Money(2000, "eur")),
        "requires_payment_method",
        {"currency": "eur"},
    ),
    (
        "requires_confirmation",
        "a gateway is asked",
        lambda i: intents.asking(i, "att_2"),
        "processing",
        {"attempt_id": "att_2", "last_payment_error": None},
    ),
    (
        "processing",
        "the gateway wants the customer",
        lambda i: intents.require_action(i, ACTION, i.amount),
        "requires_action",
        {"attempt_id": None, "next_action": ACTION, "payment_method_id": "pm_1"},
    ),
    (
        "requires_action",
        "the customer authenticates",
        lambda i: intents.authenticated(i, True),
        "requires_confirmation",
        {"authentication": "succeeded", "next_action": None},
    ),
    (
        "requires_action",
        "the customer does not authenticate",
        lambda i: intents.authenticated(i, False),
        "requires_confirmation",
        {"authentication": "failed", "next_action": None},
    ),
    (
        "processing",
        "the money is held",
        lambda i: intents.authorize(i, "ch_2"),
        "requires_capture",
        {"amount_capturable": 2000, "latest_charge_id": "ch_2", "attempt_id": None},
    ),
    (
        "processing",
        "the money is taken",
        lambda i: intents.succeed(i, "ch_2"),
        "succeeded",
        {"amount_received": 2000, "latest_charge_id": "ch_2", "attempt_id": None},
    ),
    (
        "processing",
        "the card is refused",
        lambda i: intents.decline(i, ERROR, "ch_2"),
        "requires_payment_method",
        {"payment_method_id": None, "last_payment_error": ERROR, "latest_charge_id": "ch_2"},
    ),
    (
        "processing",
        "it does not come to a charge",
        lambda i: intents.decline(i, ERROR, None),
        "requires_payment_method",
        {"latest_charge_id": None, "attempt_id": None},
    ),
    (
        "requires_capture",
        "all is captured",
        lambda i: intents.capture(i, 2000, final=False),
        "succeeded",
        {"amount_received": 2000, "amount_capturable": 0},
    ),
    (
        "requires_capture",
        "a part is captured, the rest let go",
        lambda i: intents.capture(i, 700, final=True),
        "succeeded",
        {"amount_received": 700, "amount_capturable": 0},
    ),
    (
        "requires_capture",
        "a part is captured, the rest kept",
        lambda i: intents.capture(i, 700, final=False),
        "requires_capture",
        {"amount_received": 700, "amount_capturable": 1300},
    ),
    (
        "requires_capture",
        "the hold is raised",
        lambda i: intents.increment(i, 3000),
        "requires_capture",
        {"amount": 3000, "amount_capturable": 3000, "increments": 1},
    ),
    (
        "requires_capture",
        "the hold is not raised",
        intents.refuse_increment,
        "requires_capture",
        {"amount": 2000, "amount_capturable": 2000, "increments": 1},
    ),
    *[
        (
            status,
            "it is canceled",
            lambda i: intents.cancel(i, "abandoned", NOW),
            "canceled",
            {"amount_capturable": 0, "cancellation_reason": "abandoned", "canceled_at": NOW},
        )
        for status in intents.CANCELABLE
    ],
]


@pytest.mark.parametrize(
    ("status", "arrow", "to", "then"),
    [(status, arrow, to, then) for status, _, arrow, to, then in ARROWS],
    ids=[f"{status}: {words}" for status, words, *_ in ARROWS],
)
def test_an_intent_goes_from_status_to_status(
    status: str, arrow: Callable[[Intent], Intent], to: str, then: dict[str, Any]
) -> None:
    after = arrow(an_intent(status))
    assert after.status == to
    assert {name: getattr(after, name) for name in then} == then


ALLOWED: dict[str, tuple[Callable[[Intent], object], tuple[str, ...]]] = {
    "confirm": (
        lambda i: intents.require_state(i, "confirmed", intents.BEFORE_CONFIRMATION),
        ("requires_payment_method", "requires_confirmation", "requires_action"),
    ),
    "cancel": (
        lambda i: intents.require_state(i, "canceled", intents.CANCELABLE),
        (
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "requires_capture",
        ),
    ),
    "capture": (lambda i: intents.require_capturable(i, 2000), ("requires_capture",)),
    "increment": (lambda i: intents.require_incrementable(i, 3000), ("requires_capture",)),
    "authenticate": (lambda i: intents.authenticated(i, True), ("requires_action",)),
}


@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("status", STATUSES)
def test_what_an_intent_may_be_asked_for_depends_on_its_status(verb: str, status: str) -> None:
    ask, allowed = ALLOWED[verb]
    if status in allowed:
        ask(an_intent(status))
        return
    with pytest.raises(GuilderError) as refused:
        ask(an_intent(status))
    assert refused.value.code == "payment_intent_unexpected_state"
    assert status in refused.value.message
    assert refused.value.subject == an_intent(status)


@pytest.mark.parametrize("verb", ALLOWED)
def test_nothing_else_is_asked_for_while_a_gateway_is_busy(verb: str) -> None:
    ask, allowed = ALLOWED[verb]
    with pytest.raises(Conflict):
        ask(an_intent(allowed[-1], attempt_id="att_1"))


def test_an_intent_waits_for_one_gateway_at_a_time() -> None:
    busy = intents.busy(an_intent("requires_capture"), "att_1")
    assert (busy.status, busy.attempt_id) == ("requires_capture", "att_1")
    with pytest.raises(Conflict):
        intents.busy(busy, "att_2")
    assert intents.idle(busy) == an_intent("requires_capture")


HELD = an_intent("requires_capture")

REFUSALS: list[tuple[str, Callable[[], object], str, str | None]] = [
    (
        "more than is held",
        lambda: intents.require_capturable(HELD, 2001),
        "amount_too_large",
        "amount_to_capture",
    ),
    (
        "more than is left of the hold",
        lambda: intents.require_capturable(intents.capture(HELD, 1500, final=False), 501),
        "amount_too_large",
        "amount_to_capture",
    ),
    (
        "no higher hold",
        lambda: intents.require_incrementable(HELD, 2000),
        "parameter_invalid_integer",
        "amount",
    ),
    (
        "an eleventh increment",
        lambda: intents.require_incrementable(replace(HELD, increments=10), 3000),
        "payment_intent_unexpected_state",
        None,
    ),
    (
        "an increment after a capture",
        lambda: intents.require_incrementable(intents.capture(HELD, 700, final=False), 3000),
        "payment_intent_unexpected_state",
        None,
    ),
    (
        "a second capture of a charge",
        lambda: charges.require_capturable(a_captured_charge(), 2000),
        "charge_already_captured",
        None,
    ),
    (
        "a released charge",
        lambda: charges.require_capturable(a_charge(released=True), 2000),
        "charge_expired_for_capture",
        None,
    ),
    (
        "a failed charge",
        lambda: charges.require_capturable(a_charge("failed"), 2000),
        "capture_unauthorized_payment",
        None,
    ),
    (
        "more than a charge holds",
        lambda: charges.require_capturable(a_charge(), 2001),
        "amount_too_large",
        "amount",
    ),
    (
        "a refund of what was not taken",
        lambda: charges.require_refundable(a_charge(), 1),
        "charge_not_refundable",
        None,
    ),
    (
        "a refund of a failed charge",
        lambda: charges.require_refundable(a_charge("failed"), 1),
        "charge_not_refundable",
        None,
    ),
    (
        "a refund of what was given back",
        lambda: charges.require_refundable(a_captured_charge(amount_refunded=2000), 1),
        "charge_already_refunded",
        None,
    ),
    (
        "a refund of more than is left",
        lambda: charges.require_refundable(a_captured_charge(amount_refunded=1500), 501),
        "amount_too_large",
        "amount",
    ),
    *[
        (
            f"canceling a refund that is {status}",
            lambda status=status: refunds.cancel(a_refund(status), "txn_1"),
            "status_transition_invalid",
            None,
        )
        for status in ("pending", "succeeded", "failed", "canceled")
    ],
]


@pytest.mark.parametrize(
    ("ask", "code", "param"),
    [(ask, code, param) for _, ask, code, param in REFUSALS],
    ids=[words for words, *_ in REFUSALS],
)
def test_it_is_refused(ask: Callable[[], object], code: str, param: str | None) -> None:
    with pytest.raises(GuilderError) as refused:
        ask()
    assert (refused.value.code, refused.value.param) == (code, param)
    assert refused.value.decided, "the same key is to be answered the same"


def test_a_charge_that_is_being_captured_is_left_alone() -> None:
    busy = charges.busy(a_charge(), "att_1")
    for ask in (
        lambda: charges.require_capturable(busy, 1),
        lambda: charges.require_idle(busy),
        lambda: charges.busy(busy, "att_2"),
    ):
        with pytest.raises(Conflict):
            ask()
    assert charges.idle(busy) == a_charge()


def test_a_capture_takes_what_it_says_and_remembers_the_first_transaction() -> None:
    once = charges.capture(a_charge(), 700, final=False, transaction_id="txn_1")
    assert (once.amount_captured, once.captured, once.capturable) == (700, False, 1300)
    twice = charges.capture(once, 300, final=True, transaction_id="txn_2")
    assert (twice.amount_captured, twice.captured, twice.capturable) == (1000, True, 0)
    assert twice.balance_transaction_id == "txn_1"


def test_a_capture_of_all_that_is_held_is_the_last_one() -> None:
    assert charges.capture(a_charge(), 2000, final=False, transaction_id="txn_1").captured


@pytest.mark.parametrize(("taken", "captured"), [(0, False), (700, True)])
def test_what_was_captured_of_a_released_hold_stays_captured(taken: int, captured: bool) -> None:
    charge = charges.release(a_charge(amount_captured=taken))
    assert (charge.captured, charge.held, charge.capturable) == (captured, False, 0)
    assert charge.amount_captured == taken


@pytest.mark.parametrize(
    ("charge", "refunded"),
    [
        (a_charge(), False),
        (a_captured_charge(), False),
        (a_captured_charge(amount_refunded=1999), False),
        (a_captured_charge(amount_refunded=2000), True),
        (a_captured_charge(amount_captured=700, amount_refunded=700), True),
        (a_charge(amount_captured=700, amount_refunded=700), False),
    ],
)
def test_a_charge_is_refunded_when_all_that_it_took_is_given_back(
    charge: Charge, refunded: bool
) -> None:
    assert charge.refunded is refunded


def test_refunds_are_counted_and_taken_back() -> None:
    charge = charges.refund(a_captured_charge(), 1500)
    assert (charge.amount_refunded, charge.refundable) == (1500, 500)
    assert charges.take_back_refund(charge, 1500) == a_captured_charge()


def test_a_fraud_report_is_given_and_taken_back() -> None:
    reported = charges.with_fraud_report(a_charge(), "fraudulent")
    assert reported.fraud_details == {"user_report": "fraudulent"}
    assert charges.with_fraud_report(reported, "safe").fraud_details == {"user_report": "safe"}
    assert charges.with_fraud_report(reported, "") == a_charge()


def test_a_refund_goes_its_way() -> None:
    asked = refunds.require_action(a_refund(), "ref_1")
    assert (asked.status, asked.reference) == ("requires_action", "ref_1")
    canceled = refunds.cancel(asked, "txn_2")
    assert (canceled.status, canceled.failure_balance_transaction_id) == ("canceled", "txn_2")
    arrived = refunds.succeed(a_refund(), "ref_1")
    assert (arrived.status, arrived.reference) == ("succeeded", "ref_1")
    back = refunds.fail(arrived, "expired_or_canceled_card", "txn_2")
    assert (back.status, back.failure_reason) == ("failed", "expired_or_canceled_card")
    assert back.failure_balance_transaction_id == "txn_2"


@pytest.mark.parametrize(
    ("authentication", "agreed", "asked", "expected"),
    [
        ("succeeded", 1400, 1400, "succeeded"),
        ("succeeded", 1400, 900, "succeeded"),
        ("succeeded", 1400, 1401, "none"),
        ("failed", 1400, 2000, "failed"),
        ("none", None, 2000, "none"),
    ],
)
def test_a_customer_has_agreed_to_no_more_than_they_were_shown(
    authentication: Any, agreed: int | None, asked: int, expected: str
) -> None:
    intent = an_intent(authentication=authentication, authenticated_amount=agreed)
    assert intents.agreed_to(intent, asked) == expected
