"""A server, an account on it, and what the trail is told while a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher

from guilder_server.kernel.audit import AuditEntry
from guilder_server.people.infra import passwords
from guilder_server.postgres import trail
from tests.people.provider import Provider
from tests.support.api import ApiServer

QUICK = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
Told = list[tuple[str, AuditEntry]]


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@contextmanager
def server_with(postgres: Any, provider: Provider) -> Iterator[ApiServer]:
    """One with a provider, and with passwords that are hashed as quickly as they can be."""
    with postgres.database() as url:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(passwords, "PasswordHasher", QUICK)
            server = ApiServer(
                url, oidc_issuer=provider.issuer, oidc_client_id="guilder", oidc_name="Example"
            )
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def api_server(postgres: Any, provider: Provider) -> Iterator[ApiServer]:
    with server_with(postgres, provider) as server:
        yield server


@pytest.fixture
def account(api_server: ApiServer) -> str:
    # All tests come from one address, and together they guess too often.
    with psycopg.connect(api_server.database_url) as connection:
        connection.execute("DELETE FROM sign_in_attempts")
    return api_server.open_account().account


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Each entry with its account, as far as its transaction went."""
    entries: Told = []
    append = trail.append

    async def noted(connection: Any, account: str, entry: AuditEntry) -> None:
        entries.append((account, entry))
        await append(connection, account, entry)

    monkeypatch.setattr(trail, "append", noted)
    yield entries
    for _, entry in entries:
        for secret in ("battery", "$argon2", "csrf", "verifier", "eyJ"):
            assert secret not in repr(entry)


def refusals(told: Told, account: str) -> list[str]:
    """Why nobody was signed in, as the account was told."""
    return [
        str((entry.after or {})["reason"])
        for named, entry in told
        if named == account and entry.action == "sign_in_refused"
    ]
