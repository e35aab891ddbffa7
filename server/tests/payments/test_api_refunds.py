"""Refunds over the wire, whole and in parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments.news import News
from tests.support.api import Answer, Api

REFUNDS = "/v1/refunds"


def refund(api: Api, paid: Answer, **given: Any) -> Answer:
    return api.post(REFUNDS, payment_intent=paid["id"], **given)


def charge_of(api: Api, paid: Answer) -> Answer:
    return api.get(f"/v1/charges/{paid['latest_charge']}", expand=["refunds"])


def test_a_payment_is_given_back(api: Api) -> None:
    paid = api.pay(description="a blue fish")
    heard = News(api)
    given = refund(
        api,
        paid,
        reason="requested_by_customer",
        metadata={"why": "scales"},
        expand=["charge", "payment_intent", "balance_transaction"],
    )
    assert (given["status"], given["amount"], given["currency"]) == ("succeeded", 2000, "usd")
    assert (given["reason"], given["metadata"]) == ("requested_by_customer", {"why": "scales"})
    charge = given["charge"]
    assert (charge["amount_refunded"], charge["refunded"]) == (2000, True)
    assert given["payment_intent"]["status"] == "succeeded"
    entry = given["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"]) == (-2000, 0, -2000)
    assert (entry["type"], entry["source"]) == ("refund", given["id"])
    assert entry["description"] == "REFUND FOR CHARGE (a blue fish)"
    news = heard.whole()
    assert [event["type"] for event in news] == ["refund.created", "charge.refunded"]
    assert news[0]["data"]["object"]["status"] == "succeeded"
    assert news[1]["data"]["object"]["amount_refunded"] == 2000


def test_a_payment_is_given_back_in_parts_until_nothing_is_left(api: Api) -> None:
    paid = api.pay()
    parts = [refund(api, paid, amount=amount)["id"] for amount in (500, 700)]
    charge = charge_of(api, paid)
    assert (charge["amount_refunded"], charge["refunded"]) == (1200, False)
    assert [one["id"] for one in charge["refunds"]["data"]] == parts[::-1]
    over = refund(api, paid, amount=801)
    assert (over.status, over.error["code"]) == (400, "amount_too_large")
    assert over.error["param"] == "amount"
    assert "8.00 USD" in over.error["message"]
    assert refund(api, paid)["amount"] == 800
    nothing = refund(api, paid)
    assert (nothing.status, nothing.error["code"]) == (400, "charge_already_refunded")
    assert charge_of(api, paid)["refunded"] is True


@pytest.mark.parametrize(
    ("given", "status", "code", "param"),
    [
        ({}, 400, "parameter_missing", "payment_intent"),
        ({"charge": "ch_none"}, 400, "resource_missing", "charge"),
        ({"payment_intent": "pi_none"}, 400, "resource_missing", "payment_intent"),
    ],
)
def test_it_must_be_said_what_is_given_back(
    api: Api, given: dict[str, Any], status: int, code: str, param: str
) -> None:
    refused = api.post(REFUNDS, **given)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (status, code, param)


def test_charge_and_payment_must_belong_together(api: Api) -> None:
    one, two = api.pay(), api.pay()
    refused = refund(api, one, charge=two["latest_charge"])
    assert (refused.status, refused.error["param"]) == (400, "charge")
    assert refund(api, one, charge=one["latest_charge"])["status"] == "succeeded"


def test_what_took_no_money_is_not_given_back(api: Api) -> None:
    held = api.pay(capture_method="manual")
    refused = api.pay(payment_method="pm_card_chargeDeclined").error
    for given in (
        {"payment_intent": held["id"]},
        {"charge": held["latest_charge"]},
        {"charge": refused["charge"]},
        {"payment_intent": refused["payment_intent"]["id"]},
    ):
        answer = api.post(REFUNDS, **given)
        assert (answer.status, answer.error["code"]) == (400, "charge_not_refundable")


@pytest.mark.parametrize("amount", [0, -1, 2001])
def test_an_amount_to_give_back_must_make_sense(api: Api, amount: int) -> None:
    refused = refund(api, api.pay(), amount=amount)
    assert (refused.status, refused.error["param"]) == (400, "amount")


def test_a_fraudulent_payment_is_reported_with_its_refund(api: Api) -> None:
    paid = api.pay()
    refund(api, paid, reason="fraudulent")
    assert charge_of(api, paid)["fraud_details"] == {"user_report": "fraudulent"}


def test_the_merchant_gives_back_what_was_not_paid_out_yet(api: Api) -> None:
    paid = api.pay()
    refund(api, paid, amount=500)
    balance = api.get("/v1/balance")
    assert balance["pending"][0]["amount"] == 1912 - 500
    assert balance["available"][0]["amount"] == 0


def test_a_refund_is_described_anew(api: Api) -> None:
    given = refund(api, api.pay(), metadata={"a": "1"})
    heard = News(api)
    told = api.post(f"{REFUNDS}/{given['id']}", metadata={"a": "", "b": "2"})
    assert told["metadata"] == {"b": "2"}
    news = heard.whole()
    assert [event["type"] for event in news] == ["refund.updated", "charge.refund.updated"]
    assert news[0]["data"]["previous_attributes"] == {"metadata": {"a": "1", "b": None}}
    assert api.post(f"{REFUNDS}/{given['id']}").body == told.body
    assert heard() == [], "nothing changed"


def test_only_a_refund_that_waits_for_the_customer_is_canceled(api: Api) -> None:
    given = refund(api, api.pay())
    refused = api.post(f"{REFUNDS}/{given['id']}/cancel")
    assert (refused.status, refused.error["code"]) == (400, "status_transition_invalid")
    for path in ("re_none", "re_none/cancel"):
        absent = api.post(f"{REFUNDS}/{path}")
        assert (absent.status, absent.error["code"]) == (404, "resource_missing")
