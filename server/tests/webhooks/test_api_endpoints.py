"""Webhook endpoints as clients make, read, change and delete them."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.postgres import TestDatabases

# An address, so that no name has to be looked up.
URL = "https://93.184.215.14/hook"


def create(api: Api, key: str | None = None, **params: Any) -> Answer:
    given = {"url": URL, "enabled_events": ["charge.succeeded"], **params}
    return api.post("/v1/webhook_endpoints", key=key, **given)


def path(endpoint: Any) -> str:
    return f"/v1/webhook_endpoints/{endpoint['id']}"


@pytest.fixture(scope="module")
def open_server(postgres: TestDatabases) -> Iterator[ApiServer]:
    """One that lets live keys in, and test mode send to this machine."""
    with postgres.database() as url:
        server = ApiServer(url, mode="live", webhook_loopback=True, webhook_endpoints=2)
        server.start()
        yield server
        server.stop()


def test_an_endpoint_is_as_it_was_wished(api: Api) -> None:
    made = create(api, description="Books", metadata={"team": "a"}, api_version="2026-10-28.endive")
    assert made.status == 200
    secret = made.body.pop("secret")
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"))) == 32
    assert made.body == {
        "id": made["id"],
        "object": "webhook_endpoint",
        "api_version": "2026-10-28.endive",
        "application": None,
        "connect": False,
        "created": made["created"],
        "description": "Books",
        "disabled_at": None,
        "disabled_reason": None,
        "enabled_events": ["charge.succeeded"],
        "failing_since": None,
        "livemode": False,
        "metadata": {"team": "a"},
        "previous_secret_expires_at": None,
        "status": "enabled",
        "url": URL,
    }
    assert api.get(path(made)).body == made.body


def test_the_secret_is_shown_once_and_again_to_who_repeats_the_request(
    api: Api, api_server: ApiServer
) -> None:
    key = unique()
    made = create(api, key)
    again = create(api, key)
    assert again.content == made.content
    assert again.headers["idempotent-replayed"] == "true"
    shown = [
        api.get(path(made)),
        api.get("/v1/webhook_endpoints"),
        api.post(path(made), description="x"),
        api.post(f"{path(made)}/test"),
        api.get("/v1/events"),
    ]
    secret = made["secret"]
    for answer in shown:
        assert secret.encode() not in answer.content
        assert b'"secret"' not in answer.content
    # Nor does the database show it, not even in the answer that is kept for repetitions.
    raw = b64decode(secret.removeprefix("whsec_"))
    with psycopg.connect(api_server.database_url) as connection:
        rows = connection.execute(
            "SELECT response FROM idempotency_keys WHERE key = %s "
            "UNION ALL SELECT secret FROM webhook_endpoints WHERE id = %s",
            [key, made["id"]],
        ).fetchall()
    assert len(rows) == 2
    for (stored,) in rows:
        assert secret.encode() not in stored
        assert raw not in stored


def test_no_two_endpoints_have_the_same_secret(api: Api) -> None:
    assert create(api)["secret"] != create(api)["secret"]


def test_types_are_told_once_each(api: Api) -> None:
    made = create(api, enabled_events=["charge.succeeded", "charge.failed", "charge.succeeded"])
    assert made["enabled_events"] == ["charge.failed", "charge.succeeded"]
    # Types that others have, and that are never sent here, may be asked for.
    assert create(api, enabled_events=["*", "account.updated"]).status == 200


def test_only_what_is_named_changes(api: Api) -> None:
    made = create(api, description="a", metadata={"a": "1", "b": "2"})
    del made.body["secret"]
    changed = api.post(path(made), metadata={"a": "", "c": "3"}).body
    assert changed == {**made.body, "metadata": {"b": "2", "c": "3"}}
    changed = api.post(path(made), description="", enabled_events=["*"], url=f"{URL}?b").body
    assert (changed["description"], changed["enabled_events"]) == (None, ["*"])
    assert changed["url"] == f"{URL}?b"
    assert api.get(path(made)).body == changed


def test_an_endpoint_can_be_disabled_and_enabled(api: Api) -> None:
    made = create(api)
    disabled = api.post(path(made), disabled=True)
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "requested")
    assert abs(disabled["disabled_at"] - time.time()) < 60
    assert api.post(path(made), disabled=True).body == disabled.body
    enabled = api.post(path(made), disabled=False).body
    del made.body["secret"]
    assert enabled == made.body


def test_a_deleted_endpoint_is_not_there_any_more(api: Api) -> None:
    made = create(api)
    deleted = api.delete(path(made))
    assert deleted.body == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
    assert api.get("/v1/webhook_endpoints")["data"] == []
    for answer in (
        api.get(path(made)),
        api.post(path(made), description="x"),
        api.delete(path(made)),
        api.post(f"{path(made)}/roll_secret"),
        api.post(f"{path(made)}/test"),
        api.get(f"{path(made)}/deliveries"),
        api.get(f"{path(made)}/replays"),
        api.post(f"{path(made)}/replays", since=1),
    ):
        assert answer.status == 404
        assert answer.error["code"] == "resource_missing"


def test_anothers_endpoint_is_as_if_it_were_not_there(api: Api, other_api: Api) -> None:
    made = create(other_api)
    for answer in (
        api.get(path(made)),
        api.post(path(made), description="x"),
        api.delete(path(made)),
        api.post(f"{path(made)}/roll_secret"),
        api.post(f"{path(made)}/test"),
    ):
        missing = api.get("/v1/webhook_endpoints/we_nobody")
        assert answer.status == missing.status == 404
        assert answer.error["message"].replace(made["id"], "we_nobody") == missing.error["message"]
    assert api.get("/v1/webhook_endpoints")["data"] == []
    assert other_api.get(path(made))["description"] is None


def test_the_list_goes_from_the_newest_to_the_oldest(api: Api) -> None:
    ids = [create(api)["id"] for _ in range(4)][::-1]
    first = api.get("/v1/webhook_endpoints", limit=3)
    assert [each["id"] for each in first["data"]] == ids[:3]
    assert first["has_more"]
    rest = api.get("/v1/webhook_endpoints", limit=3, starting_after=ids[2])
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[3:], False)


def test_there_may_be_sixteen(api: Api, other_api: Api) -> None:
    made = [create(api) for _ in range(16)]
    refused = create(api)
    assert (refused.status, refused.error["param"]) == (400, "url")
    assert "16 webhook endpoints" in refused.error["message"]
    assert create(other_api).status == 200
    api.delete(path(made[3]))
    assert create(api).status == 200
    assert create(api).status == 400


def test_no_race_makes_more_of_them_nor_refuses_one_too_many(api: Api) -> None:
    for _ in range(12):
        create(api)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: create(api), range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 4 + [400] * 4
    messages = {answer.error["message"] for answer in answers if answer.status == 400}
    assert ["16 webhook endpoints" in message for message in messages] == [True]
    assert len(api.get("/v1/webhook_endpoints", limit=100)["data"]) == 16


def test_many_at_once_are_all_made(api: Api) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: create(api), range(16)))
    assert [answer.status for answer in answers] == [200] * 16


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "not a url"}, "url"),
    ({"url": "93.184.215.14/hook"}, "url"),
    ({"url": "https://"}, "url"),
    ({"url": "ftp://93.184.215.14/hook"}, "url"),
    ({"url": "javascript:alert(1)"}, "url"),
    ({"url": "http://93.184.215.14/hook"}, "url"),
    ({"url": "https://ada:secret@93.184.215.14/hook"}, "url"),
    ({"url": "https://ada@93.184.215.14/hook"}, "url"),
    ({"url": "https://127.0.0.1/hook"}, "url"),
    ({"url": "https://10.0.0.7/hook"}, "url"),
    ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
    ({"url": "https://[::1]/hook"}, "url"),
    ({"url": "https://[::ffff:10.0.0.7]/hook"}, "url"),
    ({"url": "https://2130706433/hook"}, "url"),
    ({"url": "https://localhost/hook"}, "url"),
    ({"url": f"{URL}?{'x' * 2048}"}, "url"),
    ({"url": ""}, "url"),
    ({"url": f"{URL}\n"}, "url"),
    ({"enabled_events": ["charge.exploded"]}, "enabled_events[0]"),
    ({"enabled_events": ["charge.failed", "charge.*"]}, "enabled_events[1]"),
    ({"enabled_events": ""}, "enabled_events"),
    ({"description": "x" * 5001}, "description"),
    ({"api_version": "2020-08-27"}, "api_version"),
    ({"metadata": {"a" * 41: "x"}}, "metadata"),
    ({"connect": "perhaps"}, "connect"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("params", "param"), BAD, ids=lambda one: str(one)[:50])
def test_what_cannot_be_is_refused_by_its_name(
    api: Api, params: dict[str, Any], param: str
) -> None:
    refused = create(api, **params)
    assert (refused.status, refused.error["param"]) == (400, param)
    assert refused.error["message"]
    assert api.get("/v1/webhook_endpoints")["data"] == []


@pytest.mark.parametrize("name", ["url", "enabled_events"])
def test_an_endpoint_needs_an_address_and_types(api: Api, name: str) -> None:
    given = {"url": URL, "enabled_events": ["*"]}
    del given[name]
    refused = api.post("/v1/webhook_endpoints", **given)
    assert (refused.status, refused.error["param"]) == (400, name)
    empty = api.raw("POST", "/v1/webhook_endpoints", json={"url": URL, "enabled_events": []})
    assert (empty.status, empty.error["param"]) == (400, "enabled_events")


@pytest.mark.parametrize(
    "url", ["http://93.184.215.14/", "https://ada@93.184.215.14/", "https://[::1]/"]
)
def test_an_address_is_checked_when_it_changes_too(api: Api, url: str) -> None:
    made = create(api)
    refused = api.post(path(made), url=url)
    assert (refused.status, refused.error["param"]) == (400, "url")
    assert api.get(path(made))["url"] == URL


@pytest.mark.parametrize(
    "url", ["http://93.184.215.14/", "http://127.0.0.1:9/", "https://127.0.0.1/"]
)
def test_live_mode_never_sends_in_clear_nor_to_this_machine(
    open_server: ApiServer, url: str
) -> None:
    live = Api(open_server.url, open_server.open_account(livemode=True))
    refused = create(live, url=url)
    assert (refused.status, refused.error["param"]) == (400, "url")
    assert create(live)["livemode"] is True
    test = Api(open_server.url, open_server.open_account())
    assert create(test, url=url).status == 200


def test_how_many_there_may_be_is_a_setting(open_server: ApiServer) -> None:
    api = Api(open_server.url, open_server.open_account())
    assert [create(api).status for _ in range(3)] == [200, 200, 400]


def test_a_rolled_secret_is_a_new_one_and_the_old_one_goes_in_a_day(api: Api) -> None:
    made = create(api)
    rolled = api.post(f"{path(made)}/roll_secret")
    assert rolled["secret"] != made["secret"]
    assert abs(rolled["previous_secret_expires_at"] - time.time() - 86_400) < 60
    assert "secret" not in api.get(path(made)).body
    at_once = api.post(f"{path(made)}/roll_secret", overlap_s=0)
    assert at_once["previous_secret_expires_at"] is None
    assert at_once["secret"] not in {made["secret"], rolled["secret"]}


def test_a_repeated_roll_rolls_once(api: Api) -> None:
    made, key = create(api), unique()
    rolled = api.post(f"{path(made)}/roll_secret", key=key)
    assert api.post(f"{path(made)}/roll_secret", key=key).content == rolled.content


@pytest.mark.parametrize("overlap", [-1, 604_801, "soon"])
def test_an_overlap_lasts_a_week_at_most(api: Api, overlap: Any) -> None:
    refused = api.post(f"{path(create(api))}/roll_secret", overlap_s=overlap)
    assert (refused.status, refused.error["param"]) == (400, "overlap_s")


def test_a_test_event_is_an_event_of_the_endpoint(api: Api) -> None:
    made = create(api)
    assert api.post(f"{path(made)}/test").status == 200
    assert api.post(f"{path(made)}/test").status == 200
    second, first = api.get("/v1/events")["data"]
    assert first["type"] == second["type"] == "webhook_endpoint.test"
    assert first["data"]["object"]["id"] == made["id"]
    assert first["sequence"] < second["sequence"]
    (delivery,) = api.get(f"/v1/events/{first['id']}/deliveries")["data"]
    assert (delivery["status"], delivery["webhook_endpoint"]) == ("pending", made["id"])


def test_a_disabled_endpoint_is_neither_tested_nor_replayed_nor_sent_again(api: Api) -> None:
    made = create(api, enabled_events=["*"])
    api.post("/v1/customers", name="Ada")
    (event,) = api.get("/v1/events")["data"]
    api.post(path(made), disabled=True)
    for answer in (
        api.post(f"{path(made)}/test"),
        api.post(f"{path(made)}/replays", since=1),
        api.post(f"/v1/events/{event['id']}/retry", webhook_endpoint=made["id"]),
    ):
        assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
        assert "disabled=false" in answer.error["message"]


def test_there_is_something_to_replay_only_when_it_is_enabled_again(api: Api) -> None:
    made = create(api)
    for params in ({"replay": True}, {"replay": True, "disabled": False}):
        refused = api.post(path(made), **params)
        assert (refused.status, refused.error["param"]) == (400, "replay")
    api.post(path(made), disabled=True)
    assert api.post(path(made), replay=True).error["param"] == "replay"
    assert api.post(path(made), replay=True, disabled=False)["status"] == "enabled"
    assert api.get(f"{path(made)}/replays")["data"]
