"""Payments whose customer must meet their bank, and the sandbox's page where they do."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from guilder_server.composition import compose, sandbox_only
from guilder_server.kernel.clock import SystemClock
from guilder_server.settings import Settings
from tests.payments.news import News
from tests.support.api import FINGERPRINT_KEY, PEPPER, SEALING_KEY, Answer, Api, ApiServer
from tests.support.http_gateway import HttpGateway

INTENTS = "/v1/payment_intents"
CARD = "pm_card_authenticationRequired"
SHOP = "https://shop.example/paid?order=7"


def asked_for(api: Api, **given: Any) -> Answer:
    """A payment that waits for its customer."""
    asked = api.pay(**{"payment_method": CARD, **given})
    assert (asked.status, asked["status"]) == (200, "requires_action"), asked.body
    return asked


class Customer:
    """The customer's browser on the bank's page."""

    def __init__(self, address: str) -> None:
        self.page = httpx.get(address)
        self._base = address

    def answers(self, button: str) -> httpx.Response:
        forms = re.findall(r'<form method="post" action="([^"]+)"><button>(\w+)<', self.page.text)
        action = next(action for action, name in forms if name == button).replace("&amp;", "&")
        return httpx.post(str(httpx.URL(self._base).join(action)))


def customer_of(intent: Answer) -> Customer:
    action = intent["next_action"]
    return Customer(
        action["redirect_to_url"]["url"]
        if action["type"] == "redirect_to_url"
        else action["use_stripe_sdk"]["stripe_js"]
    )


def test_the_payer_is_sent_to_a_page_or_the_program_opens_it(
    api: Api, api_server: ApiServer
) -> None:
    heard = News(api)
    sent = asked_for(api, return_url=SHOP)["next_action"]
    assert sent["type"] == "redirect_to_url"
    assert sent["redirect_to_url"]["return_url"] == SHOP
    assert heard() == ["payment_intent.created", "payment_intent.requires_action"]
    for given in (
        {},
        {"return_url": SHOP, "use_stripe_sdk": True},
        {
            "return_url": SHOP,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
    ):
        opened = asked_for(api, **given)["next_action"]
        assert opened["type"] == "use_stripe_sdk"
        assert "/sandbox/authenticate/pi_" in opened["use_stripe_sdk"]["stripe_js"]


def test_the_page_shows_what_is_paid_to_whom_and_runs_nothing(api: Api) -> None:
    asked = asked_for(api, amount=1234, return_url=SHOP)
    page = customer_of(asked).page
    assert page.status_code == 200
    assert "12.34 USD" in page.text
    assert api.account.account in page.text
    assert asked["id"] in page.text
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://shop.example;" in f"{policy};"
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not page.cookies


def test_a_customer_who_completes_it_has_paid_and_is_sent_back(api: Api) -> None:
    asked = asked_for(api, return_url=SHOP)
    heard = News(api)
    answer = customer_of(asked).answers("Complete")
    assert answer.status_code == 303
    back = urlsplit(answer.headers["location"])
    assert (back.netloc, back.path) == ("shop.example", "/paid")
    assert parse_qs(back.query) == {
        "order": ["7"],
        "payment_intent": [asked["id"]],
        "payment_intent_client_secret": [asked["client_secret"]],
        "redirect_status": ["succeeded"],
    }
    paid = api.get(f"{INTENTS}/{asked['id']}", expand=["latest_charge"])
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    card = paid["latest_charge"]["payment_method_details"]["card"]
    assert card["three_d_secure"]["result"] == "authenticated"
    news = heard.whole()
    assert [event["type"] for event in news] == ["charge.succeeded", "payment_intent.succeeded"]
    assert {event["request"]["id"] for event in news} == {None}
    assert api.get("/v1/balance_transactions")["data"][0]["amount"] == 2000


def test_a_customer_who_fails_it_was_never_charged(api: Api) -> None:
    asked = asked_for(api, return_url=SHOP)
    heard = News(api)
    answer = customer_of(asked).answers("Fail")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_status"] == ["failed"]
    refused = api.get(f"{INTENTS}/{asked['id']}")
    assert refused["status"] == "requires_payment_method"
    error = refused["last_payment_error"]
    assert error["code"] == "payment_intent_authentication_failure"
    assert error["type"] == "invalid_request_error"
    assert error["payment_method"]["card"]["last4"] == "3184"
    assert refused["latest_charge"] is None
    assert api.get("/v1/charges")["data"] == []
    assert heard() == ["payment_intent.payment_failed"]
    again = api.post(f"{INTENTS}/{asked['id']}/confirm", payment_method="pm_card_visa")
    assert again["status"] == "succeeded"


def test_without_a_return_url_the_page_says_how_it_ended(api: Api) -> None:
    for button, title in (("Complete", "Thank you"), ("Fail", "did not go through")):
        answer = customer_of(asked_for(api)).answers(button)
        assert answer.status_code == 200
        assert title in answer.text


def test_a_bank_may_refuse_a_customer_who_is_known(api: Api) -> None:
    asked = asked_for(api, payment_method="pm_card_threeDSecureRequiredChargeDeclined")
    heard = News(api)
    customer_of(asked).answers("Complete")
    refused = api.get(f"{INTENTS}/{asked['id']}")
    assert refused["last_payment_error"]["decline_code"] == "generic_decline"
    assert heard() == ["charge.failed", "payment_intent.payment_failed"]


def test_the_money_is_held_where_it_is_to_be_captured_later(api: Api) -> None:
    asked = asked_for(api, capture_method="manual")
    customer_of(asked).answers("Complete")
    held = api.get(f"{INTENTS}/{asked['id']}")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 2000)


def test_a_merchant_who_confirms_by_hand_confirms_once_more(api: Api) -> None:
    asked = asked_for(api, confirmation_method="manual", return_url=SHOP)
    answer = customer_of(asked).answers("Complete")
    assert "redirect_status=succeeded" in answer.headers["location"]
    waiting = api.get(f"{INTENTS}/{asked['id']}")
    assert (waiting["status"], waiting["next_action"]) == ("requires_confirmation", None)
    paid = api.post(f"{INTENTS}/{asked['id']}/confirm")
    assert paid["status"] == "succeeded"


def test_what_the_customer_agreed_to_is_asked_again_when_it_changes(api: Api) -> None:
    asked = asked_for(api, confirmation_method="manual")
    customer_of(asked).answers("Complete")
    api.post(f"{INTENTS}/{asked['id']}", amount=9900)
    again = api.post(f"{INTENTS}/{asked['id']}/confirm")
    assert again["status"] == "requires_action"


def test_another_confirmation_starts_anew(api: Api) -> None:
    asked = asked_for(api)
    heard = News(api)
    again = api.post(f"{INTENTS}/{asked['id']}/confirm")
    assert (again["status"], heard()) == ("requires_action", ["payment_intent.requires_action"])
    other = api.post(f"{INTENTS}/{asked['id']}/confirm", payment_method="pm_card_visa")
    assert other["status"] == "succeeded"
    assert customer_of(asked).page.status_code == 404


def test_a_changed_amount_ends_the_waiting(api: Api) -> None:
    asked = asked_for(api)
    changed = api.post(f"{INTENTS}/{asked['id']}", amount=2500)
    assert (changed["status"], changed["next_action"]) == ("requires_confirmation", None)
    assert customer_of(asked).page.status_code == 404


def test_nothing_is_answered_twice(api: Api) -> None:
    asked = asked_for(api, return_url=SHOP)
    customer = customer_of(asked)
    assert customer.answers("Complete").status_code == 303
    assert customer.answers("Fail").status_code == 404
    assert api.get(f"{INTENTS}/{asked['id']}")["status"] == "succeeded"
    assert len(api.get("/v1/charges")["data"]) == 1


@pytest.mark.parametrize("secret", ["", "client_secret=", "client_secret=pi_x", "client_secret=é"])
def test_the_page_opens_to_nobody_without_the_secret(
    api: Api, api_server: ApiServer, secret: str
) -> None:
    asked = asked_for(api)
    for intent in (asked["id"], "pi_none", "%00", "x" * 300):
        address = f"{api_server.url}/sandbox/authenticate/{intent}"
        assert httpx.get(f"{address}?{secret}").status_code == 404
        for button in ("complete", "fail"):
            assert httpx.post(f"{address}/{button}?{secret}").status_code == 404
    assert api.get(f"{INTENTS}/{asked['id']}")["status"] == "requires_action"


def test_a_secret_opens_its_own_payment_only(api: Api) -> None:
    one, two = asked_for(api), asked_for(api)
    address = one["next_action"]["use_stripe_sdk"]["stripe_js"]
    crossed = address.replace(one["id"], two["id"], 1)
    assert httpx.get(crossed).status_code == 404


def test_what_others_wrote_cannot_become_a_part_of_the_page(api: Api) -> None:
    shop = "https://shop.example/?a=<script>&b=\"'><img>"
    asked = asked_for(api, return_url=shop, description="<script>alert(1)</script>")
    customer = customer_of(asked)
    assert "<script" not in customer.page.text
    assert "<img" not in customer.page.text
    location = customer.answers("Complete").headers["location"]
    assert "<" not in location
    assert '"' not in location


def test_a_customer_who_is_away_cannot_be_asked(api: Api) -> None:
    for given in ({"off_session": True}, {"error_on_requires_action": True}):
        heard = News(api)
        refused = api.pay(payment_method=CARD, **given)
        assert (refused.status, refused.error["code"]) == (402, "authentication_required")
        assert refused.error["decline_code"] == "authentication_required"
        assert refused.error["payment_intent"]["status"] == "requires_payment_method"
        assert heard() == [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
        ]


def test_a_card_that_was_set_up_pays_without_its_customer(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    card = "pm_card_authenticationRequiredOnSetup"
    asked = asked_for(api, payment_method=card, customer=customer, setup_future_usage="off_session")
    customer_of(asked).answers("Complete")
    kept = api.get(f"{INTENTS}/{asked['id']}")["payment_method"]
    paid = api.pay(customer=customer, payment_method=kept, off_session=True)
    assert paid["status"] == "succeeded"
    assert asked_for(api, payment_method=kept, customer=customer)["status"] == "requires_action"


def test_a_card_that_was_only_kept_does_not(api: Api) -> None:
    customer = api.post("/v1/customers", name="Ada")["id"]
    card = "pm_card_authenticationRequiredOnSetup"
    kept = api.post(f"/v1/payment_methods/{card}/attach", customer=customer)["id"]
    refused = api.pay(customer=customer, payment_method=kept, off_session=True)
    assert (refused.status, refused.error["code"]) == (402, "authentication_required")
    asked = asked_for(api, payment_method=kept, customer=customer, setup_future_usage="off_session")
    customer_of(asked).answers("Complete")
    paid = api.pay(customer=customer, payment_method=kept, off_session=True)
    assert paid["status"] == "succeeded"


def test_a_card_that_was_used_up_meanwhile_is_not_charged(api: Api) -> None:
    card = api.post(
        "/v1/payment_methods",
        type="card",
        card={"number": "4000002760003184", "exp_month": 12, "exp_year": 2040},
    )["id"]
    one, two = asked_for(api, payment_method=card), asked_for(api, payment_method=card)
    customer_of(one).answers("Complete")
    refused = customer_of(two).answers("Complete")
    assert refused.status_code == 400
    assert "Not authenticated" in refused.text
    assert api.get(f"{INTENTS}/{two['id']}")["status"] == "requires_action"


def test_the_page_is_there_for_the_sandbox_only(database_url: str) -> None:
    settings = Settings(
        database_url=database_url,
        key_pepper=PEPPER,
        fingerprint_key=FINGERPRINT_KEY,
        sealing_key=SEALING_KEY,
    )
    elsewhere = HttpGateway("http://gateway.example")
    sandbox = compose(settings, SystemClock(), sandbox_only)
    other = compose(settings, SystemClock(), lambda *_: [elsewhere])
    only = {route.path for route in sandbox.pages} - {route.path for route in other.pages}
    assert {path.split("/")[1] for path in only} == {"sandbox"}
    assert not [route.path for route in other.pages if "sandbox" in route.path]
