"""Events over HTTP."""

from __future__ import annotations

from typing import Any

from tests.support.api import Api

EVENTS = "/v1/events"


def _types(listed: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in listed]


def test_an_event_carries_its_object_and_the_request_that_made_it(api: Api) -> None:
    made = api.post("/v1/customers", key="a key", name="Amy")
    [event] = api.get(EVENTS)["data"]
    assert event["type"] == "customer.created"
    assert event["data"] == {"object": made.body}
    assert event["request"] == {"id": made.headers["request-id"], "idempotency_key": "a key"}
    assert (event["livemode"], event["pending_webhooks"]) == (False, 0)
    assert api.get(f"{EVENTS}/{event['id']}").body == event


def test_an_update_tells_what_was_there_before(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy", metadata={"a": "1", "b": "2"})
    api.post(f"/v1/customers/{customer['id']}", name="Ann", metadata={"a": "3"})
    event = api.get(EVENTS, type="customer.updated")["data"][0]
    assert event["data"]["previous_attributes"] == {"name": "Amy", "metadata": {"a": "1"}}
    assert event["data"]["object"]["name"] == "Ann"


def test_an_event_shows_its_object_as_it_was_then(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy")
    api.post(f"/v1/customers/{customer['id']}", name="Ann")
    [first] = api.get(EVENTS, type="customer.created")["data"]
    assert first["data"]["object"]["name"] == "Amy"


def test_events_of_one_request_keep_the_order_in_which_things_happened(api: Api) -> None:
    api.pay()
    types = _types(api.get(EVENTS)["data"])[::-1]
    assert types.index("payment_intent.created") < types.index("charge.succeeded")
    assert types.index("charge.succeeded") < types.index("payment_intent.succeeded")


def test_a_request_that_was_refused_or_repeated_makes_no_event(api: Api) -> None:
    for _ in range(2):
        api.post("/v1/customers", key="once", name="Amy")
    assert api.post("/v1/customers", email="nobody").status == 400
    assert _types(api.get(EVENTS)["data"]) == ["customer.created"]


def test_an_update_that_changes_nothing_makes_no_event(api: Api) -> None:
    customer = api.post("/v1/customers", name="Amy")
    api.post(f"/v1/customers/{customer['id']}", name="Amy")
    assert _types(api.get(EVENTS)["data"]) == ["customer.created"]


def test_events_are_filtered_by_one_type_by_several_and_by_a_family(api: Api) -> None:
    api.post("/v1/customers", name="Amy")
    api.pay()
    assert set(_types(api.get(EVENTS, type="charge.succeeded")["data"])) == {"charge.succeeded"}
    several = ["customer.created", "charge.succeeded"]
    assert set(_types(api.get(EVENTS, types=several)["data"])) == set(several)
    family = _types(api.get(EVENTS, type="payment_intent.*")["data"])
    assert len(family) == 2
    assert all(one.startswith("payment_intent.") for one in family)


def test_type_and_types_exclude_each_other(api: Api) -> None:
    refused = api.get(EVENTS, type="charge.succeeded", types=["customer.created"])
    assert (refused.status, refused.error["param"]) == (400, "types")


def test_an_event_of_another_account_is_as_one_that_is_not_there(api: Api, other_api: Api) -> None:
    other_api.post("/v1/customers", name="Amy")
    theirs = other_api.get(EVENTS)["data"][0]["id"]
    for id in (theirs, "evt_none"):
        refused = api.get(f"{EVENTS}/{id}")
        assert (refused.status, refused.error["code"]) == (404, "resource_missing")
    assert api.get(EVENTS)["data"] == []
