"""What a publishable key may do: pay one payment, and look at it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments.test_api_intents import make
from tests.support.api import Answer, Api, unique

INTENTS = "/v1/payment_intents"


def browser(api: Api, method: str, path: str, key: str | None = None, **given: Any) -> Answer:
    publishable = api.account.publishable_key
    return api.send(method, path, given, secret=publishable, idempotency_key=key)


def noted(api: Api, **given: Any) -> Answer:
    """An intent with notes of the merchant's own."""
    customer = api.post("/v1/customers", name="Ada")["id"]
    return make(api, customer=customer, metadata={"note": "vip"}, transfer_group="g", **given)


def assert_hidden(intent: dict[str, Any]) -> None:
    assert (intent["customer"], intent["metadata"], intent["transfer_group"]) == (None, {}, None)
    assert intent["latest_charge"] is None


def test_a_browser_reads_the_payment_whose_secret_it_has(api: Api) -> None:
    intent = noted(api)
    path = f"{INTENTS}/{intent['id']}"
    seen = browser(api, "GET", path, client_secret=intent["client_secret"])
    assert (seen["id"], seen["amount"]) == (intent["id"], 2000)
    assert_hidden(seen.body)
    for secret in ({}, {"client_secret": "pi_wrong"}):
        assert browser(api, "GET", path, **secret).status == 404


def test_a_browser_pays_and_sees_no_more_than_it_may(api: Api) -> None:
    intent = noted(api)
    path = f"{INTENTS}/{intent['id']}/confirm"
    secret = intent["client_secret"]
    refused = browser(
        api, "POST", path, client_secret=secret, payment_method="pm_card_chargeDeclined"
    )
    assert refused.status == 402
    assert_hidden(refused.error["payment_intent"])
    key = unique()
    pay = {"client_secret": secret, "payment_method": "pm_card_visa"}
    paid = browser(api, "POST", path, key, **pay)
    assert paid["status"] == "succeeded"
    assert_hidden(paid.body)
    assert browser(api, "POST", path, key, **pay).content == paid.content
    again = browser(api, "POST", path, **pay)
    assert again.error["code"] == "payment_intent_unexpected_state"
    assert_hidden(again.error["payment_intent"])
    kept = api.get(f"{INTENTS}/{intent['id']}")
    assert kept["metadata"] == {"note": "vip"}


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({}, 404, "resource_missing"),
        ({"client_secret": "pi_wrong"}, 404, "resource_missing"),
        ({"off_session": True}, 403, "secret_key_required"),
        ({"capture_method": "manual"}, 403, "secret_key_required"),
        (
            {"payment_method_options": {"card": {"request_three_d_secure": "automatic"}}},
            403,
            "secret_key_required",
        ),
        ({"expand": ["customer"]}, 403, None),
    ],
)
def test_a_browser_is_refused_what_is_the_merchants(
    api: Api, given: dict[str, Any], status: int, code: str | None
) -> None:
    intent = noted(api, payment_method="pm_card_visa")
    sent = (
        given
        if "client_secret" in given or not given
        else {
            **given,
            "client_secret": intent["client_secret"],
        }
    )
    refused = browser(api, "POST", f"{INTENTS}/{intent['id']}/confirm", **sent)
    assert (refused.status, refused.error.get("code")) == (status, code)
    assert api.get(f"{INTENTS}/{intent['id']}")["status"] == "requires_confirmation"


def test_a_browser_cannot_confirm_what_the_server_will(api: Api) -> None:
    intent = noted(api, payment_method="pm_card_visa", confirmation_method="manual")
    path = f"{INTENTS}/{intent['id']}/confirm"
    refused = browser(api, "POST", path, client_secret=intent["client_secret"])
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")
    assert_hidden(refused.error["payment_intent"])
    assert api.post(path)["status"] == "succeeded"


def test_a_browser_may_do_nothing_else(api: Api) -> None:
    intent = make(api)
    secret = {"client_secret": intent["client_secret"]}
    for method, path in (
        ("POST", INTENTS),
        ("GET", INTENTS),
        ("POST", f"{INTENTS}/{intent['id']}/cancel"),
        ("POST", f"{INTENTS}/{intent['id']}/capture"),
        ("GET", "/v1/charges"),
        ("POST", "/v1/refunds"),
    ):
        refused = browser(api, method, path, **secret)
        assert (refused.status, refused.error["code"]) == (403, "secret_key_required")


def test_a_secret_that_is_sent_with_a_secret_key_must_be_right_too(api: Api) -> None:
    intent = make(api, payment_method="pm_card_visa")
    path = f"{INTENTS}/{intent['id']}/confirm"
    assert api.post(path, client_secret="pi_wrong").status == 404
    assert api.post(path, client_secret=intent["client_secret"])["status"] == "succeeded"
