"""OAuth clients over HTTP: registered, rolled and deleted by those who hold a key that may."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.oauth.asking import Client, public_pem, registered
from tests.support.api import Api, ApiServer


def test_a_client_is_made_and_its_secret_is_shown_once(api: Api) -> None:
    made = api.post("/v1/oauth_clients", scopes=["customers:read"], name="mesh")
    assert made["secret"].startswith("ocs_test_gld")
    assert made["secret_last4"] == made["secret"][-4:]
    assert made["authentication"] == "client_secret"
    found = api.get(f"/v1/oauth_clients/{made['id']}")
    assert found.body == {name: made[name] for name in made.body.keys() - {"secret"}}
    listed = api.get("/v1/oauth_clients")
    assert [one["id"] for one in listed["data"]] == [made["id"]]
    assert made["secret"][12:-4].encode() not in listed.content + found.content


def test_no_secret_is_in_the_database_in_clear(api: Api, api_server: ApiServer) -> None:
    client = registered(api, "customers:read")
    with psycopg.connect(api_server.database_url) as connection:
        rows = connection.execute("SELECT c::text FROM oauth_clients c").fetchall()
        keys = connection.execute("SELECT k::text FROM oauth_signing_keys k").fetchall()
    assert client.id in repr(rows)
    assert client.secret[12:-6] not in repr(rows)
    assert client.secret[12:-6].encode().hex() not in repr(rows)
    assert b"PRIVATE".hex() not in repr(keys)


def test_both_secrets_are_good_while_one_is_rolled(api: Api) -> None:
    client = registered(api, "customers:read")
    rolled = api.post(f"/v1/oauth_clients/{client.id}/roll_secret", overlap_s=60)
    assert 0 < rolled["previous_secret_expires_at"] - time.time() <= 60
    assert client.ask().status_code == 200
    assert client.ask(rolled["secret"]).status_code == 200
    leaked = api.post(f"/v1/oauth_clients/{client.id}/roll_secret", overlap_s=0)
    for gone in (client.secret, rolled["secret"]):
        assert client.ask(gone).json()["error"] == "invalid_client"
    assert client.ask(leaked["secret"]).status_code == 200


def test_a_deleted_client_gets_no_token_and_those_it_has_are_good_no_more(
    api: Api, client: Client
) -> None:
    """How soon, where a token is in use, is for test_bearing.py."""
    token = client.token()
    gone = api.delete(f"/v1/oauth_clients/{client.id}")
    assert gone.body == {"id": client.id, "object": "oauth_client", "deleted": True}
    assert client.ask().json()["error"] == "invalid_client"
    answer = api.send("GET", "/v1/customers", {}, secret=token)
    assert (answer.status, answer.error["code"]) == (401, "access_token_invalid")
    assert api.get(f"/v1/oauth_clients/{client.id}").status == 404
    assert api.get("/v1/oauth_clients")["data"] == []


def test_nobody_gives_a_client_what_they_do_not_have(api: Api) -> None:
    def key(*permissions: str, **more: Any) -> str:
        made = api.post("/v1/api_keys", kind="restricted", permissions=list(permissions), **more)
        return str(made["secret"])

    maker = key("oauth_clients:write", "customers:read")
    made = api.send("POST", "/v1/oauth_clients", {"scopes": ["customers:read"]}, secret=maker)
    assert made.status == 200
    for scopes in (["customers:write"], ["customers:read", "refunds:read"]):
        refused = api.send("POST", "/v1/oauth_clients", {"scopes": scopes}, secret=maker)
        assert refused.status == 403
        assert f"'{scopes[-1]}'" in refused.error["message"]
    stronger = registered(api, "refunds:write")
    path = f"/v1/oauth_clients/{stronger.id}/roll_secret"
    assert api.send("POST", path, {}, secret=maker).status == 403
    # The tokens of a client are let in from everywhere, its maker is not.
    bound = key("oauth_clients:write", "customers:read", allowed_addresses=["127.0.0.1"])
    wish = {"scopes": ["customers:read"]}
    assert api.send("POST", "/v1/oauth_clients", wish, secret=bound).status == 403


def test_a_client_makes_no_key_that_may_more_than_its_token(api: Api) -> None:
    client = registered(api, "api_keys:write", "customers:write", "oauth_clients:write")
    narrow = client.token(scope="api_keys:write customers:read")
    for wish in (
        {"kind": "secret"},
        {"kind": "restricted", "permissions": ["customers:write"]},
    ):
        assert api.send("POST", "/v1/api_keys", wish, secret=narrow).status == 403
    wish = {"kind": "restricted", "permissions": ["customers:read"]}
    made = api.send("POST", "/v1/api_keys", wish, secret=narrow)
    assert made["created_by"] == {"type": "oauth_client", "id": client.id}


EC = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({}, "scopes"),
        ({"scopes": ["customer:read"]}, "scopes"),
        ({"scopes": ["operator:write"]}, "scopes"),
        ({"scopes": ["customers:read"], "authentication": "private_key_jwt"}, "public_keys"),
        (
            {"scopes": ["customers:read"], "authentication": "tls_client_auth"},
            "certificate_identity",
        ),
        ({"scopes": ["customers:read"], "public_keys": [public_pem(EC)]}, "public_keys"),
        *(
            (
                {
                    "scopes": ["customers:read"],
                    "authentication": "private_key_jwt",
                    "public_keys": [public_pem(EC), pem],
                },
                "public_keys[1]",
            )
            for pem in (
                "ssh-ed25519 AAAA",
                EC.as_pem(private=True).decode(),
                public_pem(ECKey.generate_key("P-384")),
                public_pem(RSAKey.generate_key(1024, auto_kid=False)),
                OctKey.generate_key(256).as_dict()["k"],
            )
        ),
    ],
)
def test_a_mistaken_wish_is_named_and_no_private_key_repeated(
    api: Api, params: dict[str, Any], param: str
) -> None:
    refused = api.post("/v1/oauth_clients", **params)
    assert refused.status == 400
    assert refused.error["param"] == param
    assert b"PRIVATE" not in refused.content
    assert api.get("/v1/oauth_clients")["data"] == []


def test_a_client_without_a_secret_has_none_to_roll(api: Api) -> None:
    client = registered(
        api, "customers:read", authentication="private_key_jwt", public_keys=[public_pem(EC)]
    )
    assert client.secret == ""
    assert api.post(f"/v1/oauth_clients/{client.id}/roll_secret").status == 400
