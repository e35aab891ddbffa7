"""What many clients wish at the same moment, in one process and in two."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.api import Answer, unique
from tests.support.storm import CLIENTS, Storm, succeeded

INTENTS = "/v1/payment_intents"
PAYMENT: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
}


def codes(answers: list[Answer]) -> Counter[str]:
    return Counter(answer.error["code"] for answer in answers if answer.status != 200)


def test_one_key_makes_one_charge_and_one_answer(storm: Storm) -> None:
    key = unique()
    answers = storm.crowd(lambda api, _: api.post(INTENTS, key=key, **PAYMENT))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None, *["true"] * (CLIENTS - 1)]
    assert len(storm.api.get("/v1/charges", limit=100)["data"]) == 1
    assert len(storm.api.get("/v1/events", limit=100)["data"]) == 3


def test_one_key_for_a_slow_card_makes_one_charge(storm: Storm) -> None:
    """A card that takes two seconds: whoever comes meanwhile is answered the same."""
    key = unique()
    slow = {**PAYMENT, "payment_method": "pm_card_slow"}
    answers = storm.crowd(lambda api, _: api.post(INTENTS, key=key, **slow), 8)
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.content for answer in succeeded(answers)}) == 1
    assert len(storm.api.get("/v1/charges", limit=100)["data"]) == 1


def test_one_key_declines_once(storm: Storm) -> None:
    key = unique()
    declined = {**PAYMENT, "payment_method": "pm_card_chargeDeclined"}
    answers = storm.crowd(lambda api, _: api.post(INTENTS, key=key, **declined))
    assert {answer.status for answer in answers} == {402}
    assert len({answer.content for answer in answers}) == 1
    assert len(storm.api.get("/v1/charges", limit=100)["data"]) == 1


def test_one_key_for_different_wishes_carries_out_one(storm: Storm) -> None:
    key = unique()
    answers = storm.crowd(
        lambda api, n: api.post(INTENTS, key=key, **{**PAYMENT, "amount": 1000 + n})
    )
    assert len(succeeded(answers)) == 1
    refused = [answer for answer in answers if answer.status != 200]
    assert {(a.status, a.error["type"]) for a in refused} == {(400, "idempotency_error")}
    assert len(storm.api.get("/v1/charges", limit=100)["data"]) == 1


def test_refunds_that_exceed_the_capture_together_do_not_both_succeed(storm: Storm) -> None:
    for _ in range(20):
        intent = storm.api.pay(1000)["id"]
        answers = storm.crowd(
            lambda api, n, intent=intent: api.post(
                "/v1/refunds", payment_intent=intent, amount=501 + n, key=unique()
            ),
            2,
        )
        assert sorted(answer.status for answer in answers) == [200, 400], [a.body for a in answers]
        (charge,) = storm.api.get("/v1/charges", payment_intent=intent)["data"]
        assert charge["amount_refunded"] == succeeded(answers)[0]["amount"]
    assert storm.ledger_differences() == []


def test_many_small_refunds_give_back_exactly_what_was_taken(storm: Storm) -> None:
    intent = storm.api.pay(1000)["id"]

    def refund(api: Any, _: int) -> Answer:
        for _ in range(40):
            answer: Answer = api.post("/v1/refunds", payment_intent=intent, amount=100)
            if answer.status != 409:
                break
        return answer

    answers = storm.crowd(refund, 16)
    assert len(succeeded(answers)) == 10
    assert codes(answers) == {"charge_already_refunded": 6}
    (charge,) = storm.api.get("/v1/charges", payment_intent=intent)["data"]
    assert (charge["amount_refunded"], charge["refunded"]) == (1000, True)
    assert storm.ledger_differences() == []


def test_capture_and_cancel_have_one_winner(storm: Storm) -> None:
    won: Counter[str] = Counter()
    for _ in range(10):
        intent = storm.api.pay(capture_method="manual")["id"]
        answers = storm.at_once(
            lambda api, intent=intent: api.post(f"{INTENTS}/{intent}/capture"),
            lambda api, intent=intent: api.post(f"{INTENTS}/{intent}/cancel"),
        )
        assert sorted(answer.status for answer in answers) == [200, 400]
        assert codes(answers) == {"payment_intent_unexpected_state": 1}
        (winner,) = succeeded(answers)
        won[winner["status"]] += 1
        found = storm.api.get(f"{INTENTS}/{intent}")
        assert found["status"] == winner["status"]
        assert found["amount_received"] == (2000 if winner["status"] == "succeeded" else 0)
    assert won.keys() <= {"succeeded", "canceled"}
    assert storm.ledger_differences() == []


def test_many_captures_take_the_money_once(storm: Storm) -> None:
    intent = storm.api.pay(capture_method="manual")["id"]
    answers = storm.crowd(lambda api, n: api.post(f"{INTENTS}/{intent}/capture", key=unique()), 16)
    assert len(succeeded(answers)) == 1
    assert set(codes(answers)) == {"payment_intent_unexpected_state"}
    assert storm.api.get(f"{INTENTS}/{intent}")["amount_received"] == 2000
    assert storm.ledger_differences() == []


def test_many_confirmations_charge_once(storm: Storm) -> None:
    intent = storm.api.pay(confirm=False)["id"]
    answers = storm.crowd(lambda api, n: api.post(f"{INTENTS}/{intent}/confirm", key=unique()))
    assert len(succeeded(answers)) == 1
    # Whoever had seen the intent before it was paid finds that the card has been used.
    late = {"payment_intent_unexpected_state", "payment_method_unexpected_state"}
    assert set(codes(answers)) <= late
    assert len(storm.api.get("/v1/charges", payment_intent=intent)["data"]) == 1
    assert storm.ledger_differences() == []


def test_updates_and_a_confirmation_lose_nothing(storm: Storm) -> None:
    for turn in range(5):
        intent = storm.api.pay(confirm=False)["id"]

        def note(api: Any, n: int, intent: str = intent) -> Answer:
            return until_heard(
                lambda: api.post(f"{INTENTS}/{intent}", metadata={f"note_{n}": str(n)})
            )

        def confirm(api: Any, intent: str = intent) -> Answer:
            return until_heard(lambda: api.post(f"{INTENTS}/{intent}/confirm"))

        answers = storm.at_once(
            confirm, *[lambda api, n=n, note=note: note(api, n) for n in range(8)]
        )
        assert {answer.status for answer in answers} == {200}, turn
        found = storm.api.get(f"{INTENTS}/{intent}")
        assert found["status"] == "succeeded"
        assert found["metadata"] == {f"note_{n}": str(n) for n in range(8)}


def until_heard(wish: Any) -> Answer:
    """As the official clients do: an answer that asks for patience is asked for again."""
    while (answer := wish()).status == 409:
        assert answer.headers["stripe-should-retry"] == "true"
    found: Answer = answer
    return found


def test_many_pay_one_merchant_at_once(storm: Storm) -> None:
    customer = storm.api.post("/v1/customers", name="Ada")["id"]
    answers = storm.crowd(
        lambda api, n: api.pay(1000 + n, customer=customer, key=unique()), 2 * CLIENTS
    )
    assert {answer.status for answer in answers} == {200}
    assert {answer["status"] for answer in answers} == {"succeeded"}
    assert len({answer["id"] for answer in answers}) == 64
    pending = storm.api.get("/v1/balance")["pending"]
    fees = sum(fee_of(1000 + n) for n in range(64))
    assert [each["amount"] for each in pending] == [sum(1000 + n for n in range(64)) - fees]
    assert storm.ledger_differences() == []


def fee_of(amount: int) -> int:
    """2.9 % rounded half up, and 30 cents, in whole numbers."""
    return (amount * 29 + 500) // 1000 + 30


def test_a_card_is_attached_to_one_customer(storm: Storm) -> None:
    customers = [storm.api.post("/v1/customers", name=str(n))["id"] for n in range(8)]
    card = storm.api.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    answers = storm.crowd(
        lambda api, n: api.post(f"/v1/payment_methods/{card}/attach", customer=customers[n]), 8
    )
    (winner,) = succeeded(answers)
    assert storm.api.get(f"/v1/payment_methods/{card}")["customer"] == winner["customer"]
    kept = [
        len(storm.api.get(f"/v1/customers/{each}/payment_methods")["data"]) for each in customers
    ]
    assert sorted(kept) == [0] * 7 + [1]


def test_a_customer_who_is_deleted_keeps_no_card(storm: Storm) -> None:
    for _ in range(5):
        customer = storm.api.post("/v1/customers", name="Ada")["id"]
        card = storm.api.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
        attached, deleted = storm.at_once(
            lambda api, card=card, customer=customer: api.post(
                f"/v1/payment_methods/{card}/attach", customer=customer
            ),
            lambda api, customer=customer: api.delete(f"/v1/customers/{customer}"),
        )
        assert deleted.status == 200
        assert attached.status in (200, 400)
        assert storm.api.get(f"/v1/payment_methods/{card}")["customer"] is None


def test_a_customer_who_clicks_twice_pays_once(storm: Storm) -> None:
    intent = storm.api.pay(payment_method="pm_card_threeDSecure2Required").body
    page = intent["next_action"]["use_stripe_sdk"]["stripe_js"]
    button = page.replace("?", "/complete?")
    with ThreadPoolExecutor(8) as threads:
        clicks = list(threads.map(lambda _: httpx.post(button, verify=False), range(8)))
    # Whoever comes late is told so, in one way or another.
    assert {click.status_code for click in clicks} <= {200, 400, 404, 409}
    assert storm.api.get(f"{INTENTS}/{intent['id']}")["status"] == "succeeded"
    charges = storm.api.get("/v1/charges", payment_intent=intent["id"])["data"]
    assert [charge["status"] for charge in charges] == ["succeeded"]


@pytest.mark.parametrize("clients", [2, 8])
def test_a_card_that_belongs_to_nobody_pays_once(storm: Storm, clients: int) -> None:
    card = storm.api.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    answers = storm.crowd(lambda api, n: api.pay(payment_method=card, key=unique()), clients)
    assert len(succeeded(answers)) == 1
    assert set(codes(answers)) == {"payment_method_unexpected_state"}
    assert len(storm.api.get("/v1/charges")["data"]) == 1
