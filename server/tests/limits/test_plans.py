"""Whoever asks for an account is held to its plan: a key, a token, a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.oauth.asking import registered
from tests.support.api import Api, ApiServer
from tests.support.people import begun_sessions
from tests.support.postgres import TestDatabases
from tests.usage.keeping import plans_file, put_on

PLANS = """
default = "free"
[plans.free]
[plans.slow.rates]
test_per_s = 5
"""
Answered = Callable[[Api], Mapping[str, str]]


@pytest.fixture(scope="module")
def planned(
    postgres: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    folder: Path = tmp_path_factory.mktemp("plans")
    with postgres.database() as url:
        server = ApiServer(url, plans=plans_file(folder, PLANS), rate_test=100)
        server.start()
        yield server
        server.stop()


def by_key(api: Api) -> Mapping[str, str]:
    return api.get("/v1/balance").headers


def by_token(api: Api) -> Mapping[str, str]:
    token = registered(api, "balance:read").token()
    return api.send("GET", "/v1/balance", {}, secret=token).headers


def by_session(server: ApiServer) -> Answered:
    def answered(api: Api) -> Mapping[str, str]:
        account = api.account.account
        person = begun_sessions(server.database_url, server.url, account, ["viewer"])["viewer"]
        return httpx.get(f"{server.url}/v1/balance", headers=person, verify=False).headers

    return answered


@pytest.mark.parametrize(("plan", "burst"), [("slow", 10), (None, 200)])
def test_every_kind_of_caller_has_the_limit_of_the_plan(
    planned: ApiServer, plan: str | None, burst: int
) -> None:
    account = planned.open_account()
    put_on(planned.database_url, account.account, plan)
    api = Api(planned.url, account)
    try:
        for caller in (by_key, by_token, by_session(planned)):
            policy = caller(api)["ratelimit-policy"]
            assert policy.startswith(f'"reads";q={burst};w=2'), caller
    finally:
        api.close()
