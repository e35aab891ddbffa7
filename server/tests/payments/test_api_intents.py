"""Payment intents over the wire: made, changed, confirmed, refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments import news
from tests.payments.news import News
from tests.support.api import Answer, Api, unique

INTENTS = "/v1/payment_intents"
ANOTHER_CARD = {"payment_method": "pm_card_mastercard"}


def make(api: Api, **given: Any) -> Answer:
    made = api.post(INTENTS, **{"amount": 2000, "currency": "usd", **given})
    assert made.status == 200, made.body
    return made


def confirm(api: Api, intent: str, **given: Any) -> Answer:
    return api.post(f"{INTENTS}/{intent}/confirm", **given)


def update(api: Api, intent: str, **given: Any) -> Answer:
    return api.post(f"{INTENTS}/{intent}", **given)


def test_a_confirmed_payment_succeeds_with_its_charge_and_its_money(api: Api) -> None:
    paid = api.pay(2000, expand=["latest_charge.balance_transaction"])
    assert paid.status == 200
    assert paid["status"] == "succeeded"
    assert paid["amount_received"] == 2000
    moved = paid["latest_charge"]["balance_transaction"]
    assert (moved["amount"], moved["fee"], moved["net"]) == (2000, 88, 1912)


def test_a_repeated_key_answers_the_same_bytes_and_charges_once(api: Api) -> None:
    key = unique()
    first = api.pay(key=key)
    second = api.pay(key=key)
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len(api.get("/v1/charges")["data"]) == 1


def test_another_account_does_not_see_the_payment(api: Api, other_api: Api) -> None:
    paid = api.pay()
    foreign = other_api.get(f"/v1/payment_intents/{paid['id']}")
    absent = other_api.get("/v1/payment_intents/pi_absent")
    assert foreign.status == absent.status == 404
    assert foreign.error["code"] == absent.error["code"] == "resource_missing"


def test_a_new_intent_waits_for_a_payment_method(api: Api) -> None:
    made = make(api)
    assert made["status"] == "requires_payment_method"
    assert made["client_secret"].startswith(f"{made['id']}_secret_")
    assert made["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    assert made["payment_method_types"] == ["card"]
    assert (made["amount_capturable"], made["amount_received"]) == (0, 0)
    assert (made["latest_charge"], made["payment_method"], made["next_action"]) == (None,) * 3
    assert make(api, **ANOTHER_CARD)["status"] == "requires_confirmation"
    assert news.types(api) == ["payment_intent.created", "payment_intent.created"]


def test_everything_that_is_said_of_an_intent_is_shown_and_reaches_its_charge(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    shipping = {"name": "Ada", "address": {"line1": "Broad Street", "postal_code": "N1"}}
    paid = api.pay(
        customer=customer,
        description="a blue fish",
        metadata={"order": "6735"},
        receipt_email="ada@example.com",
        shipping=shipping,
        statement_descriptor_suffix="FISH",
        transfer_group="group-1",
        expand=["latest_charge", "customer", "payment_method"],
    )
    charge = paid["latest_charge"]
    for shown in (paid.body, charge):
        assert shown["description"] == "a blue fish"
        assert shown["metadata"] == {"order": "6735"}
        assert shown["receipt_email"] == "ada@example.com"
        assert shown["shipping"]["address"]["line1"] == "Broad Street"
        assert shown["statement_descriptor_suffix"] == "FISH"
        assert shown["transfer_group"] == "group-1"
    assert paid["customer"]["name"] == "Ada"
    assert charge["customer"] == customer
    assert charge["payment_method"] == paid["payment_method"]["id"]
    assert charge["payment_intent"] == paid["id"]
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert charge["outcome"]["network_status"] == "approved_by_network"
    assert (charge["paid"], charge["captured"], charge["refunded"]) == (True, True, False)


def test_a_payment_is_heard_of_in_order_with_the_objects_of_the_moment(api: Api) -> None:
    paid = api.pay(key="order-7")
    heard = news.events(api)
    assert [event["type"] for event in heard] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert [event["data"]["object"]["status"] for event in heard] == [
        "requires_confirmation",
        "succeeded",
        "succeeded",
    ]
    assert heard[2]["data"]["object"] == paid.body
    assert {event["request"]["idempotency_key"] for event in heard} == {"order-7"}
    assert {event["request"]["id"] for event in heard} == {paid.headers["request-id"]}
    assert not any("previous_attributes" in event["data"] for event in heard)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
    ],
)
def test_a_refused_card_is_told_to_the_caller_and_kept(
    api: Api, card: str, code: str, decline_code: str
) -> None:
    refused = api.pay(payment_method=card)
    assert refused.status == 402
    error = refused.error
    assert (error["type"], error["code"], error["decline_code"]) == (
        "card_error",
        code,
        decline_code,
    )
    intent = error["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert intent["payment_method"] is None
    assert intent["latest_charge"] == error["charge"]
    kept = intent["last_payment_error"]
    assert (kept["code"], kept["charge"], kept["type"]) == (code, error["charge"], "card_error")
    assert kept["payment_method"]["card"]["last4"]
    charge = api.get(f"/v1/charges/{error['charge']}")
    assert (charge["status"], charge["failure_code"], charge["paid"]) == ("failed", code, False)
    assert charge["balance_transaction"] is None
    assert api.get(f"{INTENTS}/{intent['id']}").body == intent
    assert news.types(api) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


def test_after_a_refusal_the_payment_goes_on_with_another_card(api: Api) -> None:
    refused = api.pay(payment_method="pm_card_chargeDeclined").error["payment_intent"]
    heard = News(api)
    without = confirm(api, refused["id"])
    assert (without.status, without.error["code"]) == (400, "payment_intent_unexpected_state")
    assert without.error["param"] == "payment_method"
    paid = confirm(api, refused["id"], **ANOTHER_CARD)
    assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)
    assert paid["latest_charge"] != refused["latest_charge"]
    assert heard() == ["charge.succeeded", "payment_intent.succeeded"]
    tried = api.get("/v1/charges", payment_intent=refused["id"])["data"]
    assert [charge["status"] for charge in tried] == ["succeeded", "failed"]


def test_a_refusal_is_answered_again_to_the_same_key(api: Api) -> None:
    key = unique()
    first = api.pay(payment_method="pm_card_chargeDeclined", key=key)
    again = api.pay(payment_method="pm_card_chargeDeclined", key=key)
    assert again.content == first.content
    assert len(api.get("/v1/charges")["data"]) == 1


def test_an_intent_is_changed_before_it_is_confirmed(api: Api) -> None:
    intent = make(api, description="one", metadata={"a": "1", "b": "2"})["id"]
    changed = update(
        api,
        intent,
        amount=2500,
        currency="EUR",
        description="",
        metadata={"a": "", "c": "3"},
        setup_future_usage="off_session",
        capture_method="manual",
        **ANOTHER_CARD,
    )
    assert (changed["amount"], changed["currency"]) == (2500, "eur")
    assert (changed["description"], changed["metadata"]) == (None, {"b": "2", "c": "3"})
    assert (changed["setup_future_usage"], changed["capture_method"]) == ("off_session", "manual")
    assert changed["status"] == "requires_confirmation"
    assert update(api, intent, setup_future_usage="")["setup_future_usage"] is None
    without = update(api, intent, payment_method="")
    assert (without["status"], without["payment_method"]) == ("requires_payment_method", None)
    assert news.types(api) == ["payment_intent.created"], "an update is no event"


def test_options_for_cards_are_merged_and_taken_away(api: Api) -> None:
    options = {"card": {"request_three_d_secure": "any", "network": "visa"}}
    intent = make(api, payment_method_options=options)["id"]
    options = {"card": {"capture_method": "manual", "setup_future_usage": "none"}}
    card = update(api, intent, payment_method_options=options)["payment_method_options"]["card"]
    assert (card["request_three_d_secure"], card["network"]) == ("any", "visa")
    assert (card["capture_method"], card["setup_future_usage"]) == ("manual", "none")
    options = {"card": {"capture_method": ""}}
    card = update(api, intent, payment_method_options=options)["payment_method_options"]["card"]
    assert "capture_method" not in card
    card = update(api, intent, payment_method_options={"card": ""})["payment_method_options"][
        "card"
    ]
    assert (card["request_three_d_secure"], card["network"]) == ("automatic", None)


def test_manual_capture_may_be_said_of_cards_only(api: Api) -> None:
    held = api.pay(payment_method_options={"card": {"capture_method": "manual"}})
    assert (held["status"], held["capture_method"]) == ("requires_capture", "automatic_async")
    assert held["amount_capturable"] == 2000


def test_whoever_lists_payment_method_types_no_longer_leaves_the_choice(api: Api) -> None:
    listed = make(api, payment_method_types=["card"])
    assert listed["automatic_payment_methods"] is None
    left = make(api, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    assert left["automatic_payment_methods"] == {"allow_redirects": "never", "enabled": True}
    changed = update(api, left["id"], payment_method_types=["card"])
    assert changed["automatic_payment_methods"] is None
    both = api.post(
        INTENTS,
        amount=2000,
        currency="usd",
        payment_method_types=["card"],
        automatic_payment_methods={"enabled": True},
    )
    assert (both.status, both.error["param"]) == (400, "payment_method_types")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"off_session": True}, "off_session"),
        ({"return_url": "https://shop.example"}, "return_url"),
        ({"confirm": False, "error_on_requires_action": True}, "error_on_requires_action"),
        (
            {"confirm": True, "off_session": True, "setup_future_usage": "off_session"},
            "off_session",
        ),
        ({"confirm": True, "return_url": "javascript://x"}, "return_url"),
        (
            {"payment_method_data": {"type": "card", "card": {"token": "tok_visa"}}},
            "payment_method_data",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(api: Api, given: dict[str, Any], param: str) -> None:
    refused = api.post(INTENTS, amount=2000, currency="usd", payment_method="pm_card_visa", **given)
    assert (refused.status, refused.error["param"]) == (400, param)
    assert api.get(INTENTS)["data"] == []


def test_what_was_confirmed_is_only_described_anew(api: Api) -> None:
    paid = api.pay()["id"]
    for name, value in {"amount": 3000, "currency": "eur", "capture_method": "manual"}.items():
        refused = update(api, paid, **{name: value})
        assert (refused.status, refused.error["param"]) == (400, name)
        assert refused.error["code"] == "payment_intent_unexpected_state"
        assert refused.error["payment_intent"]["id"] == paid
    told = update(api, paid, description="two", metadata={"a": "1"}, receipt_email="a@b.example")
    assert (told["description"], told["metadata"]) == ("two", {"a": "1"})
    assert told["status"] == "succeeded"


def test_a_payment_is_confirmed_once(api: Api) -> None:
    paid = api.pay()["id"]
    again = confirm(api, paid)
    assert (again.status, again.error["code"]) == (400, "payment_intent_unexpected_state")
    assert again.error["payment_intent"]["status"] == "succeeded"


def test_a_card_that_was_used_up_pays_no_other_intent(api: Api) -> None:
    card = api.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    one, two = make(api, payment_method=card)["id"], make(api, payment_method=card)["id"]
    assert confirm(api, one)["status"] == "succeeded"
    refused = confirm(api, two)
    assert (refused.status, refused.error["code"]) == (400, "payment_method_unexpected_state")
    assert api.get(f"{INTENTS}/{two}")["status"] == "requires_confirmation"


def test_nobody_pays_with_another_customers_card(api: Api) -> None:
    ada, bob = (api.post("/v1/customers", name=name)["id"] for name in ("Ada", "Bob"))
    card = api.post("/v1/payment_methods/pm_card_visa/attach", customer=ada)["id"]
    for customer in (None, bob):
        given = {"customer": customer} if customer else {}
        refused = api.pay(payment_method=card, **given)
        assert (refused.status, refused.error["param"]) == (400, "payment_method")
    intent = make(api, payment_method=card, customer=ada)["id"]
    moved = update(api, intent, customer=bob)
    assert (moved.status, moved.error["param"]) == (400, "payment_method")
    assert confirm(api, intent)["status"] == "succeeded"


def test_a_card_is_kept_for_the_customer_who_wants_it_kept(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    heard = News(api)
    paid = api.pay(customer=customer, setup_future_usage="off_session")
    assert heard() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_method.attached",
    ]
    kept = api.get(f"/v1/customers/{customer}/payment_methods")["data"]
    assert [card["id"] for card in kept] == [paid["payment_method"]]
    again = api.pay(customer=customer, payment_method=paid["payment_method"], off_session=True)
    assert again["status"] == "succeeded"
    options = {"card": {"setup_future_usage": "none"}}
    api.pay(customer=customer, setup_future_usage="on_session", payment_method_options=options)
    assert len(api.get(f"/v1/customers/{customer}/payment_methods")["data"]) == 1


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("requires_payment_method", {}),
        ("requires_confirmation", {"payment_method": "pm_card_visa"}),
        ("requires_action", {"payment_method": "pm_card_authenticationRequired", "confirm": True}),
    ],
)
def test_what_is_not_paid_yet_is_canceled(api: Api, status: str, given: dict[str, Any]) -> None:
    intent = make(api, **given)
    assert intent["status"] == status
    heard = News(api)
    canceled = api.post(f"{INTENTS}/{intent['id']}/cancel", cancellation_reason="abandoned")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    assert canceled["canceled_at"] >= canceled["created"]
    assert canceled["next_action"] is None
    assert heard() == ["payment_intent.canceled"]
    for verb in ("cancel", "confirm", "capture"):
        refused = api.post(f"{INTENTS}/{intent['id']}/{verb}")
        assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


def test_what_succeeded_is_not_canceled(api: Api) -> None:
    refused = api.post(f"{INTENTS}/{api.pay()['id']}/cancel")
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


@pytest.mark.parametrize(
    "verb", ["", "/confirm", "/capture", "/cancel", "/increment_authorization"]
)
def test_what_does_not_exist_cannot_be_asked_for_anything(api: Api, verb: str) -> None:
    given: dict[str, Any] = {"amount": 500} if verb == "/increment_authorization" else {}
    refused = api.post(f"{INTENTS}/pi_none{verb}", **given)
    assert (refused.status, refused.error["code"]) == (404, "resource_missing")
    assert refused.error["param"] == "intent"
