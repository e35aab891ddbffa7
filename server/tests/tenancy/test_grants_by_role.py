"""People make keys and clients that may no more than their role."""

from __future__ import annotations

from typing import Any

import pytest

from guilder_server.http.contract import Contract
from tests.support.api import ApiServer
from tests.support.people import Visitor, joined

MAY = Contract.load().roles["developer"]


@pytest.fixture(scope="module")
def developer(api_server: ApiServer) -> Visitor:
    account = api_server.open_account().account
    return joined(api_server.database_url, api_server.url, account, "developer")[0]


def test_a_key_of_a_developer_may_all_that_they_may(developer: Visitor) -> None:
    made = developer.ask(
        "POST",
        "/v1/api_keys",
        kind="restricted",
        **{f"permissions[{place}]": one for place, one in enumerate(sorted(MAY))},
    )
    assert made.status == 200
    assert made["permissions"] == sorted(MAY)
    assert made["created_by"]["type"] == "user"


@pytest.mark.parametrize(
    ("path", "wish", "lacking"),
    [
        ("/v1/api_keys", {"kind": "secret"}, "charges:write"),
        ("/v1/api_keys", {"kind": "publishable"}, "charges:write"),
        (
            "/v1/api_keys",
            {"kind": "restricted", "permissions[]": "refunds:write"},
            "refunds:write",
        ),
        ("/v1/api_keys", {"kind": "restricted", "permissions[]": "users:write"}, "users:write"),
        (
            "/v1/oauth_clients",
            {"authentication": "client_secret", "scopes[]": "payouts:write"},
            "payouts:write",
        ),
    ],
)
def test_a_developer_makes_nothing_that_may_more(
    developer: Visitor, path: str, wish: dict[str, Any], lacking: str
) -> None:
    before = len(developer.ask("GET", path, limit=100)["data"])
    refused = developer.ask("POST", path, **wish)
    assert refused.status == 403
    assert f"Your role does not have the permission '{lacking}'" in refused.error["message"]
    assert len(developer.ask("GET", path, limit=100)["data"]) == before


def test_a_developer_rolls_no_key_that_may_more(developer: Visitor) -> None:
    """The keys that the account was opened with are full ones."""
    keys = developer.ask("GET", "/v1/api_keys")["data"]
    for key in (one for one in keys if one["kind"] != "restricted"):
        refused = developer.ask("POST", f"/v1/api_keys/{key['id']}/roll")
        assert refused.status == 403
        assert developer.ask("GET", f"/v1/api_keys/{key['id']}")["replaced_by"] is None
