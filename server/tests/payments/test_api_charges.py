"""Charges over the wire: made directly, captured, described."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments.news import News
from tests.support.api import Answer, Api

CHARGES = "/v1/charges"


def charge(api: Api, **given: Any) -> Answer:
    return api.post(CHARGES, **{"amount": 2000, "currency": "usd", "source": "tok_visa", **given})


def test_a_charge_is_made_without_an_intent(api: Api) -> None:
    heard = News(api)
    made = charge(
        api,
        description="a blue fish",
        metadata={"order": "7"},
        statement_descriptor="BLUE FISH",
        statement_descriptor_suffix="two",
        transfer_group="g",
        receipt_email="ada@example.com",
        expand=["balance_transaction"],
    )
    assert (made["status"], made["paid"], made["captured"]) == ("succeeded", True, True)
    assert made["payment_intent"] is None
    assert made["balance_transaction"]["net"] == 1912
    assert made["calculated_statement_descriptor"] == "BLUE FISH* TWO"
    assert (made["metadata"], made["transfer_group"]) == ({"order": "7"}, "g")
    assert heard() == ["charge.succeeded"]
    assert api.get(f"{CHARGES}/{made['id']}")["description"] == "a blue fish"


def test_a_refused_charge_is_told_and_kept(api: Api) -> None:
    heard = News(api)
    refused = charge(api, source="tok_chargeDeclinedInsufficientFunds")
    assert (refused.status, refused.error["type"]) == (402, "card_error")
    assert refused.error["decline_code"] == "insufficient_funds"
    kept = api.get(f"{CHARGES}/{refused.error['charge']}")
    assert (kept["status"], kept["failure_code"]) == ("failed", "card_declined")
    assert kept["outcome"]["reason"] == "insufficient_funds"
    assert heard() == ["charge.failed"]


def test_a_customer_who_must_authenticate_cannot_do_so_here(api: Api) -> None:
    refused = charge(api, source="tok_threeDSecure2Required")
    assert (refused.status, refused.error["code"]) == (402, "authentication_required")


def test_a_customers_default_card_is_charged(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    none = api.post(CHARGES, amount=2000, currency="usd", customer=customer)
    assert (none.status, none.error["code"], none.error["param"]) == (400, "missing", "source")
    card = api.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    api.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": card})
    made = api.post(CHARGES, amount=2000, currency="usd", customer=customer)
    assert (made["status"], made["customer"], made["payment_method"]) == (
        "succeeded",
        customer,
        card,
    )
    named = charge(api, source=card, customer=customer)
    assert named["payment_method"] == card
    alone = charge(api, source=card)
    assert (alone.status, alone.error["param"]) == (400, "source")


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"source": "tok_none"}, "resource_missing", "source"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"currency": "xxx"}, None, "currency"),
    ],
)
def test_a_charge_needs_what_exists(
    api: Api, given: dict[str, Any], code: str | None, param: str
) -> None:
    refused = charge(api, **given)
    assert (refused.status, refused.error.get("code"), refused.error["param"]) == (400, code, param)


def test_somebody_or_something_must_be_charged(api: Api) -> None:
    refused = api.post(CHARGES, amount=2000, currency="usd")
    assert (refused.status, refused.error["code"]) == (400, "parameter_missing")


def test_a_hold_is_captured_once(api: Api) -> None:
    heard = News(api)
    held = charge(api, capture=False)
    assert (held["captured"], held["paid"], held["balance_transaction"]) == (False, True, None)
    assert heard() == ["charge.succeeded"]
    over = api.post(f"{CHARGES}/{held['id']}/capture", amount=2001)
    assert (over.status, over.error["code"]) == (400, "amount_too_large")
    paid = api.post(
        f"{CHARGES}/{held['id']}/capture",
        amount=700,
        receipt_email="ada@example.com",
        transfer_group="g",
    )
    assert (paid["captured"], paid["amount_captured"], paid["amount"]) == (True, 700, 2000)
    assert (paid["receipt_email"], paid["transfer_group"]) == ("ada@example.com", "g")
    assert heard() == ["charge.captured"]
    again = api.post(f"{CHARGES}/{held['id']}/capture")
    assert (again.status, again.error["code"]) == (400, "charge_already_captured")
    refund = api.post("/v1/refunds", charge=held["id"])
    assert (refund["amount"], refund["payment_intent"]) == (700, None)


def test_an_intents_charge_is_captured_through_the_intent(api: Api) -> None:
    held = api.pay(capture_method="manual")
    refused = api.post(f"{CHARGES}/{held['latest_charge']}/capture")
    assert (refused.status, refused.error["code"]) == (400, "charge_invalid_parameter")
    assert held["id"] in refused.error["message"]
    assert refused.error["payment_intent"]["id"] == held["id"]


def test_a_charge_is_described_anew(api: Api) -> None:
    made = charge(api)["id"]
    customer, other = (api.post("/v1/customers", name=name)["id"] for name in ("Ada", "Bob"))
    heard = News(api)
    told = api.post(
        f"{CHARGES}/{made}",
        description="red",
        customer=customer,
        transfer_group="g",
        receipt_email="ada@example.com",
        shipping={"name": "Ada", "address": {"line1": "Broad Street"}},
        fraud_details={"user_report": "safe"},
        metadata={"a": "1"},
    )
    assert (told["description"], told["customer"], told["transfer_group"]) == ("red", customer, "g")
    assert told["fraud_details"] == {"user_report": "safe"}
    assert told["shipping"]["address"]["line1"] == "Broad Street"
    news = heard.whole()
    assert [event["type"] for event in news] == ["charge.updated"]
    before = news[0]["data"]["previous_attributes"]
    assert (before["customer"], before["description"]) == (None, None)
    assert before["fraud_details"] == {"user_report": None}
    cleared = api.post(f"{CHARGES}/{made}", fraud_details={"user_report": ""}, description="")
    assert (cleared["fraud_details"], cleared["description"]) == ({}, None)
    for name, value in {"customer": other, "transfer_group": "h"}.items():
        refused = api.post(f"{CHARGES}/{made}", **{name: value})
        assert (refused.status, refused.error["param"]) == (400, name)
    heard()
    assert api.post(f"{CHARGES}/{made}", customer=customer)["customer"] == customer
    assert heard() == [], "nothing changed"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("POST", "/capture")])
def test_what_does_not_exist_is_not_found(api: Api, method: str, path: str) -> None:
    absent = api.send(method, f"{CHARGES}/ch_none{path}", {})
    assert (absent.status, absent.error["code"]) == (404, "resource_missing")


def test_the_risk_of_a_payment_is_told(api: Api) -> None:
    made = charge(api, source="tok_riskLevelElevated")
    assert made["outcome"]["risk_level"] == "elevated"
    blocked = charge(api, source="tok_radarBlock")
    kept = api.get(f"{CHARGES}/{blocked.error['charge']}")
    assert kept["outcome"]["type"] == "blocked"
    assert kept["outcome"]["network_status"] == "not_sent_to_network"
