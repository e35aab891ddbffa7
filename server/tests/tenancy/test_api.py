"""Keys and the account over the wire."""

from __future__ import annotations

import base64
from collections.abc import Callable

import psycopg
import pytest

from guilder_server.tenancy.domain.keys import digest, new_key
from tests.support.api import PEPPER, Answer, Api, ApiServer


def with_key(api: Api, key: str) -> Answer:
    return api.raw("GET", "/v1/account", headers={"Authorization": f"Bearer {key}"})


def test_the_account_is_the_keys_own(api: Api) -> None:
    account = api.get("/v1/account")
    assert account.status == 200
    assert account["id"] == api.account.account
    assert account["charges_enabled"] is True
    assert account["type"] == "standard"


def test_basic_authentication_with_an_empty_password_is_as_good(api: Api) -> None:
    word = base64.b64encode(f"{api.key}:".encode()).decode()
    account = api.raw("GET", "/v1/account", headers={"Authorization": f"Basic {word}"})
    assert account["id"] == api.account.account


@pytest.mark.parametrize(
    "make",
    [
        lambda key: new_key("secret", False),  # well-formed, and nobody's
        lambda key: key[:-1],
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key.swapcase(),
        lambda key: "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    ],
)
def test_a_key_that_is_none_is_refused_without_being_repeated(
    api: Api, make: Callable[[str], str]
) -> None:
    key = make(api.key)
    answer = with_key(api, key)
    assert answer.status == 401
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"].startswith("There is no such API key: ")
    assert key[12:-6] not in answer.error["message"]


def test_a_live_key_is_refused_where_live_mode_is_off(api: Api, api_server: ApiServer) -> None:
    answer = with_key(api, api_server.open_account(livemode=True).secret_key)
    assert answer.status == 401
    assert "GUILDER_MODE=live" in answer.error["message"]


@pytest.mark.parametrize(
    ("column", "code"), [("expires_at", "api_key_expired"), ("revoked_at", None)]
)
def test_an_expired_or_revoked_key_is_refused(
    api_server: ApiServer, api: Api, column: str, code: str | None
) -> None:
    account = api_server.open_account()
    with psycopg.connect(api_server.database_url, autocommit=True) as connection:
        connection.execute(
            f"UPDATE api_keys SET {column} = now() WHERE tenant_id = %s AND kind = 'secret'",
            [account.tenant_id],
        )
    answer = with_key(api, account.secret_key)
    assert answer.status == 401
    assert answer.error.get("code") == code
    assert answer.error["message"].endswith(f"****{account.secret_key[-4:]}")


def test_a_publishable_key_may_not_ask_for_the_account(api: Api) -> None:
    answer = with_key(api, api.account.publishable_key)
    assert answer.status == 403
    assert answer.error["code"] == "secret_key_required"


def test_a_restricted_key_may_only_what_it_lists(api: Api, api_server: ApiServer) -> None:
    key = new_key("restricted", False)
    with psycopg.connect(api_server.database_url, autocommit=True) as connection:
        # The account's publishable key becomes a restricted one.
        connection.execute(
            "UPDATE api_keys SET kind = 'restricted', hash = %s, permissions = %s "
            "WHERE tenant_id = %s AND kind = 'publishable'",
            [digest(PEPPER.encode(), key), '["customers:read"]', api.account.tenant_id],
        )
    headers = {"Authorization": f"Bearer {key}"}
    assert api.raw("GET", "/v1/customers", headers=headers).status == 200
    assert api.raw("POST", "/v1/customers", headers=headers).status == 403
    assert api.raw("GET", "/v1/account", headers=headers).status == 403
