"""Payments in any order: a random caller over HTTP, held to a small model of what each operation
may do, and a ledger that adds up whatever was tried."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from guilder_server.ledger.verification import verify
from tests.support.api import Answer, Api, ApiServer, unique

GOOD, DECLINED, ASKED = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_threeDSecure2Required"
LEAST, LARGEST, MOST_INCREMENTS = 50, 99_999_999, 10
BEFORE = ("requires_payment_method", "requires_confirmation", "requires_action")

odd_amounts = st.sampled_from([-1, 0, 1, LEAST - 1, LARGEST, LARGEST + 1])
whole_amounts = st.integers(LEAST, 3000) | st.integers(LEAST, 3000) | odd_amounts
cards = st.sampled_from([None, GOOD, GOOD, GOOD, DECLINED, ASKED])
CAMPAIGN = settings.default is not None and settings.default.max_examples > 100


@dataclass
class Payment:
    """What the model knows of a payment intent."""

    id: str
    secret: str
    amount: int
    manual: bool
    status: str = "requires_payment_method"
    card: str | None = None
    capturable: int = 0
    received: int = 0
    refunded: int = 0
    increments: int = 0

    def ask(self) -> str | None:
        """What a confirmation with the card brings; the error, if it is one."""
        if self.card == DECLINED:
            self.card, self.status = None, "requires_payment_method"
            return "card_declined"
        if self.card == ASKED:
            self.status = "requires_action"
        else:
            self.approve()
        return None

    def approve(self) -> None:
        if self.manual:
            self.status, self.capturable = "requires_capture", self.amount
        else:
            self.status, self.received = "succeeded", self.amount

    def capture(self, amount: int, final: bool) -> None:
        self.received += amount
        self.capturable -= amount
        if final or self.capturable == 0:
            self.status, self.capturable = "succeeded", 0


def refusal(amount: int) -> str | None:
    """The code that refuses an amount to charge."""
    if amount < 1:
        return "parameter_invalid_integer"
    if amount < LEAST:
        return "amount_too_small"
    return "amount_too_large" if amount > LARGEST else None


def has_payments(machine: Payments) -> bool:
    return bool(machine.known)


UNEXPECTED = "payment_intent_unexpected_state"


class Payments(RuleBasedStateMachine):
    server: ApiServer

    def __init__(self) -> None:
        super().__init__()
        self.api = Api(self.server.url, self.server.open_account())
        self.known: list[Payment] = []
        self.touched: set[str] = set()

    def post(self, path: str, expected: str | None, **params: Any) -> Answer:
        """Sent twice under one key, as a caller does that heard nothing: answered alike. It is
        refused with the code expected, or carried out."""
        key = unique()
        answer, again = (self.api.post(path, key=key, **params) for _ in range(2))
        assert again.content == answer.content
        code = None if answer.status == 200 else answer.error.get("code")
        assert code == expected, (path, params, answer.body)
        return answer

    def act(self, payment: Payment, verb: str, expected: str | None, **params: Any) -> Answer:
        self.touched.add(payment.id)
        suffix = f"/{verb}" if verb else ""
        return self.post(f"/v1/payment_intents/{payment.id}{suffix}", expected, **params)

    @initialize()
    def begin_with_one_of_each_kind(self) -> None:
        for manual, card, confirm in (
            *((False, GOOD, True), (True, GOOD, True), (True, GOOD, True)),
            *((False, ASKED, True), (True, GOOD, False), (False, None, False)),
        ):
            self.make(1000, manual, card, confirm)

    def pick(self, data: st.DataObject, *statuses: str) -> Payment:
        """Any payment, but rather one that the operation is for."""
        likely = [one for one in self.known if one.status in statuses]
        if likely and data.draw(st.integers(0, 5), label="how odd") < 5:
            return data.draw(st.sampled_from(likely))
        return data.draw(st.sampled_from(self.known))

    def part(self, data: st.DataObject, whole: int) -> int | None:
        """A part of what is there, all of it unsaid, or an amount that there is not."""
        parts = st.integers(1, whole) if whole else odd_amounts
        return data.draw(st.none() | parts | parts | parts | odd_amounts, label="part")

    @rule(amount=whole_amounts, manual=st.booleans(), card=cards, confirm=st.booleans())
    def create(self, amount: int, manual: bool, card: str | None, confirm: bool) -> None:
        self.make(amount, manual, card, confirm)

    def make(self, amount: int, manual: bool, card: str | None, confirm: bool) -> None:
        params: dict[str, Any] = {"amount": amount, "currency": "usd", "confirm": confirm}
        params |= {"capture_method": "manual"} if manual else {}
        params |= {"payment_method": card} if card else {}
        expected = refusal(amount)
        if expected is None and confirm and card is None:
            expected = UNEXPECTED
        made = Payment("", "", amount, manual, card=card)
        if card is not None:
            made.status = "requires_confirmation"
        if expected is None and confirm:
            expected = made.ask()
        answer = self.post("/v1/payment_intents", expected, **params)
        shown = answer.body if answer.status == 200 else answer.error.get("payment_intent")
        if shown is None:
            return
        made.id, made.secret = shown["id"], shown["client_secret"]
        self.known.append(made)
        self.touched.add(made.id)

    @precondition(has_payments)
    @rule(data=st.data(), card=cards)
    def confirm(self, data: st.DataObject, card: str | None) -> None:
        payment = self.pick(data, *BEFORE)
        params = {"payment_method": card} if card else {}
        if payment.status not in BEFORE or (card or payment.card) is None:
            self.act(payment, "confirm", UNEXPECTED, **params)
            return
        payment.card = card or payment.card
        self.act(payment, "confirm", payment.ask(), **params)

    @precondition(has_payments)
    @rule(data=st.data(), succeeded=st.booleans())
    def authenticate(self, data: st.DataObject, succeeded: bool) -> None:
        payment = self.pick(data, "requires_action")
        self.touched.add(payment.id)
        word = "complete" if succeeded else "fail"
        url = f"{self.api.url}/sandbox/authenticate/{payment.id}/{word}"
        status = httpx.post(url, params={"client_secret": payment.secret}).status_code
        if payment.status != "requires_action":
            assert status == 404
        elif succeeded:
            payment.approve()
        else:
            payment.status, payment.card = "requires_payment_method", None

    @precondition(has_payments)
    @rule(data=st.data(), final=st.sampled_from([None, True, False, False]))
    def capture(self, data: st.DataObject, final: bool | None) -> None:
        payment = self.pick(data, "requires_capture")
        amount = self.part(data, payment.capturable)
        params: dict[str, Any] = {} if amount is None else {"amount_to_capture": amount}
        params |= {} if final is None else {"final_capture": final}
        expected = None
        if amount is not None and amount < 1:
            expected = "parameter_invalid_integer"
        elif payment.status != "requires_capture":
            expected = UNEXPECTED
        elif amount is not None and amount > payment.capturable:
            expected = "amount_too_large"
        self.act(payment, "capture", expected, **params)
        if expected is None:
            taken = payment.capturable if amount is None else amount
            payment.capture(taken, final is not False)

    @precondition(has_payments)
    @rule(data=st.data(), more=st.integers(0, 500), odd=st.none() | odd_amounts)
    def increment(self, data: st.DataObject, more: int, odd: int | None) -> None:
        payment = self.pick(data, "requires_capture")
        amount = payment.amount + more if odd is None else odd
        expected = refusal(amount)
        if expected is None and (payment.status != "requires_capture" or payment.received):
            expected = UNEXPECTED
        if expected is None and amount <= payment.amount:
            expected = "parameter_invalid_integer"
        if expected is None and payment.increments >= MOST_INCREMENTS:
            expected = UNEXPECTED
        self.act(payment, "increment_authorization", expected, amount=amount)
        if expected is None:
            payment.amount = payment.capturable = amount
            payment.increments += 1

    @precondition(has_payments)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        payment = self.pick(data, "requires_action", "requires_confirmation")
        allowed = payment.status in (*BEFORE, "requires_capture")
        self.act(payment, "cancel", None if allowed else UNEXPECTED)
        if allowed:
            payment.status, payment.capturable = "canceled", 0

    @precondition(has_payments)
    @rule(data=st.data(), amount=st.none() | whole_amounts, word=st.text("ab", max_size=2))
    def update(self, data: st.DataObject, amount: int | None, word: str) -> None:
        payment = self.pick(data, *BEFORE)
        params = {} if amount is None else {"amount": amount}
        expected = None
        if amount is not None and payment.status not in BEFORE:
            expected = UNEXPECTED
        elif amount is not None:
            expected = refusal(amount)
        self.act(payment, "", expected, metadata={"word": word}, **params)
        if expected is None and amount is not None and amount != payment.amount:
            payment.amount = amount
            if payment.status == "requires_action":
                payment.status = "requires_confirmation"

    @precondition(has_payments)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        payment = self.pick(data, "succeeded")
        amount = self.part(data, payment.received - payment.refunded)
        params = {} if amount is None else {"amount": amount}
        left = payment.received - payment.refunded
        expected = None
        if payment.received == 0:
            expected = "charge_not_refundable"
        elif amount is not None and amount < 1:
            expected = "parameter_invalid_integer"
        elif left == 0:
            expected = "charge_already_refunded"
        elif amount is not None and amount > left:
            expected = "amount_too_large"
        self.touched.add(payment.id)
        answer = self.post("/v1/refunds", expected, payment_intent=payment.id, **params)
        if expected is None:
            assert answer["amount"] == (left if amount is None else amount)
            payment.refunded += answer["amount"]

    @invariant()
    def a_payment_is_what_the_model_says(self) -> None:
        for payment in self.known:
            if payment.id in self.touched:
                self.compare(payment)
        self.touched.clear()

    def compare(self, payment: Payment) -> None:
        shown = self.api.get(f"/v1/payment_intents/{payment.id}", expand=["latest_charge"])
        seen = (shown["status"], shown["amount"], shown["amount_capturable"])
        assert seen == (payment.status, payment.amount, payment.capturable)
        assert shown["amount_received"] == payment.received
        assert (shown["payment_method"] is None) == (payment.card is None)
        charge = shown["latest_charge"] or {"amount_captured": 0, "amount_refunded": 0}
        captured, refunded = charge["amount_captured"], charge["amount_refunded"]
        assert (captured, refunded) == (payment.received, payment.refunded)

    def teardown(self) -> None:
        """The merchant's balance is what the payments brought, less their fees and refunds."""
        moves, after = [], {}
        while True:
            page = self.api.get("/v1/balance_transactions", limit=100, **after)
            moves += page["data"]
            if not page["has_more"]:
                break
            after = {"starting_after": moves[-1]["id"]}
        gross = sum(payment.received - payment.refunded for payment in self.known)
        assert sum(move["amount"] for move in moves) == gross
        balance = self.api.get("/v1/balance")
        held = sum(one["amount"] for one in balance["pending"] + balance["available"])
        assert held == sum(move["net"] for move in moves)
        self.api.close()


def test_payments_in_any_order_keep_to_their_states_and_the_ledger_adds_up(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    class OnThisServer(Payments):
        server = api_server

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=300 if CAMPAIGN else 20,
            stateful_step_count=60 if CAMPAIGN else 40,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert asyncio.run(verify(api_server.database_url)) == 0, capsys.readouterr()
