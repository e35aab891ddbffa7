"""Which events each change brings, in which order, and what they carry."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from tests.support.composed import composed
from tests.support.official import Shop
from tests.support.processes import eventually

CREATED = "payment_intent.created"
PAID = [CREATED, "charge.succeeded", "payment_intent.succeeded"]
HELD = [CREATED, "charge.succeeded", "payment_intent.amount_capturable_updated"]


def test_paying_brings_a_charge_and_a_success(shop: Shop) -> None:
    shop.pay()
    assert shop.event_types() == PAID


def test_confirming_later_brings_the_same_as_confirming_at_once(shop: Shop) -> None:
    client = shop.stripe.v1.payment_intents
    intent = client.create({"amount": 2000, "currency": "usd"})
    assert shop.event_types() == [CREATED]
    client.update(intent.id, {"payment_method": "pm_card_visa"})
    client.confirm(intent.id)
    assert shop.event_types() == PAID


def test_a_capture_is_told_before_the_success(shop: Shop) -> None:
    intent = shop.hold()
    assert shop.event_types() == HELD
    shop.stripe.v1.payment_intents.capture(intent.id, {"amount_to_capture": 500})
    assert shop.event_types() == [*HELD, "charge.captured", "payment_intent.succeeded"]


def test_canceling_brings_one_event(shop: Shop) -> None:
    client = shop.stripe.v1.payment_intents
    client.cancel(client.create({"amount": 2000, "currency": "usd"}).id)
    assert shop.event_types() == [CREATED, "payment_intent.canceled"]


def test_releasing_a_hold_is_told_as_a_cancelation(shop: Shop) -> None:
    shop.stripe.v1.payment_intents.cancel(shop.hold().id)
    assert shop.event_types()[-1] == "payment_intent.canceled"


def test_a_decline_fails_a_charge_and_the_payment(shop: Shop) -> None:
    with pytest.raises(stripe.CardError):
        shop.pay(payment_method="pm_card_chargeDeclined")
    assert shop.event_types() == [CREATED, "charge.failed", "payment_intent.payment_failed"]


def test_authentication_is_told_before_the_charge(shop: Shop) -> None:
    intent = shop.pay(payment_method="pm_card_threeDSecure2Required")
    assert shop.event_types() == [CREATED, "payment_intent.requires_action"]
    shop.authenticate(intent)
    assert shop.event_types()[2:] == PAID[1:]


def test_a_payment_that_takes_longer_says_so(shop: Shop) -> None:
    intent = shop.pay(payment_method="pm_card_pending")
    assert intent.status == "processing"
    assert shop.event_types() == [CREATED, "payment_intent.processing"]
    client = shop.stripe.v1.payment_intents
    assert eventually(lambda: client.retrieve(intent.id).status == "succeeded")
    assert shop.event_types()[2:] == PAID[1:]


def test_a_refund_is_told_before_its_charge(shop: Shop) -> None:
    intent = shop.pay()
    refund = shop.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert shop.event_types() == [*PAID, "refund.created", "charge.refunded"]
    shop.stripe.v1.refunds.update(refund.id, {"metadata": {"a": "1"}})
    assert shop.event_types()[-2:] == ["refund.updated", "charge.refund.updated"]


def test_a_direct_charge_brings_events_of_charges_only(shop: Shop) -> None:
    client = shop.stripe.v1.charges
    charge = client.create(
        {"amount": 2000, "currency": "usd", "source": "tok_visa", "capture": False}
    )
    client.capture(charge.id)
    client.update(charge.id, {"description": "A pen"})
    assert shop.event_types() == ["charge.succeeded", "charge.captured", "charge.updated"]


@pytest.mark.anyio
async def test_a_hold_that_runs_out_expires_and_is_canceled(database_url: str) -> None:
    async with composed(database_url) as guilder:
        form = {"payment_method": "pm_card_visa", "confirm": "true", "capture_method": "manual"}
        held = await guilder.post("/v1/payment_intents", amount="2000", currency="usd", **form)
        guilder.clock.advance(timedelta(days=6, hours=23))
        assert await guilder.sweep("expire_holds") == 0
        guilder.clock.advance(timedelta(hours=2))
        assert await guilder.sweep("expire_holds") == 1
        found = (await guilder.get(f"/v1/payment_intents/{held.json()['id']}")).json()
        assert (found["status"], found["cancellation_reason"]) == ("canceled", "expired")
        assert await guilder.event_types() == [*HELD, "charge.expired", "payment_intent.canceled"]
        assert guilder.gateway.kinds() == ["authorize", "void"]
        assert await guilder.sweep("expire_holds") == 0


def test_cards_and_customers_tell_what_becomes_of_them(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"name": "Ada", "metadata": {"a": "1"}})
    card = client.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.payment_methods.detach(card.id)
    client.customers.update(customer.id, {"name": "Grace", "metadata": {"a": "", "b": "2"}})
    client.customers.delete(customer.id)
    assert shop.event_types() == [
        "customer.created",
        "payment_method.attached",
        "payment_method.detached",
        "customer.updated",
        "customer.deleted",
    ]
    (updated,) = client.events.list({"type": "customer.updated"}).data
    data = updated.data.to_dict()
    assert data["object"]["name"] == "Grace"
    assert data["previous_attributes"]["name"] == "Ada"
    assert data["previous_attributes"]["metadata"] == {"a": "1", "b": None}


def test_an_event_shows_the_object_as_it_was_then(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = shop.hold(metadata={"order": "7"})
    client.payment_intents.capture(intent.id)
    client.refunds.create({"payment_intent": intent.id})
    shown = {event.type: event for event in client.events.list().data}
    held = shown["payment_intent.amount_capturable_updated"]
    assert held.data.to_dict()["object"]["status"] == "requires_capture"
    assert held.object == "event"
    assert held.request is not None
    assert held.request.id in {headers["Request-Id"] for headers in shop.transport.headers}
    taken = shown["charge.captured"].data.to_dict()["object"]
    assert (taken["captured"], taken["amount_refunded"]) == (True, 0)
    assert taken["metadata"] == {"order": "7"}
    assert shown["charge.refunded"].data.to_dict()["object"]["refunded"] is True
    one = client.events.retrieve(held.id)
    assert one.data.to_dict() == held.data.to_dict()
    wanted = ["charge.captured", "charge.refunded"]
    assert [e.type for e in client.events.list({"types": wanted}).data] == wanted[::-1]


def test_an_event_names_the_key_of_its_request(shop: Shop) -> None:
    shop.stripe.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd"}, {"idempotency_key": "order-7"}
    )
    (event,) = shop.stripe.v1.events.list().data
    assert event.request is not None
    assert event.request.idempotency_key == "order-7"
