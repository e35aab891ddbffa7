"""Random walks over the pure functions: whatever is done in whatever order, the sums hold."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.errors import GuilderError
from guilder_server.payments.domain import charges, intents
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from tests.payments.things import NOW, a_charge, an_intent

AMOUNTS = st.integers(min_value=1, max_value=4000)


@dataclass
class Payment:
    """An intent with its charge, changed together as the flows change them. Each step asks
    whether it may, and does nothing where it may not."""

    intent: Intent
    charge: Charge
    given_back: int = 0

    def capture(self, amount: int, final: bool) -> None:
        intents.require_capturable(self.intent, amount)
        charges.require_capturable(self.charge, amount)
        self.intent = intents.capture(self.intent, amount, final)
        self.charge = charges.capture(self.charge, amount, final, "txn_1")

    def increment(self, amount: int, agreed: bool) -> None:
        intents.require_incrementable(self.intent, amount)
        if agreed:
            self.intent = intents.increment(self.intent, amount)
            self.charge = charges.increment(self.charge, amount)
        else:
            self.intent = intents.refuse_increment(self.intent)

    def cancel(self) -> None:
        intents.require_state(self.intent, "canceled", intents.CANCELABLE)
        self.intent = intents.cancel(self.intent, None, NOW)
        self.charge = charges.release(self.charge)

    def refund(self, amount: int) -> None:
        charges.require_refundable(self.charge, amount)
        self.charge = charges.refund(self.charge, amount)
        self.given_back += amount

    def refund_fails(self) -> None:
        """The whole of what was given back comes back."""
        self.charge = charges.take_back_refund(self.charge, self.given_back)
        self.given_back = 0


STEPS = st.one_of(
    st.tuples(st.just("capture"), AMOUNTS, st.booleans()),
    st.tuples(st.just("increment"), AMOUNTS, st.booleans()),
    st.tuples(st.just("refund"), AMOUNTS),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("refund_fails")),
)


@given(st.lists(STEPS, max_size=12))
def test_no_order_of_events_breaks_the_sums(steps: list[tuple[object, ...]]) -> None:
    payment = Payment(an_intent("requires_capture"), a_charge())
    for name, *arguments in steps:
        before = (payment.intent, payment.charge)
        try:
            getattr(payment, str(name))(*arguments)
        except GuilderError:
            assert (payment.intent, payment.charge) == before, "a refusal changes nothing"
        _hold(payment.intent, payment.charge)


def _hold(intent: Intent, charge: Charge) -> None:
    """The sums, which the database holds as well; and the two objects tell the same story."""
    assert intent.amount_received >= 0
    assert intent.amount_capturable >= 0
    assert intent.amount_received + intent.amount_capturable <= intent.amount
    assert 0 <= charge.amount_refunded <= charge.amount_captured <= charge.amount
    assert intent.amount == charge.amount
    assert intent.amount_received == charge.amount_captured
    assert intent.amount_capturable == charge.capturable
    assert (intent.status == "requires_capture") == charge.held
    assert intent.increments <= intents.MOST_INCREMENTS
    if charge.refunded:
        assert charge.refundable == 0


ANSWERS = st.sampled_from(["hold", "take", "decline", "ask_customer", "fail", "succeed"])


@given(st.lists(ANSWERS, max_size=12), st.booleans())
def test_an_intent_is_paid_once_however_often_it_is_tried(answers: list[str], manual: bool) -> None:
    intent = an_intent("requires_confirmation", capture_method="manual" if manual else "automatic")
    for count, answer in enumerate(answers):
        paid = intent.amount_received + intent.amount_capturable
        try:
            intent = _tried(intent, answer, count)
        except GuilderError:
            continue
        assert (intent.next_action is not None) == (intent.status == "requires_action")
        assert (intent.payment_method_id is None) == (intent.status == "requires_payment_method")
        assert not paid, "what is paid is not tried again"
        assert intent.amount_received + intent.amount_capturable <= intent.amount


def _tried(intent: Intent, answer: str, count: int) -> Intent:
    if answer in ("fail", "succeed"):
        return intents.authenticated(intent, answer == "succeed")
    intents.require_state(intent, "confirmed", intents.BEFORE_CONFIRMATION)
    asked = intents.asking(intents.with_method(intent, "pm_1"), f"att_{count}")
    match answer:
        case "decline":
            return intents.decline(asked, {"message": "no"}, f"ch_{count}")
        case "ask_customer":
            return intents.require_action(asked, {"type": "use_stripe_sdk"}, asked.amount)
        case _ if intent.captures_later:
            return intents.authorize(asked, f"ch_{count}")
        case _:
            return intents.succeed(asked, f"ch_{count}")
