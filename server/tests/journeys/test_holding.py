"""Authorize now, capture later, through the official Python client."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.support.official import Shop


def charge_of(shop: Shop, intent: str) -> stripe.Charge:
    found = shop.stripe.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    assert isinstance(found.latest_charge, stripe.Charge)
    return found.latest_charge


def test_a_hold_is_taken_in_full(shop: Shop) -> None:
    intent = shop.hold(5000)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 5000)
    assert intent.amount_received == 0
    held = charge_of(shop, intent.id)
    assert (held.captured, held.amount_captured, held.paid) == (False, 0, True)
    assert held.balance_transaction is None
    assert held.payment_method_details is not None
    assert held.payment_method_details.card is not None
    assert held.payment_method_details.card.capture_before
    taken = shop.stripe.v1.payment_intents.capture(intent.id)
    assert (taken.status, taken.amount_capturable) == ("succeeded", 0)
    assert taken.amount_received == 5000
    assert charge_of(shop, intent.id).balance_transaction is not None


def test_a_hold_is_taken_in_part_and_the_rest_released(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.hold(5000)
    taken = client.payment_intents.capture(
        intent.id, {"amount_to_capture": 3000, "metadata": {"weighed": "yes"}}
    )
    assert (taken.status, taken.amount, taken.amount_received) == ("succeeded", 5000, 3000)
    assert taken.metadata.to_dict() == {"weighed": "yes"}
    charge = charge_of(shop, intent.id)
    assert (charge.captured, charge.amount, charge.amount_captured) == (True, 5000, 3000)
    assert client.balance_transactions.list().data[0].amount == 3000
    refused(client.payment_intents.capture, intent.id, code="payment_intent_unexpected_state")
    refused(client.payment_intents.cancel, intent.id, code="payment_intent_unexpected_state")
    with pytest.raises(stripe.InvalidRequestError) as over:
        client.refunds.create({"payment_intent": intent.id, "amount": 3001})
    assert over.value.param == "amount"


def test_a_hold_is_taken_in_several_parts(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.hold(5000)
    first = client.payment_intents.capture(
        intent.id, {"amount_to_capture": 2000, "final_capture": False}
    )
    assert (first.status, first.amount_capturable) == ("requires_capture", 3000)
    assert first.amount_received == 2000
    last = client.payment_intents.capture(intent.id, {"amount_to_capture": 2500})
    assert (last.status, last.amount_received) == ("succeeded", 4500)
    amounts = [each.amount for each in client.balance_transactions.list().data]
    assert amounts == [2500, 2000]


def test_more_than_is_held_cannot_be_taken(shop: Shop) -> None:
    client = shop.stripe.v1.payment_intents
    intent = shop.hold(5000)
    error = refused(client.capture, intent.id, {"amount_to_capture": 5001}, code="amount_too_large")
    assert error.param == "amount_to_capture"
    assert client.retrieve(intent.id).status == "requires_capture"


def test_a_hold_is_raised(shop: Shop) -> None:
    client = shop.stripe.v1.payment_intents
    intent = shop.hold(
        1000, payment_method_options={"card": {"request_incremental_authorization": "if_available"}}
    )
    raised = client.increment_authorization(intent.id, {"amount": 1500})
    assert (raised.status, raised.amount, raised.amount_capturable) == (
        "requires_capture",
        1500,
        1500,
    )
    refused(client.increment_authorization, intent.id, {"amount": 1500})
    assert client.capture(intent.id).amount_received == 1500
    refused(
        client.increment_authorization,
        intent.id,
        {"amount": 2000},
        code="payment_intent_unexpected_state",
    )


def test_a_hold_is_given_up(shop: Shop) -> None:
    client = shop.stripe.v1.payment_intents
    intent = shop.hold()
    gone = client.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "requested_by_customer")
    assert gone.canceled_at
    assert gone.amount_capturable == 0
    assert shop.stripe.v1.balance_transactions.list().data == []
    refused(client.capture, intent.id, code="payment_intent_unexpected_state")
    refused(client.confirm, intent.id, code="payment_intent_unexpected_state")


@pytest.mark.parametrize("params", [{}, {"payment_method": "pm_card_visa"}])
def test_a_payment_is_canceled_before_it_is_made(shop: Shop, params: dict[str, Any]) -> None:
    client = shop.stripe.v1.payment_intents
    intent = client.create({"amount": 2000, "currency": "usd", **params})
    assert client.cancel(intent.id).status == "canceled"
    refused(client.update, intent.id, {"amount": 3000}, code="payment_intent_unexpected_state")
    noted = client.update(intent.id, {"metadata": {"why": "changed their mind"}})
    assert noted.metadata.to_dict() == {"why": "changed their mind"}


def refused(operation: Any, *arguments: Any, code: str | None = None) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        operation(*arguments)
    assert caught.value.http_status == 400
    if code is not None:
        assert caught.value.code == code
    return caught.value
