"""Asking for a token: RFC 6749, section 4.4, with its errors; RFC 7523; RFC 8705."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.oauth.asking import (
    ASSERTION,
    Client,
    ask_with,
    assertion,
    confused,
    part,
    post,
    public_pem,
    registered,
)
from tests.support.api import Api, ApiServer
from tests.support.postgres import TestDatabases

GRANT = {"grant_type": "client_credentials"}


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def test_a_token_lets_its_client_in_to_its_scopes_and_no_further(api: Api, client: Client) -> None:
    answer = client.ask()
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["token_type"] == "Bearer"
    assert said["expires_in"] == 600
    assert said["scope"] == "charges:write customers:read"
    token = said["access_token"]
    assert api.send("GET", "/v1/customers", {}, secret=token).status == 200
    assert api.send("GET", "/v1/charges", {}, secret=token).status == 200  # write includes read
    forbidden = api.send("POST", "/v1/customers", {}, secret=token)
    assert forbidden.status == 403
    assert "'customers:write'" in forbidden.error["message"]


def test_a_token_says_what_rfc_9068_wants(api: Api, client: Client) -> None:
    claims = claims_of(client.token(scope="customers:read"))
    assert claims["iss"] == claims["aud"] == api.url
    assert claims["sub"] == claims["client_id"] == client.id
    assert claims["exp"] - claims["iat"] == 600
    assert claims["scope"] == "customers:read"
    assert (claims["account"], claims["livemode"]) == (api.account.account, False)
    assert claims["jti"] != claims_of(client.token())["jti"]


def test_the_secret_may_come_in_the_form(client: Client) -> None:
    form = GRANT | {"client_id": client.id, "client_secret": client.secret}
    assert post(client.url, form).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"scope": "customers:write"}, "invalid_scope"),
        ({"scope": "customers:read refunds:read"}, "invalid_scope"),
        ({"scope": "customers:read  charges:read"}, "invalid_scope"),
        ({"scope": "*"}, "invalid_scope"),
        ({"scope": "customers:read " * 1000}, "invalid_scope"),
        ({"client_id": "oac_other"}, "invalid_request"),
        ({"client_secret": "as well"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_the_words_of_the_rfc(
    client: Client, form: dict[str, str], error: str
) -> None:
    answer = client.ask(**form)
    refused(answer, error)
    assert client.secret[12:-4] not in answer.text


def test_a_client_that_does_not_show_that_it_is_itself_hears_always_the_same(
    client: Client, other_api: Api
) -> None:
    stranger = registered(other_api, "customers:read")
    answers = [
        client.ask(secret=client.secret[:-1]),
        client.ask(secret=stranger.secret),
        Client(client.url, "oac_none", client.secret).ask(),
        Client(client.url, client.id + "x", client.secret).ask(),
    ]
    for answer in answers:
        refused(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert len({answer.content for answer in answers}) == 1
    for form in (GRANT, GRANT | {"client_id": client.id}):
        refused(post(client.url, form), "invalid_client", 401)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"json": GRANT}, 400),
        ({"content": b"grant_type=client_credentials"}, 400),
        ({"data": GRANT, "params": {"scope": "customers:read"}}, 400),
        ({"content": b"a=1&a=2", "headers": {"Content-Type": "x"}}, 400),
        ({"data": {"grant_type": ["client_credentials", "client_credentials"]}}, 400),
        ({"data": {"x": "x" * 40_000}}, 413),
        ({"data": {"x": "x" * 2_000_000}}, 413),
        ({"data": {str(one): "1" for one in range(50)}}, 400),
        ({"data": {"grant_type": "\N{GRINNING FACE}"}}, 400),
    ],
)
def test_what_is_no_form_of_one_request_is_refused(
    client: Client, how: dict[str, Any], status: int
) -> None:
    answer = httpx.post(f"{client.url}/oauth/token", verify=False, **how)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] in {"invalid_request", "unsupported_grant_type"}


@pytest.mark.parametrize("sent", ["Basic !!!", "Basic", "Bearer x", "Basic bm9jb2xvbg=="])
def test_what_is_no_basic_authentication_is_refused(client: Client, sent: str) -> None:
    refused(post(client.url, GRANT, headers={"Authorization": sent}), "invalid_client", 401)


def test_a_suspended_account_gets_no_token_and_its_tokens_are_refused(
    api: Api, api_server: ApiServer, client: Client
) -> None:
    token = client.token()
    with psycopg.connect(api_server.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE accounts SET status = 'suspended' WHERE id = %s", [api.account.account]
        )
    refused(client.ask(), "unauthorized_client")
    answer = api.send("GET", "/v1/customers", {}, secret=token)
    assert (answer.status, answer.error["code"]) == (403, "account_suspended")


def test_whoever_guesses_is_slowed_down(api_server: ApiServer) -> None:
    server = ApiServer(api_server.database_url)
    server.start()
    try:
        guesser = Client(server.url, "oac_none", "guess")
        answers = [guesser.ask() for _ in range(25)]
        other = Client(server.url, "oac_other", "guess").ask().status_code
    finally:
        server.stop()
    assert {one.status_code for one in answers[:20]} == {401}
    # On a slow machine one more failure may be forgotten meanwhile.
    slowed = [one for one in answers[20:] if one.status_code == 429]
    assert slowed
    assert all(0 < int(one.headers["retry-after"]) <= 7 for one in slowed)
    assert other == 401


@pytest.fixture
def alone(postgres: TestDatabases) -> Iterator[Api]:
    """Of an account whose server has heard of nobody else."""
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        api = Api(server.url, server.open_account())
        yield api
        api.close()
        server.stop()


def test_whoever_makes_up_clients_is_stopped_and_those_that_are_known_are_not(alone: Api) -> None:
    known = registered(alone, "customers:read")
    assert known.ask().status_code == 200
    statuses = [Client(alone.url, f"oac_{n}", "guess").ask().status_code for n in range(200)]
    assert statuses[0] == 401
    assert 429 in statuses
    assert known.ask().status_code == 200


def test_a_client_is_given_so_many_tokens_and_others_theirs_beside_it(alone: Api) -> None:
    flooding, other = registered(alone, "customers:read"), registered(alone, "customers:read")
    # Faster than it may: at once, since on a busy machine one after the other is no flood.
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: flooding.ask(), range(240)))
    assert other.ask().status_code == 200
    given = [one for one in answers if one.status_code == 200]
    slowed = [one for one in answers if one.status_code == 429]
    assert len(given) >= 100
    assert slowed
    assert len(given) + len(slowed) == 240
    assert all(one.json()["error"] == "temporarily_unavailable" for one in slowed)
    assert {one.headers["retry-after"] for one in slowed} == {"1"}


# ── private_key_jwt ─────────────────────────────────────────────────────────────────────────

IN_A_DAY = int(time.time()) + 86_400
KEYS = [
    ECKey.generate_key("P-256"),
    OKPKey.generate_key("Ed25519"),
    RSAKey.generate_key(2048),
]


@pytest.fixture
def signer(proxied_api: Api) -> Client:
    return registered(
        proxied_api,
        "customers:read",
        authentication="private_key_jwt",
        public_keys=[public_pem(key) for key in KEYS],
    )


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.key_type)
def test_a_client_may_sign_that_it_is_itself(signer: Client, key: Any) -> None:
    assert ask_with(signer, assertion(signer, key)).status_code == 200
    assert ask_with(signer, assertion(signer, key, aud=[signer.url])).status_code == 200


def test_what_a_client_has_signed_is_good_once(signer: Client) -> None:
    asserted = assertion(signer, KEYS[0])
    assert ask_with(signer, asserted).status_code == 200
    refused(ask_with(signer, asserted), "invalid_client", 401)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "oac_other"},
        {"sub": "oac_other"},
        {"aud": "https://other.example/oauth/token"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": IN_A_DAY},
        {"exp": "never"},
        {"nbf": IN_A_DAY},
        {"nbf": "now"},
        {"jti": None},
        {"jti": "x" * 300},
        {"jti": 7},
        {"jti": "two\nlines"},
    ],
    # The same in every process, whenever it looks at the clock.
    ids=lambda changed: str(changed).replace(str(IN_A_DAY), "in a day"),
)
def test_an_assertion_that_is_not_meant_like_this_is_refused(
    signer: Client, changed: dict[str, Any]
) -> None:
    refused(ask_with(signer, assertion(signer, KEYS[0], **changed)), "invalid_client", 401)


def test_an_assertion_of_another_key_or_algorithm_is_refused(signer: Client) -> None:
    claims = json.loads(base64.urlsafe_b64decode(assertion(signer, KEYS[0]).split(".")[1] + "=="))
    none = f"{part({'alg': 'none'})}.{part(claims)}."
    own = ECKey.generate_key("P-256")
    embedded = jwt.encode(
        {"alg": "ES256", "jwk": own.as_dict(private=False)}, claims, own, algorithms=["ES256"]
    )
    for asserted in (
        assertion(signer, own),
        confused({}, claims, KEYS[0].as_pem(private=False)),
        embedded,
        none,
        "a.b.c",
        "x" * 20_000,
    ):
        refused(ask_with(signer, asserted), "invalid_client", 401)


def test_a_client_that_signs_has_no_secret_that_would_do(signer: Client) -> None:
    refused(signer.ask("anything"), "invalid_client", 401)
    form = GRANT | {"client_assertion": "x", "client_assertion_type": "something"}
    refused(post(signer.url, form), "invalid_request")
    assert ASSERTION in post(signer.url, form).json()["error_description"]


# ── the certificate that a proxy has checked ────────────────────────────────────────────────

IDENTITY = "spiffe://shop.example/checkout"


def certificate(uri: str = IDENTITY) -> str:
    """As RFC 9440 writes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "checkout")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(uri), x509.DNSName("CN=admin")]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return f":{base64.b64encode(made.public_bytes(Encoding.DER)).decode()}:"


def with_certificate(client: Client, *headers: str, **form: str) -> httpx.Response:
    sent = [("Client-Cert", one) for one in headers]
    return post(client.url, GRANT | {"client_id": client.id} | form, headers=sent)


def of(api: Api, identity: str) -> Client:
    return registered(
        api, "customers:read", authentication="tls_client_auth", certificate_identity=identity
    )


@pytest.mark.parametrize(
    ("identity", "header"),
    [
        (IDENTITY, certificate()),
        ("CN=checkout", certificate()),
        ("CN=checkout,O=Shop", "CN=checkout,O=Shop"),
    ],
)
def test_a_trusted_proxy_says_whose_certificate_it_is(
    proxied_api: Api, identity: str, header: str
) -> None:
    answer = with_certificate(of(proxied_api, identity), header)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert proxied_api.send("GET", "/v1/customers", {}, secret=token).status == 200


def test_another_certificate_none_or_two_let_nobody_in(proxied_api: Api) -> None:
    client = of(proxied_api, IDENTITY)
    good = certificate()
    for headers in ((), (certificate(IDENTITY + "2"),), (good, good), (":AAAA:",), ("",)):
        refused(with_certificate(client, *headers), "invalid_client", 401)
    refused(with_certificate(of(proxied_api, "CN=admin"), good), "invalid_client", 401)
    refused(with_certificate(client, good, client_secret="as well"), "invalid_client", 401)


def test_whoever_is_no_trusted_proxy_is_not_believed(api: Api) -> None:
    client = of(api, "CN=checkout")
    refused(with_certificate(client, "CN=checkout"), "invalid_client", 401)
