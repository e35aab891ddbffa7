"""Parameters that are right one by one and cannot be meant together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Answer, Api
from tests.support.contract import OPERATIONS
from tests.support.world import World

INTENTS = "/v1/payment_intents"
LISTS = [one for one in OPERATIONS.values() if any(i.name == "ending_before" for i in one.inputs)]
CARD = {"type": "card", "card": {"token": "tok_visa"}}
NEW = {"amount": 2000, "currency": "usd"}

pytestmark = pytest.mark.usefixtures("unchanged")


def assert_refused(answer: Answer, param: str) -> None:
    assert answer.status == 400, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error.get("param") == param, answer.error


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
def test_a_page_begins_after_one_object_or_ends_before_one(world: World, operation: Any) -> None:
    both = {"starting_after": world.ids["charge"], "ending_before": world.ids["charge"]}
    answer = world.api.get(world.path(operation), **both)
    assert_refused(answer, "ending_before")
    assert answer.error["code"] == "parameters_exclusive"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"payment_method": "pm_card_visa", "payment_method_data": CARD}, "payment_method_data"),
        (
            {"automatic_payment_methods": {"enabled": True}, "payment_method_types": ["card"]},
            "payment_method_types",
        ),
        ({"off_session": True}, "off_session"),
        ({"error_on_requires_action": True}, "error_on_requires_action"),
        ({"return_url": "https://shop.example/paid"}, "return_url"),
        ({"use_stripe_sdk": True}, "use_stripe_sdk"),
        ({"confirm": False, "off_session": True}, "off_session"),
        ({"confirm": True}, "payment_method"),
    ],
)
def test_what_a_new_payment_cannot_be_at_once_is_refused(
    world: World, params: dict[str, Any], param: str
) -> None:
    assert_refused(world.api.post(INTENTS, **NEW, **params), param)


def test_a_confirmation_takes_one_payment_method(world: World) -> None:
    path = f"{INTENTS}/{world.ids['requires_payment_method']}"
    both = {"payment_method": "pm_card_visa", "payment_method_data": CARD}
    assert_refused(world.api.post(f"{path}/confirm", **both), "payment_method_data")
    assert_refused(world.api.post(path, **both), "payment_method_data")
    assert_refused(world.api.post(f"{path}/confirm"), "payment_method")


@pytest.mark.parametrize(
    ("card", "param"),
    [
        ({"number": "4242424242424242"}, "card[exp_month]"),
        ({"number": "4242424242424242", "exp_month": 12}, "card[exp_year]"),
        ({"exp_month": 12, "exp_year": 2030}, "card[number]"),
        ({"cvc": "123"}, "card[number]"),
    ],
)
def test_a_card_is_sent_whole(world: World, card: dict[str, Any], param: str) -> None:
    assert_refused(world.api.post("/v1/payment_methods", type="card", card=card), param)
    data = {"type": "card", "card": card}
    answer = world.api.post(INTENTS, **NEW, payment_method_data=data)
    assert_refused(answer, "payment_method_data[" + param.replace("[", "][", 1))


def test_a_payment_method_of_a_type_needs_what_the_type_needs(world: World) -> None:
    answer = world.api.post("/v1/payment_methods", type="card")
    assert answer.status == 400
    assert answer.error["param"].startswith("card")


def test_a_refund_needs_to_know_of_what(world: World) -> None:
    assert_refused(world.api.post("/v1/refunds", amount=1), "payment_intent")
    other = {"charge": world.ids["held_charge"], "payment_intent": world.ids["succeeded"]}
    assert_refused(world.api.post("/v1/refunds", **other), "charge")


def test_a_charge_needs_to_know_of_what(world: World) -> None:
    assert_refused(world.api.post("/v1/charges", **NEW), "source")


def test_events_are_asked_for_by_one_type_or_by_several(world: World) -> None:
    both = {"type": "charge.succeeded", "types": ["charge.failed"]}
    assert_refused(world.api.get("/v1/events", **both), "types")


@pytest.mark.parametrize(
    "query",
    [
        *('status:"succeeded" AND amount>1 OR amount<2', 'nothing:"x"', "amount", "amount:", ":"),
        *('status~"suc"', 'amount:"lots"', "created>yesterday", '"succeeded"', "AND", "-", "-AND"),
        *('status:"succeeded" AND', 'metadata:"x"', 'metadata["a"', 'metadata["a"]', "(amount>1)"),
        *(" ", "amount>1e3", "amount>99999999999999999999", 'status["a"]:"x"', 'status:"a\\'),
        " AND ".join(["amount>1"] * 51),
    ],
)
def test_a_search_that_cannot_be_understood_is_refused(world: World, query: str) -> None:
    assert_refused(world.api.get(f"{INTENTS}/search", query=query), "query")


@pytest.mark.parametrize("page", ["x", "AAAA", "!!!!", "é", "a" * 4000, "eyJhIjoxfQ=="])
def test_a_page_that_no_search_gave_is_refused(world: World, page: str) -> None:
    assert_refused(world.api.get(f"{INTENTS}/search", query="amount>1", page=page), "page")


@pytest.mark.parametrize(
    "field",
    [
        *("nothing", "customer.nothing", "id", "metadata", "amount", "data", "data.customer", ""),
        *("customer.", ".customer", "customer..id", "latest_charge.refunds.data.charge.customer"),
        "customer.invoice_settings.default_payment_method.customer.invoice_settings",
    ],
)
def test_what_cannot_be_expanded_is_refused(world: World, field: str) -> None:
    answer = world.api.get(f"{INTENTS}/{world.ids['succeeded']}", expand=["customer", field])
    assert_refused(answer, "expand[1]")


def test_a_list_expands_below_its_data(world: World) -> None:
    assert_refused(world.api.get(INTENTS, expand=["customer"]), "expand[0]")
    assert world.api.get(INTENTS, expand=["data.customer"]).status == 200


@pytest.mark.parametrize(
    ("path", "email"),
    [
        ("/v1/customers", {"email": "nobody"}),
        ("/v1/customers", {"email": "a@b@c"}),
        (INTENTS, {**NEW, "receipt_email": "no one@example.com"}),
    ],
)
def test_what_cannot_be_a_mailbox_is_refused(
    world: World, path: str, email: dict[str, Any]
) -> None:
    answer = world.api.post(path, **email)
    assert answer.error["code"] == "email_invalid"
    assert_refused(answer, "receipt_email" if "amount" in email else "email")


@pytest.mark.parametrize(
    "url", ["nowhere", "javascript:alert(1)", "data:text/html,x", "//x", "https:"]
)
def test_a_customer_is_not_sent_to_what_is_no_address(world: World, url: str) -> None:
    params = {**NEW, "confirm": True, "payment_method": "pm_card_visa", "return_url": url}
    assert_refused(world.api.post(INTENTS, **params), "return_url")


def test_bounds_that_leave_nothing_between_them_find_nothing(world: World) -> None:
    answer = world.api.get("/v1/charges", created={"gt": 2_000_000_000, "lt": 1_000_000_000})
    assert answer["data"] == []


def test_an_object_that_was_refused_is_as_it_was(world: World, api: Api) -> None:
    """A request that is wrong in one thing changes nothing in the others."""
    customer = api.post("/v1/customers", name="Ada", email="ada@example.com")
    path = f"/v1/customers/{customer['id']}"
    for wrong in ({"email": "x"}, {"metadata": {"a" * 41: "x"}}, {"nothing": "x"}):
        assert api.post(path, name="Grace", **wrong).status == 400
    assert api.get(path).body == customer.body
