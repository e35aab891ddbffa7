"""Who is let in, and to what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from guilder_server.tenancy.domain import keys
from tests.support.api import Answer, ApiServer
from tests.support.contract import OPERATIONS, Operation
from tests.support.keys import add_key
from tests.support.world import World

ALL = list(OPERATIONS.values())
PAST = datetime.now(UTC) - timedelta(seconds=1)
FUTURE = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    """One that sends no key."""
    with httpx.Client(base_url=world.api.url) as found:
        yield found


def ask(
    world: World, operation: Operation, key: str, params: dict[str, Any] | None = None
) -> Answer:
    sent = world.params(operation) if params is None else params
    return world.api.send(operation.method, world.path(operation), sent, secret=key)


def assert_unknown(answer: Answer, key: str) -> None:
    assert answer.status == 401
    assert answer.error["type"] == "invalid_request_error"
    assert "code" not in answer.error
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert key[12:-4] not in answer.content.decode()


# ── no key, or none that is one ─────────────────────────────────────────────────────────────


def mistyped(key: str) -> str:
    return key[:-1] + ("A" if key[-1] != "A" else "B")


# Well-formed, and nobody's: each process of a test run must know the same one.
_BODY = "sk_test_gld" + "0123456789abcdefghijklmnopqrstuv"
GOOD = _BODY + keys.check_sum(_BODY)


@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Basic", "Basic :", "Digest username=x"),
        *(f"Token {GOOD}", f"bearer{GOOD}", GOOD, f"Bearer {GOOD} {GOOD}", f"Bearer {GOOD}:"),
        *(f"Bearer {mistyped(GOOD)}", f"Bearer {GOOD.upper()}", f"Bearer {GOOD[:-1]}"),
        *(f"Bearer {GOOD}x", "Bearer sk_test_123", "Bearer " + "x" * 5000, "Bearer ' OR 1=1 --"),
        *(f"Bearer sk_test_gld{'0' * 38}", f"Bearer xk{GOOD[2:]}", f"Bearer {GOOD}"),
        *("Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe:").decode(), "Basic " + "A" * 5000),
        "Basic " + base64.b64encode(b":" + GOOD.encode()).decode(),
    ],
)
def test_what_is_no_key_is_refused(client: httpx.Client, authorization: str) -> None:
    response = client.get("/v1/customers", headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert GOOD not in response.text
    assert len(response.content) < 1000


def test_two_keys_at_once_are_refused(world: World, client: httpx.Client) -> None:
    twice = [("Authorization", f"Bearer {world.api.key}"), ("Authorization", f"Bearer {GOOD}")]
    assert client.get("/v1/customers", headers=twice).status_code == 400


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_word_before_a_key_may_be_written_in_any_case(
    world: World, client: httpx.Client, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme}   {world.api.key}"}
    assert client.get("/v1/account", headers=headers).status_code == 200


@pytest.mark.parametrize("password", ["", "anything", "a:b"])
def test_a_key_may_come_as_the_user_name_of_basic_authentication(
    world: World, client: httpx.Client, password: str
) -> None:
    response = client.get("/v1/account", auth=(world.api.key, password))
    assert response.status_code == 200
    assert response.json()["id"] == world.api.account.account


def test_a_key_in_the_query_string_lets_nobody_in(world: World, client: httpx.Client) -> None:
    assert client.get(f"/v1/account?key={world.api.key}").status_code == 401


# ── keys that once were, or are somebody else's ─────────────────────────────────────────────


def test_a_revoked_key_answers_as_one_that_never_was(world: World, api_server: ApiServer) -> None:
    tenant = world.api.account.tenant_id
    revoked = add_key(api_server.database_url, tenant, revoked_at=PAST)
    never = keys.new_key("secret", livemode=False)
    answers = [world.api.send("GET", "/v1/account", {}, secret=key) for key in (revoked, never)]
    assert_unknown(answers[0], revoked)
    assert_unknown(answers[1], never)
    assert (
        answers[0].content.decode().replace(revoked[-4:], never[-4:]) == answers[1].content.decode()
    )


def test_an_expired_key_is_told_that_it_has_expired(world: World, api_server: ApiServer) -> None:
    tenant = world.api.account.tenant_id
    expired = add_key(api_server.database_url, tenant, expires_at=PAST)
    answer = world.api.send("GET", "/v1/account", {}, secret=expired)
    assert answer.status == 401
    assert answer.error["code"] == "api_key_expired"
    assert expired[12:-4] not in answer.content.decode()
    still_good = add_key(api_server.database_url, tenant, expires_at=FUTURE)
    assert world.api.send("GET", "/v1/account", {}, secret=still_good).status == 200


def test_an_expired_key_that_was_revoked_says_nothing_more(
    world: World, api_server: ApiServer
) -> None:
    tenant = world.api.account.tenant_id
    key = add_key(api_server.database_url, tenant, expires_at=PAST, revoked_at=PAST)
    assert_unknown(world.api.send("GET", "/v1/account", {}, secret=key), key)


def test_a_key_of_another_installation_is_not_known(world: World, api_server: ApiServer) -> None:
    """Its row alone, copied from a database with another pepper, opens nothing."""
    tenant = world.api.account.tenant_id
    key = add_key(api_server.database_url, tenant, pepper="another pepper")
    assert_unknown(world.api.send("GET", "/v1/account", {}, secret=key), key)


@pytest.mark.parametrize("kind", ["secret", "publishable", "restricted"])
def test_a_live_key_is_refused_on_a_server_for_tests(
    world: World, api_server: ApiServer, kind: Any
) -> None:
    live = api_server.open_account(livemode=True)
    key = add_key(api_server.database_url, live.tenant_id, kind, livemode=True, permissions=[])
    answer = world.api.send("GET", "/v1/account", {}, secret=key)
    assert answer.status == 401
    assert "live mode" in answer.error["message"]
    assert key[12:-4] not in answer.content.decode()
    # Also one that nobody has: whether it exists is not said.
    absent = keys.new_key(kind, livemode=True)
    assert world.api.send("GET", "/v1/account", {}, secret=absent).content == answer.content


def test_a_restricted_key_without_permissions_may_do_nothing(
    world: World, api_server: ApiServer
) -> None:
    tenant = world.api.account.tenant_id
    for permissions in ([], None):
        key = add_key(api_server.database_url, tenant, "restricted", permissions=permissions)
        assert {ask(world, operation, key).status for operation in ALL} == {403}
