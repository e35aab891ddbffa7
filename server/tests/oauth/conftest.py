"""A client of an account, and a server behind a proxy that it trusts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.oauth.asking import Client, registered
from tests.support.api import Api, ApiServer

CERTIFICATE_HEADER = "Client-Cert"


@pytest.fixture
def client(api: Api) -> Client:
    """May read customers, and write charges."""
    return registered(api, "customers:read", "charges:write")


@pytest.fixture(scope="module")
def proxied(postgres: Any) -> Iterator[ApiServer]:
    """Behind a proxy at 127.0.0.1, which names the certificates of clients."""
    with postgres.database() as url:
        server = ApiServer(url, trusted_proxies="127.0.0.1", client_cert_header=CERTIFICATE_HEADER)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def proxied_api(proxied: ApiServer) -> Iterator[Api]:
    api = Api(proxied.url, proxied.open_account())
    yield api
    api.close()
