"""Giving money back, through the official Python client."""

from __future__ import annotations

import time

import pytest
import stripe

from tests.support.official import Shop
from tests.support.processes import eventually


def test_parts_and_then_the_rest_are_given_back(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.pay(5000)
    first = client.refunds.create(
        {"payment_intent": intent.id, "amount": 1200, "reason": "requested_by_customer"}
    )
    assert (first.status, first.amount, first.charge) == ("succeeded", 1200, intent.latest_charge)
    assert first.reason == "requested_by_customer"
    charge = client.charges.retrieve(str(intent.latest_charge), {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (1200, False)
    assert charge.refunds is not None
    assert [each.id for each in charge.refunds.data] == [first.id]
    rest = client.refunds.create({"charge": charge.id, "metadata": {"case": "9"}})
    assert rest.amount == 3800
    charge = client.charges.retrieve(charge.id)
    assert (charge.amount_refunded, charge.refunded) == (5000, True)
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.refunds.create({"charge": charge.id})
    assert again.value.code == "charge_already_refunded"
    listed = client.refunds.list({"payment_intent": intent.id})
    assert [each.id for each in listed.data] == [rest.id, first.id]
    assert client.payment_intents.retrieve(intent.id).status == "succeeded"


def test_more_than_was_taken_is_not_given_back(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.pay(5000)
    client.refunds.create({"payment_intent": intent.id, "amount": 3000})
    with pytest.raises(stripe.InvalidRequestError) as over:
        client.refunds.create({"payment_intent": intent.id, "amount": 2001})
    assert over.value.param == "amount"
    assert client.charges.retrieve(str(intent.latest_charge)).amount_refunded == 3000


def test_nothing_is_given_back_that_was_not_taken(shop: Shop) -> None:
    client = shop.stripe.v1
    for intent in (
        shop.hold(),
        client.payment_intents.create({"amount": 2000, "currency": "usd"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.refunds.create({"payment_intent": intent.id})
        assert refused.value.http_status == 400


def test_a_refund_that_fails_comes_back_to_the_merchant(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.pay(5000, payment_method="pm_card_refundFail")
    refund = client.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    began = time.monotonic()
    assert eventually(lambda: client.refunds.retrieve(refund.id).status == "failed")
    assert time.monotonic() - began > 1, "it looks successful at first"
    failed = client.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert failed.failure_reason == "expired_or_canceled_card"
    back = failed.failure_balance_transaction
    assert isinstance(back, stripe.BalanceTransaction)
    assert (back.amount, back.type) == (5000, "refund_failure")
    charge = client.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert {"refund.created", "charge.refunded", "refund.failed"} <= set(shop.event_types())


def test_a_pending_refund_arrives(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.pay(5000, payment_method="pm_card_pendingRefund")
    refund = client.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    assert client.charges.retrieve(str(intent.latest_charge)).amount_refunded == 5000
    assert eventually(lambda: client.refunds.retrieve(refund.id).status == "succeeded")
    assert shop.event_types(refund.id)[-2:] == ["refund.updated", "charge.refund.updated"]


def test_a_refund_carries_notes(shop: Shop) -> None:
    client = shop.stripe.v1
    refund = client.refunds.create({"payment_intent": shop.pay().id, "metadata": {"a": "1"}})
    noted = client.refunds.update(refund.id, {"metadata": {"b": "2"}})
    assert noted.metadata is not None
    assert noted.metadata.to_dict() == {"a": "1", "b": "2"}
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.cancel(refund.id)
