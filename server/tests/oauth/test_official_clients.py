"""What others use as it comes: authlib to get a token, the official client for payments to use
it, and the key set for whoever checks tokens by themselves."""

from __future__ import annotations

import warnings
from dataclasses import replace

import httpx
import psycopg
import pytest
import stripe
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.oauth.asking import Client, public_pem, registered
from tests.support.api import Api, ApiServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.integrations.requests_client import OAuth2Session


def test_authlib_gets_a_token_and_stripes_client_pays_with_it(api: Api) -> None:
    client = registered(api, "payment_intents:write", "customers:write")
    session = OAuth2Session(client.id, client.secret, scope="payment_intents:write")
    token = session.fetch_token(f"{api.url}/oauth/token", grant_type="client_credentials")
    assert token["scope"] == "payment_intents:write"
    shop = stripe.StripeClient(token["access_token"], base_addresses={"api": api.url})
    paid = shop.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    )
    assert paid.status == "succeeded"
    with pytest.raises(stripe.PermissionError, match="'refunds:write'"):
        shop.v1.refunds.create({"payment_intent": paid.id})


def test_authlib_signs_that_it_is_a_client(api: Api) -> None:
    key = RSAKey.generate_key(2048)
    client = registered(
        api, "customers:read", authentication="private_key_jwt", public_keys=[public_pem(key)]
    )
    endpoint = f"{api.url}/oauth/token"
    session = OAuth2Session(
        client.id, key.as_pem(private=True), token_endpoint_auth_method="private_key_jwt"
    )
    session.register_client_auth_method(PrivateKeyJWT(endpoint, alg="RS256"))
    token = session.fetch_token(endpoint, grant_type="client_credentials")
    assert api.send("GET", "/v1/customers", {}, secret=token["access_token"]).status == 200


def test_whoever_reads_the_metadata_can_check_a_token(api: Api, client: Client) -> None:
    token = client.token()
    described = httpx.get(f"{api.url}/.well-known/oauth-authorization-server", verify=False).json()
    assert described["issuer"] == api.url
    assert described["token_endpoint"] == f"{api.url}/oauth/token"
    assert "customers:read" in described["scopes_supported"]
    assert "tls_client_auth" not in described["token_endpoint_auth_methods_supported"]
    answer = httpx.get(described["jwks_uri"], verify=False)
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()
    assert all("d" not in key and key["use"] == "sig" for key in keys["keys"])
    found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"])
    assert found.claims["client_id"] == client.id


def test_a_token_of_one_process_is_good_in_the_other(database_url: str) -> None:
    """They share the database, and nothing in their memories."""
    one = ApiServer(database_url)
    other = ApiServer(database_url, public_url=one.url)
    one.start()
    other.start()
    api, beside = Api(one.url, account := one.open_account()), Api(other.url, account)
    try:
        client = registered(api, "customers:read")
        tokens = [client.token(), replace(client, url=other.url).token()]
        for token in tokens:
            for each in (api, beside):
                assert each.send("GET", "/v1/customers", {}, secret=token).status == 200
    finally:
        for each in (api, beside):
            each.close()
        one.stop()
        other.stop()
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT count(*) FROM oauth_signing_keys").fetchone()
    assert found == (1,)
