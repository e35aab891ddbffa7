"""The API as its users meet it: real HTTP to a real server, every answer held to the contract.

Fixtures:
- `api`: a client of an account of its own, so that tests share a server and nothing else.
- `other_api`: a second account on the same server, for what must not be seen.
- `api_server`: the server; `api_server.open_account()` gives further accounts.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import pytest
import sqlalchemy as sa
import uvicorn
import yaml
from stripe._encode import _api_encode

from guilder_server.commands.whole_answers import WholeAnswers
from guilder_server.http.contract import contract_path
from guilder_server.main import create_app
from guilder_server.settings import Settings
from guilder_server.tenancy.bootstrap import DevAccount, open_account
from tests.support.beyond import official
from tests.support.stripe_types import problems

OPERATOR_KEY = "the operator's key of the tests only, long enough"
PEPPER = "a pepper that is used in the tests only"
FINGERPRINT_KEY = "a fingerprint key of the tests only"
SEALING_KEY = "a sealing key that is for the tests only"
# A test asks for more in a second than a user does; tests of the limits set their own.
UNLIMITED = {"rate_live": 0, "rate_test": 0, "rate_bad_keys": 0}


@cache
def document() -> dict[str, Any]:
    with contract_path().open("rb") as file:
        loaded: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    return loaded


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    found = []
    for path, item in document()["paths"].items():
        pattern = re.compile(re.sub(r"\{[^}]+\}", r"[^/]+", path) + r"\Z")
        found += [
            (method.upper(), pattern, op) for method, op in item.items() if "operationId" in op
        ]
    # A fixed path such as /search comes before one with a name in its place.
    return sorted(found, key=lambda one: one[1].pattern.count("[^/]+"))


@cache
def _validator(response: str) -> jsonschema_rs.Validator:
    """What checks the bodies of a response of the contract."""
    content = document()["components"]["responses"][response]["content"]
    schema = content["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator(
        {"allOf": [schema], "components": document()["components"]}
    )


def _response_of(operation: dict[str, Any], status: int) -> str:
    responses = operation["responses"]
    ref: str = responses.get(str(status), responses["default"])["$ref"]
    return ref.rsplit("/", 1)[1]


def differences(method: str, path: str, status: int, body: Any) -> list[str]:
    """What of an answer the contract or the official types do not allow."""
    for wanted, pattern, operation in _operations():
        if wanted == method and pattern.match(path):
            errors = _validator(_response_of(operation, status)).iter_errors(body)
            found = [f"{'.'.join(map(str, e.instance_path))}: {e.message}" for e in errors]
            return found + (problems(official(body)) if status == 200 else [])
    # No operation: only an error may be the answer.
    return [error.message for error in _validator("Error").iter_errors(body)]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: httpx.Headers
    content: bytes

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["error"]
        return found


class Api:
    """A client of one account. Parameters are encoded as the official client encodes them."""

    def __init__(self, url: str, account: DevAccount) -> None:
        self.url, self.account = url, account
        self.key = account.secret_key
        # Reading the certificates of the world takes longer than most tests; there is no TLS here.
        self._client = httpx.Client(base_url=url, timeout=30, verify=False)

    def get(self, path: str, **params: Any) -> Answer:
        return self.send("GET", path, params)

    def post(self, path: str, *, key: str | None = None, **params: Any) -> Answer:
        return self.send("POST", path, params, idempotency_key=key)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path, {})

    def send(
        self,
        method: str,
        path: str,
        params: dict[str, Any],
        *,
        idempotency_key: str | None = None,
        headers: dict[str, str] | None = None,
        secret: str | None = None,
    ) -> Answer:
        sent = {"Authorization": f"Bearer {secret or self.key}", **(headers or {})}
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        return self.asked(self._client, method, path, params, sent)

    def asked(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        params: dict[str, Any],
        headers: dict[str, str],
    ) -> Answer:
        """A request that says of its caller what `headers` say."""
        pairs = [(name, str(value)) for name, value in _api_encode(params)]
        if method == "GET":
            return self.checked(client.request(method, path, params=pairs, headers=headers))
        body = str(httpx.QueryParams(pairs)).encode()
        sent = headers | {"Content-Type": "application/x-www-form-urlencoded"}
        return self.checked(client.request(method, path, content=body, headers=sent))

    def raw(self, method: str, path: str, **how: Any) -> Answer:
        """A request as httpx makes it, with the account's key unless `headers` say another."""
        headers = {"Authorization": f"Bearer {self.key}"} | how.pop("headers", {})
        return self.checked(self._client.request(method, path, headers=headers, **how))

    def checked(self, response: httpx.Response) -> Answer:
        """The answer, once it is known to keep the contract."""
        body = json.loads(response.content)
        method, path = response.request.method, response.request.url.path
        found = differences(method, path, response.status_code, body)
        assert not found, f"{method} {path} answered {response.status_code} with {found}"
        assert response.status_code < 500, body
        assert response.headers["request-id"].startswith("req_")
        return Answer(response.status_code, body, response.headers, response.content)

    def close(self) -> None:
        self._client.close()

    def pay(self, amount: int = 2000, **params: Any) -> Answer:
        """A card payment, by default one that succeeds at once."""
        given = {"currency": "usd", "payment_method": "pm_card_visa", "confirm": True} | params
        return self.post("/v1/payment_intents", amount=amount, **given)


class ApiServer:
    """The application behind a real socket, in a thread of the test process."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.database_url = database_url
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._settings = Settings(
            database_url=database_url,
            key_pepper=PEPPER,
            fingerprint_key=FINGERPRINT_KEY,
            sealing_key=SEALING_KEY,
            **{"public_url": self.url, **UNLIMITED, **settings},
        )
        config = uvicorn.Config(
            create_app(self._settings),
            loop="uvloop",
            http=WholeAnswers,
            log_level="warning",
            # As `guilder serve` has it: which proxies are believed is for http/origin.py to say.
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            assert self._thread.is_alive(), "the server stopped while starting"
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)

    def open_account(self, livemode: bool = False) -> DevAccount:
        return new_account(self.database_url, livemode)


def new_account(
    database_url: str, livemode: bool = False, account: str | None = None
) -> DevAccount:
    """Keys to an account, a new one if none is named, in a database that servers started with
    PEPPER use."""
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        return open_account(connection, PEPPER.encode(), livemode=livemode, account=account)


def unique(prefix: str = "key") -> str:
    return f"{prefix}-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def api_server(postgres: Any) -> Iterator[ApiServer]:
    with postgres.database() as url:
        server = ApiServer(url, operator_key=OPERATOR_KEY)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def api(api_server: ApiServer) -> Iterator[Api]:
    client = Api(api_server.url, api_server.open_account())
    yield client
    client.close()


@pytest.fixture
def other_api(api_server: ApiServer) -> Iterator[Api]:
    client = Api(api_server.url, api_server.open_account())
    yield client
    client.close()
