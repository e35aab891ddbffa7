"""Payment methods over the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.customers.test_api import events, ids
from tests.support.api import Answer, Api, ApiServer

NUMBER = "4242424242424242"
CARD = {"number": NUMBER, "exp_month": 12, "exp_year": 2034, "cvc": "314"}


def create(api: Api, **params: Any) -> Answer:
    return api.post("/v1/payment_methods", **{"type": "card", "card": CARD} | params)


def attach(api: Api, method: str, customer: str) -> Answer:
    return api.post(f"/v1/payment_methods/{method}/attach", customer=customer)


@pytest.fixture
def customer(api: Api) -> str:
    made: str = api.post("/v1/customers", name="Amy")["id"]
    return made


def test_a_card_is_kept_without_its_number(api: Api, api_server: ApiServer) -> None:
    made = create(api, billing_details={"name": "Amy", "address": {"country": "NL"}})
    assert made.status == 200
    assert (made["card"]["brand"], made["card"]["last4"]) == ("visa", "4242")
    assert made["billing_details"]["address"]["country"] == "NL"
    assert NUMBER not in str(made.body)
    assert api.get(f"/v1/payment_methods/{made['id']}").body == made.body
    with psycopg.connect(api_server.database_url) as connection:
        [(row,)] = connection.execute(
            "SELECT m::text FROM payment_methods m WHERE id = %s", [made["id"]]
        ).fetchall()
    assert NUMBER not in row


def test_the_same_card_has_the_same_fingerprint(api: Api) -> None:
    one, two = create(api), create(api, card={"token": "tok_visa"})
    assert one["card"]["fingerprint"] == two["card"]["fingerprint"]
    assert one["id"] != two["id"]


def test_a_wrong_card_is_refused_without_its_number(api: Api) -> None:
    answer = create(api, card=CARD | {"number": "4242424242424241"})
    assert answer.status == 402
    assert answer.error["code"] == "incorrect_number"
    answer = create(api, card=CARD | {"number": [NUMBER]})
    assert answer.status == 400
    answer = api.post("/v1/payment_methods", type="card", cards=CARD)
    assert answer.error["code"] == "parameter_unknown"
    answer = api.post("/v1/payment_methods", type="card")
    assert (answer.error["code"], answer.error["param"]) == ("parameter_missing", "card")


def test_a_method_is_attached_listed_and_detached(api: Api, customer: str) -> None:
    method = create(api)["id"]
    attached = attach(api, method, customer)
    assert (attached["id"], attached["customer"]) == (method, customer)
    path = f"/v1/customers/{customer}/payment_methods"
    listed = api.get(path)
    assert (ids(listed), listed["url"]) == ([method], path)
    assert ids(api.get("/v1/payment_methods", customer=customer, type="card")) == [method]
    assert api.get(f"{path}/{method}", expand=["customer"])["customer"]["name"] == "Amy"
    detached = api.post(f"/v1/payment_methods/{method}/detach")
    assert detached["customer"] is None
    assert ids(api.get(path)) == []
    assert api.get(f"{path}/{method}").status == 404
    assert [event["type"] for event in events(api, method)] == [
        "payment_method.attached",
        "payment_method.detached",
    ]


def test_a_detached_method_cannot_be_used_again(api: Api, customer: str) -> None:
    method = attach(api, "pm_card_visa", customer)["id"]
    api.post(f"/v1/payment_methods/{method}/detach")
    for answer in (
        attach(api, method, customer),
        api.pay(payment_method=method),
        api.post(f"/v1/payment_methods/{method}/detach"),
        api.post(f"/v1/payment_methods/{method}", metadata={"a": "1"}),
    ):
        assert answer.status == 400
        assert answer.error["code"] == "payment_method_unexpected_state"


def test_a_method_of_one_customer_serves_no_other(api: Api, customer: str) -> None:
    method = attach(api, "pm_card_visa", customer)["id"]
    other = api.post("/v1/customers")["id"]
    assert "is on file already" in attach(api, method, other).error["message"]
    assert api.pay(payment_method=method, customer=other).status == 400
    assert api.pay(payment_method=method).status == 400
    assert api.pay(payment_method=method, customer=customer)["status"] == "succeeded"
    assert api.pay(payment_method=method, customer=customer)["status"] == "succeeded"


def test_a_method_without_a_customer_pays_once(api: Api) -> None:
    method = create(api)["id"]
    assert api.pay(payment_method=method)["status"] == "succeeded"
    again = api.pay(payment_method=method)
    assert again.status == 400
    assert "is spent" in again.error["message"]


def test_a_payment_may_keep_its_method_for_later(api: Api, customer: str) -> None:
    paid = api.pay(customer=customer, setup_future_usage="off_session")
    assert ids(api.get(f"/v1/customers/{customer}/payment_methods")) == [paid["payment_method"]]
    again = api.pay(customer=customer, payment_method=paid["payment_method"], off_session=True)
    assert again["status"] == "succeeded"


def test_an_update_is_told_with_what_was_before(api: Api, customer: str) -> None:
    method = attach(api, "pm_card_visa", customer)["id"]
    after = api.post(
        f"/v1/payment_methods/{method}",
        billing_details={"email": "amy@example.com", "address": {"city": "Delft"}},
        card={"exp_month": 1, "exp_year": 2040},
        allow_redisplay="always",
        metadata={"a": "1"},
    )
    assert (after["card"]["exp_month"], after["card"]["exp_year"]) == (1, 2040)
    assert after["allow_redisplay"] == "always"
    event = events(api, method)[-1]
    assert event["type"] == "payment_method.updated"
    assert event["data"]["previous_attributes"]["billing_details"] == {
        "address": {"city": None},
        "email": None,
    }
    wanted = {"customer": customer, "allow_redisplay": "always"}
    assert ids(api.get("/v1/payment_methods", **wanted)) == [method]
    wanted["allow_redisplay"] = "limited"
    assert ids(api.get("/v1/payment_methods", **wanted)) == []


def test_detaching_the_default_unsets_it(api: Api, customer: str) -> None:
    method = attach(api, "pm_card_visa", customer)["id"]
    settings = {"default_payment_method": method}
    api.post(f"/v1/customers/{customer}", invoice_settings=settings)
    api.post(f"/v1/payment_methods/{method}/detach")
    found = api.get(f"/v1/customers/{customer}")
    assert found["invoice_settings"]["default_payment_method"] is None


def test_a_test_token_is_shown_and_each_time_attached_anew(api: Api, customer: str) -> None:
    shown = api.get("/v1/payment_methods/pm_card_visa")
    assert (shown["id"], shown["customer"]) == ("pm_card_visa", None)
    one, two = attach(api, "pm_card_visa", customer), attach(api, "pm_card_visa", customer)
    assert len({one["id"], two["id"], "pm_card_visa"}) == 3
    declined = attach(api, "pm_card_visa_chargeDeclinedInsufficientFunds", customer)
    assert declined.status == 402
    assert declined.error["decline_code"] == "insufficient_funds"


def test_a_publishable_key_creates_methods_and_reads_none(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.account.publishable_key}"}
    made = api.raw(
        "POST", "/v1/payment_methods", headers=headers, json={"type": "card", "card": CARD}
    )
    assert made.status == 200
    for method, path in [
        ("GET", f"/v1/payment_methods/{made['id']}"),
        ("GET", "/v1/payment_methods"),
        ("POST", f"/v1/payment_methods/{made['id']}/attach"),
    ]:
        refused = api.raw(method, path, headers=headers, json=None)
        assert refused.status == 403
        assert refused.error["code"] == "secret_key_required"


def test_a_strangers_method_is_as_absent_as_none(api: Api, other_api: Api) -> None:
    mine = attach(api, "pm_card_visa", api.post("/v1/customers")["id"])["id"]
    theirs = other_api.post("/v1/customers")["id"]

    def answers(named: str) -> list[tuple[int, str]]:
        default = {"default_payment_method": named}
        return [
            (answer.status, answer.error["message"].replace(named, "ID"))
            for answer in (
                other_api.get(f"/v1/payment_methods/{named}"),
                other_api.post(f"/v1/payment_methods/{named}", metadata={"a": "1"}),
                attach(other_api, named, theirs),
                other_api.post(f"/v1/payment_methods/{named}/detach"),
                other_api.get(f"/v1/customers/{theirs}/payment_methods/{named}"),
                other_api.get("/v1/payment_methods", ending_before=named),
                other_api.post("/v1/customers", payment_method=named),
                other_api.post(f"/v1/customers/{theirs}", invoice_settings=default),
                other_api.pay(payment_method=named),
            )
        ]

    assert answers(mine) == answers("pm_absent")


def test_attaching_races_with_deleting_and_one_of_them_wins(api: Api) -> None:
    """Whatever the order, no method is left with a customer that is gone."""
    for _ in range(5):
        customer = api.post("/v1/customers")["id"]
        method = create(api)["id"]
        with ThreadPoolExecutor(2) as pool:
            attaching = pool.submit(attach, api, method, customer)
            deleting = pool.submit(api.delete, f"/v1/customers/{customer}")
        assert deleting.result().status == 200
        assert attaching.result().status in (200, 400)
        assert api.get(f"/v1/payment_methods/{method}")["customer"] is None


def test_one_of_many_attaches_of_a_method_wins(api: Api) -> None:
    method = create(api)["id"]
    customers = [api.post("/v1/customers")["id"] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: attach(api, method, one), customers))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1
    assert api.get(f"/v1/payment_methods/{method}")["customer"] == won[0]["customer"]
