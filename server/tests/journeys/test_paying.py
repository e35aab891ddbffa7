"""Card payments through the official Python client."""

from __future__ import annotations

import pytest
import stripe

from tests.support.official import Shop


def test_a_customer_pays_by_card(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"name": "Ada", "email": "ada@example.com"})
    intent = shop.pay(
        2599,
        customer=customer.id,
        description="A book",
        metadata={"order": "7"},
        receipt_email="ada@example.com",
        statement_descriptor_suffix="BOOK",
        shipping={"name": "Ada", "address": {"line1": "1 Main St", "country": "GB"}},
        expand=["latest_charge.balance_transaction", "customer", "payment_method"],
    )
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 2599, "usd")
    assert isinstance(intent.customer, stripe.Customer)
    assert intent.customer.email == "ada@example.com"
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.paid
    assert charge.captured
    assert not charge.refunded
    assert charge.outcome is not None
    assert charge.outcome.network_status == "approved_by_network"
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.metadata.to_dict() == {"order": "7"}
    assert charge.description == "A book"
    transaction = charge.balance_transaction
    assert isinstance(transaction, stripe.BalanceTransaction)
    assert (transaction.amount, transaction.fee, transaction.net) == (2599, 105, 2494)
    found = client.payment_intents.retrieve(intent.id)
    assert found.latest_charge == charge.id
    assert found.metadata.to_dict() == {"order": "7"}


def test_a_saved_card_is_charged_without_its_customer(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"name": "Grace"})
    card = client.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    client.payment_methods.attach(card.id, {"customer": customer.id})
    client.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    kept = client.customers.payment_methods.list(customer.id).data
    assert [(each.id, each.customer) for each in kept] == [(card.id, customer.id)]
    for amount in (1000, 2000):
        paid = shop.pay(amount, customer=customer.id, payment_method=card.id, off_session=True)
        assert paid.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.pay(payment_method=card.id)
    assert refused.value.http_status == 400
    client.payment_methods.detach(card.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.pay(customer=customer.id, payment_method=card.id)
    assert client.customers.retrieve(customer.id).invoice_settings.default_payment_method is None


def test_a_card_is_kept_while_it_pays(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({})
    first = shop.pay(customer=customer.id, setup_future_usage="off_session")
    (card,) = client.customers.payment_methods.list(customer.id).data
    assert card.id == first.payment_method
    again = shop.pay(500, customer=customer.id, payment_method=card.id, off_session=True)
    assert again.status == "succeeded"
    assert "payment_method.attached" in shop.event_types()


def test_another_card_pays_after_a_decline(shop: Shop) -> None:
    client = shop.stripe.v1
    intent = client.payment_intents.create({"amount": 2000, "currency": "eur"})
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.CardError) as declined:
        client.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
        )
    error = declined.value
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error is not None
    assert error.error.decline_code == "insufficient_funds"
    assert error.error.type == "card_error"
    assert error.error.payment_intent is not None
    assert error.error.payment_intent.id == intent.id
    assert error.user_message
    failed = client.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.decline_code == "insufficient_funds"
    assert failed.last_payment_error.payment_method is not None
    assert isinstance(failed.latest_charge, stripe.Charge)
    assert error.error.charge == failed.latest_charge.id
    assert (failed.latest_charge.status, failed.latest_charge.paid) == ("failed", False)
    paid = client.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert len(client.charges.list({"payment_intent": intent.id}).data) == 2


@pytest.mark.parametrize("way", ["return_url", "sdk"])
def test_a_customer_authenticates_with_their_bank(shop: Shop, way: str) -> None:
    params = {"return_url": "https://shop.example/done"} if way == "return_url" else {}
    intent = shop.pay(payment_method="pm_card_threeDSecure2Required", **params)
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    kind = "redirect_to_url" if way == "return_url" else "use_stripe_sdk"
    assert intent.next_action.type == kind
    back = shop.authenticate(intent)
    if way == "return_url":
        assert back.status_code == 303
        assert back.headers["location"].startswith("https://shop.example/done?")
    paid = shop.stripe.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.next_action) == ("succeeded", None)
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert paid.latest_charge.payment_method_details is not None
    card = paid.latest_charge.payment_method_details.card
    assert card is not None
    assert card.three_d_secure is not None
    assert card.three_d_secure.result == "authenticated"


def test_a_customer_who_fails_to_authenticate_has_not_paid(shop: Shop) -> None:
    intent = shop.pay(payment_method="pm_card_threeDSecure2Required")
    shop.authenticate(intent, "fail")
    failed = shop.stripe.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    paid = shop.stripe.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_who_is_away_cannot_authenticate(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({})
    card = shop.stripe.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": customer.id}
    )
    with pytest.raises(stripe.CardError) as declined:
        shop.pay(customer=customer.id, payment_method=card.id, off_session=True)
    assert declined.value.code == "authentication_required"


def test_a_merchant_who_confirms_by_hand_confirms_once_more(shop: Shop) -> None:
    intent = shop.pay(
        payment_method="pm_card_threeDSecure2Required",
        confirmation_method="manual",
        return_url="https://shop.example/done",
    )
    shop.authenticate(intent)
    client = shop.stripe.v1.payment_intents
    assert client.retrieve(intent.id).status == "requires_confirmation"
    assert client.confirm(intent.id).status == "succeeded"


def test_a_browser_pays_with_the_secret_it_was_given(shop: Shop) -> None:
    intent = shop.stripe.v1.payment_intents.create(
        {"amount": 1999, "currency": "usd", "metadata": {"margin": "high"}}
    )
    browser = shop.client(shop.account.publishable_key).v1
    card = browser.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"},
            "billing_details": {"name": "Ada"},
        }
    )
    secret = {"client_secret": intent.client_secret}
    paid = browser.payment_intents.confirm(intent.id, {**secret, "payment_method": card.id})
    assert (paid.status, paid.metadata.to_dict()) == ("succeeded", {})
    assert browser.payment_intents.retrieve(intent.id, secret).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        browser.payment_intents.retrieve(intent.id, {"client_secret": intent.id + "_secret_x"})
    assert unknown.value.http_status == 404
    with pytest.raises(stripe.PermissionError):
        browser.customers.list()
    assert "4242424242424242" not in str(shop.answers)


def test_a_direct_charge_takes_a_token(shop: Shop) -> None:
    client = shop.stripe.v1
    charge = client.charges.create(
        {"amount": 1500, "currency": "gbp", "source": "tok_visa", "metadata": {"till": "3"}}
    )
    assert (charge.status, charge.paid, charge.captured) == ("succeeded", True, True)
    assert charge.payment_intent is None
    held = client.charges.create(
        {"amount": 1500, "currency": "gbp", "source": "tok_mastercard", "capture": False}
    )
    assert (held.captured, held.balance_transaction) == (False, None)
    taken = client.charges.capture(held.id, {"amount": 1000})
    assert (taken.captured, taken.amount_captured) == (True, 1000)
    with pytest.raises(stripe.CardError) as declined:
        client.charges.create(
            {"amount": 1500, "currency": "gbp", "source": "tok_chargeDeclinedInsufficientFunds"}
        )
    assert declined.value.error is not None
    assert client.charges.retrieve(declined.value.error.charge or "").status == "failed"
    again = client.charges.update(charge.id, {"description": "Three pens"})
    assert again.description == "Three pens"
