"""Clients, and how they ask for tokens."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.support.api import Api

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = {"EC": "ES256", "OKP": "Ed25519", "RSA": "PS256"}


@dataclass(frozen=True)
class Client:
    url: str
    id: str
    secret: str

    def ask(self, secret: str | None = None, **form: str) -> httpx.Response:
        """With its secret as basic authentication."""
        sent = {"grant_type": "client_credentials"} | form
        return post(self.url, sent, auth=(self.id, secret or self.secret))

    def token(self, **form: str) -> str:
        answer = self.ask(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def registered(api: Api, *scopes: str, **more: Any) -> Client:
    made = api.post("/v1/oauth_clients", scopes=list(scopes), **more)
    assert made.status == 200, made.body
    return Client(api.url, made["id"], made.body.get("secret", ""))


def post(url: str, form: dict[str, str], **how: Any) -> httpx.Response:
    return httpx.post(f"{url}/oauth/token", data=form, verify=False, **how)


def public_pem(key: ECKey | OKPKey | RSAKey) -> str:
    return key.as_pem(private=False).decode()


def part(value: object) -> str:
    """A piece of a JWT."""
    return encoded(json.dumps(value).encode())


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def confused(header: dict[str, Any], claims: dict[str, Any], public: bytes) -> str:
    """A token whose HMAC has a public key for its secret; libraries refuse to make one."""
    said = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
    return f"{said}.{encoded(hmac.digest(public, said.encode(), 'sha256'))}"


def assertion(client: Client, key: ECKey | OKPKey | RSAKey, **changed: Any) -> str:
    claims = {
        "iss": client.id,
        "sub": client.id,
        "aud": f"{client.url}/oauth/token",
        "jti": str(uuid.uuid4()),
        "exp": int(time.time()) + 60,
    } | changed
    given = {name: value for name, value in claims.items() if value is not None}
    algorithm = _ALGORITHMS[key.key_type]
    return jwt.encode({"alg": algorithm}, given, key, algorithms=[algorithm])


def ask_with(client: Client, asserted: str, **form: str) -> httpx.Response:
    sent = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": asserted,
    }
    return post(client.url, sent | form)
