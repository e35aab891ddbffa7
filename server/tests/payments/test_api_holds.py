"""Holds over the wire: captured at once or in parts, raised, released, run out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments.news import News
from tests.support.api import Answer, Api

INTENTS = "/v1/payment_intents"


def hold(api: Api, amount: int = 2000, **given: Any) -> Answer:
    held = api.pay(amount, capture_method="manual", **given)
    assert (held.status, held["status"]) == (200, "requires_capture"), held.body
    return held


def ask(api: Api, intent: Answer, verb: str, **given: Any) -> Answer:
    return api.post(f"{INTENTS}/{intent['id']}/{verb}", **given)


def capture(api: Api, intent: Answer, **given: Any) -> Answer:
    return ask(api, intent, "capture", **given)


def charge_of(api: Api, intent: Answer) -> Answer:
    return api.get(f"/v1/charges/{intent['latest_charge']}")


def moved(api: Api) -> list[int]:
    """What reached the ledger, newest first."""
    return [entry["amount"] for entry in api.get("/v1/balance_transactions")["data"]]


def test_a_hold_moves_no_money(api: Api) -> None:
    heard = News(api)
    held = hold(api)
    assert (held["amount_capturable"], held["amount_received"]) == (2000, 0)
    charge = charge_of(api, held)
    assert (charge["status"], charge["paid"], charge["captured"]) == ("succeeded", True, False)
    assert (charge["amount_captured"], charge["balance_transaction"]) == (0, None)
    card = charge["payment_method_details"]["card"]
    assert card["capture_before"] == charge["created"] + 7 * 86400
    assert card["amount_authorized"] == 2000
    assert card["multicapture"]["status"] == "available"
    assert card["incremental_authorization"]["status"] == "available"
    assert moved(api) == []
    assert heard() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]


def test_a_capture_takes_all_that_is_held(api: Api) -> None:
    held = hold(api)
    heard = News(api)
    paid = capture(api, held, metadata={"till": "3"}, statement_descriptor_suffix="FISH")
    assert (paid["status"], paid["amount_received"], paid["amount_capturable"]) == (
        "succeeded",
        2000,
        0,
    )
    assert (paid["metadata"], paid["statement_descriptor_suffix"]) == ({"till": "3"}, "FISH")
    assert heard() == ["charge.captured", "payment_intent.succeeded"]
    charge = charge_of(api, held)
    assert (charge["captured"], charge["amount_captured"]) == (True, 2000)
    assert (charge["metadata"], charge["statement_descriptor_suffix"]) == ({}, "FISH")
    assert moved(api) == [2000]


def test_a_part_is_captured_and_the_rest_let_go(api: Api) -> None:
    held = hold(api)
    paid = capture(api, held, amount_to_capture=700)
    assert (paid["status"], paid["amount"], paid["amount_received"]) == ("succeeded", 2000, 700)
    assert paid["amount_capturable"] == 0
    charge = charge_of(api, held)
    assert (charge["amount"], charge["amount_captured"], charge["captured"]) == (2000, 700, True)
    assert charge["amount_refunded"] == 0
    assert moved(api) == [700]


def test_a_hold_is_captured_in_parts(api: Api) -> None:
    held = hold(api)
    heard = News(api)
    first = capture(api, held, amount_to_capture=700, final_capture=False)
    assert (first["status"], first["amount_received"], first["amount_capturable"]) == (
        "requires_capture",
        700,
        1300,
    )
    assert heard() == ["charge.captured", "payment_intent.amount_capturable_updated"]
    charge = charge_of(api, held)
    assert (charge["captured"], charge["amount_captured"]) == (False, 700)
    transaction = charge["balance_transaction"]
    over = capture(api, held, amount_to_capture=1301)
    assert (over.status, over.error["code"]) == (400, "amount_too_large")
    assert over.error["param"] == "amount_to_capture"
    second = capture(api, held, amount_to_capture=300, final_capture=False)
    assert second["amount_received"] == 1000
    heard()
    last = capture(api, held)
    assert (last["status"], last["amount_received"]) == ("succeeded", 2000)
    assert heard() == ["charge.captured", "payment_intent.succeeded"]
    charge = charge_of(api, held)
    assert (charge["captured"], charge["balance_transaction"]) == (True, transaction)
    assert moved(api) == [1000, 300, 700]


def test_the_last_of_several_captures_may_let_the_rest_go(api: Api) -> None:
    held = hold(api)
    capture(api, held, amount_to_capture=700, final_capture=False)
    last = capture(api, held, amount_to_capture=300, final_capture=True)
    assert (last["status"], last["amount_received"], last["amount_capturable"]) == (
        "succeeded",
        1000,
        0,
    )


def test_what_was_captured_is_refunded_while_the_rest_is_held(api: Api) -> None:
    held = hold(api)
    capture(api, held, amount_to_capture=700, final_capture=False)
    over = api.post("/v1/refunds", payment_intent=held["id"], amount=701)
    assert (over.status, over.error["code"]) == (400, "amount_too_large")
    refund = api.post("/v1/refunds", payment_intent=held["id"])
    assert (refund["status"], refund["amount"]) == ("succeeded", 700)
    charge = charge_of(api, held)
    assert (charge["amount_refunded"], charge["refunded"]) == (700, False), "more may be captured"
    assert capture(api, held)["amount_received"] == 2000
    assert api.post("/v1/refunds", payment_intent=held["id"])["amount"] == 1300
    assert charge_of(api, held)["refunded"] is True


@pytest.mark.parametrize("captured", [0, 700])
def test_a_hold_is_released_by_canceling(api: Api, captured: int) -> None:
    held = hold(api)
    if captured:
        capture(api, held, amount_to_capture=captured, final_capture=False)
    heard = News(api)
    canceled = ask(api, held, "cancel", cancellation_reason="requested_by_customer")
    assert (canceled["status"], canceled["amount_capturable"]) == ("canceled", 0)
    assert canceled["cancellation_reason"] == "requested_by_customer"
    assert canceled["amount_received"] == captured
    assert heard() == ["payment_intent.canceled"]
    charge = charge_of(api, held)
    assert (charge["captured"], charge["amount_captured"]) == (captured > 0, captured)
    refused = capture(api, held)
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")
    refund = api.post("/v1/refunds", charge=held["latest_charge"])
    if captured:
        assert refund["amount"] == captured
        assert charge_of(api, held)["refunded"] is True
    else:
        assert (refund.status, refund.error["code"]) == (400, "charge_not_refundable")


def test_a_hold_is_raised(api: Api) -> None:
    held = hold(api)
    heard = News(api)
    raised = ask(api, held, "increment_authorization", amount=3000, description="dinner")
    assert (raised["amount"], raised["amount_capturable"]) == (3000, 3000)
    assert (raised["status"], raised["description"]) == ("requires_capture", "dinner")
    news = heard.whole()
    assert [event["type"] for event in news] == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
    ]
    assert news[0]["data"]["previous_attributes"]["amount"] == 2000
    assert capture(api, held)["amount_received"] == 3000
    assert charge_of(api, held)["amount"] == 3000


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (2000, "parameter_invalid_integer"),
        (1500, "parameter_invalid_integer"),
        (100_000_000, "amount_too_large"),
    ],
)
def test_a_hold_is_raised_to_more_only(api: Api, amount: int, code: str) -> None:
    held = hold(api)
    refused = ask(api, held, "increment_authorization", amount=amount)
    assert (refused.status, refused.error["code"]) == (400, code)
    assert refused.error["param"] == "amount"


def test_a_hold_that_the_issuer_does_not_raise_stays_as_it_was(api: Api) -> None:
    held = hold(api, payment_method="pm_card_incrementDeclined")
    heard = News(api)
    for _ in range(10):
        refused = ask(api, held, "increment_authorization", amount=3000)
        assert (refused.status, refused.error["code"]) == (402, "card_declined")
        assert refused.error["payment_intent"]["amount"] == 2000
    worn = ask(api, held, "increment_authorization", amount=3000)
    assert (worn.status, worn.error["code"]) == (400, "payment_intent_unexpected_state")
    assert heard() == []
    assert capture(api, held)["amount_received"] == 2000


def test_a_hold_that_was_captured_in_part_is_not_raised(api: Api) -> None:
    held = hold(api)
    capture(api, held, amount_to_capture=700, final_capture=False)
    refused = ask(api, held, "increment_authorization", amount=3000)
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount_to_capture": 2001}, "amount_too_large"),
        ({"amount_to_capture": 0}, "parameter_invalid_integer"),
        ({"amount_to_capture": -1}, "parameter_invalid_integer"),
    ],
)
def test_no_more_is_captured_than_is_held(api: Api, given: dict[str, Any], code: str) -> None:
    held = hold(api)
    refused = capture(api, held, **given)
    assert (refused.status, refused.error["code"]) == (400, code)
    assert refused.error["param"] == "amount_to_capture"
    assert charge_of(api, held)["amount_captured"] == 0


def test_a_part_fits_its_currency(api: Api) -> None:
    held = hold(api, 20_000, currency="kwd")
    refused = capture(api, held, amount_to_capture=10_005)
    assert (refused.status, refused.error["param"]) == (400, "amount_to_capture")
    assert capture(api, held, amount_to_capture=10_010)["amount_received"] == 10_010


@pytest.mark.parametrize("verb", ["capture", "increment_authorization"])
def test_only_what_is_held_is_captured_or_raised(api: Api, verb: str) -> None:
    given = {"amount": 3000} if verb == "increment_authorization" else {}
    for intent in (api.pay(), api.post(INTENTS, amount=2000, currency="usd")):
        refused = ask(api, intent, verb, **given)
        assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")
        assert refused.error["payment_intent"]["id"] == intent["id"]
