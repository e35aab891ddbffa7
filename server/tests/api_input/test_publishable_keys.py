"""What a customer's browser may ask, and what it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Answer, Api
from tests.support.contract import OPERATIONS, Parameter, example, placed
from tests.support.world import World

ALL = list(OPERATIONS.values())
MAY = {"confirm_payment_intent", "create_payment_method", "retrieve_payment_intent"}
CONFIRM = OPERATIONS["confirm_payment_intent"]
# With what, where to, and how the payer is reached: the rest of a payment is the merchant's.
PAYERS = {
    *("client_secret", "mandate_data", "payment_method", "payment_method_data"),
    *("radar_options", "receipt_email", "return_url", "setup_future_usage", "shipping"),
    *("expand", "use_stripe_sdk"),
}
MERCHANTS = [one for one in CONFIRM.every_input() if one.path[0] not in PAYERS]


def ask(api: Api, method: str, path: str, params: dict[str, Any]) -> Answer:
    return api.send(method, path, params, secret=api.account.publishable_key)


def confirm(api: Api, intent: Any, **params: Any) -> Answer:
    given = {"client_secret": intent["client_secret"]} | params
    return ask(api, "POST", f"/v1/payment_intents/{intent['id']}/confirm", given)


def test_a_browser_may_do_three_things() -> None:
    assert {one.id for one in ALL if one.publishable} == MAY


@pytest.mark.parametrize("one", MERCHANTS, ids=lambda one: one.name)
@pytest.mark.usefixtures("unchanged")
def test_the_terms_of_a_payment_are_not_for_a_browser_to_set(world: World, one: Parameter) -> None:
    if one.shapes[0]["type"] == "object" or one.path[-1] == "network":
        return
    params = placed({}, CONFIRM, one.path, example(one.schema))
    params["client_secret"] = world.client_secrets[world.ids["requires_confirmation"]]
    answer = ask(world.api, "POST", world.path(CONFIRM), params)
    assert answer.status == 403, answer.body
    assert answer.error["code"] == "secret_key_required"
    assert one.name in answer.error["message"]


@pytest.mark.parametrize("name", ["retrieve_payment_intent", "confirm_payment_intent"])
@pytest.mark.usefixtures("unchanged")
def test_a_browser_may_not_look_behind_what_it_was_given(world: World, name: str) -> None:
    operation, intent = OPERATIONS[name], world.ids["requires_confirmation"]
    for field in ("customer", "latest_charge", "payment_method", "payment_method.customer"):
        params = {"client_secret": world.client_secrets[intent], "expand": [field]}
        path = operation.path.format(intent=intent)
        assert ask(world.api, operation.method, path, params).status == 403


@pytest.mark.parametrize("secret", [None, "", "wrong", "pi_x_secret_y", "{other}", "{cut}", "{up}"])
@pytest.mark.parametrize("name", ["retrieve_payment_intent", "confirm_payment_intent"])
@pytest.mark.usefixtures("unchanged")
def test_without_the_right_secret_a_payment_is_as_absent_as_any(
    world: World, name: str, secret: str | None
) -> None:
    operation, intent = OPERATIONS[name], world.ids["requires_confirmation"]
    absent = intent[:-4] + "zzzz"
    right = world.client_secrets[intent]
    known = {
        "{other}": world.client_secrets[world.ids["succeeded"]],
        "{cut}": right[:-1],
        "{up}": right.upper(),
    }
    params = {} if secret is None else {"client_secret": known.get(secret, secret)}
    answers = [
        ask(world.api, operation.method, operation.path.format(intent=named), params)
        for named in (intent, absent)
    ]
    assert answers[0].content.decode().replace(intent, absent) == answers[1].content.decode()
    assert [answer.status for answer in answers] == ([400] * 2 if secret == "" else [404] * 2)
    if secret and operation is CONFIRM:
        # Who sends a secret means it, whatever key comes with it.
        path = operation.path.format(intent=intent)
        assert world.api.send(operation.method, path, params).status == 404


@pytest.mark.usefixtures("unchanged")
def test_a_secret_does_not_open_a_payment_of_another_account(world: World, other_api: Api) -> None:
    theirs = other_api.post("/v1/payment_intents", amount=2000, currency="usd")
    secret = {"client_secret": theirs["client_secret"]}
    answer = ask(world.api, "GET", f"/v1/payment_intents/{theirs['id']}", secret)
    assert answer.status == 404
    assert confirm(world.api, theirs, payment_method="pm_card_visa").status == 404


def assert_covered(intent: dict[str, Any]) -> None:
    assert intent["customer"] is None
    assert intent["latest_charge"] is None
    assert intent["metadata"] == {}


@pytest.fixture
def noted(api: Api) -> Answer:
    """A payment of a known customer, with what the merchant noted on it."""
    customer = api.post("/v1/customers", name="Ada")["id"]
    return api.post(
        "/v1/payment_intents",
        amount=2000,
        currency="usd",
        customer=customer,
        metadata={"margin": "40%"},
    )


def test_a_browser_reads_its_payment_without_what_the_merchant_noted(
    api: Api, noted: Answer
) -> None:
    secret = {"client_secret": noted["client_secret"]}
    seen = ask(api, "GET", f"/v1/payment_intents/{noted['id']}", secret)
    assert seen.status == 200
    assert (seen["status"], seen["amount"]) == ("requires_payment_method", 2000)
    assert_covered(seen.body)
    assert api.get(f"/v1/payment_intents/{noted['id']}")["metadata"] == {"margin": "40%"}


def test_a_browser_pays_and_sees_no_more_than_before(api: Api, noted: Answer) -> None:
    paid = confirm(api, noted, payment_method="pm_card_visa", receipt_email="ada@example.com")
    assert paid.status == 200
    assert paid["status"] == "succeeded"
    assert_covered(paid.body)
    # The merchant and its listeners see everything.
    event = api.get("/v1/events", type="payment_intent.succeeded")["data"][0]
    assert event["data"]["object"]["metadata"] == {"margin": "40%"}
    assert event["data"]["object"]["latest_charge"] is not None


def test_a_browser_is_told_of_a_decline_and_sees_no_more_than_before(
    api: Api, noted: Answer
) -> None:
    declined = confirm(api, noted, payment_method="pm_card_chargeDeclined")
    assert declined.status == 402
    assert declined.error["decline_code"] == "generic_decline"
    assert_covered(declined.error["payment_intent"])
    shown = declined.error["payment_intent"]["last_payment_error"]["payment_method"]
    assert shown["customer"] is None


def test_a_browser_that_comes_too_late_sees_no_more_than_before(api: Api, noted: Answer) -> None:
    api.post(f"/v1/payment_intents/{noted['id']}/cancel")
    late = confirm(api, noted, payment_method="pm_card_visa")
    assert late.status == 400
    assert late.error["code"] == "payment_intent_unexpected_state"
    assert_covered(late.error["payment_intent"])


def test_a_browser_makes_a_payment_method_that_the_merchant_can_charge(api: Api) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    made = ask(api, "POST", "/v1/payment_methods", {"type": "card", "card": card})
    assert made.status == 200
    assert made["card"]["last4"] == "4242"
    assert "4242424242424242" not in made.content.decode()
    assert api.pay(payment_method=made["id"])["status"] == "succeeded"


def test_a_browser_repeats_its_request_under_its_key(api: Api, noted: Answer) -> None:
    path = f"/v1/payment_intents/{noted['id']}/confirm"
    params = {"client_secret": noted["client_secret"], "payment_method": "pm_card_visa"}
    first, second = (
        api.send(
            "POST",
            path,
            params,
            idempotency_key="browser-1",
            secret=api.account.publishable_key,
        )
        for _ in range(2)
    )
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert_covered(second.body)


def test_a_browser_is_not_answered_what_the_merchant_was(api: Api, noted: Answer) -> None:
    """The same request under the same key, but another reader."""
    path = f"/v1/payment_intents/{noted['id']}/confirm"
    params = {"client_secret": noted["client_secret"], "payment_method": "pm_card_visa"}
    assert api.send("POST", path, params, idempotency_key="one")["customer"] is not None
    again = api.send(
        "POST", path, params, idempotency_key="one", secret=api.account.publishable_key
    )
    assert again.status == 400
    assert again.error["type"] == "idempotency_error"
