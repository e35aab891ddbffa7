"""Access tokens at the door: those of this server are good, and nothing that looks like them."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

from guilder_server.oauth.infra.signatures import purpose
from guilder_server.postgres.seals import Seals
from tests.oauth.asking import Client, confused, part, registered
from tests.support.api import SEALING_KEY, Answer, Api, ApiServer

Change = dict[str, Any]
_ANY_HEADER = JWSRegistry(
    header_registry={"x": HeaderParameter("anything", "str")},
    algorithms=["ES256", "HS256", "ES384"],
    strict_check_header=False,
)


class Forge:
    """Whoever holds the very key that signs, or only its public half, and changes what it says."""

    def __init__(self, api_server: ApiServer, token: str) -> None:
        self.token = token
        self.header, self.claims = (
            json.loads(base64.urlsafe_b64decode(one + "==")) for one in token.split(".")[:2]
        )
        with psycopg.connect(api_server.database_url) as connection:
            row = connection.execute(
                "SELECT sealed FROM oauth_signing_keys WHERE kid = %s", [self.header["kid"]]
            ).fetchone()
        assert row is not None
        pem = Seals(SEALING_KEY).open(bytes(row[0]), purpose(self.header["kid"]))
        self.key = ECKey.import_key(pem)
        self.strange = ECKey.generate_key("P-256")

    def signed(
        self, header: Change | None = None, claims: Change | None = None, key: Any = None
    ) -> str:
        def changed(base: Change, change: Change | None) -> Change:
            both = base | (change or {})
            return {name: value for name, value in both.items() if value is not None}

        return jwt.encode(
            changed(self.header, header),
            changed(self.claims, claims),
            key or self.key,
            registry=_ANY_HEADER,
        )


@pytest.fixture
def forge(api_server: ApiServer, client: Client) -> Forge:
    return Forge(api_server, client.token())


def let_in(api: Api, token: str) -> Answer:
    return api.send("GET", "/v1/customers", {}, secret=token)


def test_what_is_forged_without_a_change_is_good(api: Api, forge: Forge) -> None:
    """So that what follows is refused for its change alone."""
    assert let_in(api, forge.token).status == 200
    assert let_in(api, forge.signed()).status == 200


NOW = int(time.time())
OWN = ECKey.generate_key("P-256")
HOSTILE: dict[str, Callable[[Forge], str]] = {
    "no algorithm": lambda f: f"{part(f.header | {'alg': 'none'})}.{part(f.claims)}.",
    "no signature": lambda f: f.token.rpartition(".")[0] + ".",
    "HMAC with the public key": lambda f: confused(f.header, f.claims, f.key.as_pem(private=False)),
    "HMAC with the public key as JWK": lambda f: confused(
        f.header, f.claims, json.dumps(f.key.as_dict(private=False)).encode()
    ),
    "another algorithm": lambda f: f.signed({"alg": "ES384"}, key=ECKey.generate_key("P-384")),
    "a strange key": lambda f: f.signed(key=f.strange),
    "an embedded key": lambda f: f.signed({"jwk": OWN.as_dict(private=False)}, key=OWN),
    "the place of a key": lambda f: f.signed({"jku": "https://evil.example/jwks"}, key=OWN),
    "a certificate": lambda f: f.signed({"x5u": "https://evil.example/x5u"}, key=OWN),
    "an embedded key beside a good signature": lambda f: f.signed(
        {"jwk": OWN.as_dict(private=False)}
    ),
    "critical": lambda f: f.signed({"crit": ["b64"], "b64": True}),
    "unknown key": lambda f: f.signed({"kid": "unknown"}),
    "key that is a path": lambda f: f.signed({"kid": "../../etc/passwd"}),
    "no kid": lambda f: f.signed({"kid": None}),
    "kid that is SQL": lambda f: f.signed({"kid": "' OR 1=1 --"}),
    "type JWT": lambda f: f.signed({"typ": "JWT"}),
    "no type": lambda f: (
        f"{part({k: v for k, v in f.header.items() if k != 'typ'})}." + f.token.split(".", 1)[1]
    ),
    "issuer": lambda f: f.signed(claims={"iss": "https://other.example"}),
    "audience": lambda f: f.signed(claims={"aud": "https://other.example"}),
    "audiences": lambda f: f.signed(claims={"aud": [f.claims["aud"], "https://other.example"]}),
    "not yet": lambda f: f.signed(claims={"nbf": NOW + 3600}),
    "no end": lambda f: f.signed(claims={"exp": None}),
    "end in words": lambda f: f.signed(claims={"exp": "never"}),
    "end that is true": lambda f: f.signed(claims={"exp": True}),
    "another client": lambda f: f.signed(claims={"client_id": "oac_x", "sub": "oac_x"}),
    "another subject": lambda f: f.signed(claims={"sub": "oac_x"}),
    "another account": lambda f: f.signed(claims={"account": "acct_x"}),
    "another mode": lambda f: f.signed(claims={"livemode": True}),
    "scope that is a list": lambda f: f.signed(claims={"scope": ["customers:read"]}),
    "changed claims": lambda f: ".".join(
        [f.token.split(".")[0], part(f.claims | {"scope": "x:write"}), f.token.split(".")[2]]
    ),
    "truncated": lambda f: f.token[:-10],
    "empty parts": lambda f: "..",
    "header that is a list": lambda f: f"{part([])}.{part({})}.x",
    "header that is deep": lambda f: "W" * 290 + ".e30.x",
    "long": lambda f: f.signed(claims={"padding": "x" * 9000}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_refused_and_nothing_of_it_repeated(
    api: Api, forge: Forge, name: str
) -> None:
    token = HOSTILE[name](forge)
    answer = let_in(api, token)
    assert answer.status == 401, name
    assert answer.error["code"] == "access_token_invalid"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    for one in token.split("."):
        assert len(one) < 5 or one.encode() not in answer.content


def test_an_expired_token_is_told_so(api: Api, forge: Forge) -> None:
    answer = let_in(api, forge.signed(claims={"exp": NOW - 1}))
    assert (answer.status, answer.error["code"]) == (401, "access_token_expired")


def test_a_token_that_is_remembered_expires_all_the_same(api: Api, forge: Forge) -> None:
    ends = int(time.time()) + 2
    token = forge.signed(claims={"exp": ends})
    assert let_in(api, token).status == 200
    time.sleep(ends - time.time())
    assert let_in(api, token).error["code"] == "access_token_expired"


def test_a_token_of_a_megabyte_is_not_read(api: Api) -> None:
    async def status() -> bytes:
        host, _, port = api.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a.b.")
        try:
            writer.write(b"x" * (1 << 20) + b"\r\n\r\n")
            return (await reader.read(64)).split(b" ")[1]
        finally:
            writer.close()

    assert asyncio.run(status()) in {b"400", b"431"}


def test_a_token_of_another_account_opens_nothing_there(api: Api, other_api: Api) -> None:
    mine = registered(api, "customers:read")
    theirs = other_api.post("/v1/customers", name="Eve")["id"]
    absent = theirs[:-4] + "zzzz"
    token = mine.token()
    foreign, nobodys = (
        api.send("GET", f"/v1/customers/{one}", {}, secret=token) for one in (theirs, absent)
    )
    assert foreign.status == 404
    assert foreign.content.replace(theirs.encode(), b"") == nobodys.content.replace(
        absent.encode(), b""
    )


def test_the_words_of_a_token_are_in_no_log(
    api: Api, forge: Forge, capfd: pytest.CaptureFixture[str], client: Client
) -> None:
    let_in(api, forge.signed(key=forge.strange))
    client.ask("wrong-secret-of-a-client")
    time.sleep(0.1)
    logged = "".join(capfd.readouterr())
    assert forge.token.split(".")[1] not in logged
    assert "wrong-secret" not in logged
    assert client.secret not in logged
