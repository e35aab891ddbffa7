"""Which exception of the official Python client each refusal becomes, and what is repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.support.official import Shop
from tests.support.served import free_port


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": 2000}, "parameter_missing", "currency"),
        ({"amount": 10, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 10**8, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": "ten", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 2000, "currency": "usd", "colour": 1}, "parameter_unknown", "colour"),
        ({"amount": 2000, "currency": "usd", "customer": "cus_x"}, "resource_missing", "customer"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    shop: Shop, params: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.stripe.v1.payment_intents.create(params)  # type: ignore[arg-type]
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
    assert caught.value.request_id is not None


def test_each_status_is_an_exception_of_its_own(shop: Shop) -> None:
    client = shop.stripe.v1
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.customers.retrieve("cus_nobody")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.AuthenticationError) as stranger:
        shop.client("sk_test_nobody").v1.customers.list()
    assert stranger.value.http_status == 401
    with pytest.raises(stripe.PermissionError) as browser:
        shop.client(shop.account.publishable_key).v1.charges.list()
    assert browser.value.http_status == 403
    with pytest.raises(stripe.CardError) as card:
        shop.pay(payment_method="pm_card_chargeDeclined")
    assert card.value.http_status == 402
    nobody = stripe.StripeClient(
        "sk_test_x", base_addresses={"api": f"http://127.0.0.1:{free_port()}"}
    )
    with pytest.raises(stripe.APIConnectionError):
        nobody.v1.customers.list()


def test_a_wish_is_carried_out_once_under_its_key(shop: Shop) -> None:
    client = shop.stripe.v1
    params: Any = {
        "amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa",
    }  # fmt: skip
    first, again = (
        client.payment_intents.create(params, {"idempotency_key": "order-7"}) for _ in range(2)
    )
    assert first.to_dict() == again.to_dict()
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.idempotency_key == "order-7"
    assert len(client.charges.list().data) == 1
    with pytest.raises(stripe.IdempotencyError) as other:
        client.payment_intents.create({**params, "amount": 3000}, {"idempotency_key": "order-7"})
    assert other.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.customers.create({}, {"idempotency_key": "order-7"})


def test_a_decline_is_repeated_too(shop: Shop) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            shop.stripe.v1.payment_intents.create(
                {
                    "amount": 2000,
                    "currency": "usd",
                    "confirm": True,
                    "payment_method": "pm_card_chargeDeclined",
                },
                {"idempotency_key": "order-8"},
            )
        refusals.append(declined.value.http_body)
    assert refusals[0] == refusals[1]
    assert len(shop.stripe.v1.charges.list().data) == 1


def test_a_request_that_was_wrong_may_be_put_right_under_its_key(shop: Shop) -> None:
    options: Any = {"idempotency_key": "order-9"}
    with pytest.raises(stripe.InvalidRequestError):
        shop.stripe.v1.payment_intents.create({"amount": 1, "currency": "usd"}, options)
    made = shop.stripe.v1.payment_intents.create({"amount": 2000, "currency": "usd"}, options)
    assert made.status == "requires_payment_method"


def test_the_client_waits_for_a_key_in_use(shop: Shop) -> None:
    """A slow card holds the key; the second request is told so, and repeats by itself."""
    patient = shop.client(shop.account.secret_key, max_network_retries=5)

    def pay(_: int) -> stripe.PaymentIntent:
        return patient.v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
            },
            {"idempotency_key": "order-10"},
        )

    with ThreadPoolExecutor(8) as threads:
        paid = list(threads.map(pay, range(8)))
    assert len({intent.id for intent in paid}) == 1
    assert len(shop.stripe.v1.charges.list().data) == 1
