"""What every answer carries, and what idempotency keys promise."""

from __future__ import annotations

from typing import Any

import pytest

from guilder_server.events import API_VERSION
from tests.support.api import Answer, Api, unique
from tests.support.world import World

FORM = "application/x-www-form-urlencoded"
CUSTOMERS = "/v1/customers"


def create(api: Api, key: str | None = None, path: str = CUSTOMERS, **params: Any) -> Answer:
    return api.post(path, key=key, **params)


def with_headers(api: Api, headers: dict[str, str], method: str = "GET") -> Answer:
    return api.send(method, CUSTOMERS, {}, headers=headers)


# ── on every answer ─────────────────────────────────────────────────────────────────────────


def test_every_answer_says_who_gave_it(world: World) -> None:
    api = world.api
    answers = [
        api.get(CUSTOMERS),
        api.post(f"/v1/payment_intents/{world.ids['succeeded']}/confirm"),
        api.get("/v1/customers/cus_absent"),
        api.get("/v1/nothing"),
        api.raw("PUT", CUSTOMERS),
        api.raw("POST", CUSTOMERS, content=b"x" * (2 << 20), headers={"Content-Type": FORM}),
        api.send("GET", CUSTOMERS, {}, secret="sk_test_wrong"),
        api.send("GET", "/v1/events", {}, secret=api.account.publishable_key),
    ]
    assert [one.status for one in answers] == [200, 400, 404, 404, 405, 413, 401, 403]
    for one in answers:
        assert one.headers["content-type"] == "application/json"
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["stripe-version"] == API_VERSION
        assert one.headers["guilder-version"]
        assert int(one.headers["content-length"]) == len(one.content)
        assert "stripe-should-retry" not in one.headers
        assert "idempotent-replayed" not in one.headers
    assert len({one.headers["request-id"] for one in answers}) == len(answers)


def test_an_event_names_the_request_that_caused_it(api: Api) -> None:
    key = unique()
    answer = create(api, key)
    event = api.get("/v1/events", type="customer.created")["data"][0]
    assert event["request"] == {"id": answer.headers["request-id"], "idempotency_key": key}


@pytest.mark.parametrize(
    "version",
    [
        "2026-10-28.endive",
        "2020-08-27",
        "2024-04-10; feature_beta=v1",
        "2015-02-10",
        "2199-01-01.x",
    ],
)
def test_any_version_is_welcome_and_answered_in_ours(world: World, version: str) -> None:
    answer = with_headers(world.api, {"Stripe-Version": version})
    assert answer.status == 200
    assert answer.headers["stripe-version"] == API_VERSION


@pytest.mark.parametrize("version", ["latest", "2026", "2026-10-28 endive", "1", "2026-10-28." * 9])
def test_a_word_that_is_no_version_is_refused(world: World, version: str) -> None:
    answer = with_headers(world.api, {"Stripe-Version": version})
    assert answer.status == 400
    assert "Stripe-Version" in answer.error["message"]


def test_the_account_of_the_key_may_be_named(world: World) -> None:
    account = world.api.account.account
    answer = with_headers(world.api, {"Stripe-Account": account})
    assert answer.status == 200
    assert answer.headers["stripe-account"] == account


def test_another_account_may_not_be_named_whether_it_exists_or_not(
    world: World, other_api: Api
) -> None:
    theirs = other_api.account.account
    absent = theirs[:-4] + "zzzz"
    answers = [with_headers(world.api, {"Stripe-Account": one}) for one in (theirs, absent)]
    for one, account in zip(answers, (theirs, absent), strict=True):
        assert one.status == 403
        assert one.error["code"] == "account_invalid"
        assert "stripe-account" not in one.headers
        assert account in one.error["message"]
    assert answers[0].content.decode().replace(theirs, absent) == answers[1].content.decode()


# ── idempotency keys ────────────────────────────────────────────────────────────────────────


def test_a_key_comes_back_with_the_answer_to_a_write(api: Api) -> None:
    for params in ({"name": "Ada"}, {"no_such_parameter": "1"}):
        key = unique()
        assert create(api, key, **params).headers["idempotency-key"] == key
    assert "idempotency-key" not in create(api).headers


def test_a_key_means_nothing_to_a_read_or_a_deletion(api: Api) -> None:
    customer = create(api, key := unique())["id"]
    for method, path in (("GET", CUSTOMERS), ("DELETE", f"{CUSTOMERS}/{customer}")):
        answer = api.send(method, path, {}, headers={"Idempotency-Key": key})
        assert answer.status == 200
        assert answer["object"] in ("list", "customer")
        assert "idempotency-key" not in answer.headers
        assert "idempotent-replayed" not in answer.headers


def test_a_repeated_request_is_answered_the_same_bytes_and_done_once(api: Api) -> None:
    key = unique()
    first, second, third = (create(api, key, name="Ada") for _ in range(3))
    assert first.content == second.content == third.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == third.headers["idempotent-replayed"] == "true"
    assert first.headers["request-id"] != second.headers["request-id"]
    assert len(api.get(CUSTOMERS)["data"]) == 1


def test_a_form_and_json_that_say_the_same_are_the_same_request(api: Api) -> None:
    key = unique()
    params = {"amount": 2000, "currency": "usd", "metadata": {"a": "1"}, "expand": ["customer"]}
    first = api.post("/v1/payment_intents", key=key, **params)
    again = api.raw("POST", "/v1/payment_intents", json=params, headers={"Idempotency-Key": key})
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


def test_the_order_of_parameters_makes_no_other_request(api: Api) -> None:
    headers = {"Idempotency-Key": unique(), "Content-Type": FORM}
    bodies = (b"name=Ada&metadata[a]=1&metadata[b]=2", b"metadata[b]=2&name=Ada&metadata[a]=1")
    first, second = (api.raw("POST", CUSTOMERS, content=b, headers=headers) for b in bodies)
    assert first.content == second.content


def assert_mismatch(answer: Answer, key: str) -> None:
    assert answer.status == 400, answer.body
    assert answer.error["type"] == "idempotency_error"
    assert key in answer.error["message"]
    assert answer.headers["idempotency-key"] == key
    assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Grace"},
        {},
        {"name": "Ada", "email": "ada@example.com"},
        {"name": "Ada", "expand": ["invoice_settings.default_payment_method"]},
        {"name": "Ada", "metadata": {"a": "1"}},
    ],
)
def test_a_key_with_other_parameters_is_refused(api: Api, other: dict[str, Any]) -> None:
    key = unique()
    create(api, key, name="Ada")
    assert_mismatch(create(api, key, **other), key)
    assert len(api.get(CUSTOMERS)["data"]) == 1


def test_a_key_with_another_endpoint_is_refused(api: Api) -> None:
    key = unique()
    customer = create(api, key, name="Ada")["id"]
    other = create(api)["id"]
    assert_mismatch(create(api, key, f"{CUSTOMERS}/{customer}", name="Ada"), key)
    another = unique()
    create(api, another, f"{CUSTOMERS}/{customer}", name="Ada")
    assert_mismatch(create(api, another, f"{CUSTOMERS}/{other}", name="Ada"), another)


def test_a_key_is_of_one_account_alone(api: Api, other_api: Api) -> None:
    key = unique()
    mine, theirs = create(api, key, name="Ada"), create(other_api, key, name="Grace")
    assert (mine.status, theirs.status) == (200, 200)
    assert mine["id"] != theirs["id"]
    assert "idempotent-replayed" not in theirs.headers


def test_what_is_refused_at_the_door_does_not_use_up_a_key(api: Api) -> None:
    key = unique()
    headers = {"Idempotency-Key": key, "Content-Type": FORM}
    assert create(api, key, no_such_parameter="1").status == 400
    assert api.raw("POST", CUSTOMERS, content=b"name=%", headers=headers).status == 400
    assert api.send("POST", CUSTOMERS, {}, idempotency_key=key, secret="sk_test_x").status == 401
    assert create(api, key, metadata={"a" * 41: "x"}).status == 400
    good = create(api, key, name="Ada")
    assert good.status == 200
    assert "idempotent-replayed" not in good.headers


def test_a_decline_is_answered_again_and_not_tried_again(api: Api) -> None:
    key = unique()
    first, second = (api.pay(key=key, payment_method="pm_card_chargeDeclined") for _ in range(2))
    assert (first.status, second.status) == (402, 402)
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len(api.get("/v1/charges")["data"]) == 1


def test_a_refusal_that_looked_at_what_is_stored_is_answered_again(api: Api) -> None:
    key = unique()
    intent = api.pay()["id"]
    first, second = (create(api, key, f"/v1/payment_intents/{intent}/cancel") for _ in range(2))
    assert first.status == second.status == 400
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["k", "k" * 255, "with blanks inside", "käy-☃", "a/b?c=d&e"])
def test_a_key_may_be_any_printable_text_up_to_255_characters(api: Api, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode(), b"Content-Type": FORM.encode()}
    first, second = (
        api.raw("POST", CUSTOMERS, content=b"name=Ada", headers=headers) for _ in range(2)
    )
    assert first.status == 200, first.body
    assert first.content == second.content


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"k" * 5000, b"a\tb", b"\xff\xfe"])
def test_a_key_that_is_empty_too_long_or_not_text_is_refused(world: World, key: bytes) -> None:
    headers = {b"Idempotency-Key": key, b"Content-Type": FORM.encode()}
    answer = world.api.raw("POST", CUSTOMERS, content=b"name=Ada", headers=headers)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert "255" in answer.error["message"]
    assert "idempotency-key" not in answer.headers


def test_a_browser_may_read_the_answers_of_what_it_may_ask(world: World) -> None:
    answer = world.api.get(CUSTOMERS)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Request-Id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    path = "/v1/payment_methods"
    preflight = world.api._client.options(path, headers={"Origin": "https://shop.example"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
