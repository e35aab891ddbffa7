"""The log of deliveries, and asking for events once more. No worker runs here: what became of a
delivery is written by the test."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.api import Api, ApiServer, unique

URL = "https://93.184.215.14/hook"


def endpoint(api: Api, *types: str) -> str:
    given = {"url": URL, "enabled_events": list(types or ("*",))}
    return str(api.post("/v1/webhook_endpoints", **given)["id"])


def happen(api: Api, count: int = 1) -> list[str]:
    """The ids of new events, newest first."""
    for number in range(count):
        api.post("/v1/customers", name=f"Customer {number}")
    return [event["id"] for event in api.get("/v1/events", limit=count)["data"]]


def became(server: ApiServer, event: str, to: str, status: str, tried: int = 1) -> None:
    """Write down what a worker would."""
    attempt = {
        "attempted_at": 1_700_000_000,
        "latency_ms": 12,
        "status_code": 200 if status == "delivered" else 500,
        "trouble": None,
        "response_excerpt": "so it is",
    }
    waiting = datetime.now(UTC) + timedelta(hours=1) if status == "pending" else None
    with psycopg.connect(server.database_url) as connection:
        done = connection.execute(
            "UPDATE webhook_deliveries SET status = %s, tries = %s, next_attempt_at = %s, "
            "attempts = %s, version = version + 1 WHERE event_id = %s AND endpoint_id = %s",
            [status, tried, waiting, json.dumps([attempt] * tried), event, to],
        )
        assert done.rowcount == 1


def test_each_event_has_a_delivery_to_each_endpoint_that_wants_it(api: Api) -> None:
    every, customers, _ = endpoint(api), endpoint(api, "customer.created"), endpoint(api, "*")
    endpoint(api, "charge.failed")
    (event,) = happen(api)
    found = api.get(f"/v1/events/{event}/deliveries")["data"]
    assert len(found) == 3
    (one,) = [each for each in found if each["webhook_endpoint"] == customers]
    assert one == {
        "id": one["id"],
        "object": "webhook_delivery",
        "attempts": [],
        "created": one["created"],
        "event": event,
        "event_type": "customer.created",
        "livemode": False,
        "next_attempt": one["created"],
        "status": "pending",
        "webhook_endpoint": customers,
    }
    assert api.get(f"/v1/webhook_deliveries/{one['id']}").body == one
    (to_every,) = api.get(f"/v1/webhook_endpoints/{every}/deliveries")["data"]
    assert to_every["event"] == event


def test_the_log_shows_every_attempt(api: Api, api_server: ApiServer) -> None:
    to = endpoint(api)
    (event,) = happen(api)
    became(api_server, event, to, "pending", tried=2)
    (found,) = api.get(f"/v1/events/{event}/deliveries")["data"]
    assert (
        found["attempts"]
        == [
            {
                "attempted_at": 1_700_000_000,
                "latency_ms": 12,
                "response_excerpt": "so it is",
                "status_code": 500,
                "trouble": None,
            }
        ]
        * 2
    )
    assert abs(found["next_attempt"] - time.time() - 3600) < 60


def test_the_log_of_an_endpoint_is_read_by_state_and_page(api: Api, api_server: ApiServer) -> None:
    to, path = endpoint(api), ""
    path = f"/v1/webhook_endpoints/{to}/deliveries"
    events = happen(api, 5)
    for event, status in zip(events, ("pending", "delivered", "failed", "canceled"), strict=False):
        became(api_server, event, to, status)
    assert [each["event"] for each in api.get(path)["data"]] == events
    for place, status in ((1, "delivered"), (2, "failed"), (3, "canceled")):
        assert [each["event"] for each in api.get(path, status=status)["data"]] == [events[place]]
    waiting = api.get(path, status="pending")["data"]
    assert [each["event"] for each in waiting] == [events[0], events[4]]
    first = api.get(path, limit=2)
    assert first["has_more"]
    after = api.get(path, limit=2, starting_after=first["data"][-1]["id"])
    assert [each["event"] for each in after["data"]] == events[2:4]
    before = api.get(path, limit=2, ending_before=after["data"][0]["id"])
    assert before["data"] == first["data"]
    assert api.get(path, created={"gt": int(time.time()) + 60})["data"] == []
    refused = api.get(path, status="lost")
    assert (refused.status, refused.error["param"]) == (400, "status")
    refused = api.get(path, starting_after="whd_nobody")
    assert (refused.status, refused.error["param"]) == (400, "starting_after")


def test_the_log_of_an_event_is_read_by_page(api: Api) -> None:
    to = {endpoint(api) for _ in range(3)}
    (event,) = happen(api)
    path = f"/v1/events/{event}/deliveries"
    first = api.get(path, limit=2)
    rest = api.get(path, limit=2, starting_after=first["data"][-1]["id"])
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert {each["webhook_endpoint"] for each in first["data"] + rest["data"]} == to


def test_events_say_how_many_have_not_received_them(api: Api, api_server: ApiServer) -> None:
    first, second = endpoint(api), endpoint(api)
    (event,) = happen(api)

    def pending() -> int:
        one = api.get(f"/v1/events/{event}")["pending_webhooks"]
        (listed,) = api.get("/v1/events")["data"]
        assert listed["pending_webhooks"] == one
        return int(one)

    assert pending() == 2
    became(api_server, event, first, "delivered")
    assert pending() == 1
    became(api_server, event, second, "delivered")
    assert pending() == 0


def test_events_are_found_by_whether_they_were_received(api: Api, api_server: ApiServer) -> None:
    (nobody,) = happen(api)
    first, second = endpoint(api), endpoint(api)
    events = happen(api, 4)
    for event, status in zip(events, ("delivered", "failed", "canceled", "pending"), strict=True):
        became(api_server, event, first, "delivered")
        became(api_server, event, second, status)

    def found(success: bool, **more: Any) -> list[str]:
        listed = api.get("/v1/events", delivery_success=success, **more)["data"]
        return [event["id"] for event in listed]

    assert found(True) == [events[0], nobody]
    assert found(False) == events[1:]
    assert found(False, type="customer.created", limit=1) == events[1:2]
    assert found(False, type="charge.failed") == []
    assert api.get("/v1/events", delivery_success="perhaps").error["param"] == "delivery_success"


def test_a_person_may_send_an_event_again(api: Api, api_server: ApiServer) -> None:
    to = endpoint(api)
    (event,) = happen(api)
    became(api_server, event, to, "failed", tried=5)
    again = api.post(f"/v1/events/{event}/retry", webhook_endpoint=to)
    assert (again["status"], len(again["attempts"])) == ("pending", 5)
    assert abs(again["next_attempt"] - time.time()) < 60
    (listed,) = api.get(f"/v1/events/{event}/deliveries")["data"]
    assert listed == again.body
    key = unique()
    once = api.post(f"/v1/events/{event}/retry", key=key, webhook_endpoint=to)
    became(api_server, event, to, "delivered")
    assert api.post(f"/v1/events/{event}/retry", key=key, webhook_endpoint=to).content == (
        once.content
    )
    (listed,) = api.get(f"/v1/events/{event}/deliveries")["data"]
    assert listed["status"] == "delivered"


def test_an_event_may_be_sent_where_it_never_went(api: Api) -> None:
    (event,) = happen(api)
    to = endpoint(api, "charge.failed")
    sent = api.post(f"/v1/events/{event}/retry", webhook_endpoint=to)
    assert (sent["event"], sent["webhook_endpoint"], sent["attempts"]) == (event, to, [])
    assert sent["created"] == api.get(f"/v1/events/{event}")["created"]


def test_what_is_not_there_cannot_be_sent(api: Api, other_api: Api) -> None:
    to, theirs = endpoint(api), endpoint(other_api)
    (event,), (their_event,) = happen(api), happen(other_api)
    for one in ("evt_nobody", their_event):
        refused = api.post(f"/v1/events/{one}/retry", webhook_endpoint=to)
        assert (refused.status, refused.error["param"]) == (404, "id")
    for one in ("we_nobody", theirs):
        refused = api.post(f"/v1/events/{event}/retry", webhook_endpoint=one)
        assert (refused.status, refused.error["param"]) == (400, "webhook_endpoint")
        assert refused.error["code"] == "resource_missing"
    missing = api.post(f"/v1/events/{event}/retry")
    assert (missing.status, missing.error["param"]) == (400, "webhook_endpoint")


def test_anothers_deliveries_are_as_if_they_were_not_there(api: Api, other_api: Api) -> None:
    theirs = endpoint(other_api)
    (event,) = happen(other_api)
    (delivery,) = other_api.get(f"/v1/events/{event}/deliveries")["data"]
    replay = other_api.post(f"/v1/webhook_endpoints/{theirs}/replays", since=1)
    mine = endpoint(api)
    for answer in (
        api.get(f"/v1/webhook_deliveries/{delivery['id']}"),
        api.get(f"/v1/events/{event}/deliveries"),
        api.get(f"/v1/webhook_endpoints/{theirs}/deliveries"),
        api.get(f"/v1/webhook_endpoints/{theirs}/replays"),
        api.post(f"/v1/webhook_endpoints/{theirs}/replays", since=1),
        api.get(f"/v1/webhook_endpoints/{theirs}/replays/{replay['id']}"),
        api.get(f"/v1/webhook_endpoints/{mine}/replays/{replay['id']}"),
    ):
        assert (answer.status, answer.error["code"]) == (404, "resource_missing")
    after = api.get(f"/v1/webhook_endpoints/{mine}/deliveries", starting_after=delivery["id"])
    assert after.status == 400


def test_a_replay_is_asked_for_and_read(api: Api) -> None:
    to = endpoint(api)
    path = f"/v1/webhook_endpoints/{to}/replays"
    now = int(time.time())
    made = api.post(path, since=now - 3600, until=now - 60, only_failed=True)
    assert made.body == {
        "id": made["id"],
        "object": "webhook_replay",
        "created": made["created"],
        "events": 0,
        "livemode": False,
        "only_failed": True,
        "since": now - 3600,
        "status": "pending",
        "until": now - 60,
        "webhook_endpoint": to,
    }
    assert api.get(f"{path}/{made['id']}").body == made.body
    # What has not happened yet cannot be replayed.
    later = api.post(path, since=now - 3600, until=now + 3600)
    assert abs(later["until"] - time.time()) < 60
    assert later["only_failed"] is False
    listed = api.get(path, limit=1)
    assert ([each["id"] for each in listed["data"]], listed["has_more"]) == ([later["id"]], True)
    rest = api.get(path, starting_after=later["id"])["data"]
    assert [each["id"] for each in rest] == [made["id"]]
    elsewhere = endpoint(api)
    assert api.get(f"/v1/webhook_endpoints/{elsewhere}/replays")["data"] == []
    assert api.get(f"/v1/webhook_endpoints/{elsewhere}/replays/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("since", "until", "param"),
    [
        (60, None, "since"),  # from the future
        (-60, -60, "since"),
        (-60, -120, "since"),
        ("yesterday", None, "since"),
        (None, None, "since"),
        (-60, "now", "until"),
        (-(10**12), None, "since"),
    ],
)
def test_a_stretch_of_time_begins_before_it_ends(
    api: Api, since: Any, until: Any, param: str
) -> None:
    given = {
        name: int(time.time()) + value if isinstance(value, int) else value
        for name, value in (("since", since), ("until", until))
        if value is not None
    }
    refused = api.post(f"/v1/webhook_endpoints/{endpoint(api)}/replays", **given)
    assert (refused.status, refused.error["param"]) == (400, param)
