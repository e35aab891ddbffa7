"""Limits as a caller meets them."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import stripe

from guilder_server.people.infra.books import Books
from guilder_server.people.infra.store import PostgresPeople
from tests.support.api import Answer, Api, ApiServer, unique
from tests.support.keys import add_key
from tests.support.people import PASSWORD, Visitor, invite, joined
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually

NODE = Path(__file__).parents[1] / "node"
RATE = 10  # a second, so 20 at once


@pytest.fixture(scope="module")
def limited(postgres: TestDatabases) -> Iterator[ApiServer]:
    with postgres.database() as url:
        server = ApiServer(url, rate_test=RATE, rate_bad_keys=2)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def strange(postgres: TestDatabases) -> Iterator[ApiServer]:
    """One for a test that leaves this address with no tries."""
    with postgres.database() as url:
        server = ApiServer(url, rate_test=RATE, rate_bad_keys=2)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def api(limited: ApiServer) -> Iterator[Api]:
    client = Api(limited.url, limited.open_account())
    yield client
    client.close()


def flood(api: Api, path: str = "/v1/balance", most: int = 60) -> list[Answer]:
    """Until one is refused, and that one."""
    answers = []
    for _ in range(most):
        answers.append(api.get(path))
        if answers[-1].status != 200:
            return answers
    raise AssertionError("nothing was refused")


def test_a_flood_is_refused_and_told_for_how_long(api: Api) -> None:
    began = time.monotonic()
    *passed, refused = flood(api)
    taken = time.monotonic() - began
    assert 20 <= len(passed) <= 20 + RATE * taken + 1
    assert refused.status == 429
    assert refused.error["code"] == "rate_limit"
    assert refused.error["type"] == "invalid_request_error"
    assert "10 a second of the class 'reads'" in refused.error["message"]
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert refused.headers["ratelimit-policy"] == '"reads";q=20;w=2, "account-reads";q=40;w=2'
    assert refused.headers["ratelimit"] == '"reads";r=0;t=1'
    time.sleep(1.1)
    assert api.get("/v1/balance").status == 200


def test_who_goes_on_asking_is_answered_late_and_others_are_not(
    api: Api, limited: ApiServer
) -> None:
    for _ in range(5):
        api.get("/v1/customers/search", query="created>1")
    times = []
    for _ in range(3):
        began = time.monotonic()
        while api.get("/v1/customers/search", query="created>1").status == 200:
            began = time.monotonic()
        times.append(time.monotonic() - began)
    assert max(times[1:]) >= 0.25
    other = Api(limited.url, limited.open_account())
    assert other.get("/v1/balance").status == 200
    other.close()


def test_every_answer_says_what_is_left(api: Api) -> None:
    began = time.monotonic()
    left = [api.get("/v1/balance").headers["ratelimit"] for _ in range(3)]
    taken = time.monotonic() - began
    numbers = [int(re.fullmatch(r'"reads";r=(\d+)', one)[1]) for one in left]  # type: ignore[index]
    assert numbers[0] == 19
    assert 17 <= numbers[2] <= 17 + RATE * taken
    assert api.post("/v1/customers", nonsense=1).headers["ratelimit"].startswith('"writes"')


def test_a_class_that_is_used_up_leaves_the_others(api: Api) -> None:
    assert flood(api)[-1].status == 429
    assert api.pay()["status"] == "succeeded"
    assert api.post("/v1/customers", name="Ada").status == 200
    searched = api.get("/v1/customers/search", query="created>1")
    assert searched.headers["ratelimit-policy"].startswith('"search";q=4;w=2,')


def test_another_account_is_not_affected(api: Api, limited: ApiServer) -> None:
    assert flood(api)[-1].status == 429
    other = Api(limited.url, limited.open_account())
    assert other.get("/v1/balance").status == 200
    other.close()


def test_more_keys_do_not_make_the_limit_more_than_twice_as_large(limited: ApiServer) -> None:
    account = limited.open_account()
    keys = [add_key(limited.database_url, account.tenant_id) for _ in range(6)]
    api = Api(limited.url, account)
    answers: list[Answer] = []
    began = time.monotonic()
    # Each key asks on for a while after the first is refused.
    while sum(answer.status == 429 for answer in answers) < len(keys):
        answers += [api.send("GET", "/v1/balance", {}, secret=key) for key in keys]
        assert len(answers) < 200
    taken = time.monotonic() - began
    passed = [answer for answer in answers if answer.status == 200]
    assert 40 <= len(passed) <= 40 + 2 * RATE * taken + 1
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers["stripe-rate-limited-reason"] == "global-rate"
    assert refused.headers["ratelimit"] == '"account-reads";r=0;t=1'
    api.close()


def test_a_refused_payment_leaves_its_key_free(api: Api) -> None:
    def pay(key: str) -> Answer:
        return api.post("/v1/payment_intents", key=key, amount=500, currency="usd")

    while (refused := pay(key := unique())).status == 200:
        pass
    assert refused.status == 429
    assert refused.headers["idempotency-key"] == key
    time.sleep(0.3)
    made = pay(key)
    assert made.status == 200
    assert "idempotent-replayed" not in made.headers


def test_a_connection_goes_on_after_a_refusal_whose_body_nobody_read(api: Api) -> None:
    flood_of_writes(api)
    connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=10)
    headers = {
        "Authorization": f"Bearer {api.key}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = "description=" + "GET /v1/balance HTTP/1.1 " * 20_000
    for _ in range(3):
        connection.request("POST", "/v1/customers", body, headers)
        answer = connection.getresponse()
        assert answer.status in (429, 400)
        json.loads(answer.read())
    connection.request("GET", "/v1/balance", headers=headers)
    assert json.loads(connection.getresponse().read())["object"] == "balance"
    connection.close()


def flood_of_writes(api: Api) -> None:
    while api.post("/v1/customers", name="Ada").status == 200:
        pass


def test_the_official_client_for_python_raises_what_it_has_for_it(api: Api) -> None:
    client = stripe.StripeClient(api.key, base_addresses={"api": api.url}, max_network_retries=0)

    def ask_often() -> None:
        for _ in range(60):
            client.v1.balance.retrieve()

    with pytest.raises(stripe.RateLimitError) as raised:
        ask_often()
    assert raised.value.http_status == 429
    assert raised.value.error is not None
    assert raised.value.error.code == "rate_limit"
    assert raised.value.headers is not None
    assert raised.value.headers["retry-after"] == "1"


def test_the_official_client_for_node_throws_what_it_has_for_it(api: Api, tmp_path: Path) -> None:
    named = {"GUILDER_URL": api.url, "SECRET_KEY": api.key, "ANSWERS": str(tmp_path / "answers")}
    environment = {**os.environ, **named}
    done = subprocess.run(
        ["node", "limits.mjs"],
        cwd=NODE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "type": "StripeRateLimitError",
        "code": "rate_limit",
        "status": 429,
        "reason": "endpoint-rate",
        "after": "1",
    }


def test_keys_that_do_not_exist_are_no_longer_looked_up_and_good_ones_are(
    strange: ApiServer,
) -> None:
    known = Api(strange.url, strange.open_account())
    assert known.get("/v1/balance").status == 200
    answers: list[Answer] = []
    while not answers or answers[-1].status == 401:
        answers.append(known.send("GET", "/v1/balance", {}, secret="sk_test_invented"))
        assert len(answers) < 60
    assert len(answers) >= 20
    assert answers[-1].status == 429
    assert answers[-1].headers["stripe-rate-limited-reason"] == "global-rate"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert known.get("/v1/balance").status == 200
    time.sleep(0.6)
    newcomer = Api(strange.url, strange.open_account())
    assert newcomer.get("/v1/balance").status == 200
    for client in (known, newcomer):
        client.close()


def test_sessions_that_nobody_began_are_no_longer_looked_up(limited: ApiServer) -> None:
    with httpx.Client(base_url=limited.url, verify=False) as client:
        time.sleep(1)
        statuses = []
        for number in range(60):
            headers = {"Cookie": f"guilder_session={number:043}"}
            statuses.append(client.get("/v1/balance", headers=headers).status_code)
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_who_may_not_do_what_they_ask_is_limited_too(strange: ApiServer) -> None:
    """A publishable key is in everybody's hands."""
    account = strange.open_account()
    publishable = add_key(strange.database_url, account.tenant_id, "publishable")
    api = Api(strange.url, account)
    statuses: list[int] = []
    # A busy machine needs more of them to be quicker than the limit.
    while 429 not in statuses and len(statuses) < 200:
        statuses.append(api.send("GET", "/v1/customers", {}, secret=publishable).status)
    assert statuses[0] == 403
    assert statuses[-1] == 429
    api.close()


def test_a_key_of_elsewhere_is_refused_so_often_and_then_not_looked_at(
    strange: ApiServer,
) -> None:
    api = Api(strange.url, strange.open_account())
    made = api.post("/v1/api_keys", kind="secret", allowed_addresses=["192.0.2.0/24"])
    assert made.status == 200
    statuses = [api.send("GET", "/v1/balance", {}, secret=made["secret"]).status for _ in range(60)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    # Whose key is good there has its own allowance.
    assert api.get("/v1/balance").status == 200
    api.close()


def test_what_was_refused_is_in_the_request_log(api: Api) -> None:
    # Of each second only the first few refusals are logged: those of another test are over.
    time.sleep(1.1)
    refused = flood(api)[-1]
    path = f"/v1/request_logs/{refused.headers['request-id']}"
    found: Any = None
    # The log takes a small part of a busy process, so it may come late.
    for _ in range(100):
        time.sleep(0.2)
        if (found := api.get(path)).status == 200:
            break
    assert (found["status"], found["error_code"]) == (429, "rate_limit")


_MADE_UP = {
    "the page of a person": ("GET", "/me", "guilder_session={}"),
    "ending a session": ("POST", "/me/sessions/sess_1/revoke", "guilder_session={}"),
    "a link": ("GET", "/invitations/{}", ""),
}


@pytest.mark.parametrize("way", _MADE_UP)
def test_sessions_and_links_that_nobody_made_are_looked_up_so_often(
    strange: ApiServer, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, path, cookie = _MADE_UP[way]
    looked: list[bytes] = []
    session, link = PostgresPeople.session, Books.invitation_of

    async def session_noted(self: Any, digest: bytes) -> Any:
        looked.append(digest)
        return await session(self, digest)

    async def link_noted(self: Any, digest: bytes) -> Any:
        looked.append(digest)
        return await link(self, digest)

    monkeypatch.setattr(PostgresPeople, "session", session_noted)
    monkeypatch.setattr(Books, "invitation_of", link_noted)
    with httpx.Client(base_url=strange.url, verify=False) as client:
        # A form of ours, as whoever floods can read it off a page.
        form = re.search(r'name="form" value="(\w+)"', client.get("/sign-in").text)
        assert form is not None
        sent = {"form": form[1], "password": PASSWORD, "again": PASSWORD}
        began, statuses = time.monotonic(), []
        answer = None
        for number in range(60):
            headers = {"Origin": strange.url}
            made_up = f"{number:043}"
            if cookie:
                own = f"guilder_sign_in={client.cookies.get('guilder_sign_in')}"
                headers["Cookie"] = f"{own}; {cookie.format(made_up)}"
            answer = client.request(
                method,
                path.format(made_up),
                headers=headers,
                data=sent if method == "POST" else None,
            )
            statuses.append(answer.status_code)
        taken = time.monotonic() - began
    assert answer is not None
    assert statuses[-1] == 429, statuses
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["stripe-rate-limited-reason"] == "global-rate"
    assert 0 < len(looked) <= 20 + 2 * taken + 2


def test_whoever_signs_in_is_let_in_beside_a_flood(strange: ApiServer) -> None:
    known, email = joined(strange.database_url, strange.url, strange.open_account().account)
    link = invite(
        strange.database_url, strange.url, strange.open_account().account, "a@example.com"
    )
    newcomer = Visitor(strange.url)
    with httpx.Client(base_url=strange.url, verify=False) as client:

        def flood() -> None:
            for number in range(60):
                client.get("/me", headers={"Cookie": f"guilder_session={number:043}"})

        ended = {"Cookie": "guilder_session=" + "x" * 43}

        def refused() -> bool:
            flood()
            return client.get("/me", headers=ended).status_code == 429

        assert eventually(refused)  # a second is enough to be forgotten
        # The page for signing in is shown to all, and to whoever holds a session that has ended.
        assert client.get("/sign-in", headers=ended).status_code == 200
        assert email in known.visit("/me").page
        assert known.ask("GET", "/v1/sessions/current").status == 200

        def turned_away() -> bool:
            flood()
            return newcomer.visit(link).status == 429

        assert eventually(turned_away)
    assert eventually(lambda: newcomer.visit(link).status == 200)
